"""Many write at once: every commit has exactly the state that commits up to it made."""

import random
import threading
import time

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layer_named, query
from layers.filter import Selection
from twin.database import City

BUILDING = layer_named("building")
_HOUSES, _WRITERS, _EACH = 6, 4, 25

_TELL = text("""
    -- What a transaction did, for the test to replay in the order of commits.
    INSERT INTO public.told (change_set_id, house, name)
    VALUES (twin.current_change_set(), :house, :name)
""")


def _write(engine: Engine, writer: int, failed: list[BaseException]) -> None:
    draw = random.Random(writer)
    try:
        with Session(engine) as session:
            for turn in range(_EACH):
                # In order, so that nobody waits for who waits for him.
                for house in sorted(draw.sample(range(1, _HOUSES + 1), draw.randint(1, 3))):
                    given = {"house": house, "name": f"{writer}.{turn}.{house}"}
                    session.execute(_TELL, given)
                    time.sleep(draw.choice([0, 0, 0.01]))
                    session.execute(
                        text("UPDATE twin.building SET name = :name WHERE id = :house"), given
                    )
                if draw.random() < 0.2:
                    session.rollback()
                else:
                    session.commit()
    except BaseException as error:
        failed.append(error)


def test_every_commit_has_the_state_that_commits_up_to_it_made(empty_city: City) -> None:
    session, engine = empty_city.session, empty_city.session.get_bind()
    assert isinstance(engine, Engine)
    session.execute(text("CREATE TABLE public.told (change_set_id bigint, house int, name text)"))
    session.execute(
        text("""
            INSERT INTO twin.building (id, geom)
            SELECT n, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
            FROM   generate_series(1, :houses) AS n
        """),
        {"houses": _HOUSES},
    )
    session.commit()
    failed: list[BaseException] = []
    writers = [
        threading.Thread(target=_write, args=(engine, n, failed), name=f"writer-{n}")
        for n in range(_WRITERS)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []

    rows = session.execute(
        text("""
            SELECT seq, house, name FROM public.told
            JOIN   twin.change_set ON change_set.id = change_set_id ORDER BY seq, house
        """)
    ).all()
    crossed = session.scalar(
        text("SELECT count(*) FROM twin.change_set WHERE seq - began_after > 1")
    )
    assert crossed, "nobody wrote while another committed: the test shows nothing"
    expected: dict[int, str | None] = dict.fromkeys(range(1, _HOUSES + 1))
    for seq in range(1, rows[-1].seq + 1):
        expected |= {row.house: row.name for row in rows if row.seq == seq}
        page = query.page(empty_city, BUILDING, Selection(as_of=seq), names=("name",))
        assert {row[0]: row[2] for row in page.rows} == expected, seq
