"""The city's colours, and small builders of MapLibre expressions.

A calm, warm base on which pipes, water and incidents stand out.  Pipes follow the colours that
Chinese surveyors draw them in (CJJ 61, 城市地下管线探测技术规程: water blue, drainage brown, gas
pink, heat orange, power red, telecom green, industrial black), a shade softer for a screen.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from layers._layer import Drawn, Words

Expression = list[Any]

BACKGROUND = "#e9eef0"
LAND = "#f6f3ec"
INK = "#37424a"
PAPER = "#ffffff"
FADED = "#9aa5ab"


def match(name: str, colours: Mapping[str, Any], other: Any) -> Expression:
    """Return an expression that picks a value by a field's code.

    >>> match("kind", {"gas": "pink"}, "grey")
    ['match', ['get', 'kind'], 'gas', 'pink', 'grey']
    """
    pairs = [item for pair in colours.items() for item in pair]
    return ["match", ["get", name], *pairs, other]


def match_any(name: str, groups: Sequence[tuple[Sequence[str], Any]], other: Any) -> Expression:
    """Return an expression that picks a value by groups of codes.

    >>> match_any("c", [(("a", "b"), 1)], 0)
    ['match', ['get', 'c'], ['a', 'b'], 1, 0]
    """
    pairs = [item for codes, value in groups for item in (list(codes), value)]
    return ["match", ["get", name], *pairs, other]


def by_zoom(*stops: Any, base: float = 1.5) -> Expression:
    """Return an expression that grows with the zoom: zoom, value, zoom, value, ….

    >>> by_zoom(10, 1, 16, 4)
    ['interpolate', ['exponential', 1.5], ['zoom'], 10, 1, 16, 4]
    """
    return ["interpolate", ["exponential", base], ["zoom"], *stops]


def drawn(
    colours: Mapping[str, str],
    labels: Mapping[str, Words],
    shape: Literal["fill", "line", "circle"],
) -> tuple[Drawn, ...]:
    """Return a legend of coded colours, in the order of the colours."""
    return tuple(Drawn(colour, labels[code], shape) for code, colour in colours.items())
