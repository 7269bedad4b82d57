"""What the past costs: questions as of random moments beside the same ones about now."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks._bench import Bench, Benchmark, Result
from layers import layer_named, query
from layers.filter import Selection
from twin.crs import CityBox, LonLatBox
from twin.database import City, open_city

_BUILDING = layer_named("building")
_IN_A_COMMIT = 10
_PARTS = 10

_TOWN = text("""
    -- Houses 20 m apart, as the last of all changes left them.
    INSERT INTO twin.building (id, name, height_m, use, geom, recorded_by, recorded_at)
    SELECT n, 'house ' || n, n % 50, 'residential',
           ST_Multi(ST_MakeEnvelope(x, y, x + 10, y + 12, 4548)), coalesce(last.change, 0),
           timestamptz '2020-01-01Z' + coalesce(last.change, 0) * interval '1 second'
    FROM   generate_series(0, :houses - 1) AS n
    LEFT   JOIN LATERAL (SELECT 450000 + n % :side * 20 AS x, 2565000 + n / :side * 20 AS y)
           AS corner ON true
    LEFT   JOIN (SELECT id, max(replaced_by) AS change FROM public.changed GROUP BY id)
           AS last ON last.id = n
""")
_CHANGES = text("""
    -- Which house each change is of: spread at random, the same in every run.  A change replaces
    -- the state that the one before it wrote; the first of all states was there from the start.
    CREATE UNLOGGED TABLE public.changed AS
    SELECT id, replaced_by, coalesce(lag(replaced_by) OVER (
               PARTITION BY id ORDER BY replaced_by
           ), 0) AS recorded_by
    FROM   (
        SELECT DISTINCT (hashint8(n) & 2147483647) % :houses AS id,
               n / :in_a_commit + 1 AS replaced_by
        FROM   generate_series(0, :changes - 1) AS n
    ) AS drawn
""")
_COMMITS = text("""
    -- One commit a second, ten changes each, nobody else writing meanwhile.
    INSERT INTO twin.change_set (id, seq, at, actor, committed_at, began_after, top_id)
    SELECT n, n, timestamptz '2020-01-01Z' + n * interval '1 second', 'bench',
           timestamptz '2020-01-01Z' + n * interval '1 second', n - 1, n
    FROM   generate_series(1, (SELECT max(replaced_by) FROM public.changed)) AS n
""")
_STATES = text("""
    INSERT INTO twin.building_history
        (replaced_at, replaced_by, op, id, uid, name, height_m, use, geom, recorded_at, recorded_by,
         source, state, visibility, attrs)
    SELECT timestamptz '2020-01-01Z' + changed.replaced_by * interval '1 second',
           changed.replaced_by, 'U', id, uid, 'house ' || id || ' of ' || changed.replaced_by,
           changed.replaced_by % 50, use, geom,
           timestamptz '2020-01-01Z' + changed.recorded_by * interval '1 second',
           changed.recorded_by, source, state, visibility, attrs
    FROM   public.changed JOIN twin.building USING (id)
    WHERE  changed.replaced_by BETWEEN :first AND :last
    ORDER  BY changed.replaced_by
""")
_NAIVE = """
    CREATE UNLOGGED TABLE public.naive AS SELECT * FROM twin.building_history;
    CREATE INDEX ON public.naive (id);
    CREATE INDEX ON public.naive USING gist (geom);
    ANALYZE public.naive
"""
_NAIVE_BOX = """
    SELECT id, name FROM twin.building
    WHERE  geom && ST_MakeEnvelope(%(x)s, %(y)s, %(x2)s, %(y2)s, 4548) AND recorded_at <= %(at)s
    UNION  ALL
    SELECT id, name FROM public.naive
    WHERE  geom && ST_MakeEnvelope(%(x)s, %(y)s, %(x2)s, %(y2)s, 4548)
    AND    recorded_at <= %(at)s AND replaced_at > %(at)s
"""
_INSIDE = text("""
    SELECT id FROM twin.building
    WHERE  geom @ ST_MakeEnvelope(:min_x_m, :min_y_m, :max_x_m, :max_y_m, 4548)
""")
_NAIVE_ONE = """
    SELECT id, name FROM twin.building WHERE id = %(id)s AND recorded_at <= %(at)s
    UNION  ALL
    SELECT id, name FROM public.naive
    WHERE  id = %(id)s AND recorded_at <= %(at)s AND replaced_at > %(at)s
"""


@dataclass(frozen=True)
class _Place:
    """A question: a house, a box around one, and a commit."""

    house: int
    metres: CityBox
    lonlat: LonLatBox
    seq: int


def _run(bench: Bench) -> Result:
    changes = 200_000 if bench.quick else 10_000_000 if bench.full else 1_000_000
    houses = changes // 50
    side = int(houses**0.5)
    asked = 100 if bench.quick else 1000
    with (
        bench.city("bench_history") as engine,
        bench.city("bench_history_none") as plain,
        Session(engine) as session,
        Session(engine) as second,
        Session(plain) as other,
    ):
        began = time.monotonic()
        last = _fill(engine, houses, changes, side)
        _fill(plain, houses, 0, side)
        filled_s = time.monotonic() - began
        city, none = open_city(session), open_city(other)
        places = _places(city, asked, side, last)
        # Each contender has a server process of its own, and so caches of its own.
        rows, ratios = _reading(city, open_city(second), none, places)
        naive = places[: max(20, asked // 10)]
        rows += (by_naive := _naive(engine, city, naive, ratios))[0]
        rows += _writing(engine, plain, houses // 10, ratios)
        notes = [
            f"{houses:,} buildings, {changes:,} changes in commits of ten, {_PARTS} partitions, "
            f"{_size(engine)} of history with its indexes; filled by SQL in {filled_s:.0f} s. "
            f"{asked} questions, each at a random moment and place; medians (95 %), through "
            "the same functions as the service; the plain UNION is psycopg alone, without GeoJSON.",
        ]
    return Result(
        ["question", "as of then, ms", "now, ms", "now, no history kept, ms"],
        rows,
        ratios,
        by_naive[1],
        notes,
    )


def _fill(engine: Engine, houses: int, changes: int, side: int) -> int:
    """Fill a city by SQL, past the triggers; return the number of its last commit."""
    given = {"houses": houses, "changes": changes, "side": side, "in_a_commit": _IN_A_COMMIT}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL work_mem = '1GB'"))
        connection.execute(text("ALTER TABLE twin.building DISABLE TRIGGER USER"))
        connection.execute(_CHANGES, given)
        connection.execute(_TOWN, given)
        connection.execute(text("ALTER TABLE twin.change_set DISABLE TRIGGER USER"))
        connection.execute(_COMMITS)
        connection.execute(text("ALTER TABLE twin.change_set ENABLE TRIGGER USER"))
        connection.execute(text("ALTER TABLE twin.building ENABLE TRIGGER USER"))
        last = int(
            connection.scalar(text("SELECT coalesce(max(seq), 0) FROM twin.change_set")) or 0
        )
        for name in ("change_set_seq", "change_set_id_seq"):
            connection.execute(
                text(f"SELECT setval('twin.{name}', :last, :last > 1)"), {"last": max(last, 1)}
            )
    for part in range(_PARTS if last else 0):
        span = {"first": last * part // _PARTS + 1, "last": last * (part + 1) // _PARTS}
        with engine.begin() as connection:
            # As if the partition had been sealed when its time was over.
            connection.execute(
                text("SELECT setval('twin.change_set_id_seq', :last)"), {"last": span["last"]}
            )
            connection.execute(_STATES, span)
            connection.execute(text("SELECT twin.seal_history('building', 0)"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return last


def _places(city: City, count: int, side: int, last: int) -> Sequence[_Place]:
    """Return houses, boxes of 100 to 1 000 houses, and moments; the same in every run."""
    draw = random.Random(2026)
    found = []
    for _ in range(count):
        width = 20 * min(draw.uniform(100, 1000) ** 0.5, side / 2)
        x = 450_000 + draw.random() * (side * 20 - width)
        y = 2_565_000 + draw.random() * (side * 20 - width)
        metres = CityBox(x, y, x + width, y + width)
        lonlat = city.frame.box_to_lonlat(metres)
        found.append(_Place(draw.randrange(side * side), metres, lonlat, draw.randint(1, last)))
    return found


def _reading(
    past: City, city: City, none: City, places: Sequence[_Place]
) -> tuple[list[list[str]], dict[str, float]]:
    def box(where: City, place: _Place, seq: int | None) -> object:
        return query.written(where, _BUILDING, Selection(place.lonlat, as_of=seq), limit=10_000)

    def one(where: City, place: _Place, seq: int | None) -> object:
        return query.one_written(where, _BUILDING, str(place.house), seq)

    rows, ratios = list[list[str]](), dict[str, float]()
    asks: dict[str, Callable[[City, _Place, int | None], object]] = {
        "one building, by its id": one,
        "a box of 100 to 1 000 buildings": box,
    }
    for name, ask in asks.items():
        then, now, without = list[float](), list[float](), list[float]()
        draw = random.Random(2026)
        for place in places:
            turns = [(then, past, place.seq), (now, city, None), (without, none, None)]
            for kept, where, seq in draw.sample(turns, 3):
                kept.append(_timed(ask, where, place, seq))
        rows.append([name, _ms(then), _ms(now), _ms(without)])
        word = name.split(",")[0].split(" of")[0].replace(" ", "_")
        ratios[f"{word}_now_beside_no_history"] = _of(without) / _of(now)
        ratios[f"{word}_then_beside_now"] = _of(now) / _of(then)
    return rows, ratios


def _naive(
    engine: Engine, city: City, places: Sequence[_Place], ratios: dict[str, float]
) -> tuple[list[list[str]], bool]:
    """Ask the same by the SQL that everybody would write, and compare what is found."""
    with engine.begin() as connection:
        for statement in _NAIVE.split(";"):
            connection.execute(text(statement))
    boxes, ones, equal = list[float](), list[float](), True
    ours = {"box": list[float](), "one": list[float]()}
    with engine.connect() as connection:
        for place in places:
            given = {
                "id": place.house,
                **dict(zip(("x", "y", "x2", "y2"), place.metres, strict=True)),
            }
            given["at"] = connection.scalar(
                text("SELECT committed_at FROM twin.change_set WHERE seq = :seq"),
                {"seq": place.seq},
            )
            boxes.append(_timed(_driver, connection, _NAIVE_BOX, given))
            ones.append(_timed(_driver, connection, _NAIVE_ONE, given))
            asked = Selection(place.lonlat, as_of=place.seq)
            page = query.page(city, _BUILDING, asked, limit=10_000, names=("name",))
            # Our box is one in degrees, a little larger: both hold what is wholly inside.
            theirs = dict(map(tuple, _driver(connection, _NAIVE_BOX, given)))
            same = {row[0]: row[2] for row in page.rows}
            inside = set(connection.scalars(_INSIDE, place.metres._asdict()))
            equal = equal and {n: theirs.get(n) for n in inside} == {n: same.get(n) for n in inside}
            equal = equal and inside <= same.keys()
            box = partial(query.written, city, _BUILDING, asked, limit=10_000)
            ours["box"].append(_timed(box))
            one = partial(query.one_written, city, _BUILDING, str(place.house), place.seq)
            ours["one"].append(_timed(one))
    ratios["box_beside_plain_union"] = _of(boxes) / _of(ours["box"])
    ratios["one_beside_plain_union"] = _of(ones) / _of(ours["one"])
    return [
        ["the same box by a plain UNION", _ms(boxes), "", ""],
        ["the same building by a plain UNION", _ms(ones), "", ""],
    ], equal


def _writing(
    engine: Engine, plain: Engine, count: int, ratios: dict[str, float]
) -> list[list[str]]:
    """Change many rows at once, with a long history behind them and with none."""
    seconds: dict[str, float] = {}
    for name, where in (("with", engine), ("without", plain)):
        with where.begin() as connection:
            connection.execute(text("SET LOCAL twin.load_id = '1'"))
            statement = text("UPDATE twin.building SET storeys = 7 WHERE id < :count")
            seconds[name] = _timed(connection.execute, statement, {"count": count})
    ratios["reload_beside_empty_history"] = seconds["without"] / seconds["with"]
    told = [f"{1e3 * seconds[name]:,.0f}" for name in ("with", "without")]
    return [[f"a reload that changes {count:,} buildings", "", *told]]


def _driver(connection: Any, sql: str, given: dict[str, Any]) -> Any:
    return connection.exec_driver_sql(sql, given).cursor.fetchall()


def _size(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(
            connection.scalar(
                text("""
                    SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid)))
                    FROM   pg_inherits WHERE inhparent = CAST('twin.building_history' AS regclass)
                """)
            )
        )


def _timed(action: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - began


def _of(seconds: list[float]) -> float:
    return statistics.median(seconds)


def _ms(seconds: list[float]) -> str:
    high = statistics.quantiles(seconds, n=20)[-1]
    return f"{1e3 * statistics.median(seconds):.2f} ({1e3 * high:.1f})"


BENCHMARK = Benchmark("history", "as of any moment, beside now and a plain UNION", _run)
