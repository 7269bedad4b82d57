"""What surveys of pipelines write in words of their own: sizes, kinds, pressures, voltages, flow.

Each function gives None where it is not sure: the word then stays in ``attrs`` as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from twin.ingest import _words as words
from twin.units import millimetres

_LEAST_MM, _MOST_MM = 10.0, 20_000.0
_MOST_DUCTS = 48
_LEAST_BOX_MM = 50.0

_N = r"(\d+(?:\.\d+)?)"
_BY = r"\s*[x×*✕х]\s*"
_ROUND = r"(?:dn|de|d|φ|ϕ|ø|∅)\s*"
_PLAIN = re.compile(rf"(?:{_ROUND})?{_N}\s*(mm|毫米|m|米)?", re.I)
_BOX = re.compile(rf"(?:b{_BY}h\s*=?\s*)?{_N}\s*(?:mm)?{_BY}{_N}\s*(mm|毫米|m|米)?", re.I)
_HOLES = re.compile(rf"(\d+)\s*孔\s*(?:(?:{_ROUND}|{_BY})?{_N}\s*(?:mm)?)?.*", re.I)
_BUNDLE = re.compile(rf"(\d{{1,2}})\s*(?:[-–]|{_BY})\s*{_ROUND}{_N}\s*(?:mm)?", re.I)
_VOLTS = re.compile(rf"{_N}\s*(kv|千伏|v|伏)", re.I)
_PASCALS = re.compile(rf"{_N}\s*(mpa|kpa|pa|兆帕|千帕|帕)", re.I)
_TO_PA = {"mpa": 1e6, "兆帕": 1e6, "kpa": 1e3, "千帕": 1e3, "pa": 1.0, "帕": 1.0}
_GRID_KV = {"6": 6.0, "10": 10.0, "20": 20.0, "35": 35.0, "66": 66.0, "110": 110.0, "500": 500.0}
"""Voltages that are only usual in kV: 220 and 380 are volts in a street and kilovolts in a grid."""
_ALONG = frozenset(["+", "正", "正向", "顺", "顺流", "顺向", "起点到终点", "起点至终点"])
_AGAINST = frozenset(["-", "反", "反向", "逆", "逆流", "逆向", "终点到起点", "终点至起点"])
_BOTH = frozenset(["±", "双向", "双"])
_IN_NAME = re.compile(
    rf"(?:^|[^a-z])({'|'.join(w for w in words.SURVEY_KINDS if w.isascii())})"
    r"(?=[_\-\s]*(?:point|line|pt|ln|pl|p|l)?\d*(?:[^a-z]|$))",
    re.I,
)
_CHINESE = sorted((w for w in words.SURVEY_KINDS if not w.isascii()), key=len, reverse=True)


class Size(NamedTuple):
    """A cross-section."""

    shape: str
    width_m: float | None
    height_m: float | None = None
    number: int | None = None
    """Ducts of a bank, pipes of a bundle."""


def size_of(text: str) -> Size | None:
    """Return what a survey's ``D_S`` means: mm, a circle, a box of width and height, or ducts.

    A box has no side below 50 mm and a bank no more than 48 ducts, so that ``12x100`` is twelve
    ducts of 100 mm and ``1200X800`` a box.

    >>> size_of("300"), size_of("DN300") == size_of("φ300") == size_of("300mm")
    (Size(shape='circular', width_m=0.3, height_m=None, number=None), True)
    >>> size_of("1200X800")
    Size(shape='rectangular', width_m=1.2, height_m=0.8, number=None)
    >>> size_of("12x100") == size_of("12孔100")
    True
    >>> size_of("12孔φ100")
    Size(shape='duct', width_m=0.1, height_m=None, number=12)
    >>> size_of("2-DN600"), size_of("0.3"), size_of("不明")
    (Size(shape='circular', width_m=0.6, height_m=None, number=2), None, None)
    """
    word = text.strip().replace("Φ", "φ").replace("，", ",")
    if found := _HOLES.fullmatch(word):
        width_m = _metres(found[2]) if found[2] else None
        return Size("duct", width_m, None, int(found[1])) if int(found[1]) else None
    if found := _BUNDLE.fullmatch(word):
        width_m = _metres(found[2])
        return Size("circular", width_m, None, int(found[1])) if width_m and int(found[1]) else None
    if found := _BOX.fullmatch(word):
        return _box(found[1], found[2], found[3])
    if found := _PLAIN.fullmatch(word):
        width_m = _metres(found[1], found[2])
        return Size("circular", width_m) if width_m else None
    return None


def _box(first: str, second: str, unit: str | None) -> Size | None:
    number, side = float(first), float(second)
    if unit in ("m", "米"):
        width_m, height_m = _metres(first, unit), _metres(second, unit)
        return Size("rectangular", width_m, height_m) if width_m and height_m else None
    if number >= _LEAST_BOX_MM <= side:
        width_m, height_m = _metres(first), _metres(second)
        return Size("rectangular", width_m, height_m) if width_m and height_m else None
    if number.is_integer() and 1 <= number <= _MOST_DUCTS and side >= _LEAST_MM:
        return Size("duct", _metres(second), None, int(number))
    return None


def _metres(number: str, unit: str | None = None) -> float | None:
    length_mm = float(number) * (1000.0 if unit in ("m", "米") else 1.0)
    return millimetres(length_mm) if _LEAST_MM <= length_mm < _MOST_MM else None


def kind_of(text: str) -> str | None:
    """Return the kind that the name of a table, or a word, speaks of.

    >>> kind_of("JSPoint"), kind_of("2024_ws_line"), kind_of("雨水管线点"), kind_of("给水")
    ('water', 'sewer', 'storm', 'water')
    >>> kind_of("雨污合流"), kind_of("WS污水"), kind_of("pipes") is None
    ('combined', 'sewer', True)
    """
    letters = letters_of_kind(text)
    return words.SURVEY_KINDS[letters] if letters else None


def letters_of_kind(text: str) -> str | None:
    """Return the word for a kind that is in a text: Chinese first, then letters such as JS.

    >>> letters_of_kind("JS_POINT"), letters_of_kind("污水管线")
    ('js', '污水')
    """
    folded = text.strip().casefold()
    chinese = next((word for word in _CHINESE if word in folded), None)
    found = _IN_NAME.search(folded)
    return chinese or (found[1].casefold() if found else None)


def volts_of(text: str) -> float | None:
    """Return a voltage, V.

    >>> volts_of("10KV"), volts_of("380V"), volts_of("110"), volts_of("220") is None
    (10000.0, 380.0, 110000.0, True)
    """
    word = text.strip()
    if found := _VOLTS.fullmatch(word):
        return float(found[1]) * (1000.0 if found[2].casefold() in ("kv", "千伏") else 1.0)
    kilovolts = _GRID_KV.get(word.removesuffix(".0"))
    return None if kilovolts is None else kilovolts * 1000.0


def pascals_of(text: str) -> float | None:
    """Return a pressure that is written with its unit, Pa.

    >>> pascals_of("0.4MPa"), pascals_of("中压A") is None, pascals_of("0.4") is None
    (400000.0, True, True)
    """
    found = _PASCALS.fullmatch(text.strip())
    return float(found[1]) * _TO_PA[found[2].casefold()] if found else None


def is_class(text: str) -> bool:
    """Return whether a word names a class of pressure.

    >>> is_class("次高压B"), is_class("0.4")
    (True, False)
    """
    return "压" in text or text.strip().upper().startswith("PN")


def flow_of(text: str) -> int | None:
    """Return 1 for along the line, -1 for against it, 0 for both.

    Numbers mean different things in different surveys.

    >>> flow_of("+"), flow_of("逆向"), flow_of("双向"), flow_of("1") is None
    (1, -1, 0, True)
    """
    word = text.strip()
    for meaning, known in ((1, _ALONG), (-1, _AGAINST), (0, _BOTH)):
        if word in known:
            return meaning
    return None
