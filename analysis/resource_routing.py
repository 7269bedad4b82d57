"""Resource routing: which teams go to an incident, and on which roads (应急力量调度)."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from pydantic import Field
from sqlalchemy import text

from analysis import _dispatch as dispatch
from analysis import _routing_document as document
from analysis._dispatch import Situation, Team, Verdict
from analysis._flood import Ordered, Water, WaterUsed, known_closures, wading_limits_m
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
)
from analysis._roads import road_graph
from analysis._routing_document import Sent, TeamRow
from twin.crs import CityGeometry
from twin.database import City
from twin.errors import InvalidInputError

VERSION = "1"
DRAWN = 2_000
"""Closed edges drawn as features at most, the nearest to the incident."""
_MARGIN_M = 300.0

_TEAMS = text("""
    -- Every team of the kinds that are needed, free or not.
    SELECT   resource.id, resource.uid, resource.name, resource.kind, resource.vehicle_class,
             resource.status, resource.phone, facility.name AS base,
             ST_X(resource.geom) AS x_m, ST_Y(resource.geom) AS y_m
    FROM     twin.resource
    LEFT     JOIN twin.facility ON facility.id = resource.facility_id
    WHERE    resource.kind = ANY (:kinds) AND resource.state = 'in_service'
    ORDER BY resource.id
""")

_KINDS = text("SELECT DISTINCT kind FROM twin.resource WHERE state = 'in_service' ORDER BY kind")


class Need(Inputs):
    """So many teams of one kind."""

    kind: str = Field(min_length=1, description="fire_engine, pump_truck, ambulance, …")
    count: int = Field(default=1, ge=1, le=1000)


class RoutingInputs(Inputs):
    """An incident, what it needs, and what closes the roads."""

    incident: GeoJSON = Field(description="GeoJSON Point, longitude and latitude")
    needs: list[Need] = Field(min_length=1, max_length=50)
    closures: Ordered = Ordered()
    flood: Water = Water()
    max_snap_m: float = Field(
        default=300, gt=0, le=5000, description="how far a place may be from its road, m"
    )
    max_minutes: float = Field(default=120, gt=0, le=1440, description="who needs longer stays")


class RoutingOutputs(Outputs):
    """Who goes, on which roads, and why the others do not."""

    assigned: list[document.Assigned] = Field(description="the first to arrive first")
    unmet: list[document.Unmet]
    passed_over: list[document.PassedOver]
    closed: document.Closed
    flood: WaterUsed


def run(city: City, inputs: RoutingInputs) -> RoutingOutputs:
    """Return the nearest free teams by travel time on the roads that are open to them.

    Raises
    ------
    InvalidInputError
        If the incident is outside the city or no road is near it, or a closure is unusable.
    NotFoundError
        If there is no such raster.
    """
    place = read_geometry(inputs.incident, city.frame, ("Point",), called="incident")
    situation, water = _situation(city, inputs, place)
    needs = _needs(inputs)
    teams = _teams(city, needs)
    verdicts = dispatch.choose(
        situation,
        [Team(t.id, t.kind, t.vehicle_class, t.status, t.x_m, t.y_m) for t in teams.values()],
        needs,
        max_time_s=inputs.max_minutes * 60,
    )
    sent = [
        Sent(teams[v.team.id], v, dispatch.route_of(situation, v.trip))
        for v in verdicts
        if v.reason is None and v.trip is not None
    ]
    classes = sorted({t.vehicle_class for t in teams.values()} & situation.limits_m.keys())
    limits_m = {name: situation.limits_m[name] for name in classes}
    outputs = RoutingOutputs(
        model=_MODEL,
        inputs=_given(inputs, limits_m),
        assigned=[document.assigned(city.frame, situation, each) for each in sent],
        unmet=document.unmet(needs, teams, sent, city.session.scalars(_KINDS)),
        passed_over=_passed_over(inputs, situation, teams, verdicts),
        closed=document.closed(situation, limits_m),
        flood=water,
    )
    incident = Feature("incident", shapely.to_wkb(place, include_srid=False))
    return outputs.draw(
        [
            incident,
            *_route_features(sent),
            *_team_features(teams, verdicts),
            *_closed_features(situation, limits_m, sent),
        ]
    )


def _situation(
    city: City, inputs: RoutingInputs, place: CityGeometry
) -> tuple[Situation, WaterUsed]:
    graph = road_graph(city.session)
    known = known_closures(city, graph, inputs.closures, inputs.flood)
    limits_m = wading_limits_m(city, inputs.flood.at)
    x_m, y_m = shapely.get_coordinates(place)[0]
    situation = Situation(graph, known.closures, limits_m, x_m, y_m, inputs.max_snap_m)
    if situation.own_road_m(x_m, y_m) is None:
        raise InvalidInputError(
            f"no road within {inputs.max_snap_m:g} m of the incident; "
            "move it to a road, or raise max_snap_m"
        )
    return situation, known.used


def _passed_over(
    inputs: RoutingInputs,
    situation: Situation,
    teams: Mapping[int, TeamRow],
    verdicts: Sequence[Verdict],
) -> list[document.PassedOver]:
    chosen = Counter(v.team.kind for v in verdicts if v.reason is None)
    return [
        document.passed_over(
            situation,
            teams[v.team.id],
            v,
            chosen=chosen[v.team.kind],
            max_minutes=inputs.max_minutes,
        )
        for v in verdicts
        if v.reason is not None
    ]


def _needs(inputs: RoutingInputs) -> Counter[str]:
    needs: Counter[str] = Counter()
    for need in inputs.needs:
        needs[need.kind] += need.count
    return needs


def _teams(city: City, needs: Mapping[str, int]) -> dict[int, TeamRow]:
    rows = city.session.execute(_TEAMS, {"kinds": list(needs)})
    return {row.id: TeamRow(*row) for row in rows}


def _given(inputs: RoutingInputs, limits_m: Mapping[str, float]) -> dict[str, Given]:
    water = inputs.flood
    return {
        "incident": Given(value=inputs.incident, unit="degrees, OGC:CRS84"),
        "needs": Given(value=[need.model_dump() for need in inputs.needs]),
        "closures": Given(value=inputs.closures.model_dump(mode="json")),
        "flood": Given(value=water.model_dump(mode="json")),
        "max_snap_m": Given(value=inputs.max_snap_m, unit="m"),
        "max_minutes": Given(value=inputs.max_minutes, unit="min"),
        "wading_limits_m": Given(
            value=dict(limits_m),
            unit="m",
            source=f"depth_threshold, valid {water.at.isoformat() if water.at else 'now'}",
        ),
    }


def _line(sent: Sent) -> shapely.LineString:
    return shapely.LineString(sent.way.line)


def _route_features(sent: Sequence[Sent]) -> list[Feature]:
    return [
        Feature(
            "route",
            shapely.to_wkb(_line(each)),
            each.row.name,
            each.row.kind,
            {
                "resource_id": each.row.id,
                "vehicle_class": each.row.vehicle_class,
                "travel_time_s": each.way.time_s,
                "length_m": each.way.length_m,
            },
        )
        for each in sent
    ]


def _team_features(teams: Mapping[int, TeamRow], verdicts: Sequence[Verdict]) -> list[Feature]:
    return [
        Feature(
            "resource",
            shapely.to_wkb(shapely.Point(v.team.x_m, v.team.y_m)),
            teams[v.team.id].name,
            v.team.kind,
            {
                "resource_id": v.team.id,
                "assigned": v.reason is None,
                "reason_code": v.reason,
                "travel_time_s": v.trip.time_s if v.trip else None,
            },
        )
        for v in verdicts
    ]


def _closed_features(
    situation: Situation, limits_m: Mapping[str, float], sent: Sequence[Sent]
) -> list[Feature]:
    """Return the closed edges about the incident and the routes, the nearest first."""
    graph, closures = situation.graph, situation.closures
    incident = shapely.Point(situation.x_m, situation.y_m)
    about = shapely.union_all([incident, *(_line(each) for each in sent)])
    near = graph.tree.query(shapely.box(*about.bounds).buffer(_MARGIN_M))
    shut = {name: closures.closed_to(limit_m) for name, limit_m in limits_m.items()}
    near = near[np.any([closed[near] for closed in shut.values()], axis=0)] if shut else near[:0]
    order = np.lexsort((near, shapely.distance(graph.lines[near], incident)))
    depth_m = closures.depth_m
    return [
        Feature(
            "closed_edge",
            shapely.to_wkb(shapely.force_2d(graph.lines[edge])),
            attrs={
                "edge_id": int(graph.edge_id[edge]),
                "closed_to": [name for name, closed in shut.items() if closed[edge]],
                "depth_m": float(depth_m[edge]) if depth_m[edge] > 0 else None,
                "ordered": bool(closures.ordered()[edge]),
            },
        )
        for edge in near[order][:DRAWN]
    ]


_MODEL = Model(
    name="nearest free teams by travel time",
    standard="Dijkstra (1959) on the road graph; wading depths by class of vehicle",
    version=VERSION,
    uncertainty=Text(
        zh="行驶时间按道路自由流车速计，不含出动准备、红绿灯和拥堵；无公布的误差范围",
        en="free-flow speeds, without turning out, lights or congestion; no scatter is known",
    ),
)

ANALYSIS = Analysis(
    id="resource-routing",
    title=Text(zh="应急力量调度", en="Resource routing"),
    description=Text(
        zh="按当前积水和封路，为事故点派出最近的空闲队伍，给出各车行驶路线、时间，以及未派出队伍的原因。",
        en="The nearest free teams for an incident with the roads closed as they are: routes, "
        "times, and for each team that is passed over, why.",
    ),
    inputs=RoutingInputs,
    outputs=RoutingOutputs,
    run=run,
    source="docs/methods/resource-routing.md",
    version=VERSION,
)
