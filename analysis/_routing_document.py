"""The answer of a dispatch, word for word: who goes, who does not, what is closed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import shapely
from pydantic import BaseModel, Field

from analysis._dispatch import REASONS, Situation, Verdict
from analysis._geometry import to_geojson
from analysis._process import GeoJSON, Text
from analysis._routes import Route
from twin.crs import Frame


class Assigned(BaseModel):
    """A team that goes, and its way."""

    resource_id: int
    uid: UUID
    name: str | None
    kind: str
    vehicle_class: str
    travel_time_s: float = Field(description="on the road; turning out is not counted")
    travel_time_dry_s: float | None = Field(description="the same without the water")
    length_m: float
    route: GeoJSON
    edges: list[int] = Field(description="road_edge ids in the order of travel")
    snap_from_m: float = Field(description="from the team to its road")
    snap_to_m: float = Field(description="from the end of the route to the incident")
    from_closed_road: bool = Field(
        description="the team's own road is closed to it: it must first get to the route's begin"
    )
    to_closed_road: bool = Field(
        description="the incident's own road is closed to it: the route ends as near as it can"
    )
    phone: str | None
    base: str | None


class PassedOver(BaseModel):
    """A team of a kind that is needed, and why it does not go."""

    resource_id: int
    name: str | None
    kind: str
    vehicle_class: str
    reason_code: str
    reason: Text
    travel_time_s: float | None = Field(description="null: it cannot get there")


class Unmet(BaseModel):
    """A need that cannot be met."""

    kind: str
    missing: int
    reason: Text


class ClosedTo(BaseModel):
    """What is closed to one class of vehicle."""

    limit_m: float = Field(description="stops at this depth")
    edges: int
    by_cause: dict[str, int] = Field(description="causes may overlap")


class Closed(BaseModel):
    """What is closed."""

    edges: int = Field(description="in the graph, closed or not")
    by_vehicle_class: dict[str, ClosedTo]


class TeamRow(NamedTuple):
    """A team as stored."""

    id: int
    uid: UUID
    name: str | None
    kind: str
    vehicle_class: str
    status: str
    phone: str | None
    base: str | None
    x_m: float
    y_m: float


class Sent(NamedTuple):
    """A team that goes, and its way."""

    row: TeamRow
    verdict: Verdict
    way: Route


def assigned(frame: Frame, situation: Situation, sent: Sent) -> Assigned:
    """Return a team that goes as the answer shows it."""
    row, verdict, way = sent
    trip, dry = verdict.trip, situation.dry_trip(verdict.team)
    assert trip is not None
    return Assigned(
        resource_id=row.id,
        uid=row.uid,
        name=row.name,
        kind=row.kind,
        vehicle_class=row.vehicle_class,
        travel_time_s=way.time_s,
        travel_time_dry_s=None if dry is None else dry.time_s,
        length_m=way.length_m,
        route=to_geojson(shapely.LineString(way.line), frame),
        edges=way.edges.tolist(),
        snap_from_m=trip.origin.distance_m,
        snap_to_m=trip.times.goal.distance_m,
        from_closed_road=situation.moved_by_closures(row.x_m, row.y_m, trip.origin),
        to_closed_road=situation.moved_by_closures(situation.x_m, situation.y_m, trip.times.goal),
        phone=row.phone,
        base=row.base,
    )


def passed_over(
    situation: Situation,
    row: TeamRow,
    verdict: Verdict,
    *,
    chosen: int,
    max_minutes: float,
) -> PassedOver:
    """Return why a team does not go, in words."""
    assert verdict.reason is not None
    limits_m = situation.limits_m
    time_s = verdict.trip.time_s if verdict.trip else None
    words = {
        "vehicle_class": row.vehicle_class,
        "classes": ", ".join(limits_m) or "none",
        "within_m": situation.within_m,
        "limit_m": limits_m.get(row.vehicle_class, 0.0),
        "minutes": (time_s or 0.0) / 60,
        "max_minutes": max_minutes,
        "chosen": chosen,
    }
    reason = REASONS[verdict.reason]
    return PassedOver(
        resource_id=row.id,
        name=row.name,
        kind=row.kind,
        vehicle_class=row.vehicle_class,
        reason_code=verdict.reason,
        reason=Text(zh=reason.zh.format(**words), en=reason.en.format(**words)),
        travel_time_s=time_s,
    )


def unmet(
    needs: Mapping[str, int],
    teams: Mapping[int, TeamRow],
    sent: Sequence[Sent],
    kinds: Iterable[str],
) -> list[Unmet]:
    """Return what is missing; ``kinds`` are those that the city has at all."""
    found = []
    for kind, count in needs.items():
        missing = count - sum(each.row.kind == kind for each in sent)
        if missing == 0:
            continue
        there = sum(row.kind == kind for row in teams.values())
        free = sum(row.kind == kind and row.status == "free" for row in teams.values())
        if there == 0:
            named = ", ".join(kinds) or "none"
            reason = Text(
                zh=f"没有“{kind}”类力量；现有：{named}",
                en=f"there is no team of the kind {kind!r}; there are: {named}",
            )
        elif free < count:
            reason = Text(
                zh=f"共 {there} 支，仅 {free} 支空闲", en=f"of {there} only {free} are free"
            )
        else:
            reason = Text(
                zh="空闲队伍中有的无法到达，见“未派出”原因",
                en="some of the free ones cannot get there; see passed_over",
            )
        found.append(Unmet(kind=kind, missing=missing, reason=reason))
    return found


def closed(situation: Situation, limits_m: Mapping[str, float]) -> Closed:
    """Return how many edges are closed to each class of vehicle, and by what."""
    closures = situation.closures
    return Closed(
        edges=situation.graph.edges,
        by_vehicle_class={
            name: ClosedTo(
                limit_m=limit_m,
                edges=int(closures.closed_to(limit_m).sum()),
                by_cause={n: int(shut.sum()) for n, shut in closures.causes(limit_m).items()},
            )
            for name, limit_m in limits_m.items()
        },
    )
