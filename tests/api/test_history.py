"""Former states of the city over HTTP."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from tests.api.conftest import one_line


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


def _story(engine: Engine) -> int:
    house = _house(engine)
    _run(engine, "UPDATE twin.building SET name = 'second'")
    _run(engine, "UPDATE twin.building SET geom = ST_Translate(geom, 5000, 0)")
    _run(engine, "DELETE FROM twin.building")
    return house


def test_items_are_those_that_were_known(bare: TestClient, engine: Engine) -> None:
    _story(engine)
    items = "/collections/building/items"
    for seq, names in ((0, []), (1, ["first"]), (2, ["second"]), (3, ["second"]), (4, [])):
        answer = bare.get(items, params={"asOf": f"seq:{seq}", "count": "true"})
        found = answer.json()
        assert [each["properties"]["name"] for each in found["features"]] == names
        assert found["numberMatched"] == len(names)
        assert found["asOf"]["seq"] == seq
        assert found["asOf"]["known"] is (seq > 0)
        assert answer.headers["cache-control"].endswith("immutable")
    now = bare.get(items)
    assert "asOf" not in now.json()
    assert "cache-control" not in now.headers
    html = bare.get(items, params={"asOf": "seq:2", "f": "html"})
    assert "second" in html.text
    assert "Not the present" in html.text
    assert re.search(r"/items/\d+\?asOf=seq:2&amp;f=html", html.text)


def test_a_time_that_is_not_over_is_not_to_be_kept(bare: TestClient, engine: Engine) -> None:
    _story(engine)
    with engine.connect() as connection:
        last = connection.scalar(text("SELECT max(committed_at) FROM twin.change_set"))
    answer = bare.get("/collections/building/items", params={"asOf": last.isoformat()})
    assert answer.json()["asOf"]["final"] is False
    assert "cache-control" not in answer.headers


def test_a_feature_is_told_as_it_was(bare: TestClient, engine: Engine) -> None:
    house = _story(engine)
    one = f"/collections/building/items/{house}"
    found = bare.get(one, params={"asOf": "seq:1"})
    assert found.json()["properties"]["name"] == "first"
    assert found.headers["cache-control"].startswith("public, max-age=")
    assert bare.get(one).status_code == 404
    gone = bare.get(one, params={"asOf": "seq:4"})
    assert gone.status_code == 404
    assert "had no feature" in gone.json()["detail"]


def test_a_file_is_told_as_it_was(bare: TestClient, engine: Engine) -> None:
    house = _story(engine)
    file = f"/collections/building/items/{house}/file"
    found = bare.get(file, params={"asOf": "seq:1", "distance": "50"})
    assert (found.json()["name"], found.json()["asOf"]["seq"]) == ("first", 1)
    assert found.headers["cache-control"].startswith("public, max-age=")
    hrefs = [each["href"] for each in found.json()["links"]]
    for href in (href for href in hrefs if "/items/" in href or "/tiles/" in href):
        assert "asOf=seq" in href
        assert bare.get(href).status_code in (200, 204), href
    assert bare.get(file).status_code == 404
    page = bare.get(file, params={"asOf": "seq:2", "f": "html"}).text
    assert "Not the present" in page
    assert "second" in page
    assert "?asOf=seq%3A2&amp;f=json" in page


def test_a_page_of_the_past_says_so(bare: TestClient, engine: Engine) -> None:
    house = _story(engine)
    page = bare.get(f"/collections/building/items/{house}?asOf=seq:2&f=html").text
    assert "Not the present" in page
    assert f"/collections/building/items/{house}/file?asOf=seq:2&amp;f=html" in page


def test_a_feature_is_asked_for_a_time_in_the_world(bare: TestClient, engine: Engine) -> None:
    with engine.begin() as connection:
        house = connection.scalar(
            text("""
                INSERT INTO twin.building (name, valid_from, valid_to, geom)
                SELECT 'old', '2020-01-01Z', '2024-01-01Z',
                       ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
                RETURNING id
            """)
        )
    for address in (
        f"/collections/building/items/{house}",
        f"/collections/building/items/{house}/file",
    ):
        assert bare.get(address, params={"datetime": "2021-06-01"}).status_code == 200
        gone = bare.get(address, params={"datetime": "2025-01-01/.."})
        assert gone.status_code == 404
        assert "did not hold at that time: it is valid from 2020-01-01" in gone.json()["detail"]
        assert bare.get(address, params={"datetime": "soon"}).status_code == 400


def _tile_at(engine: Engine, east_m: float) -> tuple[int, int]:
    with engine.connect() as connection:
        lon, lat = connection.execute(
            text("""
                SELECT ST_X(p), ST_Y(p)
                FROM   ST_Transform(ST_SetSRID(ST_MakePoint(:x, 2580005), 4548), 4326) AS p
            """),
            {"x": east_m},
        ).one()
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**15), int(y * 2**15)


def test_differences_are_drawn(bare: TestClient, engine: Engine) -> None:
    house = _story(engine)
    (here, y), (there, _) = _tile_at(engine, 460_005), _tile_at(engine, 465_005)

    def drawn(x: int, since: int, until: int) -> list[object]:
        tile = f"/collections/building/changes/tiles/WebMercatorQuad/15/{y}/{x}"
        answer = bare.get(tile, params={"from": f"seq:{since}", "to": f"seq:{until}"})
        assert answer.headers["cache-control"].endswith("immutable")
        if answer.status_code == 204:
            return []
        return [
            (each["id"], each["properties"]["change"], each["properties"]["moved"])
            for each in mapbox_vector_tile.decode(answer.content)["building"]["features"]
        ]

    assert drawn(here, 0, 2) == [(house, "added", True)]
    assert drawn(here, 1, 2) == [(house, "changed", False)]
    assert (drawn(here, 1, 3), drawn(there, 1, 3)) == ([], [(house, "changed", True)])
    assert drawn(there, 3, 4) == [(house, "removed", True)]
    assert drawn(there, 0, 4) == []
    wrong = bare.get("/collections/building/changes/tiles/WebMercatorQuad/1/0/0?from=seq:0&bbox=1")
    assert (wrong.status_code, "unknown query parameter" in wrong.text) == (400, True)


def test_tiles_of_a_moment_may_be_kept(bare: TestClient, engine: Engine) -> None:
    _story(engine)
    x, y = _tile_at(engine, 460_005)
    tiles = (
        f"/tiles/building/15/{x}/{y}",
        f"/tiles/building/WebMercatorQuad/15/{x}/{y}",
        f"/collections/building/tiles/WebMercatorQuad/15/{y}/{x}",
    )
    for tile in tiles:
        then = bare.get(tile, params={"asOf": "seq:2"})
        (feature,) = mapbox_vector_tile.decode(then.content)["building"]["features"]
        assert feature["properties"]["name"] == "second"
        assert then.headers.get_list("cache-control") == ["public, max-age=86400, immutable"]
        known = {"If-None-Match": then.headers["etag"]}
        assert bare.get(tile, params={"asOf": "seq:2"}, headers=known).status_code == 304
        assert bare.get(tile, params={"asOf": "seq:0"}).status_code == 204
        assert bare.get(tile).status_code == 204
        assert bare.get(tile).headers["cache-control"] == "no-cache"


def test_tilejson_and_style_lead_to_tiles_of_their_moment(bare: TestClient, engine: Engine) -> None:
    _story(engine)
    described = bare.get("/tiles/building.json", params={"asOf": "seq:2"}).json()
    assert "asOf=seq%3A2" in described["tiles"][0]
    west, south, east, north = described["bounds"]
    assert (west, south) < (116.61, 23.3) < (east, north)  # there is nothing now, and was then
    style = bare.get("/styles/city.json", params={"asOf": "seq:2"}).json()
    assert all(source["tiles"][0].endswith("&asOf=seq%3A2") for source in style["sources"].values())
    assert "asOf" not in bare.get("/styles/city.json").text


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("seq:9", "seq:9 is no commit yet; the last one has the number 0"),
        ("2999-01-01T00:00:00Z", "lies in the future; now it is 2"),
        ("yesterday", "asOf is a time such as"),
    ],
)
@pytest.mark.parametrize(
    "address",
    [
        "/collections/building/items",
        "/collections/building/items/1",
        "/tiles/building/15/1/1",
        "/tiles/building.json",
        "/styles/city.json",
    ],
)
def test_what_is_no_past_is_an_error(
    bare: TestClient, address: str, moment: str, reason: str
) -> None:
    answer = bare.get(address, params={"asOf": moment})
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


def test_before_anything_was_known_there_is_nothing(bare: TestClient) -> None:
    found = bare.get("/collections/building/items", params={"asOf": "1999-01-01T00:00:00Z"}).json()
    assert found["features"] == []
    assert found["asOf"] == {
        "seq": 0, "at": "1999-01-01T00:00:00Z", "final": False, "known": False,
    }  # fmt: skip


def test_pages_of_the_past_are_pinned_to_one_commit(bare: TestClient, engine: Engine) -> None:
    for name in ("a", "b", "c"):
        _house(engine, name)
    last = {"asOf": datetime.now(UTC).isoformat(), "limit": 2}
    first = bare.get("/collections/building/items", params=last).json()
    _run(engine, "DELETE FROM twin.building")
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    assert "asOf=seq%3A3" in following
    second = bare.get(following).json()
    names = [f["properties"]["name"] for f in first["features"] + second["features"]]
    assert names == ["a", "b", "c"]


def test_differences_are_told(bare: TestClient, engine: Engine) -> None:
    house = _story(engine)
    changes = "/collections/building/changes"
    answer = bare.get(changes, params={"from": "seq:1", "to": "seq:3"})
    assert answer.headers["content-type"].startswith("application/geo+json")
    assert answer.headers["cache-control"].endswith("immutable")
    found = answer.json()
    assert (found["from"]["seq"], found["to"]["seq"]) == (1, 3)
    (feature,) = found["features"]
    assert feature["id"] == house
    assert feature["properties"]["change"] == "changed"
    assert feature["properties"]["fields"]["name"] == {"before": "first", "after": "second"}
    assert feature["properties"]["moved"] is True
    assert feature["geometryBefore"] != feature["geometry"]
    now = bare.get(changes, params={"from": "seq:3"})
    assert now.json()["features"][0]["properties"]["change"] == "removed"
    assert "cache-control" not in now.headers


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "from is missing"),
        ("from=x", "from is a time such as"),
        ("from=seq:0&to=x", "to is a time such as"),
        ("from=seq:1", "seq:1 is no commit yet"),
        ("from=seq:0&since=1", "unknown query parameter 'since'"),
        ("from=seq:0&bbox=1,2,3", "bbox is west,south,east,north"),
    ],
)
def test_what_is_no_span_is_an_error(bare: TestClient, query: str, reason: str) -> None:
    answer = bare.get(f"/collections/building/changes?{query}")
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


def test_restore_brings_a_feature_back(
    bare: TestClient, engine: Engine, engine_url: str, citytwin: Callable[..., Any]
) -> None:
    house = _story(engine)
    done = citytwin("restore", "building", str(house), "--as-of", "seq:1", url=engine_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"building {house}: brought back, as after commit 1\n"
    states = bare.get(f"/collections/building/items/{house}/history").json()["states"]
    assert [state["properties"]["name"] for state in states] == [
        "first", "second", "second", "first",
    ]  # fmt: skip
    assert states[-1]["until"] is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("building", "1", "--as-of", "seq:0"), "had no feature '1' at that moment"),
        (("castle", "1", "--as-of", "seq:0"), "there is no layer 'castle'"),
        (("building", "1", "--as-of", "noon"), "--as-of is a time such as"),
        (("building", "1", "--as-of", "seq:7"), "seq:7 is no commit yet"),
    ],
)
def test_restore_says_what_is_wrong(
    engine_url: str, citytwin: Callable[..., Any], arguments: tuple[str, ...], reason: str
) -> None:
    done = citytwin("restore", *arguments, url=engine_url)
    assert done.returncode == 1
    assert reason in one_line(done.stderr)
