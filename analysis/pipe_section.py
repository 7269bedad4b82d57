"""A cross-section through a street: every pipe that a line cuts (管线横断面)."""

from typing import Any
from uuid import UUID

import numpy as np
import shapely
from pydantic import BaseModel, Field

from analysis._geometry import read_geometry
from analysis._pipe_levels import Levelled, levelled, number
from analysis._pipes import AS_SURVEYED, PAGE, VERSION, Kinds, kinds_asked, lonlats, plan_wkb
from analysis._process import Analysis, Feature, GeoJSON, Given, Inputs, Model, Outputs, Text
from analysis._section import Clearance, Cut, clearances, cuts, ground_line
from analysis._section_drawing import draw_section
from twin.crs import CityBox
from twin.database import City
from twin.errors import InvalidInputError
from twin.pipe_network import ground_at, read_network
from twin.topology import KINDS

_LONGEST_M = 500.0
_STEPS = 200


class SectionLineInputs(Inputs):
    """A line across the street; its first point is on the left."""

    line: GeoJSON = Field(title="two points across the street", description="a LineString")
    kinds: Kinds = None


class PipeCut(BaseModel):
    """A pipe in the section; m above the city's datum, null where it is not known."""

    number: int = Field(description="as in the picture, from 1")
    id: int
    uid: UUID
    name: str | None
    kind: str
    offset_m: float = Field(description="from the first point of the line")
    lonlat: list[float]
    level: str = Field(description="surveyed; cover: ground less the cover at its ends; unknown")
    shape: str | None
    width_m: float | None
    height_m: float | None
    cut_width_m: float | None = Field(description="in the section: width over the sine")
    angle_deg: float = Field(description="between the line and the pipe")
    ground_z_m: float | None
    crown_z_m: float | None
    centre_z_m: float | None
    invert_z_m: float | None
    cover_m: float | None


class Neighbours(BaseModel):
    """Two neighbours in the section."""

    left: int = Field(description="number of a pipe")
    right: int
    horizontal_m: float = Field(description="between the walls; negative: one above the other")
    vertical_m: float | None = Field(description="between the bodies; null: a height is unknown")
    limit_m: float | None = Field(
        description="GB 50289-2016, unverified [m]: horizontal if they lie beside one another, "
        "else vertical"
    )
    too_near: bool | None = Field(description="null: nothing says, or a height is unknown")


class GroundAt(BaseModel):
    """The ground along the line."""

    offset_m: float
    z_m: float


class SectionLineOutputs(Outputs):
    """The section as numbers, as GeoJSON and as a picture."""

    length_m: float
    terrain: str | None = Field(description="raster of the ground; null: levels of nodes only")
    line: GeoJSON
    pipes: list[PipeCut] = Field(description="from the first point of the line on")
    unknown: list[int] = Field(description="numbers of the pipes whose height is not known")
    along: list[int] = Field(description="ids of pipes that run along the line and are not cut")
    clearances: list[Neighbours]
    ground: list[GroundAt]
    svg: str = Field(
        description="the picture", json_schema_extra={"contentMediaType": "image/svg+xml"}
    )


def run(city: City, inputs: SectionLineInputs) -> SectionLineOutputs:
    """Return what a line across a street cuts.

    Raises
    ------
    InvalidInputError
        If it is no line of two points in the city, or too long.
    """
    line = shapely.LineString(
        read_geometry(inputs.line, city.frame, ("LineString",), called="line").coords
    )
    _require_straight(line)
    box = CityBox(*line.bounds)
    pipes = levelled(city, read_network(city, kinds_asked(inputs.kinds), box=box))
    found, along = cuts(pipes, line) if pipes.network.segments.count else ([], [])
    near = clearances(pipes, found)
    ground = ground_line(pipes, found, _terrain(city, line))
    where = lonlats(city.frame, [(each.here.x_m, each.here.y_m) for each in found])
    told = [
        _cut(pipes, at, each, lonlat)
        for at, (each, lonlat) in enumerate(zip(found, where, strict=True), 1)
    ]
    outputs = SectionLineOutputs(
        model=_MODEL,
        inputs={"line": Given(value=inputs.line), "kinds": Given(value=inputs.kinds)},
        length_m=round(float(line.length), 3),
        terrain=pipes.terrain,
        line=inputs.line,
        pipes=told,
        unknown=[each.number for each in told if each.level == "unknown"],
        along=pipes.network.segments.ids[along].tolist(),
        clearances=[_neighbours(each) for each in near],
        ground=[GroundAt(offset_m=round(far, 3), z_m=round(z, 3)) for far, z in ground],
        svg=draw_section(pipes, float(line.length), found, near, ground),
    )
    drawn = [_drawn(each, cut) for each, cut in zip(told, found, strict=True)]
    return outputs.draw([Feature("section_line", plan_wkb(line), "横断面线"), *drawn])


def _require_straight(line: shapely.LineString) -> None:
    if len(line.coords) != 2 or not line.length > 0:
        raise InvalidInputError(
            f"line must have two points apart from one another, not {len(line.coords)} points "
            f"over {line.length:g} m"
        )
    if line.length > _LONGEST_M:
        raise InvalidInputError(
            f"the line is {line.length:.0f} m long; {_LONGEST_M:g} m is the most for a street"
        )


def _terrain(city: City, line: shapely.LineString) -> list[tuple[float, float]]:
    far = np.linspace(0.0, line.length, _STEPS + 1)
    places = shapely.get_coordinates(shapely.line_interpolate_point(line, far))
    ground = ground_at(city, places[:, 0].copy(), places[:, 1].copy())
    return list(zip(far.tolist(), ground.z_m.tolist(), strict=True))


def _cut(pipes: Levelled, at: int, cut: Cut, lonlat: list[float]) -> PipeCut:
    segments, here = pipes.network.segments, cut.here
    called = pipes.called[int(segments.ids[cut.segment])]
    return PipeCut(
        number=at,
        id=called.id,
        uid=called.uid,
        name=called.name,
        kind=KINDS[segments.kind[cut.segment]],
        offset_m=round(cut.offset_m, 3),
        lonlat=lonlat,
        level=pipes.level[cut.segment],
        shape=called.shape,
        width_m=number(segments.width_m[cut.segment]),
        height_m=number(segments.height_m[cut.segment]),
        cut_width_m=number(2 * cut.half_width_m) or None,
        angle_deg=round(cut.angle_deg, 1),
        ground_z_m=number(here.ground_z_m),
        crown_z_m=number(here.crown_z_m),
        centre_z_m=number(here.centre_z_m),
        invert_z_m=number(here.invert_z_m),
        cover_m=number(here.ground_z_m - here.crown_z_m),
    )


def _neighbours(near: Clearance) -> Neighbours:
    known = not (np.isnan(near.apart_m) or np.isnan(near.limit_m))
    return Neighbours(
        left=near.left + 1,
        right=near.right + 1,
        horizontal_m=round(near.horizontal_m, 3),
        vertical_m=number(near.vertical_m),
        limit_m=number(near.limit_m),
        too_near=near.apart_m < near.limit_m if known else None,
    )


def _drawn(told: PipeCut, cut: Cut) -> Feature:
    point = shapely.Point(cut.here.x_m, cut.here.y_m)
    attrs: dict[str, Any] = told.model_dump(mode="json", exclude={"name", "lonlat"})
    return Feature("pipe", plan_wkb(point), told.name, told.kind, attrs)


_MODEL = Model(
    name="pipes cut by a vertical plane; heights as surveyed, else from the cover, else unknown",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_SURVEYED,
)

ANALYSIS = Analysis(
    id="pipe-section",
    title=Text(zh="管线横断面", en="Cross-section of pipes"),
    description=Text(
        zh="横跨道路的断面：每条管线的埋深与尺寸、地面线、相邻净距；高程未知者单列；数表与图。",
        en="A section across a street: every pipe at its depth and size, the ground, clearances "
        "between neighbours; pipes of unknown height stand apart; a table and a picture.",
    ),
    inputs=SectionLineInputs,
    outputs=SectionLineOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
