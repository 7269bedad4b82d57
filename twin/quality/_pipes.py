"""Rules about how pipes hang together: what `twin.topology` finds, for the quality report.

One look at the network serves all rules of a run: it is kept with the session, for a transaction.
"""

from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from twin.crs import CityGeometry
from twin.database import City
from twin.pipe_network import ground_above, read_network
from twin.quality._rule import Finding, Parameter, Rule
from twin.quality._scope import Scope
from twin.topology import RULES, Found, Network, examine
from twin.topology import Rule as Looked
from twin.topology.depths import DEEPEST_M, GROUND_TOLERANCE_M
from twin.topology.lines import LEAST_OVERLAP_M
from twin.topology.network import NONE
from twin.topology.report import NEAR_M, SNAP_M
from twin.topology.slopes import LEAST_RISE_M
from twin.words import Words

SNAP = Parameter("snap_m", SNAP_M, "m", Words("视为同一处的距离", "So near is one place"))
NEAR = Parameter("near_m", NEAR_M, "m", Words("视为漏接的距离", "So near an end misses a pipe"))
RISE = Parameter("least_rise_m", LEAST_RISE_M, "m", Words("不计的升高", "A smaller rise is none"))
OVERLAP = Parameter("overlap_m", LEAST_OVERLAP_M, "m", Words("不计的重叠", "Less is no overlap"))
GROUND = Parameter(
    "ground_m", GROUND_TOLERANCE_M, "m", Words("地形与测量之差", "Terrain and survey may differ")
)
DEEPEST = Parameter("deepest_m", DEEPEST_M, "m", Words("合理的最大覆土", "Most plausible cover"))

_KEPT = "pipes"
_SEVERAL = ("ends", "near", "crossings")
"""Checks that may find the same things in several places: a pipe has two ends."""
_SOURCE = "Topology of pipe networks, docs/methods/pipelines.md; limits ours"


def pipe_rule(
    name: str, asks: Words, *, limit: Parameter | None = None, after_load: bool = True
) -> Rule:
    """Return a rule of `twin.topology` as one of the quality report.

    Parameters
    ----------
    name : str
        The rule of `twin.topology.RULES`; the id is ``pipe-`` and this.
    asks : Words
        What the data should be.
    limit : Parameter, optional
        What is measured against, where it is one number.
    after_load : bool
        Whether each load of pipes asks it.

    Examples
    --------
    >>> rule = pipe_rule("no-outfall", Words("重力流有出口。", "Gravity flow has an outfall."))
    >>> rule.id, rule.severity, rule.status
    ('pipe-no-outfall', 'warning', 'own')
    """
    looked = RULES[name]

    def check(city: City, scope: Scope) -> Iterator[Finding]:
        return _findings(city, looked)

    return Rule(
        id=f"pipe-{name}",
        title=looked.title,
        asks=asks,
        tables=("pipe_segment", "pipe_node"),
        severity=looked.severity,
        source=looked.source or _SOURCE,
        status="unverified" if looked.source else "own",
        says=Words("{zh}", "{en}"),
        unit=looked.unit,
        parameters=() if limit is None else (limit,),
        whole=True,
        after_load=after_load,
        check=check,
    )


def _findings(city: City, looked: Looked) -> Iterator[Finding]:
    for found in _found(city, looked.check):
        if found.rule.id == looked.id:
            yield from (_finding(found, at) for at in range(len(found)))


def _found(city: City, check: str) -> tuple[Found, ...]:
    """Return what a check finds; the network is read and every check made once in a transaction."""
    now = city.session.get_transaction()
    kept = city.session.info.get(_KEPT)
    if kept is None or kept[0] is not now:
        kept = city.session.info[_KEPT] = (now, read_network(city), {})
    network: Network = kept[1]
    checks: dict[str, tuple[Found, ...]] = kept[2]
    if check not in checks:
        checks[check] = examine(
            network,
            checks=[check],
            ground=lambda joints, along: ground_above(city, network, joints, along).z_m,
        ).found
    return checks[check]


def _where(place: BaseGeometry) -> str:
    x, y = shapely.get_coordinates(place)[0]
    return f"{x:.1f} {y:.1f}"


def _finding(found: Found, at: int) -> Finding:
    measured, limit = float(found.measured[at]), float(found.limit[at])
    things = [("pipe_segment", each) for each in found.segments[at].tolist() if each != NONE]
    things += [("pipe_node", each) for each in found.nodes[at].tolist() if each != NONE]
    place = found.places[at]
    said = found.rule.say(measured, limit)
    (layer, feature_id), (other_layer, other_id) = things[0], [*things, (None, None)][1]
    return Finding(
        layer,
        feature_id,
        other_layer if other_id != feature_id or other_layer != layer else None,
        other_id if other_id != feature_id or other_layer != layer else None,
        part=_where(place) if found.rule.check in _SEVERAL else None,
        place=CityGeometry(place),
        value=None if np.isnan(measured) else round(measured, 4),
        limit_value=None if np.isnan(limit) else limit,
        about={"zh": said.zh, "en": said.en},
    )
