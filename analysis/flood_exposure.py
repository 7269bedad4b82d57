"""Flood exposure: buildings and grid cells by the depth of the water about them (积水暴露)."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from sqlalchemy import TextClause, text

from analysis._places import Buildings, Cells, buildings_over, cells_over
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
from twin.database import City

VERSION = "1"
DRAWN = 5_000
"""Buildings, and grid cells, drawn as features at most, the deepest first."""

DEPTHS_M = (0.15, 0.27, 0.4, 0.6, 1.0)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BUILDING_FILES = text("""
    SELECT id, uid, name, use, storeys, storeys_below, residents_day, residents_night,
           ST_AsBinary(geom) AS wkb
    FROM   twin.building
    WHERE  id = ANY (:ids)
""")

_CELL_FILES = text("""
    SELECT grid_cell.id, grid_cell.uid, grid_cell.code, grid_cell.name, grid_cell.population,
           grid_cell.responsible_person, grid_cell.responsible_phone, region.name AS region,
           ST_AsBinary(grid_cell.geom) AS wkb
    FROM   twin.grid_cell
    LEFT   JOIN twin.region ON region.id = grid_cell.region_id
    WHERE  grid_cell.id = ANY (:ids)
""")

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


class _Listed(NamedTuple):
    """The files of what stands deepest in water, and their shapes as WKB."""

    files: list[Any]
    shapes: list[bytes]


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
    buildings = buildings_over(city.frame.name, raster.crs)(city.session)
    cells = cells_over(city.frame.name, raster.crs)(city.session)
    depth_m = raster.at(*raster.pixels(buildings.x, buildings.y))
    cell_depth_m = _deepest_in(cells, raster)
    most = max(inputs.limit, DRAWN)
    found = _listed(
        city, _BUILDING_FILES, BuildingInWater, buildings.ids, depth_m, thresholds_m[0], most
    )
    found_cells = _listed(
        city, _CELL_FILES, CellInWater, cells.ids, cell_depth_m, thresholds_m[0], most
    )
    outputs = ExposureOutputs(
        model=_MODEL,
        inputs=_given(inputs, raster),
        raster=raster.name,
        thresholds=[_sum(each, buildings, depth_m, cell_depth_m) for each in thresholds_m],
        buildings_total=len(buildings.ids),
        buildings_outside=int(np.isnan(depth_m).sum()),
        grid_cells_total=len(cells.ids),
        grid_cells_outside=int(np.isnan(cell_depth_m).sum()),
        buildings=found.files[: inputs.limit],
        grid_cells=found_cells.files[: inputs.limit],
    )
    return outputs.draw([*_features("grid_cell", found_cells), *_features("building", found)])


def _deepest_in(cells: Cells, raster: DepthRaster) -> Floats:
    columns, rows = raster.pixels(cells.corners[:, 0], cells.corners[:, 1])
    corners = np.stack([columns, rows], axis=1)
    deepest_m, _ = largest_inside(raster.depth_m, corners, cells.ring_first, cells.cell_first)
    return deepest_m


def _sum(least_m: float, buildings: Buildings, depth_m: Floats, cell_depth_m: Floats) -> DepthSum:
    wet = depth_m >= least_m
    return DepthSum(
        depth_m=least_m,
        buildings=int(wet.sum()),
        residents_day=int(np.nansum(buildings.residents_day[wet])),
        residents_night=int(np.nansum(buildings.residents_night[wet])),
        grid_cells=int((cell_depth_m >= least_m).sum()),
    )


def _listed(
    city: City,
    question: TextClause,
    kind: type[BaseModel],
    ids: Ints,
    depth_m: Floats,
    least_m: float,
    most: int,
) -> _Listed:
    """Return what stands in at least so much water, deepest first."""
    wet = np.flatnonzero(depth_m >= least_m)
    wet = wet[np.lexsort((ids[wet], -depth_m[wet]))][:most]
    rows = {
        row["id"]: row
        for row in city.session.execute(question, {"ids": ids[wet].tolist()}).mappings()
    }
    deepest = [
        (rows[each], depth)
        for each, depth in zip(ids[wet].tolist(), depth_m[wet].tolist(), strict=True)
        if each in rows  # It may have gone since the read model was made.
    ]
    return _Listed(
        [kind.model_validate({**row, "depth_m": depth}) for row, depth in deepest],
        [bytes(row["wkb"]) for row, _ in deepest],
    )


def _features(role: str, listed: _Listed) -> list[Feature]:
    return [
        Feature(role, wkb, each.name, attrs={f"{role}_id": each.id, "depth_m": each.depth_m})
        for each, wkb in zip(listed.files[:DRAWN], listed.shapes, strict=False)
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
