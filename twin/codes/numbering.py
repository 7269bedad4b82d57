"""Cutting a community into management grid cells, and numbering them."""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from twin.codes.cells import MOST_CELLS, grid_cell_code
from twin.crs import CityGeometry
from twin.errors import InvalidInputError

_SLIVER = 0.25
"""A piece smaller than this share of a full cell goes to a neighbour."""
_LARGEST = 1.25
"""A piece grows beyond this many full cells only if nothing else can take a sliver."""
_GRID_M = 0.001
_LEAST_M2 = 1.0
_WIDEST_M = 10_000.0
_MOST_SQUARES = 1_000_000
"""Of a strip across the country most squares are empty, and all have to be tried."""


class NumberedCell(NamedTuple):
    """A cell and its code."""

    code: str
    area: CityGeometry


class _Piece(NamedTuple):
    row: int
    area: BaseGeometry


def cut_community(community: CityGeometry, region: str, *, size_m: float) -> list[NumberedCell]:
    """Return a community cut into cells, numbered from west to east, row by row from the north.

    Parameters
    ----------
    community : CityGeometry
        Its area, a polygon or several, metres.
    region : str
        Its code, 12 digits.
    size_m : float
        The side of a full cell, m.

    Returns
    -------
    list of NumberedCell
        Cells do not overlap, share their edges, and together are the community, to a millimetre.
        Each is one piece; slivers at the rim belong to the neighbour with the longest common edge.

    Raises
    ------
    InvalidInputError
        If the area is no polygon in metres, the region no community, the side out of range, or
        more than 999 cells would arise.

    References
    ----------
    .. [1] GB/T 30428: the running number goes from west to east, from north to south, inside one
       community.

    Examples
    --------
    >>> cells = cut_community(shapely.box(0, 0, 200, 200), "440507001002", size_m=100)
    >>> [(cell.code[-3:], cell.area.centroid.coords[0]) for cell in cells]
    [('001', (50.0, 150.0)), ('002', (150.0, 150.0)), ('003', (50.0, 50.0)), ('004', (150.0, 50.0))]
    """
    grid_cell_code(region, 1)
    if not 1 < size_m <= _WIDEST_M:
        raise InvalidInputError(f"the side of a cell is 1 to {_WIDEST_M:g} m, not {size_m:g}")
    whole = _sound(community)
    if shapely.area(whole) / size_m**2 > 4 * MOST_CELLS:
        raise _too_many(size_m)
    pieces = _without_slivers(_pieces(whole, size_m), size_m)
    if len(pieces) > MOST_CELLS:
        raise _too_many(size_m)
    ordered = sorted(pieces, key=lambda piece: (piece.row, shapely.bounds(piece.area)[0]))
    return [
        NumberedCell(grid_cell_code(region, number), CityGeometry(piece.area))
        for number, piece in enumerate(ordered, 1)
    ]


def _sound(community: CityGeometry) -> BaseGeometry:
    """Return a community in the plane, its vertices on the grid of a millimetre."""
    area = isinstance(community, Polygon | MultiPolygon) and not community.is_empty
    if not area or not shapely.is_valid(community):
        raise InvalidInputError("a community is a valid polygon, or several")
    whole = shapely.set_precision(shapely.force_2d(community), _GRID_M)
    if whole.area < _LEAST_M2:
        raise InvalidInputError(
            f"the community has {community.area:.3g} m²: its coordinates are no metres of the city"
        )
    return whole


def _pieces(community: BaseGeometry, size_m: float) -> list[_Piece]:
    west, _, east, north = shapely.bounds(community)
    south = shapely.bounds(community)[1]
    columns, rows = (int(np.ceil(span / size_m - 1e-9)) for span in (east - west, north - south))
    if columns * rows > _MOST_SQUARES:
        raise _too_many(size_m)
    row, column = (axis.ravel() for axis in np.mgrid[:rows, :columns])
    boxes = shapely.box(
        west + column * size_m,
        north - (row + 1) * size_m,
        west + (column + 1) * size_m,
        north - row * size_m,
    )
    # On one grid of millimetres, so that neighbours have the very same vertices.
    cut = shapely.intersection(community, boxes, grid_size=_GRID_M)
    return [
        _Piece(int(number), part)
        for number, whole in zip(row, cut, strict=True)
        for part in shapely.get_parts(whole)
        if part.geom_type == "Polygon" and part.area > 0
    ]


def _without_slivers(pieces: list[_Piece], size_m: float) -> list[_Piece]:
    """Return the pieces with small ones joined to the neighbour of the longest common edge."""
    small = _SLIVER * size_m**2
    kept = list(pieces)
    alone: set[int] = set()
    while True:
        areas = shapely.area(np.array([piece.area for piece in kept], object))
        order = [int(k) for k in np.argsort(areas, kind="stable") if areas[k] < small]
        chosen = next((k for k in order if id(kept[k].area) not in alone), None)
        if chosen is None:
            return kept
        sliver = kept[chosen]
        shared = _common_edges(sliver.area, kept, chosen)
        if not shared.any():
            alone.add(id(sliver.area))  # an island: a cell of its own
            continue
        into = _neighbour(shared, areas, sliver.area.area, size_m)
        joined = shapely.union(kept[into].area, sliver.area, grid_size=_GRID_M)
        surfaces = [p for p in shapely.get_parts(joined) if p.geom_type == "Polygon"]
        if len(surfaces) != 1:
            alone.add(id(sliver.area))  # they meet in less than a millimetre
            continue
        kept[into] = _Piece(kept[into].row, surfaces[0])
        del kept[chosen]


def _neighbour(
    shared: NDArray[np.float64], areas: NDArray[np.float64], area_m2: float, size_m: float
) -> int:
    """Return which piece takes a sliver: the longest common edge, of equal ones the smaller piece.

    One that would become much larger than a full cell takes it only if there is no other: along a
    narrow strip every piece is a sliver, and one of them would eat all others.
    """
    fits = (shared > 0) & (areas + area_m2 <= _LARGEST * size_m**2)
    chosen = np.flatnonzero(fits if fits.any() else shared > 0)
    order = np.lexsort((areas[chosen], -np.round(shared[chosen], 3)))
    return int(chosen[order[0]])


def _common_edges(area: BaseGeometry, pieces: list[_Piece], itself: int) -> NDArray[np.float64]:
    others = np.array([piece.area for piece in pieces], object)
    near = shapely.intersects(others, area)
    near[itself] = False
    shared = np.zeros(len(pieces))
    shared[near] = shapely.length(shapely.intersection(others[near], area, grid_size=_GRID_M))
    return shared


def _too_many(size_m: float) -> InvalidInputError:
    return InvalidInputError(
        f"cells of {size_m:g} m would be more than {MOST_CELLS}, all that a community has numbers "
        "for; choose a larger side"
    )
