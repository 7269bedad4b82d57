"""Curves and plans as SVG: what a page without scripts draws."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from layers import layer_named
from layers.file import Curve, Drawing

WIDE, HIGH = 720, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 12, 26
_STEPS = (1.0, 2.0, 5.0)
_TICKS = 4
_HOURS = timedelta(hours=4)
_GAP_TIMES = 3.0
"""A pause longer than so many usual steps is a gap in the curve."""
_COLOURS = {"blue": "#2f7fe0", "yellow": "#d6a800", "orange": "#f28a1c", "red": "#d9261c"}
_GREY = "#66747c"
_BAR_SHARE = 0.5


class Tick(NamedTuple):
    """One line of a scale: where, and what stands there."""

    at: float
    text: str


class Level(NamedTuple):
    """A level across a plot."""

    at: float
    text: str
    colour: str


class Plot(NamedTuple):
    """A curve in a field of ``WIDE`` by ``HIGH``, y downwards."""

    path: str
    ticks: list[Tick]
    times: list[Tick]
    levels: list[Level]
    last: tuple[float, float] | None


class Plan(NamedTuple):
    """A drawing in metres about its middle, with a bar of a round length."""

    half_m: float
    shapes: list[tuple[str, str, str]]
    """What it is (a class of the style sheet), its own colour or nothing, its path."""
    bar_m: float
    pipes: list[tuple[str, str, str]]
    """Colour, Chinese and English word of each kind of pipe that is drawn."""


def plot(curve: Curve) -> Plot:
    """Return a curve as it is drawn: zero below, the highest value or mark above."""
    known = [value for _, value in curve.points if value is not None]
    top = max([*known, 0.1]) * 1.08
    reached = [mark for mark in curve.marks if mark.value <= 1.6 * top]
    top = max([top, *(mark.value * 1.08 for mark in reached)])
    first, last = curve.points[0][0], curve.points[-1][0]
    span_s = max((last - first).total_seconds(), 1.0)

    def across(at: datetime) -> float:
        share = (at - first).total_seconds() / span_s
        return round(_LEFT + share * (WIDE - _LEFT - _RIGHT), 1)

    def down(value: float) -> float:
        return round(HIGH - _BOTTOM - value / top * (HIGH - _TOP - _BOTTOM), 1)

    step = round_step(top, _TICKS)
    ticks = [Tick(down(n * step), f"{n * step:g}") for n in range(int(top / step) + 1)]
    levels = [
        Level(down(mark.value), f"{mark.title.zh} {mark.title.en} {mark.value:g}",
              _COLOURS.get(mark.code, _GREY))
        for mark in reached
    ]  # fmt: skip
    drawn = [(across(at), down(value)) for at, value in curve.points if value is not None]
    path = " ".join(
        "M" + " ".join(f"{across(at)},{down(value)}" for at, value in piece)
        for piece in _pieces(curve)
    )
    return Plot(path, ticks, _times(first, last, across), levels, drawn[-1] if drawn else None)


def _times(first: datetime, last: datetime, across: Callable[[datetime], float]) -> list[Tick]:
    at = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    at -= timedelta(hours=at.hour % 4)
    found = []
    while at <= last:
        if at >= first:
            found.append(Tick(across(at), at.strftime("%H:%M")))
        at += _HOURS
    return found


def _pieces(curve: Curve) -> Iterator[list[tuple[datetime, float]]]:
    """Yield the curve without what was not measured: a gap stays a gap."""
    steps = sorted(
        (b - a).total_seconds()
        for (a, _), (b, _) in zip(curve.points, curve.points[1:], strict=False)
    )
    longest_s = _GAP_TIMES * steps[len(steps) // 2] if steps else 0.0
    piece: list[tuple[datetime, float]] = []
    for at, value in curve.points:
        broken = bool(piece) and (at - piece[-1][0]).total_seconds() > longest_s
        if (value is None or broken) and piece:
            yield piece
            piece = []
        if value is not None:
            piece.append((at, value))
    if piece:
        yield piece


def plan(drawing: Drawing) -> Plan:
    """Return a drawing as it is drawn, with the pipes that need a word of explanation."""
    pipes = layer_named("pipe_segment")
    by_label = {drawn.label: drawn.colour for drawn in pipes.legend}
    kinds = pipes.by_name["kind"].codes
    colours = {f"pipe_{kind}": by_label.get(label, _GREY) for kind, label in kinds.items()}
    met = {shape.what for shape in drawing.shapes}
    told = [
        (colours[f"pipe_{kind}"], label.zh, label.en)
        for kind, label in kinds.items()
        if f"pipe_{kind}" in met
    ]
    shapes = [
        (shape.what.partition("_")[0], colours.get(shape.what, ""), shape.path)
        for shape in drawing.shapes
    ]
    return Plan(drawing.half_m, shapes, round_step(_BAR_SHARE * drawing.half_m, 1), told)


def round_step(span: float, pieces: int) -> float:
    """Return a round number that a span holds at least so many times: 1, 2 or 5 and noughts.

    >>> round_step(0.93, 4), round_step(60.0, 1)
    (0.2, 50.0)
    """
    power = 1e9
    while True:
        for step in reversed(_STEPS):
            if step * power * pieces <= span:
                return float(f"{step * power:.12g}")
        power /= 10
