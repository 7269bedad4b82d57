"""How far pipes have to keep from one another: GB 50289-2016, as data.

Horizontal: table 4.1.9.  Vertical, where they cross: table 4.1.14.  Values are metres between outer
walls.  The standard's text was not at hand; each value says how it is known:

- ``SECOND_HAND``: a public program that cites the table uses the same value;
- ``RECALLED``: from memory, unverified [m].

A value that depends on what is not known (a gas pipe's pressure, a water pipe's width) is the
smallest of its row: what is told is certain to be too near, what is not told may be.
"""

from typing import NamedTuple

import numpy as np

from twin.topology.network import KINDS, Floats, Ints, Segments

SECOND_HAND, RECALLED = "second-hand", "recalled, unverified [m]"
STANDARD = "GB 50289-2016"


class Clearance(NamedTuple):
    """One value of a table: two classes of pipes, metres, and how it is known."""

    one: str
    other: str
    metres: float
    known: str = RECALLED


CLASSES = (
    "water", "water>200", "drainage", "gas-low", "gas-medium", "gas-subhigh-b", "gas-subhigh-a",
    "heat", "power", "power-duct", "power>=35kV", "telecom", "telecom-duct", "industrial",
)  # fmt: skip
"""``-duct``: laid in ducts; pressures of gas below 0.01, 0.4, 0.8 and 1.6 MPa; industrial pipes
have no row."""


def _row(one: str, known: str, **limits: float) -> list[Clearance]:
    """Return a row; a name with no class of its own stands for all classes that begin with it."""
    names = {name.replace("_", "-"): metres for name, metres in limits.items()}
    return [
        Clearance(mine, other, metres, known)
        for mine in _classes(one)
        for name, metres in names.items()
        for other in _classes(name)
    ]


def _classes(name: str) -> list[str]:
    return [each for each in CLASSES if each == name or each.startswith((name + "-", name + ">"))]


HORIZONTAL: tuple[Clearance, ...] = (
    Clearance("water", "drainage", 1.0, SECOND_HAND),
    Clearance("water>200", "drainage", 1.5, SECOND_HAND),
    *_row("water", RECALLED, gas_low=0.5, gas_medium=0.5, gas_subhigh_b=1.0, gas_subhigh_a=1.5),
    *_row("water", RECALLED, heat=1.5, power=0.5, telecom=1.0),
    *_row("drainage", SECOND_HAND, gas_low=1.0, gas_medium=1.2),
    *_row("drainage", SECOND_HAND, gas_subhigh_b=1.5, gas_subhigh_a=2.0),
    *_row("drainage", SECOND_HAND, power=0.5, telecom=1.0),
    *_row("drainage", RECALLED, heat=1.5),
    *_row("heat", RECALLED, gas_low=1.0, gas_medium=1.0, gas_subhigh_b=1.5, gas_subhigh_a=2.0),
    *_row("heat", RECALLED, power=2.0, telecom=1.0),
    *_row("power", RECALLED, gas_low=0.5, gas_medium=0.5, gas_subhigh_b=1.0, gas_subhigh_a=1.5),
    *_row("power-duct", RECALLED, gas_low=1.0, gas_medium=1.0),
    *_row("power", RECALLED, telecom=0.5),
    *_row("power>=35kV", RECALLED, telecom=2.0),
    *_row("power", RECALLED, power=0.25),
    Clearance("power-duct", "power-duct", 0.1),
    *_row("telecom", RECALLED, gas_low=0.5, gas_medium=0.5, gas_subhigh_b=1.0, gas_subhigh_a=1.5),
    *_row("telecom-duct", RECALLED, gas_low=1.0, gas_medium=1.0),
    *_row("telecom", RECALLED, telecom=0.5),
    *_row("gas", RECALLED, gas=0.4),
)
"""Later rows stand before earlier ones; gas beside gas above DN 300 is 0.5 m."""

VERTICAL: tuple[Clearance, ...] = (
    *_row("water", RECALLED, water=0.15, drainage=0.4, heat=0.15, gas=0.15),
    *_row("drainage", RECALLED, drainage=0.15, heat=0.15, gas=0.15),
    *_row("heat", RECALLED, heat=0.15, gas=0.15),
    *_row("gas", RECALLED, gas=0.15),
    *_row("telecom", RECALLED, water=0.5, drainage=0.5, heat=0.25, gas=0.5, telecom=0.25),
    *_row("telecom-duct", RECALLED, water=0.15, drainage=0.15, heat=0.25, gas=0.15, telecom=0.25),
    *_row("power", RECALLED, water=0.5, drainage=0.5, heat=0.5, gas=0.5, telecom=0.5, power=0.5),
    *_row("power-duct", RECALLED, water=0.25, drainage=0.25, heat=0.25, gas=0.15, telecom=0.25),
    *_row("power-duct", RECALLED, power=0.25),
)
"""With a partition beside power cables laid in the soil 0.25 m would do; none is known of."""

_GAS_PA = (0.01e6, 0.4e6, 0.8e6)
_LARGE_WATER_M = 0.2
_LARGE_GAS_M, _BESIDE_LARGE_GAS_M = 0.3, 0.5
_HIGH_VOLTAGE_V = 35_000.0


def matrix(table: tuple[Clearance, ...]) -> Floats:
    """Return a table by the numbers of both classes, NaN where it has no value.

    >>> bool(matrix(VERTICAL)[CLASSES.index("drainage"), CLASSES.index("water")] == 0.4)
    True
    """
    values = np.full((len(CLASSES), len(CLASSES)), np.nan)
    for one, other, metres, _ in table:
        a, b = CLASSES.index(one), CLASSES.index(other)
        values[a, b] = values[b, a] = metres
    return values


def classes(segments: Segments) -> Ints:
    """Return the class of each segment, by its number in `CLASSES`, shape (n,).

    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 1 0"] * 3, kind=["water", "gas", "power"],
    ...     width_m=[0.3, 0.5, 0.1], pressure_pa=[np.nan, 1.2e6, np.nan], conduit=[0, 0, 1])
    >>> [CLASSES[each] for each in classes(pipes.segments)]
    ['water>200', 'gas-subhigh-a', 'power-duct']
    """
    number = {name: at for at, name in enumerate(CLASSES)}
    drainage = dict.fromkeys(("sewer", "storm", "combined"), "drainage")
    plain = {kind: drainage.get(kind, "gas-low" if kind == "gas" else kind) for kind in KINDS}
    found = np.array([number[plain[kind]] for kind in KINDS], np.int64)[segments.kind]
    kind = {name: segments.kind == KINDS.index(name) for name in KINDS}
    found[kind["water"] & (segments.width_m > _LARGE_WATER_M)] = number["water>200"]
    pressure = np.nan_to_num(segments.pressure_pa)
    step = np.searchsorted(_GAS_PA, pressure, side="right")
    found = np.where(kind["gas"], number["gas-low"] + step, found)
    for name in ("power", "telecom"):
        found[kind[name] & segments.conduit] = number[f"{name}-duct"]
    found[kind["power"] & (segments.voltage_v >= _HIGH_VOLTAGE_V)] = number["power>=35kV"]
    return np.asarray(found, np.int64)


def horizontal_m(segments: Segments, a: Ints, b: Ints) -> Floats:
    """Return how far pairs of segments have to keep beside one another, NaN where nothing says.

    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 1 0"] * 3, kind=["gas", "gas", "sewer"], width_m=[0.5, 0.1, 0.4])
    >>> horizontal_m(pipes.segments, np.array([0, 0, 2]), np.array([1, 2, 2])).tolist()
    [0.5, 1.0, nan]
    """
    which = classes(segments)
    limit = matrix(HORIZONTAL)[which[a], which[b]]
    gas = KINDS.index("gas")
    both = (segments.kind[a] == gas) & (segments.kind[b] == gas)
    wide = np.fmax(segments.width_m[a], segments.width_m[b]) > _LARGE_GAS_M
    return np.where(both & wide, _BESIDE_LARGE_GAS_M, limit)


def vertical_m(segments: Segments, a: Ints, b: Ints) -> Floats:
    """Return the height that pairs of segments need between them where they cross, NaN if none.

    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 1 0"] * 2, kind=["water", "sewer"])
    >>> vertical_m(pipes.segments, np.array([0]), np.array([1])).tolist()
    [0.4]
    """
    which = classes(segments)
    return np.asarray(matrix(VERTICAL)[which[a], which[b]], float)
