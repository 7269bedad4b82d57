"""How the pipes hang together, and what is wrong with it (管线拓扑检查)."""

from typing import Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import BaseModel, Field

from analysis._geometry import to_geojsons
from analysis._pipes import AS_SURVEYED, PAGE, VERSION, Kinds, kinds_asked, plan_wkb, said
from analysis._process import Analysis, Feature, GeoJSON, Given, Inputs, Model, Outputs, Text
from twin.crs import CityBox, Frame
from twin.database import City
from twin.pipe_network import Ground, box_of, ground_above, read_network
from twin.topology import CHECKS, KINDS, Found, Report, Rule, Tolerances, examine
from twin.topology.depths import Stations
from twin.topology.joints import Joints
from twin.topology.network import NONE, Floats
from twin.topology.slopes import outfalls

_MOST_PARTS = 100
_ORDER = ("error", "warning", "note")

Check = Literal["ends", "near", "crossings", "duplicates", "slopes", "parts", "depths", "clashes"]


class TopologyInputs(Inputs):
    """Which pipes, how near is near, and what is asked."""

    kinds: Kinds = None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None = Field(
        default=None,
        description="west, south, east, north, degrees: findings there; the network is always "
        "looked at as a whole",
    )
    checks: list[Check] | None = Field(default=None, min_length=1, description="default: all")
    snap_m: float = Field(default=0.05, gt=0, le=10, description="m: an end lies at a node")
    near_m: float = Field(default=0.5, gt=0, le=50, description="m: an end misses a pipe")
    least_rise_m: float = Field(default=0.001, ge=0, le=10, description="m: smaller is no rise")
    deepest_m: float = Field(default=10.0, gt=0, le=200, description="m: plausible cover")
    ground_tolerance_m: float = Field(
        default=0.3, ge=0, le=20, description="m: by which terrain and survey may differ"
    )
    limit: int = Field(default=2000, ge=0, le=50_000, description="findings listed and drawn")


class KindFound(BaseModel):
    """What the network of one kind consists of."""

    kind: str
    nodes: int
    segments: int
    length_m: float
    parts: int
    bridges: int = Field(description="pipes that no detour goes round")
    heights_known: int = Field(description="pipes with known heights; others have no slope")


class PartFound(BaseModel):
    """A part that hangs together."""

    kind: str
    nodes: int = Field(description="nodes, and places without one where ends meet")
    segments: int
    length_m: float
    largest: bool = Field(description="the longest of its kind")
    segment_id: int = Field(description="one of its pipes")


class Outfall(BaseModel):
    """Where gravity flow leaves the network."""

    node_id: int
    upstream_nodes: int


class RuleFound(BaseModel):
    """One rule, and how often it was broken."""

    rule: str
    check: str
    severity: str
    title: Text
    measure: Text | None = Field(description="what is measured")
    unit: str | None
    source: str | None = Field(description="the standard of the limit; null: our judgement")
    count: int


class Finding(BaseModel):
    """One finding."""

    rule: str
    severity: str
    words: Text
    kinds: list[str]
    segments: list[int] = Field(description="ids of pipe_segment")
    nodes: list[int] = Field(description="ids of pipe_node")
    measured: float | None
    limit: float | None
    unit: str | None
    place: GeoJSON


class TopologyOutputs(Outputs):
    """The topology of the network as it was found, not as it was assumed."""

    nodes: int
    segments: int
    length_m: float
    ends: dict[str, int] = Field(
        description="ends by how they hang: by_id, by_place, by_other_ends, loose"
    )
    is_acyclic: bool = Field(description="whether declared gravity flow never goes round")
    terrain: str | None = Field(description="raster of the ground; null: levels of nodes only")
    kinds: list[KindFound]
    parts_total: int
    parts: list[PartFound] = Field(description=f"the longest of each kind first, {_MOST_PARTS}")
    outfalls: list[Outfall]
    rules: list[RuleFound]
    findings_total: int
    findings: list[Finding] = Field(description="errors first, `limit` at most")


def run(city: City, inputs: TopologyInputs) -> TopologyOutputs:
    """Return how the pipes hang together and what is wrong with it.

    Raises
    ------
    InvalidInputError
        If the box is none.
    """
    box = box_of(city, inputs.box)
    network = read_network(city, kinds_asked(inputs.kinds))
    grounds: list[Ground] = []

    def ground(joints: Joints, along: Stations) -> Floats:
        grounds.append(ground_above(city, network, joints, along))
        return grounds[0].z_m

    tolerances = Tolerances(
        snap_m=inputs.snap_m,
        near_m=inputs.near_m,
        least_rise_m=inputs.least_rise_m,
        deepest_m=inputs.deepest_m,
        ground_m=inputs.ground_tolerance_m,
    )
    report = examine(network, tolerances, checks=inputs.checks or CHECKS, ground=ground)
    inside = [_inside(each, box) for each in report.found]
    terrain = grounds[0].terrain if grounds else None
    return _answer(city.frame, inputs, report, inside, terrain)


def _inside(found: Found, box: CityBox | None) -> Found:
    return found if box is None else found[shapely.intersects(found.places, shapely.box(*box))]


def _answer(
    frame: Frame,
    inputs: TopologyInputs,
    report: Report,
    found: list[Found],
    terrain: str | None,
) -> TopologyOutputs:
    kept = _kept(found, inputs.limit)
    outputs = TopologyOutputs(
        model=_MODEL,
        inputs=_given(inputs),
        nodes=len(report.network.nodes.ids),
        segments=report.network.segments.count,
        length_m=round(float(report.network.segments.length_m.sum()), 3),
        ends=report.ends(),
        is_acyclic=report.is_acyclic,
        terrain=terrain,
        kinds=_kinds(report),
        parts_total=len(report.parts.kind),
        parts=_parts(report),
        outfalls=_outfalls(report),
        rules=[_rule(each.rule, len(each)) for each in found],
        findings_total=sum(len(each) for each in found),
        findings=_findings(frame, kept),
    )
    return outputs.draw([_drawn(each, at) for each in kept for at in range(len(each))])


def _kept(found: list[Found], limit: int) -> list[Found]:
    """Return so many findings, errors first, each rule's in its own order."""
    kept = []
    for each in sorted(found, key=lambda one: _ORDER.index(one.rule.severity)):
        some = each[: max(limit, 0)]
        limit -= len(some)
        kept.append(some)
    return kept


def _kinds(report: Report) -> list[KindFound]:
    segments, nodes, parts = report.network.segments, report.network.nodes, report.parts
    return [
        KindFound(
            kind=KINDS[kind],
            nodes=int((nodes.kind == kind).sum()),
            segments=int(of_kind.sum()),
            length_m=round(float(segments.length_m[of_kind].sum()), 3),
            parts=int((parts.kind == kind).sum()),
            bridges=int((report.bridges & of_kind).sum()),
            heights_known=int((segments.level_known & of_kind).sum()),
        )
        for kind in np.unique(np.append(segments.kind, nodes.kind)).tolist()
        for of_kind in [segments.kind == kind]
    ]


def _parts(report: Report) -> list[PartFound]:
    parts, ids = report.parts, report.network.segments.ids
    order = np.lexsort((-parts.length_m, parts.kind, ~parts.largest))[:_MOST_PARTS]
    return [
        PartFound(
            kind=KINDS[parts.kind[at]],
            nodes=int(parts.joints[at]),
            segments=int(parts.segments[at]),
            length_m=round(float(parts.length_m[at]), 3),
            largest=bool(parts.largest[at]),
            segment_id=int(ids[parts.first[at]]),
        )
        for at in order.tolist()
    ]


def _outfalls(report: Report) -> list[Outfall]:
    at, upstream = outfalls(report.network, report.joints)
    ids = report.network.nodes.ids[at]
    return [
        Outfall(node_id=node, upstream_nodes=count)
        for node, count in zip(ids.tolist(), upstream.tolist(), strict=True)
    ]


def _rule(rule: Rule, count: int) -> RuleFound:
    return RuleFound(
        rule=rule.id,
        check=rule.check,
        severity=rule.severity,
        title=said(rule.title),
        measure=said(rule.measure) if rule.measure.en else None,
        unit=rule.unit,
        source=rule.source,
        count=count,
    )


def _told(found: Found, at: int) -> dict[str, Any]:
    """Return one finding without its place."""
    measured, limit = float(found.measured[at]), float(found.limit[at])
    kinds = dict.fromkeys(KINDS[kind] for kind in found.kinds[at].tolist() if kind != NONE)
    words = found.rule.say(measured, limit)
    return {
        "rule": found.rule.id,
        "severity": found.rule.severity,
        "words": {"zh": words.zh, "en": words.en},
        "kinds": list(kinds),
        "segments": [each for each in found.segments[at].tolist() if each != NONE],
        "nodes": [each for each in found.nodes[at].tolist() if each != NONE],
        "measured": None if np.isnan(measured) else round(measured, 4),
        "limit": None if np.isnan(limit) else limit,
        "unit": found.rule.unit,
    }


def _findings(frame: Frame, kept: list[Found]) -> list[Finding]:
    places = to_geojsons([place for each in kept for place in each.places], frame)
    told = (_told(each, at) for each in kept for at in range(len(each)))
    return [Finding(**one, place=place) for one, place in zip(told, places, strict=True)]


def _drawn(found: Found, at: int) -> Feature:
    told = _told(found, at)
    return Feature("finding", plan_wkb(found.places[at]), told["words"]["zh"], told["rule"], told)


def _given(inputs: TopologyInputs) -> dict[str, Given]:
    units = {"box": "degree"} | {
        name: "m" for name in type(inputs).model_fields if name.endswith("_m")
    }
    values = inputs.model_dump()
    return {name: Given(value=value, unit=units.get(name)) for name, value in values.items()}


_MODEL = Model(
    name="ends joined by what they name, else by place; every rule of twin.topology",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_SURVEYED,
)

ANALYSIS = Analysis(
    id="pipe-topology",
    title=Text(zh="管线拓扑检查", en="Topology of pipes"),
    description=Text(
        zh="管端如何相接，悬挂、漏接、相交无管点、重复、逆坡、连通性、埋深与净距；结果为图层。",
        en="How pipes hang together: loose ends, near misses, crossings without a node, "
        "duplicates, slopes, parts, depths and clearances; the findings are a layer.",
    ),
    inputs=TopologyInputs,
    outputs=TopologyOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
