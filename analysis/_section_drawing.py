"""A cross-section as a picture: pipes at their depth and size, or in the strip of unknown ones."""

from collections.abc import Sequence

import numpy as np

from analysis._pipe_levels import Levelled
from analysis._section import Clearance, Cut
from analysis._svg import GRID, INK, PALE, Sheet, steps
from layers._pipelines import COLOURS, KINDS
from twin.topology import KINDS as NUMBERED

_LEFT, _RIGHT, _TOP, _LABELS, _STRIP = 92.0, 40.0, 66.0, 190.0, 64.0
_WIDTH, _LEAST_PLOT, _MOST_PLOT, _LEAST_PX = 1000.0, 180.0, 620.0, 14.0
_GROUND, _ALARM = "#4d7c0f", "#c81e1e"


class _Plot:
    """Where an offset and a height are on the sheet."""

    def __init__(
        self, length_m: float, found: Sequence[Cut], ground: Sequence[tuple[float, float]]
    ) -> None:
        self.length_m = length_m
        levels = [z for _, z in ground]
        levels += [z for each in found for z in (each.here.crown_z_m, each.here.invert_z_m)]
        known = np.array(levels, float)
        known = known[~np.isnan(known)]
        low, high = (known.min(), known.max()) if len(known) else (-1.0, 0.0)
        self.low, self.high = float(low - 0.5), float(high + 0.5)
        across = _WIDTH / length_m
        wanted = across * (self.high - self.low)
        # Circles stay circles as long as the section is not flat.
        self.exaggeration = next(
            (k for k in (1, 2, 5, 10, 20, 50) if wanted * k >= _LEAST_PLOT), 100
        )
        height = min(wanted * self.exaggeration, _MOST_PLOT)
        self.up = height / (self.high - self.low)
        self.across = across if wanted <= _MOST_PLOT else self.up
        self.top = _TOP + _LABELS
        self.bottom = self.top + height
        self.right = _LEFT + self.across * length_m

    def x(self, offset_m: float) -> float:
        return _LEFT + offset_m * self.across

    def y(self, z_m: float) -> float:
        return self.bottom - (z_m - self.low) * self.up


def draw_section(
    pipes: Levelled,
    length_m: float,
    found: Sequence[Cut],
    near: Sequence[Clearance],
    ground: Sequence[tuple[float, float]],
) -> str:
    """Return the section as SVG, seen with the line's first point on the left."""
    plot = _Plot(length_m, found, ground)
    sheet = Sheet(
        _LEFT + _WIDTH + _RIGHT, plot.bottom + _STRIP + 74, "管线横断面 Cross-section of pipes"
    )
    _heading(sheet, plot, pipes, found)
    _grid(sheet, plot)
    sheet.path([(plot.x(far), plot.y(z)) for far, z in ground], _GROUND, width=2.2)
    label_x = -np.inf
    for number, each in enumerate(found, 1):
        label_x = max(plot.x(each.offset_m) + 4, label_x + _LEAST_PX)
        _pipe(sheet, plot, pipes, number, each, label_x)
    _gaps(sheet, plot, found, near)
    return sheet.svg()


def _heading(sheet: Sheet, plot: _Plot, pipes: Levelled, found: Sequence[Cut]) -> None:
    sheet.say((_LEFT, 24), "管线横断面 Cross-section of pipes", size=16, bold=True)
    unknown = sum(bool(np.isnan(each.here.centre_z_m)) for each in found)
    ground = pipes.terrain or "管点地面高程 levels of nodes"
    sheet.say(
        (_LEFT, 44),
        f"{len(found)} 条管线 pipes，{unknown} 条高程未知 of unknown height   竖向放大 Vertical "
        f"×{plot.up / plot.across:.3g}   地面 Ground: {ground}",
        colour=PALE,
    )
    sheet.say(
        (_LEFT, 60), "实线：测量高程 Solid: surveyed   虚线：由覆土推算 Dashed: from cover   "
        "尺寸为内径 Sizes are inner sizes", size=10, colour=PALE,
    )  # fmt: skip


def _grid(sheet: Sheet, plot: _Plot) -> None:
    for z in steps(plot.low, plot.high, 8):
        sheet.line((_LEFT, plot.y(z)), (plot.right, plot.y(z)), GRID)
        sheet.say((_LEFT - 6, plot.y(z) + 4), f"{z:g}", anchor="end", colour=PALE)
    sheet.say((10, plot.top - 12), "高程 Height (m)", size=10.5, colour=PALE)
    sheet.line((_LEFT, plot.bottom), (plot.right, plot.bottom), PALE)
    strip = plot.bottom + _STRIP
    sheet.box(((_LEFT + plot.right) / 2, plot.bottom + _STRIP / 2),
              ((plot.right - _LEFT) / 2, _STRIP / 2), PALE, fill="#f3f4f6")  # fmt: skip
    sheet.say((_LEFT - 6, plot.bottom + 28), "高程未知", anchor="end", size=10.5)
    sheet.say((_LEFT - 6, plot.bottom + 42), "depth unknown", anchor="end", size=10, colour=PALE)
    for far in steps(0, plot.length_m, 12):
        x = plot.x(far)
        sheet.line((x, strip), (x, strip + 5), PALE)
        sheet.say((x, strip + 18), f"{far:g}", anchor="middle", size=10.5, colour=PALE)
    sheet.say((plot.right, strip + 34), "距起点 Offset (m)", anchor="end", size=10.5, colour=PALE)


def _pipe(
    sheet: Sheet, plot: _Plot, pipes: Levelled, number: int, each: Cut, label_x: float
) -> None:
    segments, at = pipes.network.segments, each.segment
    kind = NUMBERED[segments.kind[at]]
    colour = COLOURS[kind]
    unknown = bool(np.isnan(each.here.centre_z_m))
    x = plot.x(each.offset_m)
    y = plot.bottom + _STRIP / 2 if unknown else plot.y(each.here.centre_z_m)
    halves = each.half_width_m * plot.across, float(segments.half_height_m[at]) * plot.up
    # Of an unknown size only the place is shown.
    sized = min(halves) > 0
    halves = (max(halves[0], 3.0), max(halves[1], 3.0)) if sized else (3.0, 3.0)
    if unknown:
        halves = min(halves[0], _STRIP / 3), min(halves[1], _STRIP / 3)
    dash = "4 2" if pipes.level[at] == "cover" else ""
    draw = sheet.ellipse if segments.round[at] else sheet.box
    draw((x, y), halves, colour, fill=_tint(colour) if sized else colour, dash=dash)
    sheet.say((x + halves[0] + 3, y + 4), str(number), size=10, bold=True, colour=colour)
    if label_x <= sheet.width - 4:
        sheet.line((x, y - halves[1]), (x, plot.top), colour, width=0.6, dash="2 3")
        sheet.line((x, plot.top), (label_x - 4, plot.top - 8), colour, width=0.6)
        said = f"{number} {KINDS[kind].zh}{_size(pipes, at)} {_height(pipes, each)}"
        sheet.say((label_x, plot.top - 10), said, size=10.5, colour=colour, turn=-90)


def _size(pipes: Levelled, at: int) -> str:
    segments = pipes.network.segments
    wide, tall = segments.width_m[at], segments.height_m[at]
    if np.isnan(wide):
        return " 尺寸未知"
    if segments.round[at]:
        return f" DN{1000 * wide:.0f}"
    return f" {1000 * wide:.0f}×{1000 * (wide if np.isnan(tall) else tall):.0f}"


def _height(pipes: Levelled, each: Cut) -> str:
    if np.isnan(each.here.centre_z_m):
        return "高程未知"
    cover = each.here.ground_z_m - each.here.crown_z_m
    return f"顶{each.here.crown_z_m:.2f}" + ("" if np.isnan(cover) else f" 覆土{cover:.2f}")


def _gaps(sheet: Sheet, plot: _Plot, found: Sequence[Cut], near: Sequence[Clearance]) -> None:
    """Write the clearances between neighbours below the axis, too small ones in red."""
    y = plot.bottom + _STRIP + 52
    sheet.say((_LEFT - 6, y), "净距 m", anchor="end", size=10.5)
    sheet.say((_LEFT - 6, y + 13), "clearance", anchor="end", size=10, colour=PALE)
    last = -np.inf
    for each in near:
        one, other = found[each.left], found[each.right]
        x = plot.x((one.offset_m + other.offset_m) / 2)
        if np.isnan(each.apart_m) or x - last < 34:
            continue
        last = x
        sheet.line((plot.x(one.offset_m), y - 10), (plot.x(other.offset_m), y - 10), PALE)
        colour = _ALARM if each.apart_m < each.limit_m else INK
        sheet.say((x, y + 2), f"{each.apart_m:.2f}", anchor="middle", size=10.5, colour=colour)


def _tint(colour: str) -> str:
    """Return a colour near white.

    >>> _tint("#000000")
    '#d1d1d1'
    """
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - 0.18 * (255 - part)):02x}" for part in parts)
