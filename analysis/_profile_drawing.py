"""A depth profile as a picture: pipes below the ground, what crosses them, the numbers below."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from analysis._pipe_levels import Levelled
from analysis._pipe_route import Step
from analysis._profile import Crossing, Station
from analysis._svg import GRID, INK, PALE, Sheet, steps
from layers import Words
from layers._pipelines import COLOURS, KINDS
from twin.topology import KINDS as NUMBERED

_LEFT, _RIGHT, _TOP, _LABELS, _PLOT, _STRIP, _ROW = 118.0, 40.0, 64.0, 182.0, 340.0, 34.0, 66.0
_GROUND, _ALARM = "#4d7c0f", "#c81e1e"
_LEAST_PX = 14.0
_ROWS = (
    Words("管点", "Node"),
    Words("里程 m", "Chainage"),
    Words("地面 m", "Ground"),
    Words("管内底 m", "Invert"),
    Words("内底埋深 m", "Depth"),
)
_UNKNOWN = Words("高程未知", "Height unknown")


class _Plot:
    """Where a chainage and a height are on the sheet."""

    def __init__(self, places: Sequence[Station], across: Sequence[Crossing]) -> None:
        self.length_m = max(places[-1].chainage_m, 1e-3)
        joints = sum(each.joint is not None for each in places) / 2 + 1
        room = max(90 * joints, (_LEAST_PX + 1) * len(across))
        self.width = float(np.clip(room, 900, 6000))
        levels = [z for each in places for z in (each.here.ground_z_m, each.here.crown_z_m,
                                                 each.here.invert_z_m)]  # fmt: skip
        levels += [z for each in across for z in (each.here.crown_z_m, each.here.invert_z_m)]
        known = np.array(levels)[~np.isnan(levels)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
        pad = max(0.08 * (high - low), 0.3)
        self.low, self.high = float(low - pad), float(high + pad)
        self.top = _TOP + _LABELS
        self.bottom = self.top + _PLOT

    @property
    def per_m(self) -> tuple[float, float]:
        """Pixels of a metre, along and up."""
        return self.width / self.length_m, _PLOT / (self.high - self.low)

    def x(self, chainage_m: float) -> float:
        return _LEFT + chainage_m * self.per_m[0]

    def y(self, z_m: float) -> float:
        return self.bottom - (z_m - self.low) * self.per_m[1]


def draw_profile(
    pipes: Levelled,
    way: Sequence[Step],
    places: Sequence[Station],
    across: Sequence[Crossing],
    names: Mapping[int, str],
    title: str,
) -> str:
    """Return the profile as SVG; a pipe of unknown height is drawn in a strip of its own."""
    plot = _Plot(places, across)
    height = plot.bottom + _STRIP + _ROW * (len(_ROWS) + 1) + 24
    sheet = Sheet(plot.width + _LEFT + _RIGHT, height, f"管线纵断面 Depth profile {title}")
    _heading(sheet, plot, title, pipes)
    _grid(sheet, plot)
    _ground(sheet, plot, places)
    for _, group in groupby(places, key=lambda each: each.segment):
        _pipe(sheet, plot, pipes, list(group))
    _across(sheet, plot, pipes, across)
    _table(sheet, plot, pipes, places, names)
    return sheet.svg()


def _heading(sheet: Sheet, plot: _Plot, title: str, pipes: Levelled) -> None:
    sheet.say((_LEFT, 24), f"管线纵断面 Depth profile  {title}", size=16, bold=True)
    along, up = plot.per_m
    ground = pipes.terrain or "管点地面高程 levels of nodes"
    sheet.say(
        (_LEFT, 44),
        f"竖向放大 Vertical exaggeration ×{up / along:.1f}   地面 Ground: {ground}   "
        "虚线：由覆土推算 Dashed: from cover",
        colour=PALE,
    )


def _grid(sheet: Sheet, plot: _Plot) -> None:
    for z in steps(plot.low, plot.high, 8):
        sheet.line((_LEFT, plot.y(z)), (_LEFT + plot.width, plot.y(z)), GRID)
        sheet.say((_LEFT - 6, plot.y(z) + 4), f"{z:g}", anchor="end", colour=PALE)
    sheet.say((14, plot.top - 8), "高程 Height (m)", colour=PALE)
    for far in steps(0, plot.length_m, int(plot.width // 110)):
        sheet.line((plot.x(far), plot.bottom), (plot.x(far), plot.bottom + 5), PALE)
    sheet.line((_LEFT, plot.bottom), (_LEFT + plot.width, plot.bottom), PALE)
    middle = plot.bottom + _STRIP / 2
    sheet.say((_LEFT - 6, middle), _UNKNOWN.zh, anchor="end", size=10, colour=PALE)
    sheet.say((_LEFT - 6, middle + 12), _UNKNOWN.en, anchor="end", size=10, colour=PALE)


def _ground(sheet: Sheet, plot: _Plot, places: Sequence[Station]) -> None:
    known = groupby(places, key=lambda each: not np.isnan(each.here.ground_z_m))
    for is_known, group in known:
        line = [(plot.x(each.chainage_m), plot.y(each.here.ground_z_m)) for each in group] \
            if is_known else []  # fmt: skip
        sheet.path(line, _GROUND, width=2)


def _pipe(sheet: Sheet, plot: _Plot, pipes: Levelled, group: list[Station]) -> None:
    at = group[0].segment
    colour = COLOURS[NUMBERED[pipes.network.segments.kind[at]]]
    level = pipes.level[at]
    ends = group[0], group[-1]
    if level == "unknown":
        y = plot.bottom + _STRIP / 2 + 2
        sheet.line((plot.x(ends[0].chainage_m), y), (plot.x(ends[1].chainage_m), y), colour,
                   width=3, dash="2 4")  # fmt: skip
        return
    crown = [(plot.x(each.chainage_m), plot.y(each.here.crown_z_m)) for each in group]
    invert = [(plot.x(each.chainage_m), plot.y(each.here.invert_z_m)) for each in group]
    dash = "5 3" if level == "cover" else ""
    sheet.path([*crown, *invert[::-1]], colour, width=0, fill=colour, opacity=0.25)
    for line in (crown, invert):
        sheet.path(line, colour, width=1.6, dash=dash)
    for each in ends:
        if each.joint is not None and not np.isnan(each.here.ground_z_m):
            x = plot.x(each.chainage_m)
            sheet.line((x, plot.y(each.here.ground_z_m)), (x, plot.y(each.here.invert_z_m)), PALE)


def _across(sheet: Sheet, plot: _Plot, pipes: Levelled, across: Sequence[Crossing]) -> None:
    """Draw what crosses the way, its words above the plot."""
    segments = pipes.network.segments
    label_x = -np.inf
    for each in across:
        at = each.segment
        kind = NUMBERED[segments.kind[at]]
        x = plot.x(each.chainage_m)
        wide, tall = segments.half_width_m[at], segments.half_height_m[at]
        unknown = np.isnan(each.here.centre_z_m)
        y = plot.bottom + _STRIP / 2 + 2 if unknown else plot.y(each.here.centre_z_m)
        radii = max(wide * plot.per_m[0], 3.0), max(tall * plot.per_m[1], 3.0)
        if unknown:
            radii = 3.5, 3.5
        draw = sheet.ellipse if segments.round[at] or unknown else sheet.box
        dash = "3 2" if pipes.level[at] == "cover" else ""
        draw((x, y), radii, COLOURS[kind], dash=dash)
        close = each.gap_m < (0.0 if np.isnan(each.limit_m) else each.limit_m)
        label_x = max(x + 4, label_x + _LEAST_PX)
        if label_x > sheet.width - 4:
            continue
        colour = _ALARM if close and not each.joined else COLOURS[kind]
        sheet.line((x, y - radii[1]), (x, plot.top), colour, width=0.6, dash="2 3")
        sheet.line((x, plot.top), (label_x - 4, plot.top - 8), colour, width=0.6)
        sheet.say((label_x, plot.top - 10), _words(kind, each, wide), size=10.5, colour=colour,
                  turn=-90)  # fmt: skip


def _words(kind: str, each: Crossing, half_width_m: float) -> str:
    size = f" DN{2000 * half_width_m:.0f}" if half_width_m else ""
    said = KINDS[kind].zh + size
    if each.joined:
        return f"{said} 接入 joined"
    if np.isnan(each.here.centre_z_m):
        return f"{said} 高程未知 unknown"
    if np.isnan(each.gap_m):
        return f"{said} {each.here.centre_z_m:.2f}"
    wanted = f" < {each.limit_m:.2f}" if each.gap_m < each.limit_m else ""
    return f"{said} 净距 gap {each.gap_m:.2f}{wanted}"


def _table(
    sheet: Sheet,
    plot: _Plot,
    pipes: Levelled,
    places: Sequence[Station],
    names: Mapping[int, str],
) -> None:
    top = plot.bottom + _STRIP
    rows = (*_ROWS, Words("管径 mm / 坡度 ‰", "Size / slope"))
    right = _LEFT + plot.width
    for at, words in enumerate(rows):
        y = top + at * _ROW
        sheet.line((8, y), (right, y), PALE, width=0.7)
        sheet.say((12, y + _ROW / 2), words.zh, size=11)
        sheet.say((12, y + _ROW / 2 + 14), words.en, size=10, colour=PALE)
    sheet.line((8, top + len(rows) * _ROW), (right, top + len(rows) * _ROW), PALE, width=0.7)
    at_joint = [each for each in places if each.joint is not None]
    last_x = -np.inf
    for _, group in groupby(at_joint, key=lambda each: (each.joint, round(each.chainage_m, 3))):
        stops = list(group)
        x = plot.x(stops[0].chainage_m)
        sheet.line((x, top), (x, top + len(_ROWS) * _ROW), GRID)
        if x - last_x < _LEAST_PX:
            continue
        last_x = x
        for at, said in enumerate(_numbers(stops, names)):
            place = (x + 12, top + (at + 1) * _ROW - 4)
            sheet.say(place, said, size=10.5, turn=-90)
    for _, group in groupby(places, key=lambda each: each.segment):
        _between(sheet, plot, pipes, list(group), top + len(_ROWS) * _ROW)


def _numbers(stops: list[Station], names: Mapping[int, str]) -> tuple[str, ...]:
    """Return what the table says of a node: its inverts are those of what arrives and leaves."""
    first = stops[0]
    inverts = dict.fromkeys(_said(each.here.invert_z_m) for each in stops)
    depths = dict.fromkeys(_said(each.here.ground_z_m - each.here.invert_z_m) for each in stops)
    return (
        names.get(-1 if first.joint is None else first.joint, "·")[:11],
        f"{first.chainage_m:.1f}",
        _said(first.here.ground_z_m),
        "/".join(inverts)[:13],
        "/".join(depths)[:13],
    )


def _said(value: float) -> str:
    return "—" if np.isnan(value) else f"{value:.2f}"


def _between(sheet: Sheet, plot: _Plot, pipes: Levelled, group: list[Station], top: float) -> None:
    segments, at = pipes.network.segments, group[0].segment
    start, end = plot.x(group[0].chainage_m), plot.x(group[-1].chainage_m)
    sheet.line((start, top), (start, top + _ROW), GRID)
    sheet.line((end, top), (end, top + _ROW), GRID)
    length = group[-1].chainage_m - group[0].chainage_m
    size = segments.width_m[at]
    tall = segments.height_m[at]
    said = "—" if np.isnan(size) else f"{1000 * size:.0f}"
    if not (np.isnan(size) or np.isnan(tall) or tall == size):
        said += f"×{1000 * tall:.0f}"
    fall = group[0].here.invert_z_m - group[-1].here.invert_z_m
    slope = "—" if np.isnan(fall) or not length else f"{1000 * fall / length:.1f}"
    colour = _ALARM if fall < 0 else INK
    middle = (start + end) / 2
    if end - start >= 44:
        sheet.say((middle, top + 28), said, size=10.5, anchor="middle")
        sheet.say((middle, top + 46), f"{slope} ‰", size=10.5, anchor="middle", colour=colour)
    elif end - start >= _LEAST_PX:
        sheet.say((middle + 4, top + _ROW - 4), f"{said} {slope}", size=9, turn=-90, colour=colour)
