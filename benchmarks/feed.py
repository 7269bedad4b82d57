"""What the change feed costs: a bulk load with and without it, a single edit with and without."""

import statistics
import time

import psycopg
from sqlalchemy import Engine, text

from benchmarks._bench import Bench, Benchmark, Result, in_turn

_SOURCE = """
    CREATE TABLE public.delivered AS
    SELECT n::text AS source_id, 'house ' || n AS name, random() * 50 AS height_m,
           ST_Multi(ST_MakeEnvelope(x, y, x + 10, y + 12, 4548)) AS geom
    FROM   generate_series(0, :last) AS n,
           LATERAL (SELECT 450000 + n % 2000 * 20 AS x, 2565000 + n / 2000 * 20 AS y) AS corner
"""
_LOAD = text("""
    INSERT INTO twin.building (source, source_id, name, height_m, geom)
    SELECT 'bench', source_id, name, height_m, geom FROM public.delivered
""")


def _run(bench: Bench) -> Result:
    rows = 40_000 if bench.quick else 400_000
    rounds = 3 if bench.quick else 5
    with bench.city("bench_feed") as engine:
        with engine.begin() as connection:
            connection.execute(text(_SOURCE), {"last": rows - 1})
            connection.execute(text("ANALYZE public.delivered"))
        seconds = in_turn(
            rounds,
            without=lambda: _load(engine, feed=False),
            with_feed=lambda: _load(engine, feed=True),
        )
        equal = _last_load_is_logged_once(engine, rows)
        edits = 200 if bench.quick else 2000
        plain_s, logged_s = _edits(engine, edits)
    # Emptying the table costs both the same; it is inside both times.
    return Result(
        ["", "without the feed", "with the feed", "cost"],
        [
            [
                f"load of {rows:,} buildings, s",
                f"{seconds['without']:.2f}",
                f"{seconds['with_feed']:.2f}",
                f"{seconds['with_feed'] / seconds['without'] - 1:+.1%}",
            ],
            [
                "one edit, committed (log, history, NOTIFY), ms",
                f"{plain_s * 1e3:.2f}",
                f"{logged_s * 1e3:.2f}",
                f"{(logged_s - plain_s) * 1e3:+.2f} ms",
            ],
        ],
        {
            "load_speed_kept": seconds["without"] / seconds["with_feed"],
            "edit_speed_kept": plain_s / logged_s,
        },
        equal,
        ["Load: median of the rounds, indexes present in both. Edit: median; fsync on."],
    )


def _load(engine: Engine, *, feed: bool) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE twin.building DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM twin.building"))
        if feed:
            connection.execute(text("ALTER TABLE twin.building ENABLE TRIGGER USER"))
        connection.execute(text("SET LOCAL twin.load_id = '1'"))
        connection.execute(_LOAD)
        connection.execute(text("ALTER TABLE twin.building ENABLE TRIGGER USER"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM twin.building"))


def _last_load_is_logged_once(engine: Engine, rows: int) -> bool:
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM twin.building"))
        (op, covers) = connection.execute(
            text("""
                SELECT op, box_after @> (
                    SELECT ST_Extent(geom)::geometry::box FROM public.delivered
                ) FROM twin.change ORDER BY change_set_id DESC, id DESC LIMIT 1
            """)
        ).one()
    return bool(found == rows and op == "L" and covers)


def _edits(engine: Engine, count: int) -> tuple[float, float]:
    """Return the median seconds of a committed single-row update, feed off and on."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    times: dict[bool, list[float]] = {False: [], True: []}
    with (
        psycopg.connect(url, autocommit=True) as follower,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        follower.execute("LISTEN twin_change")
        ids = [
            row[0]
            for row in connection.execute(
                "SELECT id FROM twin.building ORDER BY id LIMIT %s", (count,)
            )
        ]
        for start in range(0, count, 100):
            for feed in (False, True):
                word = "ENABLE" if feed else "DISABLE"
                connection.execute(f"ALTER TABLE twin.building {word} TRIGGER USER")
                for number in ids[start : start + 100]:
                    began = time.perf_counter()
                    connection.execute(
                        "UPDATE twin.building SET name = name || %s WHERE id = %s",
                        ("+" if feed else "-", number),
                    )
                    times[feed].append(time.perf_counter() - began)
    return statistics.median(times[False]), statistics.median(times[True])


BENCHMARK = Benchmark("feed", "what the change feed costs", _run)
