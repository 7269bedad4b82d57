"""The database is what the model says, and refuses what the model forbids."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.conftest import SHANTOU
from twin.database import create_city, open_city, upgrade_city
from twin.errors import ConflictError, NotFoundError
from twin.model import Base, located_tables


def _of_the_model(thing: object, name: str | None, kind: str, reflected: bool, _: object) -> bool:
    if kind == "table" and reflected:
        return name in {table.name for table in Base.metadata.tables.values()}
    return True


@pytest.mark.filterwarnings("ignore:Did not recognize type 'box':sqlalchemy.exc.SAWarning")
def test_migrations_lead_to_the_model(engine: Engine) -> None:
    # With the role's own schema in the search path Alembic would take "twin" for nameless.
    plain = create_engine(engine.url, connect_args={"options": "-csearch_path=public"})
    with plain.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "twin",
                "include_object": _of_the_model,
                "compare_type": lambda *_: False,
            },
        )
        differences = compare_metadata(context, Base.metadata)
    plain.dispose()
    assert differences == []


def test_every_geometry_is_stamped_with_the_city_s_frame(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT f_table_name, srid FROM geometry_columns WHERE f_table_schema = 'twin'")
        ).all()
    assert {row.srid for row in rows} == {4548}
    assert set(located_tables()) <= {row.f_table_name for row in rows}


def test_the_database_refuses_another_frame(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(DBAPIError, match=r"SRID \(4326\) does not"):
        session.execute(
            text("""
                INSERT INTO twin.building (geom)
                VALUES (ST_Multi(ST_MakeEnvelope(116, 23, 116.1, 23.1, 4326)))
            """)
        )


@pytest.mark.parametrize(
    ("column", "value"),
    [("height_m", "-1"), ("storeys", "300"), ("state", "'gone'"), ("visibility", "'secret'")],
)
def test_impossible_values_are_refused(engine: Engine, column: str, value: str) -> None:
    with Session(engine) as session, pytest.raises(DBAPIError, match=f"ck_building_{column}"):
        session.execute(
            text(f"""
                INSERT INTO twin.building (geom, {column})
                VALUES (ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548)), {value})
            """)
        )


def test_every_located_table_has_a_history_and_a_number_in_the_feed(engine: Engine) -> None:
    with engine.connect() as connection:
        numbered = set(connection.scalars(text("SELECT name FROM twin.feed_layer")))
        histories = set(
            connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE tablename LIKE '%\\_history'")
            )
        )
    assert numbered == set(located_tables())
    assert histories == {f"{name}_history" for name in numbered}


def test_one_database_holds_one_city(engine: Engine) -> None:
    with pytest.raises(ConflictError, match="already holds the city '汕头'"):
        create_city(engine, "另一个", SHANTOU)
    upgrade_city(engine)
    with Session(engine) as session:
        assert open_city(session).name == "汕头"


def test_a_database_without_a_city_says_what_to_do(database_url: str) -> None:
    from twin.database import connect

    engine = connect(database_url)
    with Session(engine) as session, pytest.raises(NotFoundError, match="citytwin init"):
        open_city(session)
    engine.dispose()


def test_depths_with_a_meaning_are_there_from_the_start(engine: Engine) -> None:
    with engine.connect() as connection:
        depths = dict(
            connection.execute(
                text("SELECT key, depth_m FROM twin.depth_threshold WHERE kind = 'vehicle'")
            ).all()  # type: ignore[arg-type]
        )
    assert depths["car"] == 0.15
    assert depths["fire_engine"] == 0.60
