"""What the checks of a network find: rules in words, and findings as arrays."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from twin.topology.network import NONE, Bools, Floats, Ints, Network, Shapes
from twin.words import Words

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Rule:
    """What a check looks for.

    ``error``: the data contradicts itself or the world.  ``warning``: a person has to look.
    ``note``: it may well be so, and was not assumed.
    """

    id: str
    check: str
    """The check that finds it; callers choose checks."""
    severity: Severity
    unit: str | None
    title: Words
    measure: Words
    """What the measured value is."""
    source: str | None = None
    """The standard its limit is from; None: a judgement of ours."""

    def say(self, measured: float, limit: float) -> Words:
        """Return one finding in words.

        >>> RULES["near-miss"].say(0.213, 0.5).en
        'End not joined to what is near: distance 0.21 m (limit 0.5)'
        """
        if np.isnan(measured):
            return self.title
        unit = f" {self.unit}" if self.unit else ""
        number = (
            f"{measured:.4f}" if self.unit == "m/m" else f"{measured:.2f}".rstrip("0").rstrip(".")
        )
        zh, en = f"{self.measure.zh} {number}{unit}", f"{self.measure.en} {number}{unit}"
        if not np.isnan(limit):
            zh, en = f"{zh}（限值 {limit:g}）", f"{en} (limit {limit:g})"
        return Words(f"{self.title.zh}：{zh}", f"{self.title.en}: {en}")


CLEARANCES = "GB 50289-2016, tables 4.1.9 and 4.1.14; values unverified [m]"


def _rule(
    check: str, id: str, severity: Severity, unit: str | None, *words: str
) -> tuple[str, Rule]:
    title_zh, title_en, zh, en = words
    source = CLEARANCES if id.startswith("clearance") else None
    return id, Rule(id, check, severity, unit, Words(title_zh, title_en), Words(zh, en), source)


RULES: dict[str, Rule] = dict(
    [
        _rule("ends", "end-apart", "error", "m",
              "管端远离其记录的管点", "End lies away from the node it names", "距离", "distance"),
        _rule("ends", "end-by-place", "note", "m",
              "管端未记录管点，按位置相接", "End names no node, joined by place",
              "距离", "distance"),
        _rule("ends", "dangling-end", "warning", None,
              "悬挂管端：不接任何管点或管段", "End hangs on nothing", "", ""),
        _rule("ends", "dead-end", "note", None,
              "断头：管点只接一段管，且无终止设施", "One pipe only at a node where nothing ends it",
              "", ""),
        _rule("ends", "lone-node", "warning", None,
              "孤立管点：不接任何管段", "Node without a pipe", "", ""),
        _rule("near", "near-miss", "warning", "m",
              "管端与邻近管线未相接", "End not joined to what is near", "距离", "distance"),
        _rule("near", "node-on-pipe", "warning", "m",
              "管点压在未打断的管段上", "Node on a pipe that is not cut there", "距离", "distance"),
        _rule("near", "node-pair", "warning", "m",
              "同类管点重合而未相接", "Two nodes of one kind in one place, not joined",
              "距离", "distance"),
        _rule("crossings", "crossing", "warning", None,
              "同类管线相交处无管点", "Pipes of one kind cross without a node", "", ""),
        _rule("crossings", "self-crossing", "warning", None,
              "管段自相交", "Pipe crosses itself", "", ""),
        _rule("duplicates", "duplicate", "error", "m",
              "重复管段", "The same pipe twice", "重合长度", "common length"),
        _rule("duplicates", "overlap", "warning", "m",
              "管段部分重叠", "Pipes lie upon one another in part", "重合长度", "common length"),
        _rule("duplicates", "collapsed", "error", "m",
              "管段长度为零或两端同点", "Pipe without length or with both ends at one node",
              "长度", "length"),
        _rule("slopes", "adverse-slope", "error", "m",
              "逆坡：管内底沿流向升高", "Invert rises along the flow", "升高", "rise"),
        _rule("slopes", "flow-against-slope", "warning", "m",
              "流向与井底坡向相反", "Declared flow climbs between the inverts of its nodes",
              "升高", "rise"),
        _rule("slopes", "drawn-backwards", "warning", "m",
              "绘制方向与起止点号相反", "Drawn from its last node to its first",
              "距离", "distance"),
        _rule("slopes", "no-outfall", "warning", None,
              "水流终止于无出口的管点", "Flow ends at a node that is no outfall",
              "上游管点数", "nodes upstream"),
        _rule("slopes", "flow-loop", "warning", None,
              "流向成环", "Flow goes round in a loop", "环上管段数", "pipes on loops of this part"),
        _rule("parts", "isolated-part", "note", None,
              "孤立部分：与同类最大管网不相连", "Part apart from the largest network of its kind",
              "管段数", "pipes"),
        _rule("depths", "above-ground", "error", "m",
              "管顶高于地面", "Crown above the ground", "高出", "above by"),
        _rule("depths", "too-deep", "warning", "m",
              "埋深过大", "Deeper than plausible", "覆土", "cover"),
        _rule("clashes", "clash", "error", "m",
              "管线实体相碰", "Two pipes are in one place", "净距", "clearance"),
        _rule("clashes", "clearance-vertical", "warning", "m",
              "交叉垂直净距不足", "Vertical clearance at a crossing too small",
              "净距", "clearance"),
        _rule("clashes", "clearance-horizontal", "warning", "m",
              "水平净距不足", "Horizontal clearance too small", "净距", "clearance"),
        _rule("clashes", "clearance-plan", "note", "m",
              "平面净距不足（高程未知）", "Clearance in plan too small, heights not known", "净距",
              "clearance"),
    ]
)  # fmt: skip
"""Every rule by its id."""

CHECKS = tuple(dict.fromkeys(rule.check for rule in RULES.values()))
"""The checks a caller may choose, in the order in which they are made."""


@dataclass(frozen=True, eq=False)
class Found:
    """The findings of one rule, shape (k,) each; ids are those of the city, -1 for none."""

    rule: Rule
    segments: Ints
    """Ids of the segments involved, shape (k, 2)."""
    nodes: Ints
    """Ids of the nodes involved, shape (k, 2)."""
    kinds: Ints
    """Numbers of the kinds involved, shape (k, 2)."""
    places: Shapes
    """Where: points or lines in plan."""
    measured: Floats
    limit: Floats
    """NaN where a value or a limit makes no sense."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.measured)

    def __getitem__(self, which: Bools | Ints | slice) -> "Found":
        """Return some of them."""
        return replace(
            self,
            segments=self.segments[which],
            nodes=self.nodes[which],
            kinds=self.kinds[which],
            places=self.places[which],
            measured=self.measured[which],
            limit=self.limit[which],
        )


def found(
    network: Network,
    rule: str,
    places: Shapes,
    *,
    segments: tuple[Ints, ...] = (),
    nodes: tuple[Ints, ...] = (),
    measured: Floats | float = np.nan,
    limit: Floats | float = np.nan,
) -> Found:
    """Return findings of a rule; segments and nodes are given by their numbers in the network.

    >>> from twin.topology.sample import network
    >>> some = found(network(["0 0, 1 0"]), "collapsed", np.array([None]),
    ...     segments=(np.array([0]),), measured=0.01, limit=0.05)
    >>> some.segments.tolist(), some.nodes.tolist(), some.kinds.tolist()
    ([[1, -1]], [[-1, -1]], [[0, -1]])
    """
    count = len(places)
    kinds = _column(network.segments.kind.__getitem__, segments, count)
    if not segments:
        kinds = _column(network.nodes.kind.__getitem__, nodes, count)
    return Found(
        RULES[rule],
        _column(network.segments.ids.__getitem__, segments, count),
        _column(network.nodes.ids.__getitem__, nodes, count),
        kinds,
        places,
        np.broadcast_to(np.asarray(measured, float), (count,)).copy(),
        np.broadcast_to(np.asarray(limit, float), (count,)).copy(),
    )


def _column(name: Callable[[Ints], Ints], given: tuple[Ints, ...], count: int) -> Ints:
    """Return what two columns of numbers are called, shape (k, 2); -1 stays -1."""
    columns = np.full((count, 2), NONE)
    for at, numbers in enumerate(given):
        there = numbers != NONE
        columns[there, at] = name(numbers[there])
    return columns
