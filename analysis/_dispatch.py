"""Which teams go: the nearest free ones of each kind, and why the others do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from analysis import _routes as routes
from analysis._closures import Closures
from analysis._process import Text
from analysis._roads import Bools, RoadGraph
from analysis._routes import Route, Snap, Times

_SAME_M = 1e-3
"""Two roads this nearly as far away are equally near: a junction."""


class Team(NamedTuple):
    """A team, as far as choosing needs it; x and y in metres."""

    id: int
    kind: str
    vehicle_class: str
    status: str
    x_m: float
    y_m: float


class Trip(NamedTuple):
    """How a team would get to the incident."""

    origin: Snap
    times: Times
    time_s: float


class Verdict(NamedTuple):
    """Whether a team goes, and if not, why."""

    team: Team
    trip: Trip | None
    reason: str | None
    """A key of `REASONS`; None if it goes."""


REASONS = {
    "busy": Text(zh="正在执行任务", en="busy"),
    "off_duty": Text(zh="不在勤", en="off duty"),
    "unknown_vehicle_class": Text(
        zh="车型“{vehicle_class}”没有涉水深度阈值；已有：{classes}",
        en="no wading depth is on record for the vehicle class {vehicle_class!r}; "
        "there are: {classes}",
    ),
    "no_road_near": Text(zh="{within_m:g} 米内没有道路", en="no road within {within_m:g} m"),
    "cut_off_by_water": Text(
        zh="被水阻断：深度达到 {limit_m:g} 米的道路不可通行，无水时可达",
        en="cut off by water: it stops at {limit_m:g} m; without the water there is a way",
    ),
    "cut_off_by_closure": Text(
        zh="被封路阻断，不封路时可达", en="cut off by closed roads; without them there is a way"
    ),
    "no_way": Text(zh="路网上没有通路", en="no way on the road network, even with every road open"),
    "too_late": Text(
        zh="需 {minutes:.0f} 分钟，超过上限 {max_minutes:g} 分钟",
        en="{minutes:.0f} minutes, more than the {max_minutes:g} allowed",
    ),
    "farther": Text(
        zh="更远：已有 {chosen} 支更近的同类队伍",
        en="farther than the {chosen} nearest of its kind",
    ),
}
"""Why a team does not go; the words in braces are filled in."""


@dataclass(frozen=True)
class Situation:
    """An incident on a road graph with its closures."""

    graph: RoadGraph
    closures: Closures
    limits_m: Mapping[str, float]
    """The depth at which each class of vehicle stops."""
    x_m: float
    y_m: float
    within_m: float
    """How far a place may be from its road."""

    _searched: dict[str, Times | None] = field(default_factory=dict, init=False, repr=False)
    """One search for each set of closed roads, however many teams ask."""

    def trip(self, team: Team) -> Trip | None:
        """Return how a team gets there with the roads as they are, or None."""
        limit_m = self.limits_m[team.vehicle_class]
        return self._trip(team, f"at {limit_m}", self.closures.closed_to(limit_m))

    def dry_trip(self, team: Team) -> Trip | None:
        """Return how it would get there if there were no water."""
        return self._trip(team, "dry", self.closures.ordered())

    def free_trip(self, team: Team) -> Trip | None:
        """Return how it would get there if every road were open."""
        return self._trip(team, "free", self._nothing_closed)

    def own_road_m(self, x_m: float, y_m: float) -> float | None:
        """Return how far a place is from its road, open or closed; None if no road is near."""
        own = self._snap(x_m, y_m, self._nothing_closed)
        return None if own is None else own.distance_m

    def moved_by_closures(self, x_m: float, y_m: float, snap: Snap) -> bool:
        """Return whether a place is led to another road because its own is closed."""
        own_m = self.own_road_m(x_m, y_m)
        return own_m is not None and snap.distance_m > own_m + _SAME_M

    @cached_property
    def _nothing_closed(self) -> Bools:
        return np.zeros(self.graph.edges, dtype=np.bool_)

    def _snap(self, x_m: float, y_m: float, closed: Bools) -> Snap | None:
        return routes.snap(self.graph, x_m, y_m, closed=closed, within_m=self.within_m)

    def _trip(self, team: Team, world: str, closed: Bools) -> Trip | None:
        if world not in self._searched:
            goal = self._snap(self.x_m, self.y_m, closed)
            times = None if goal is None else routes.times_to(self.graph, goal, closed=closed)
            self._searched[world] = times
        times = self._searched[world]
        origin = self._snap(team.x_m, team.y_m, closed)
        if times is None or origin is None:
            return None
        time_s = routes.travel_time_s(self.graph, origin, times)
        return Trip(origin, times, time_s) if np.isfinite(time_s) else None


def choose(
    situation: Situation, teams: Sequence[Team], needs: Mapping[str, int], *, max_time_s: float
) -> list[Verdict]:
    """Return what becomes of each team, in the order of their time to the incident.

    Of each kind the free teams that are there first go; equal times go by id.

    Parameters
    ----------
    situation : Situation
    teams : sequence of Team
        The teams of the kinds that are needed, free or not.
    needs : mapping of str to int
        How many of each kind are needed.
    max_time_s : float
        Who needs longer does not go.
    """
    verdicts = [_judge(situation, team, max_time_s) for team in teams]
    verdicts.sort(key=lambda v: (v.trip.time_s if v.trip else np.inf, v.team.id))
    chosen = dict.fromkeys(needs, 0)
    final = []
    for verdict in verdicts:
        kind = verdict.team.kind
        if verdict.reason is None:
            if chosen[kind] < needs[kind]:
                chosen[kind] += 1
            else:
                verdict = verdict._replace(reason="farther")
        final.append(verdict)
    return final


def _judge(situation: Situation, team: Team, max_time_s: float) -> Verdict:
    if team.vehicle_class not in situation.limits_m:
        return Verdict(team, None, "unknown_vehicle_class")
    trip = situation.trip(team)
    if team.status != "free":
        return Verdict(team, trip, team.status)
    if trip is not None:
        return Verdict(team, trip, "too_late" if trip.time_s > max_time_s else None)
    if situation.own_road_m(team.x_m, team.y_m) is None:
        return Verdict(team, None, "no_road_near")
    if situation.dry_trip(team) is not None:
        return Verdict(team, None, "cut_off_by_water")
    if situation.free_trip(team) is not None:
        return Verdict(team, None, "cut_off_by_closure")
    return Verdict(team, None, "no_way")


def route_of(situation: Situation, trip: Trip) -> Route:
    """Return the way of a trip."""
    return routes.route(situation.graph, trip.origin, trip.times)
