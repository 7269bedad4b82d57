"""Pictures as SVG, written by hand: shapes and words on a sheet, nothing that runs."""

import math
from html import escape

from layers import Words

FONT = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
INK, PALE, GRID = "#1f2937", "#6b7280", "#d8dee6"


class Sheet:
    """A sheet of pixels, y downwards.

    Examples
    --------
    >>> sheet = Sheet(100, 50, "a < b")
    >>> sheet.line((0, 0), (10, 5), INK)
    >>> picture = sheet.svg()
    >>> "<title>a &lt; b</title>" in picture, 'x2="10"' in picture
    (True, True)
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        """Begin a white sheet."""
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        colour: str,
        *,
        width: float = 1,
        dash: str = "",
    ) -> None:
        """Draw a line."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{colour}" '
            f'stroke-width="{_n(width)}"{_dash(dash)}/>'
        )

    def path(
        self,
        points: list[tuple[float, float]],
        colour: str,
        *,
        width: float = 1,
        fill: str = "none",
        dash: str = "",
        opacity: float = 1,
    ) -> None:
        """Draw a line through points; filled, it is closed."""
        if len(points) < 2:
            return
        way = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        kind = "polyline" if fill == "none" else "polygon"
        self._parts.append(
            f'<{kind} points="{way}" fill="{fill}" stroke="{colour}" stroke-width="{_n(width)}" '
            f'stroke-linejoin="round" opacity="{_n(opacity)}"{_dash(dash)}/>'
        )

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: str,
        *,
        fill: str = "#ffffff",
        dash: str = "",
    ) -> None:
        """Draw an ellipse."""
        self._parts.append(
            f'<ellipse cx="{_n(centre[0])}" cy="{_n(centre[1])}" rx="{_n(radii[0])}" '
            f'ry="{_n(radii[1])}" fill="{fill}" stroke="{colour}" stroke-width="1.6"{_dash(dash)}/>'
        )

    def box(
        self,
        centre: tuple[float, float],
        halves: tuple[float, float],
        colour: str,
        *,
        fill: str = "#ffffff",
        dash: str = "",
    ) -> None:
        """Draw a box about its middle."""
        x, y = centre[0] - halves[0], centre[1] - halves[1]
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(2 * halves[0])}" '
            f'height="{_n(2 * halves[1])}" fill="{fill}" stroke="{colour}" '
            f'stroke-width="1.6"{_dash(dash)}/>'
        )

    def say(
        self,
        place: tuple[float, float],
        words: str,
        *,
        size: float = 11,
        colour: str = INK,
        anchor: str = "start",
        turn: float = 0,
        bold: bool = False,
    ) -> None:
        """Write words at a place; ``turn`` is in degrees, clockwise."""
        x, y = place
        turned = f' transform="rotate({_n(turn)} {_n(x)} {_n(y)})"' if turn else ""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}{turned}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} '
            f'{_n(self.height)}" width="{_n(self.width)}" height="{_n(self.height)}" role="img" '
            f'font-family="{FONT}"><title>{escape(self.title)}</title>'
            f'<rect width="100%" height="100%" fill="#ffffff"/>' + "".join(self._parts) + "</svg>"
        )


def both(words: Words) -> str:
    """Return words in both languages on one line.

    >>> both(Words("地面", "Ground"))
    '地面 Ground'
    """
    return f"{words.zh} {words.en}"


def steps(low: float, high: float, about: int) -> list[float]:
    """Return round numbers from low to high, about so many.

    >>> steps(0.3, 4.2, 5)
    [1.0, 2.0, 3.0, 4.0]
    >>> steps(0, 1000, 5)
    [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    """
    span = max(high - low, 1e-6)
    rough = span / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= rough * 0.999)
    first = int(-(-low // step))
    last = int((high + 1e-9 * span) // step)
    return [round(k * step, 9) for k in range(first, last + 1)]


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _dash(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""
