"""Former states of the city over HTTP."""

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text


def _house(engine: Engine, name: str = "first") -> int:
    with engine.begin() as connection:
        return int(
            connection.execute(
                text("""
                    INSERT INTO twin.building (name, geom) SELECT :name,
                           ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
                    RETURNING id
                """),
                {"name": name},
            ).scalar_one()
        )


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_feature_tells_its_states(bare: TestClient, engine: Engine) -> None:
    house = _house(engine)
    _run(engine, "SET LOCAL twin.actor = '王'", "UPDATE twin.building SET name = 'second'")
    _run(engine, "DELETE FROM twin.building")
    told = bare.get(f"/collections/building/items/{house}/history").json()
    assert (told["layer"], told["id"]) == ("building", house)
    first, second = told["states"]
    assert (first["properties"]["name"], second["properties"]["name"]) == ("first", "second")
    assert (first["ended_by"], second["actor"], second["changed"]) == ("王", "王", ["name"])
    assert (first["deleted"], second["deleted"]) == (False, True)
    assert first["until"] == second["since"]
    assert second["geometry"]["type"] == "MultiPolygon"
    never = bare.get("/collections/building/items/999999/history")
    assert never.status_code == 404
    assert "never held a feature '999999'" in never.json()["detail"]
