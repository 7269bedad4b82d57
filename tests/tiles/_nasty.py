"""Shapes that break encoders, drawn from a seed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

MIDDLE = (467_000.0, 2_584_000.0)
RUN = "00000000-0000-4000-8000-000000000001"

_INSERT_RUN = text("""
    INSERT INTO twin.analysis_run (id, analysis, inputs)
    VALUES (:run, 'test', '{}') ON CONFLICT DO NOTHING
""")
_INSERT = text("""
    INSERT INTO twin.analysis_feature (name, run_id, analysis, role, attrs, geom)
    VALUES (:name, :run, 'test', :role, CAST(:attrs AS jsonb), ST_GeomFromText(:wkt, 4548))
""")
ROLES = ("ring", "route", "建筑", "incident", "closed_edge")
ATTRS: tuple[dict[str, Any], ...] = (
    {},
    {"深度": 0.35, "n": 3, "minus": -7, "big": 2**40, "yes": True, "no": False},
    {"nothing": None, "list": [1, 2], "inner": {"a": 1}, "text": "下穿“立交”\n"},
    {"role": "collides", "n": 3.0, "small": 1e-9, "exact": 1.5, "zero": 0},
)


def fill(connection: Connection, rng: np.random.Generator, count: int) -> None:
    """Put ``count`` shapes of all kinds into the layer of analysis results."""
    connection.execute(_INSERT_RUN, {"run": RUN})
    for number, wkt in zip(range(count), shapes(rng), strict=False):
        connection.execute(_INSERT, row(rng, number, wkt))


def row(rng: np.random.Generator, number: int, wkt: str) -> dict[str, Any]:
    return {
        "name": None if number % 3 == 0 else f"第{number % 17}号",
        "run": RUN,
        "role": ROLES[rng.integers(len(ROLES))],
        "attrs": json.dumps(ATTRS[rng.integers(len(ATTRS))]),
        "wkt": wkt,
    }


def shapes(rng: np.random.Generator) -> Iterator[str]:
    """Yield WKT without end, in metres of EPSG:4548."""
    makers = (_star, _star, _holed, _bow_tie, _spike, _flat, _touching, _multi, _overlapping,
              _walk, _back, _dot_line, _multi_line, _point, _multi_point, _mixed, _comb, _empty,
              _courtyard)  # fmt: skip
    while True:
        size = float(10 ** rng.uniform(-1.5, 3.6))
        at = (MIDDLE[0] + rng.normal() * 2500, MIDDLE[1] + rng.normal() * 2500)
        yield makers[rng.integers(len(makers))](rng, at, size)


Place = tuple[float, float]


def _text(places: list[Place]) -> str:
    return "(" + ",".join(f"{x!r} {y!r}" for x, y in places) + ")"


def _ring(rng: np.random.Generator, at: Place, size: float, corners: int) -> str:
    angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
    reach = size * rng.uniform(0.2, 1.0, corners)
    places = [
        (float(at[0] + r * math.cos(a)), float(at[1] + r * math.sin(a)))
        for a, r in zip(angles, reach, strict=True)
    ]
    return _text([*places, places[0]])


def _star(rng: np.random.Generator, at: Place, size: float) -> str:
    return f"POLYGON({_ring(rng, at, size, int(rng.integers(3, 40)))})"


def _square(at: Place, half: float, *, back: bool = False) -> str:
    x, y = at
    places = [
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
    ]
    places = places[::-1] if back else places
    return _text([*places, places[0]])


def _holed(rng: np.random.Generator, at: Place, size: float) -> str:
    holes = [
        _square(
            (at[0] + dx * size / 2, at[1] + dy * size / 2), size * float(rng.uniform(0.01, 0.4))
        )
        for dx, dy in ((-1, -1), (1, -1), (1, 1))
    ]
    return f"POLYGON({','.join([_square(at, size), *holes])})"


def _courtyard(rng: np.random.Generator, at: Place, size: float) -> str:
    return f"POLYGON({_square(at, size)},{_square(at, size * 0.8, back=True)})"


def _bow_tie(rng: np.random.Generator, at: Place, size: float) -> str:
    x, y = at
    return f"POLYGON({_text([(x, y), (x + size, y + size), (x + size, y), (x, y + size), (x, y)])})"


def _spike(rng: np.random.Generator, at: Place, size: float) -> str:
    x, y = at
    places = [(x, y), (x + size, y), (x + 3 * size, y), (x + size, y), (x + size, y + size), (x, y)]
    return f"POLYGON({_text(places)})"


def _flat(rng: np.random.Generator, at: Place, size: float) -> str:
    x, y = at
    return f"POLYGON({_text([(x, y), (x + size, y + size), (x + size / 2, y + size / 2), (x, y)])})"


def _touching(rng: np.random.Generator, at: Place, size: float) -> str:
    x, y = at
    hole = [(x - size, y), (x, y + size / 2), (x, y - size / 2), (x - size, y)]
    return f"POLYGON({_square(at, size)},{_text(hole)})"


def _multi(rng: np.random.Generator, at: Place, size: float) -> str:
    parts = [
        _star(rng, (at[0] + 3 * size * i, at[1] + size * float(rng.normal())), size)[7:]
        for i in range(4)
    ]
    return f"MULTIPOLYGON({','.join(parts)})"


def _overlapping(rng: np.random.Generator, at: Place, size: float) -> str:
    other = (at[0] + size * float(rng.uniform(0.2, 2.0)), at[1])
    return f"MULTIPOLYGON(({_square(at, size)}),({_square(other, size)}))"


def _comb(rng: np.random.Generator, at: Place, size: float) -> str:
    """Return teeth that a tile's rim may cut many times."""
    x, y = at
    places = [(x, y)]
    for tooth in range(8):
        left = x + tooth * size / 8
        places += [(left, y + size), (left + size / 16, y + size), (left + size / 16, y + size / 9)]
        places += [(left + size / 8, y + size / 9)]
    return f"POLYGON({_text([*places, (x + size, y), (x, y)])})"


def _walk(rng: np.random.Generator, at: Place, size: float) -> str:
    steps = rng.normal(size=(int(rng.integers(2, 60)), 2)).cumsum(axis=0) * size / 5
    return f"LINESTRING{_text([(float(at[0] + u), float(at[1] + v)) for u, v in steps])}"


def _back(rng: np.random.Generator, at: Place, size: float) -> str:
    x, y = at
    return f"LINESTRING{_text([(x, y), (x + size, y), (x, y), (x, y + size), (x, y)])}"


def _dot_line(rng: np.random.Generator, at: Place, size: float) -> str:
    return f"LINESTRING{_text([at, (at[0] + size / 1000, at[1])])}"


def _multi_line(rng: np.random.Generator, at: Place, size: float) -> str:
    return f"MULTILINESTRING({','.join(_walk(rng, at, size)[10:] for _ in range(3))})"


def _point(rng: np.random.Generator, at: Place, size: float) -> str:
    return f"POINT{_text([at])}"


def _multi_point(rng: np.random.Generator, at: Place, size: float) -> str:
    places = [(at[0] + i * size, at[1]) for i in range(4)]
    return f"MULTIPOINT{_text([*places, places[0]])}"


def _mixed(rng: np.random.Generator, at: Place, size: float) -> str:
    inner = f"{_point(rng, at, size)},{_walk(rng, at, size)}"
    return f"GEOMETRYCOLLECTION({inner},GEOMETRYCOLLECTION({_star(rng, at, size)}))"


def _empty(rng: np.random.Generator, at: Place, size: float) -> str:
    return ("POLYGON EMPTY", "LINESTRING EMPTY", "POINT EMPTY", "GEOMETRYCOLLECTION EMPTY")[
        rng.integers(4)
    ]
