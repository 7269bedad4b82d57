"""Pieces of CityJSON 2.0: vertices, nested boundaries, semantics, blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.cityjson._flatten import LOOSE, SOLIDS
from twin.cityjson._semantics import unpacked

Floats = NDArray[np.float64]

SCALE_M = 0.001
_MANY = 65_536
_SEMANTIC_NAMES = ("GroundSurface", "WallSurface", "RoofSurface")
_GROUND, _WALL, _ROOF = 0, 1, 2


class Corners:
    """The vertices of a document: equal ones are written once, in whole millimetres.

    >>> corners = Corners(np.array([100.0, 200.0, 0.0]))
    >>> corners.of(np.array([[100.5, 200.0, 3.0], [100.5, 200.0, 3.0]])), corners.listed
    ([0, 0], [(500, 0, 3000)])
    """

    def __init__(self, zero: Floats) -> None:
        self.zero = zero
        self.places: dict[tuple[int, int, int], int] = {}

    def of(self, points: Floats) -> list[int]:
        """Return the numbers of points, shape (n, 3), m in the city's frame."""
        whole = np.rint((points - self.zero) / SCALE_M).astype(np.int64).tolist()
        places = self.places
        return [places.setdefault((x, y, z), len(places)) for x, y, z in whole]

    @property
    def listed(self) -> list[tuple[int, int, int]]:
        """All vertices, in order."""
        return list(self.places)


def geometry(row: Mapping[str, Any], corners: Corners) -> dict[str, Any]:
    """Return a stored geometry as CityJSON writes it."""
    own = np.frombuffer(row["vertices"], "<f4").reshape(-1, 3).astype(np.float64)
    centre = np.array([row["centre_x_m"], row["centre_y_m"], row["centre_z_m"]])
    number = corners.of(own + centre)
    kind = row["geometry_type"]
    found: dict[str, Any] = {"type": kind}
    if row["lod"] is not None:
        found["lod"] = row["lod"]
    faces = _faces(row, number)
    if kind in LOOSE:
        (lines,) = faces
        found["boundaries"] = lines[0] if kind == "MultiPoint" else lines
        return found
    found["boundaries"] = _nested(kind, faces, row["shells"])
    if row["surfaces"] is not None:
        of_face = unpacked(row["face_surface"], len(row["surfaces"])).tolist()
        values = [None if value < 0 else value for value in of_face]
        found["semantics"] = {
            "surfaces": row["surfaces"], "values": _nested(kind, values, row["shells"])
        }  # fmt: skip
    return found


def _faces(row: Mapping[str, Any], number: list[int]) -> list[Any]:
    """Return the faces of a mesh as lists of rings of the document's vertices."""
    if row["rings"] is None:
        kind = "<u2" if row["vertex_count"] < _MANY else "<u4"
        triangles = np.frombuffer(row["triangles"], kind).reshape(-1, 3).tolist()
        return [[[number[a], number[b], number[c]]] for a, b, c in triangles]
    packed = np.frombuffer(row["rings"], "<u4").tolist()
    faces, at = [], 0
    while at < len(packed):
        rings, at = packed[at], at + 1
        face = []
        for _ in range(rings):
            length, at = packed[at], at + 1
            face.append([number[one] for one in packed[at : at + length]])
            at += length
        faces.append(face)
    return faces


def _nested(kind: str, flat: list[Any], shells: Any) -> list[Any]:
    """Return what each face has, nested as the geometry type nests its faces.

    >>> _nested("Solid", ["a", "b", "c"], [2, 1])
    [['a', 'b'], ['c']]
    """
    rest = iter(flat)
    if kind == "Solid":
        return [[next(rest) for _ in range(count)] for count in shells]
    if kind in SOLIDS:
        return [[[next(rest) for _ in range(count)] for count in solid] for solid in shells]
    return flat


def blocks(
    footprint: shapely.MultiPolygon, floor_m: float, height_m: float | None, corners: Corners
) -> dict[str, Any]:
    """Return a footprint raised to its height: LoD1 of one solid or several, or LoD0 without one.

    Examples
    --------
    >>> block = shapely.MultiPolygon([shapely.box(0, 0, 2, 1)])
    >>> found = blocks(block, 5.0, 3.0, Corners(np.zeros(3)))
    >>> found["type"], len(found["boundaries"][0]), found["semantics"]["values"]
    ('Solid', 6, [[0, 2, 1, 1, 1, 1]])
    """
    parts = [_rings(polygon) for polygon in shapely.get_parts(shapely.orient_polygons(footprint))]
    if height_m is None:
        flat = [[_level(ring, floor_m, corners) for ring in rings] for rings in parts]
        return {"type": "MultiSurface", "lod": "0", "boundaries": flat}
    solids = [_block(rings, floor_m, height_m, corners) for rings in parts]
    values = [[[_GROUND, _ROOF, *[_WALL] * (len(faces) - 2)]] for faces in solids]
    surfaces = [{"type": name} for name in _SEMANTIC_NAMES]
    if len(solids) == 1:
        return {
            "type": "Solid", "lod": "1", "boundaries": [solids[0]],
            "semantics": {"surfaces": surfaces, "values": values[0]},
        }  # fmt: skip
    return {
        "type": "MultiSolid", "lod": "1", "boundaries": [[faces] for faces in solids],
        "semantics": {"surfaces": surfaces, "values": values},
    }  # fmt: skip


def _rings(polygon: shapely.Polygon) -> list[Floats]:
    """Return the rings of a polygon, open; the outer one counterclockwise, holes clockwise."""
    lines = [polygon.exterior, *polygon.interiors]
    return [shapely.get_coordinates(line)[:-1] for line in lines]


def _level(ring: Floats, z_m: float, corners: Corners) -> list[int]:
    return corners.of(np.c_[ring, np.full(len(ring), z_m)])


def _block(rings: list[Floats], floor_m: float, height_m: float, corners: Corners) -> list[Any]:
    """Return the faces of a block, all looking outward: floor, roof, walls."""
    low = [_level(ring, floor_m, corners) for ring in rings]
    high = [_level(ring, floor_m + height_m, corners) for ring in rings]
    walls = [
        [[a, b, c, d]]
        for below, above in zip(low, high, strict=True)
        for a, b, c, d in zip(
            below, below[1:] + below[:1], above[1:] + above[:1], above, strict=True
        )
    ]
    return [[ring[::-1] for ring in low], high, *walls]
