"""Flood exposure: buildings and grid cells by the depth of the water about them (积水暴露)."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from sqlalchemy import TextClause, text

from analysis._process import (
    Analysis,
    Feature,
    Given,
    Inputs,
    Model,
    Outputs,
    Text,
)
from analysis._rasters import LATEST, DepthRaster, depth_raster
from analysis._zonal import largest_inside
from twin.crs import reproject
from twin.database import City

VERSION = "1"
DRAWN = 5_000
"""Buildings, and grid cells, drawn as features at most, the deepest first."""

DEPTHS_M = (0.15, 0.27, 0.4, 0.6, 1.0)

Floats = NDArray[np.float64]

_BUILDINGS = text("""
    SELECT   id, residents_day, residents_night, ST_AsBinary(geom) AS wkb
    FROM     twin.building
    WHERE    state NOT IN ('planned', 'removed')
    ORDER BY id
""")

_CELLS = text("""
    SELECT   id, ST_AsBinary(geom) AS wkb
    FROM     twin.grid_cell
    WHERE    state NOT IN ('planned', 'removed')
    ORDER BY id
""")

_BUILDING_FILES = text("""
    SELECT id, uid, name, use, storeys, storeys_below, residents_day, residents_night
    FROM   twin.building
    WHERE  id = ANY (:ids)
""")

_CELL_FILES = text("""
    SELECT grid_cell.id, grid_cell.uid, grid_cell.code, grid_cell.name, grid_cell.population,
           grid_cell.responsible_person, grid_cell.responsible_phone, region.name AS region
    FROM   twin.grid_cell
    LEFT   JOIN twin.region ON region.id = grid_cell.region_id
    WHERE  grid_cell.id = ANY (:ids)
""")

T = TypeVar("T", bound=BaseModel)
Threshold = Annotated[float, Field(gt=0, le=30)]


class ExposureInputs(Inputs):
    """Which water, and which depths matter."""

    raster: str = Field(default=LATEST, description="name of a depth raster, or latest")
    thresholds_m: list[Threshold] = Field(
        default=list(DEPTHS_M), min_length=1, max_length=20, description="depths, m"
    )
    limit: int = Field(default=1000, ge=1, le=20_000, description="listed at most, deepest first")


class DepthSum(BaseModel):
    """What stands in at least so much water."""

    depth_m: float
    buildings: int
    residents_day: int = Field(description="of the buildings where they are known")
    residents_night: int = Field(description="of the buildings where they are known")
    grid_cells: int


class BuildingInWater(BaseModel):
    """A building, by the depth at a point of its footprint."""

    id: int
    uid: UUID
    name: str | None
    use: str | None
    storeys: int | None
    storeys_below: int | None
    residents_day: int | None
    residents_night: int | None
    depth_m: float


class CellInWater(BaseModel):
    """A grid cell, by the deepest pixel whose centre lies in it."""

    id: int
    uid: UUID
    code: str | None
    name: str | None
    population: int | None
    responsible_person: str | None
    responsible_phone: str | None
    region: str | None
    depth_m: float


class ExposureOutputs(Outputs):
    """Buildings and cells by depth; the sums are complete, however much is listed."""

    raster: str
    thresholds: list[DepthSum] = Field(description="shallowest first")
    buildings_total: int
    buildings_outside: int = Field(description="the raster says nothing about them")
    grid_cells_total: int
    grid_cells_outside: int = Field(description="no pixel with a value has its centre in them")
    buildings: list[BuildingInWater] = Field(description="deepest first")
    grid_cells: list[CellInWater] = Field(description="deepest first")


class _Theme(NamedTuple):
    """Things of one kind, and the water about each; NaN where the raster says nothing."""

    ids: NDArray[np.int64]
    shapes: NDArray[np.object_]
    depth_m: Floats
    day: Floats
    night: Floats

    def deepest(self, least_m: float, most: int) -> NDArray[np.int64]:
        """Return the places in the arrays of what stands in water, deepest first."""
        wet = np.flatnonzero(self.depth_m >= least_m)
        return wet[np.lexsort((self.ids[wet], -self.depth_m[wet]))][:most]


def run(city: City, inputs: ExposureInputs) -> ExposureOutputs:
    """Return how many buildings and cells stand in how much water.

    A building has the depth of the pixel under a point of its footprint; a cell the greatest depth
    of the pixels whose centres lie in it.  Both are looked up in the raster's own grid.

    Raises
    ------
    NotFoundError
        If there is no such raster.
    """
    raster = depth_raster(city, inputs.raster)
    thresholds_m = sorted(set(inputs.thresholds_m))
    buildings, cells = _buildings(city, raster), _cells(city, raster)
    drawn = max(inputs.limit, DRAWN)
    wet = buildings.deepest(thresholds_m[0], drawn)
    wet_cells = cells.deepest(thresholds_m[0], drawn)
    found = _files(city, _BUILDING_FILES, BuildingInWater, buildings, wet)
    found_cells = _files(city, _CELL_FILES, CellInWater, cells, wet_cells)
    outputs = ExposureOutputs(
        model=_MODEL,
        inputs=_given(inputs, raster),
        raster=raster.name,
        thresholds=[_sum(depth_m, buildings, cells) for depth_m in thresholds_m],
        buildings_total=len(buildings.ids),
        buildings_outside=int(np.isnan(buildings.depth_m).sum()),
        grid_cells_total=len(cells.ids),
        grid_cells_outside=int(np.isnan(cells.depth_m).sum()),
        buildings=found[: inputs.limit],
        grid_cells=found_cells[: inputs.limit],
    )
    return outputs.draw(
        [
            *_features("grid_cell", cells, wet_cells[:DRAWN], found_cells),
            *_features("building", buildings, wet[:DRAWN], found),
        ]
    )


def _buildings(city: City, raster: DepthRaster) -> _Theme:
    rows = city.session.execute(_BUILDINGS).all()
    shapes = _shapes([row.wkb for row in rows])
    # The point is chosen in the raster's frame, as anybody would who lays the two over each other.
    places = shapely.point_on_surface(reproject(shapes, city.frame.name, raster.crs))
    columns, lines = raster.pixels(shapely.get_x(places), shapely.get_y(places))
    return _Theme(
        np.array([row.id for row in rows], dtype=np.int64),
        shapes,
        raster.at(columns, lines),
        np.array([row.residents_day for row in rows], dtype=np.float64),
        np.array([row.residents_night for row in rows], dtype=np.float64),
    )


def _cells(city: City, raster: DepthRaster) -> _Theme:
    rows = city.session.execute(_CELLS).all()
    shapes = _shapes([row.wkb for row in rows])
    corners, ring_first, polygon_first = _rings(reproject(shapes, city.frame.name, raster.crs))
    columns, lines = raster.pixels(corners[:, 0], corners[:, 1])
    depth_m, _ = largest_inside(
        raster.depth_m, np.stack([columns, lines], axis=1), ring_first, polygon_first
    )
    nobody = np.zeros(len(rows))
    return _Theme(
        np.array([row.id for row in rows], dtype=np.int64), shapes, depth_m, nobody, nobody
    )


def _shapes(wkbs: list[bytes]) -> NDArray[np.object_]:
    return np.asarray(shapely.from_wkb(np.array(wkbs, dtype=object)), dtype=object)


def _rings(
    areas: NDArray[np.object_],
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the corners of areas, where each ring begins, and where each area's rings begin."""
    parts, of_area = shapely.get_parts(areas, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    corners, of_ring = shapely.get_coordinates(rings, return_index=True)
    return (
        corners,
        _firsts(of_ring, len(rings)),
        _firsts(of_area[of_part] if len(rings) else of_part, len(areas)),
    )


def _firsts(owner: NDArray[np.int64], owners: int) -> NDArray[np.int64]:
    firsts = np.zeros(owners + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=owners), out=firsts[1:])
    return firsts


def _sum(depth_m: float, buildings: _Theme, cells: _Theme) -> DepthSum:
    wet = buildings.depth_m >= depth_m
    return DepthSum(
        depth_m=depth_m,
        buildings=int(wet.sum()),
        residents_day=int(np.nansum(buildings.day[wet])),
        residents_night=int(np.nansum(buildings.night[wet])),
        grid_cells=int((cells.depth_m >= depth_m).sum()),
    )


def _files(
    city: City, question: TextClause, kind: type[T], theme: _Theme, chosen: NDArray[np.int64]
) -> list[T]:
    """Return the files of some things, in the order chosen."""
    ids = theme.ids[chosen].tolist()
    rows = {row["id"]: row for row in city.session.execute(question, {"ids": ids}).mappings()}
    depths = theme.depth_m[chosen].tolist()
    return [
        kind.model_validate({**rows[each], "depth_m": depth_m})
        for each, depth_m in zip(ids, depths, strict=True)
    ]


def _features(
    role: str,
    theme: _Theme,
    chosen: NDArray[np.int64],
    files: Sequence[BuildingInWater | CellInWater],
) -> list[Feature]:
    wkbs = shapely.to_wkb(theme.shapes[chosen])
    return [
        Feature(role, wkb, each.name, attrs={f"{role}_id": each.id, "depth_m": each.depth_m})
        for wkb, each in zip(wkbs, files, strict=False)
    ]


def _given(inputs: ExposureInputs, raster: DepthRaster) -> dict[str, Given]:
    return {
        "raster": Given(
            value=raster.name, source=f"{inputs.raster!r} asked, as of {raster.since.isoformat()}"
        ),
        "thresholds_m": Given(value=inputs.thresholds_m, unit="m"),
    }


_MODEL = Model(
    name="depth at a point of the footprint; deepest pixel centre in the cell",
    standard="docs/methods/flood-exposure.md",
    version=VERSION,
    uncertainty=Text(
        zh="与栅格精度相同：一栋建筑只取一点，小于一个像元的高差不可见",
        en="that of the raster: one point stands for a building, and what is smaller than a pixel "
        "is not seen",
    ),
)

ANALYSIS = Analysis(
    id="flood-exposure",
    title=Text(zh="积水暴露分析", en="Flood exposure"),
    description=Text(
        zh="按积水深度栅格统计受淹建筑、居民和单元网格，分深度阈值给出数量。",
        en="Buildings, residents and grid cells by the depth of a water depth raster.",
    ),
    inputs=ExposureInputs,
    outputs=ExposureOutputs,
    run=run,
    source="docs/methods/flood-exposure.md",
    version=VERSION,
)
