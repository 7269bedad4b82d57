"""What tags of roads mean: direction, speed and level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest._values import parse_number
from twin.ingest._words import FALSE, ROAD_SPEEDS_KM_PER_H, TRUE
from twin.units import km_per_hour, miles_per_hour

_WALK_KM_PER_H = 7.0
_NO_LIMIT = frozenset({"none", "no", "unlimited"})
_UNSAID = frozenset({"signals", "variable", "unposted", "0", "implicit"})
_ZONES_KM_PER_H = {
    "urban": 50.0, "rural": 90.0, "motorway": 120.0, "trunk": 100.0, "living_street": 10.0,
    "walk": _WALK_KM_PER_H, "zone30": 30.0, "zone:30": 30.0,
}  # fmt: skip
_SPEED = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph|公里/小时)?\s*(?:[;|,/].*)?", re.I)
_LOWEST, _HIGHEST = -5, 7


def directions(
    oneway: pa.Array | None,
    junction: pa.Array | None,
    classes: pa.Array,
    repaired: Counter[str],
) -> pa.Array:
    """Return 0 for both ways, 1 along the line, -1 against it, shape (n,).

    Roundabouts and motorways are one-way unless they say otherwise.
    """
    count = len(classes)
    implied = pc.equal(classes, "motorway").to_numpy(zero_copy_only=False)
    if junction is not None:
        round_about = pc.is_in(junction, value_set=pa.array(["roundabout", "circular"]))
        implied = implied | round_about.to_numpy(zero_copy_only=False)
    found = np.where(implied, 1, 0)
    if oneway is None:
        return pa.array(found, pa.int32())
    coded = oneway.dictionary_encode()
    spelled = [str(word).strip().casefold() for word in coded.dictionary.to_pylist()]
    letters = {word for word in spelled if word} <= {"b", "f", "t"} and "b" in spelled
    said = np.array([*(_direction(word, letters) for word in spelled), np.nan])
    at = pc.fill_null(coded.indices, len(spelled)).to_numpy(zero_copy_only=False)
    values = said[at]
    for word, number in zip(spelled, np.bincount(at, minlength=len(spelled) + 1), strict=False):
        if word and np.isnan(_direction(word, letters)):
            repaired[f"oneway {word!r} not known: both ways"] += int(number)
    against = int((values == -1).sum())
    if against:
        repaired["oneway of -1: against the line"] += against
    return pa.array(np.where(np.isnan(values), found, values).astype(np.int32)[:count])


def _direction(word: str, letters: bool) -> float:
    """Return the direction a word gives, NaN for none.  F, T and B: along, against and both."""
    if letters:
        return {"f": 1.0, "t": -1.0, "b": 0.0}.get(word, np.nan)
    if word in ("-1", "reverse", "反向", "逆向"):
        return -1.0
    if word in TRUE or word in ("单向", "单行", "正向"):
        return 1.0
    if word in FALSE or word in ("双向", "reversible", "alternating"):
        return 0.0
    return np.nan


def speeds(
    given: pa.Array | None, maxspeed: pa.Array | None, classes: pa.Array, repaired: Counter[str]
) -> pa.Array:
    """Return the free-flow speed in m/s: the limit, else what is usual for the class."""
    found = _each(classes, lambda word: _usual(word))
    if maxspeed is not None:
        limit = _each(maxspeed, lambda word: _limit(word, repaired))
        found = pc.coalesce(limit, found)
    return found if given is None else pc.coalesce(given, found)


def _usual(word: str) -> float:
    return km_per_hour(ROAD_SPEEDS_KM_PER_H.get(word, ROAD_SPEEDS_KM_PER_H["unclassified"]))


def _limit(word: str, repaired: Counter[str]) -> float | None:
    """Return a speed limit in m/s, None where the text sets none."""
    folded = word.strip().casefold()
    plain = _SPEED.fullmatch(folded)
    if plain:
        number = float(plain[1])
        if not 0 < number <= 200:
            return None
        return miles_per_hour(number) if plain[2] == "mph" else km_per_hour(number)
    zone = _ZONES_KM_PER_H.get(folded.partition(":")[2] or folded)
    if zone is not None:
        return km_per_hour(zone)
    if folded and folded not in _NO_LIMIT | _UNSAID:
        repaired[f"speed limit {word!r} not understood: the usual speed"] += 1
    return None


def deck_levels(
    layer: pa.Array | None,
    bridge: pa.Array | None,
    tunnel: pa.Array | None,
    count: int,
    repaired: Counter[str],
) -> pa.Array:
    """Return the level of each road: its layer, else 1 on a bridge and -1 in a tunnel."""
    found = np.zeros(count, np.int32)
    if bridge is not None:
        found[_said(bridge)] = 1
    if tunnel is not None:
        found[_said(tunnel)] = -1
    if layer is None:
        return pa.array(found)
    numbers = _each(layer, _level).to_numpy(zero_copy_only=False)
    level = np.where(np.isfinite(numbers) & (numbers != 0), numbers, found)
    beyond = (level < _LOWEST) | (level > _HIGHEST)
    if beyond.any():
        repaired["layer beyond -5 to 7: taken as the rim"] += int(beyond.sum())
    return pa.array(np.clip(level, _LOWEST, _HIGHEST).astype(np.int32))


def _said(values: pa.Array) -> NDArray[np.bool_]:
    """Return where a tag says yes; a kind of bridge, such as viaduct, says it too."""
    no = pa.array(sorted(FALSE | {"building_passage"}))
    yes = pc.invert(pc.is_in(pc.utf8_lower(values), value_set=no))
    said = pc.fill_null(pc.and_(yes, pc.is_valid(values)), False)
    return np.asarray(said.to_numpy(zero_copy_only=False), np.bool_)


def _level(word: str) -> float | None:
    try:
        return parse_number(word.split(";")[0])
    except ValueError:
        return None


def _each(values: pa.Array, reading: Callable[[str], float | None]) -> pa.Array:
    coded = values.dictionary_encode()
    known = [None if w is None else reading(str(w)) for w in coded.dictionary.to_pylist()]
    return pa.array(known, pa.float64()).take(coded.indices)
