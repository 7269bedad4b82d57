"""Impact radius: who and what lies within reach of an incident (影响范围)."""

from typing import Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

import shapely
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import text

from analysis import _exposure as exposure
from analysis import _gas_pipe as gas_pipe
from analysis._geometry import read_geometry
from analysis._process import (
    Analysis,
    Feature,
    GeoJSON,
    Given,
    Inputs,
    Model,
    Outputs,
    Text,
    Validity,
)
from twin.crs import CityGeometry
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError

KINDS = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
DRAWN = 5_000
"""Buildings drawn as features at most, nearest first; sums always count all."""

VERSION = "1"

_PIPE = text("""
    SELECT id, uid, name, kind, width_m, pressure_pa, ST_AsBinary(ST_Force2D(geom)) AS wkb
    FROM   twin.pipe_segment
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

# What a flux does is customary and unverified, and says so wherever it is shown.
_MEANINGS = {
    37.5: Text(zh="工艺设备损坏（惯用值，未核实）", en="process equipment damaged (unverified)"),
    gas_pipe.REFERENCE_FLUX_KW_PER_M2: Text(zh="潜在影响半径", en="potential impact radius"),
    12.5: Text(
        zh="木材引燃、塑料熔化（惯用值，未核实）", en="wood ignites, plastic melts (unverified)"
    ),
    4.0: Text(zh="约20秒感到疼痛（惯用值，未核实）", en="pain after about 20 s (unverified)"),
}

PipeId = Annotated[int | str, Field(description="id (number) or uid (text) of a pipe_segment")]


class ImpactInputs(Inputs):
    """An incident, and how far it is felt: a radius, or what a burning gas pipe gives."""

    geometry: GeoJSON | None = Field(default=None, title="geometry of the incident")
    pipe_id: PipeId | None = None
    radius_m: float | None = Field(default=None, gt=0, le=50_000, description="metres")
    model: Literal["gas-pipe"] | None = Field(
        default=None, description="gas-pipe: the potential impact radius of a ruptured gas pipe"
    )
    pressure_pa: float | None = Field(
        default=None, gt=0, le=1e8, description="gauge, Pa; default: the pipe's own"
    )
    diameter_m: float | None = Field(
        default=None, gt=0, le=20, description="metres; default: the pipe's own"
    )
    gas: Literal["natural", "lpg", "hydrogen", "manufactured"] = "natural"
    limit: int = Field(default=1000, ge=1, le=20_000, description="buildings listed at most")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.geometry is None) == (self.pipe_id is None):
            raise ValueError("give one of geometry and pipe_id")
        if (self.radius_m is None) == (self.model is None):
            raise ValueError("give one of radius_m and model")
        return self


class Ring(BaseModel):
    """What lies within one radius, inner rings included."""

    heat_flux_kw_per_m2: float | None = Field(description="null if the radius was given")
    meaning: Text | None
    radius_m: float
    buildings: int
    residents_day: int
    residents_night: int


class Totals(BaseModel):
    """Everything within the outermost ring; complete, however much is listed."""

    buildings: int
    residents_day: int = Field(description="of the buildings where they are known")
    residents_night: int = Field(description="of the buildings where they are known")
    buildings_residents_day_unknown: int
    buildings_residents_night_unknown: int
    facilities: int
    waterlogging_points: int
    pipe_length_m: float
    road_length_m: float
    grid_cells: int


class ImpactOutputs(Outputs):
    """Who and what is within reach."""

    radius_m: float = Field(description="as given, or the potential impact radius (15.77 kW/m²)")
    reach_m: float = Field(description="the outermost ring; everything below is counted within it")
    rings: list[Ring] = Field(description="innermost first")
    totals: Totals
    buildings: list[exposure.BuildingReached] = Field(description="nearest first")
    facilities: list[exposure.FacilityReached] = Field(description="nearest first")
    waterlogging_points: list[exposure.WaterloggingReached] = Field(description="nearest first")
    pipes: list[exposure.PipesInside]
    roads: list[exposure.RoadsInside]
    grid_cells: list[exposure.CellTouched] = Field(description="largest share first")


class Incident(NamedTuple):
    """Where it is, and the pipe it is on, if it is one."""

    geometry: CityGeometry
    name: str | None = None
    pipe: dict[str, Any] | None = None


class Reach(NamedTuple):
    """How far it is felt, and where every number came from."""

    radius_m: float
    rings: list[tuple[float | None, float]]
    """Heat flux in kW/m² (None for a given radius) and radius in m, innermost first."""
    given: dict[str, Given]
    validity: Validity
    model: Model


def run(city: City, inputs: ImpactInputs) -> ImpactOutputs:
    """Return who and what comes within reach of the incident.

    A building is affected if its footprint comes within the radius; of pipes, roads and cells the
    part inside counts.

    Raises
    ------
    InvalidInputError
        If the geometry is unusable or outside the city, or the gas pipe's model has nothing to
        reckon with.
    NotFoundError
        If there is no such pipe.
    """
    incident = _incident(city, inputs)
    reach = _gas_reach(inputs, incident) if inputs.model else _plain_reach(inputs)
    radii_m = [radius_m for _, radius_m in reach.rings]
    place, reach_m = incident.geometry, radii_m[-1]
    found = exposure.buildings_within(city, place, radii_m, most=max(inputs.limit, DRAWN))
    facilities, places = exposure.facilities_within(city, place, reach_m)
    inside: dict[str, Any] = {
        "facilities": facilities,
        "waterlogging_points": exposure.waterlogging_within(city, place, reach_m),
        "pipes": exposure.pipes_within(city, place, reach_m),
        "roads": exposure.roads_within(city, place, reach_m),
        "grid_cells": exposure.cells_within(city, place, reach_m),
    }
    outputs = ImpactOutputs(
        model=reach.model,
        inputs={**_given_place(inputs, incident), **reach.given},
        validity=reach.validity,
        radius_m=reach.radius_m,
        reach_m=reach_m,
        rings=_rings(reach, found),
        totals=_totals(found.sums[-1], inside),
        buildings=found.nearest[: inputs.limit],
        **inside,
    )
    areas = exposure.ring_areas(city, place, radii_m)
    return outputs.draw([*_ring_features(outputs.rings, areas), _incident_feature(incident)]).draw(
        [*_building_features(found, outputs.rings), *_facility_features(facilities, places)]
    )


def _incident(city: City, inputs: ImpactInputs) -> Incident:
    if inputs.geometry is not None:
        return Incident(read_geometry(inputs.geometry, city.frame, KINDS, called="geometry"))
    number, uid = _pipe_names(inputs.pipe_id)
    found = city.session.execute(_PIPE, {"id": number, "uid": uid}).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"there is no pipe_segment {inputs.pipe_id!r}")
    pipe = dict(found)
    line = CityGeometry(shapely.set_srid(shapely.from_wkb(pipe.pop("wkb")), city.frame.srid))
    return Incident(line, pipe["name"], pipe)


def _pipe_names(pipe_id: int | str | None) -> tuple[int | None, str | None]:
    written = str(pipe_id).strip()
    if written.isdecimal() and len(written) < 19:
        return int(written), None
    try:
        return None, str(UUID(written))
    except ValueError as error:
        raise InvalidInputError(
            f"pipe_id is the id (a number) or the uid (a UUID) of a pipe, not {pipe_id!r}"
        ) from error


def _given_place(inputs: ImpactInputs, incident: Incident) -> dict[str, Given]:
    if incident.pipe is None:
        return {"geometry": Given(value=inputs.geometry, unit="degrees, OGC:CRS84")}
    return {"pipe_id": Given(value=inputs.pipe_id)}


def _plain_reach(inputs: ImpactInputs) -> Reach:
    assert inputs.radius_m is not None
    model = Model(
        name="radius",
        standard="plan distance between geometries, OGC 06-104r4 (ST_Distance, ST_DWithin)",
        version=VERSION,
        uncertainty=Text(zh="半径由请求给定", en="the radius is the caller's own"),
    )
    given = {"radius_m": Given(value=inputs.radius_m, unit="m")}
    return Reach(inputs.radius_m, [(None, inputs.radius_m)], given, Validity(), model)


def _gas_reach(inputs: ImpactInputs, incident: Incident) -> Reach:
    pipe = incident.pipe
    if pipe is not None and pipe["kind"] != "gas":
        raise InvalidInputError(
            f"pipe {pipe['id']} carries {pipe['kind']}; the model gas-pipe is for gas: "
            "give radius_m instead"
        )
    pressure = _of_pipe("pressure_pa", "Pa", inputs.pressure_pa, pipe, "pressure_pa")
    diameter = _of_pipe("diameter_m", "m", inputs.diameter_m, pipe, "width_m")
    radius_m = gas_pipe.potential_impact_radius_m(pressure.value, diameter.value)
    violated = gas_pipe.out_of_range(pressure.value, diameter.value, inputs.gas)
    model = Model(
        name="gas-pipe potential impact radius",
        standard="49 CFR 192.903; ASME B31.8S; C-FER GRI-00/0189",
        version=VERSION,
        uncertainty=Text(
            zh="仅给出最佳值：公式没有公布的离散范围（其推导值低0.6%）；仅适用于天然气输送管道全断面破裂",
            en="best value only: no scatter is published for the formula (its derivation gives "
            "0.6 % less); made for full-bore rupture of natural gas transmission pipe",
        ),
    )
    return Reach(
        radius_m,
        [(f, gas_pipe.ring_radius_m(radius_m, f)) for f in gas_pipe.RING_FLUXES_KW_PER_M2],
        {"pressure_pa": pressure, "diameter_m": diameter, "gas": Given(value=inputs.gas)},
        Validity(
            in_range=not violated,
            violated=[Text(zh=why.zh, en=why.en) for why in violated],
        ),
        model,
    )


def _of_pipe(
    name: str, unit: str, said: float | None, pipe: dict[str, Any] | None, column: str
) -> Given:
    if said is not None:
        return Given(value=said, unit=unit)
    if pipe is None:
        raise InvalidInputError(f"the model gas-pipe needs {name}: give it, or a pipe_id")
    if not pipe[column]:
        raise InvalidInputError(
            f"pipe {pipe['id']} has no {column} on record; give {name} ({unit})"
        )
    return Given(value=pipe[column], unit=unit, source=f"pipe_segment {pipe['id']}, {column}")


def _rings(reach: Reach, found: exposure.Buildings) -> list[Ring]:
    return [
        Ring(
            heat_flux_kw_per_m2=flux,
            meaning=None if flux is None else _MEANINGS[flux],
            radius_m=radius_m,
            buildings=inside.buildings,
            residents_day=inside.residents_day,
            residents_night=inside.residents_night,
        )
        for (flux, radius_m), inside in zip(reach.rings, found.sums, strict=True)
    ]


def _totals(within: exposure.RingSum, inside: dict[str, Any]) -> Totals:
    return Totals(
        buildings=within.buildings,
        residents_day=within.residents_day,
        residents_night=within.residents_night,
        buildings_residents_day_unknown=within.unknown_day,
        buildings_residents_night_unknown=within.unknown_night,
        facilities=len(inside["facilities"]),
        waterlogging_points=len(inside["waterlogging_points"]),
        pipe_length_m=sum(each.length_m for each in inside["pipes"]),
        road_length_m=sum(each.length_m for each in inside["roads"]),
        grid_cells=len(inside["grid_cells"]),
    )


def _incident_feature(incident: Incident) -> Feature:
    wkb = shapely.to_wkb(incident.geometry, include_srid=False)
    pipe = incident.pipe
    attrs = {} if pipe is None else {"pipe_id": pipe["id"], "kind": pipe["kind"]}
    return Feature("incident", wkb, incident.name, attrs=attrs)


def _ring_features(rings: list[Ring], areas: list[bytes]) -> list[Feature]:
    # The widest first, so that whoever draws them in order sees them all.
    drawn = reversed(list(enumerate(zip(rings, areas, strict=True))))
    return [
        Feature(
            "ring",
            area,
            ring.meaning.zh if ring.meaning else f"{ring.radius_m:g} m",
            attrs={
                "ring": n,
                "radius_m": ring.radius_m,
                "heat_flux_kw_per_m2": ring.heat_flux_kw_per_m2,
                "buildings": ring.buildings,
                "residents_day": ring.residents_day,
                "residents_night": ring.residents_night,
            },
        )
        for n, (ring, area) in drawn
    ]


def _building_features(found: exposure.Buildings, rings: list[Ring]) -> list[Feature]:
    return [
        Feature(
            "building",
            footprint,
            each.name,
            each.use,
            {
                "building_id": each.id,
                "distance_m": each.distance_m,
                "ring": each.ring,
                "heat_flux_kw_per_m2": rings[each.ring].heat_flux_kw_per_m2,
                "storeys": each.storeys,
                "residents_day": each.residents_day,
                "residents_night": each.residents_night,
            },
        )
        for each, footprint in zip(found.nearest[:DRAWN], found.footprints, strict=False)
    ]


def _facility_features(
    facilities: list[exposure.FacilityReached], places: list[bytes]
) -> list[Feature]:
    return [
        Feature(
            "facility",
            place,
            each.name,
            each.kind,
            {"facility_id": each.id, "distance_m": each.distance_m, "phone": each.phone},
        )
        for each, place in zip(facilities, places, strict=True)
    ]


ANALYSIS = Analysis(
    id="impact-radius",
    title=Text(zh="影响范围分析", en="Impact radius"),
    description=Text(
        zh="事故点、线、面或管段周围一定半径（或燃气管道潜在影响半径）内的建筑、居民、设施、管线、道路和单元网格。",
        en="Buildings, residents, facilities, pipes, roads and grid cells within a radius of an "
        "incident, or within the potential impact radius of a gas pipe.",
    ),
    inputs=ImpactInputs,
    outputs=ImpactOutputs,
    run=run,
    source="docs/methods/impact-radius.md",
    version=VERSION,
)
