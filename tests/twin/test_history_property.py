"""Loads, edits, reloads, deletions, restorings at random: every past state can be rebuilt."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layer_named, query
from layers.differences import differences
from layers.filter import Selection
from twin import history
from twin.crs import CityBox, LonLatBox
from twin.database import City, connect, open_city
from twin.errors import ConflictError
from twin.history import moment
from twin.ingest import load

BUILDING = layer_named("building")
State = dict[int, tuple[str | None, float]]
"""Houses by number: name, and where each stands east of the corner, m."""

EAST, NORTH = 460_000, 2_580_000
_NAMES = st.sampled_from(["a", "b", "c", None])
_PLACES = st.integers(0, 50).map(lambda n: n * 100)
_WHICH = st.integers(0, 99)

_EDITS = st.one_of(
    st.tuples(st.just("add"), _NAMES, _PLACES),
    st.tuples(st.just("rename"), _WHICH, _NAMES),
    st.tuples(st.just("move"), _WHICH, _PLACES),
    st.tuples(st.just("rename all"), _NAMES),
    st.tuples(st.just("delete"), _WHICH),
    st.tuples(st.just("restore"), _WHICH, _WHICH),
)
_TRANSACTIONS = st.one_of(
    st.tuples(st.sampled_from(["commit", "commit", "roll back"]), st.lists(_EDITS, max_size=4)),
    st.tuples(
        st.just("load"), st.dictionaries(st.sampled_from("pqrs"), st.tuples(_NAMES, _PLACES))
    ),
)


class Replay:
    """A city, and beside it what each commit must have left."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.session = Session(engine)
        self.city = open_city(self.session)
        self.run("DELETE FROM twin.building")
        self.session.commit()
        self.first = self.last_seq()
        self.now: State = {}
        self.known: dict[int, State] = {self.first: {}}

    def run(self, statement: str, **values: Any) -> Any:
        found = self.session.execute(text(statement), values)
        return found.scalar() if found.returns_rows else None

    def last_seq(self) -> int:
        return int(self.run("SELECT coalesce(max(seq), 0) FROM twin.change_set"))

    def do(self, kind: str, what: Any) -> None:
        before = dict(self.now)
        if kind == "load":
            self.load(what)
        else:
            for edit in what:
                getattr(self, edit[0].replace(" ", "_"))(*edit[1:])
            if kind == "commit":
                self.session.commit()
            else:
                self.session.rollback()
                self.now = before
        seq = self.last_seq()
        self.session.commit()
        if seq == max(self.known):
            assert self.now == before, "a change without a commit of its own"
        self.known[seq] = dict(self.now)

    def add(self, name: str | None, x: float) -> None:
        number = self.run(
            """
            INSERT INTO twin.building (name, geom)
            SELECT :name, ST_Multi(ST_MakeEnvelope(:x, :y, :x + 10, :y + 10, 4548)) RETURNING id
            """,
            name=name,
            x=EAST + x,
            y=NORTH,
        )
        self.now[number] = (name, x)

    def rename(self, which: int, name: str | None) -> None:
        if (number := self._one_of(self.now, which)) is not None:
            self.run("UPDATE twin.building SET name = :name WHERE id = :id", name=name, id=number)
            self.now[number] = (name, self.now[number][1])

    def rename_all(self, name: str | None) -> None:
        self.run("UPDATE twin.building SET name = :name", name=name)
        self.now = {number: (name, x) for number, (_, x) in self.now.items()}

    def move(self, which: int, x: float) -> None:
        if (number := self._one_of(self.now, which)) is not None:
            name, former = self.now[number]
            self.run(
                "UPDATE twin.building SET geom = ST_Translate(geom, :dx, 0) WHERE id = :id",
                dx=x - former,
                id=number,
            )
            self.now[number] = (name, x)

    def delete(self, which: int) -> None:
        if (number := self._one_of(self.now, which)) is not None:
            self.run("DELETE FROM twin.building WHERE id = :id", id=number)
            del self.now[number]

    def restore(self, which: int, when: int) -> None:
        seqs = sorted(self.known)
        seq = seqs[when % len(seqs)]
        number = self._one_of(self.known[seq], which)
        if number is None:
            return
        try:
            history.restore(self.city, "building", number, seq)
        except ConflictError:
            return  # loaded anew meanwhile: its name in the source is taken
        self.now[number] = self.known[seq][number]

    def load(self, what: dict[str, tuple[str | None, float]]) -> None:
        if not what:
            return
        squares = [
            shapely.box(EAST + x, NORTH, EAST + x + 10, NORTH + 10) for _, x in what.values()
        ]
        names = [name for name, _ in what.values()]
        table = geopandas.GeoDataFrame(
            {"id": list(what), "name": names}, geometry=squares, crs="EPSG:4548"
        )
        file = self.folder / "houses.gpkg"
        pyogrio.write_dataframe(table, file)
        load(self.engine, "building", [file], data_dir=self.folder / "data", source="prop")
        for source_id, state in what.items():
            number = self.run(
                "SELECT id FROM twin.building WHERE source = 'prop' AND source_id = :name",
                name=source_id,
            )
            self.now[number] = state

    def check(self) -> None:
        for seq, state in self.known.items():
            assert self.as_of(seq) == state
            self.check_box(seq, state)
        times = self.session.execute(
            text("SELECT seq, committed_at FROM twin.change_set WHERE seq > :seq"),
            {"seq": self.first},
        ).all()
        for seq, at in times:
            if seq in self.known:
                assert moment(self.session, at).seq == seq
                assert moment(self.session, at - timedelta(microseconds=1)).seq < seq
        self.check_differences()

    def as_of(self, seq: int, box: LonLatBox | None = None) -> State:
        selection = Selection(as_of=seq, box=box)
        page = query.page(self.city, BUILDING, selection, limit=10_000).rows
        assert query.count(self.city, BUILDING, selection) == len(page)
        place = BUILDING.fields.index(BUILDING.by_name["name"]) + 2
        return {row[0]: (row[place], self._east(row[1])) for row in page}

    def check_box(self, seq: int, state: State) -> None:
        west, east = 1_950, 3_050
        area = CityBox(EAST + west, NORTH - 50, EAST + east, NORTH + 50)
        found = self.as_of(seq, self.city.frame.box_to_lonlat(area))
        inside = {n: s for n, s in state.items() if west <= s[1] <= east}
        assert inside == {n: s for n, s in found.items() if west <= s[1] <= east}

    def check_differences(self) -> None:
        seqs = sorted(self.known)
        for since, until in ((seqs[0], seqs[-1]), (seqs[len(seqs) // 2], seqs[-1])):
            before, after = self.known[since], self.known[until]
            found = differences(
                self.city,
                BUILDING,
                moment(self.session, since),
                moment(self.session, until),
                limit=10_000,
            ).found
            told = {each.id for each in found if each.change != "changed"}
            assert told == before.keys() ^ after.keys()
            changed = {n for n in before.keys() & after.keys() if before[n] != after[n]}
            named = {
                each.id
                for each in found
                if each.change == "changed" and ("name" in each.fields or each.moved)
            }
            assert named == changed

    def _east(self, geometry: str) -> float:
        corner = shapely.from_geojson(geometry)
        placed = self.city.frame.to_city(corner)
        return float(round(placed.bounds[0] - EAST))

    @staticmethod
    def _one_of(state: State, which: int) -> int | None:
        numbers = sorted(state)
        return numbers[which % len(numbers)] if numbers else None


@pytest.fixture(scope="module")
def one_city(clone: Callable[..., Any], empty_city_template: str) -> Iterator[Engine]:
    with clone(empty_city_template) as url:
        engine = connect(url)
        yield engine
        engine.dispose()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(transactions=st.lists(_TRANSACTIONS, min_size=1, max_size=12))
def test_every_past_state_can_be_rebuilt(one_city: Engine, transactions: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(one_city, Path(folder))
        try:
            for kind, what in transactions:
                replay.do(kind, what)
            replay.check()
        finally:
            replay.session.close()


def test_histories_have_the_columns_of_their_tables(empty_city: City) -> None:
    rows = empty_city.session.execute(
        text(
            """
            SELECT layer.name, array_agg(format('%s %s', a.attname, a.atttypid::regtype)
                       ORDER BY a.attnum) FILTER (WHERE c.relname = layer.name) AS own,
                   array_agg(format('%s %s', a.attname, a.atttypid::regtype)
                       ORDER BY a.attnum) FILTER (WHERE c.relname <> layer.name) AS past
            FROM   twin.feed_layer AS layer
            JOIN   pg_class AS c ON c.relname IN (layer.name, layer.name || '_history')
            JOIN   pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE  NOT a.attisdropped AND c.relnamespace = 'twin'::regnamespace
            GROUP  BY layer.name
        """.replace("::", "\\:\\:")
        )
    ).all()
    assert len(rows) > 10
    for row in rows:
        assert row.past[:3] == ["replaced_at timestamp with time zone", "replaced_by bigint",
                                'op "char"']  # fmt: skip
        assert row.past[3:] == row.own, row.name
