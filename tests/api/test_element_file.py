"""One element, one file: as JSON and as a page, and the ways that lead there."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

BUILDING = "/collections/building/items/1/file"
POINT = "/collections/waterlogging_point/items/1/file"


def _file(client: TestClient, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _section(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["sections"] if each["id"] == name)


def test_a_file_says_values_titles_units_and_meanings(client: TestClient) -> None:
    found = _file(client, BUILDING)
    assert (found["layer"], found["id"], found["name"]) == ("building", 1, "1号楼")
    facts = {each["name"]: each for each in _section(found, "attributes")["facts"]}
    assert facts["height_m"]["value"] == 3.0
    assert facts["height_m"]["unit"] == "m"
    assert facts["use"]["meaning"] == {"zh": "住宅", "en": "Residential"}
    assert facts["use"]["title"] == {"zh": "用途", "en": "Use"}


def test_the_uid_is_taken_and_so_is_another_distance(client: TestClient) -> None:
    found = _file(client, BUILDING)
    again = _file(client, f"/collections/building/items/{found['uid']}/file?distance=21")
    assert (again["id"], again["distance_m"]) == (1, 21.0)
    tables = {each["name"]: each for each in _section(again, "around")["tables"]}
    assert {row["values"]["distance_m"] for row in tables["building"]["rows"]} == {20.0}
    assert tables["road_edge"]["columns"][1]["codes"] == {
        "residential": {"zh": "居住区道路", "en": "Residential street"}
    }


def test_other_features_are_named_with_the_way_to_their_files(client: TestClient) -> None:
    around = _section(_file(client, BUILDING), "around")
    for table in around["tables"]:
        for row in table["rows"]:
            assert row["feature"]["href"].endswith(f"/items/{row['feature']['id']}/file")
    (first, *_) = around["tables"][0]["rows"]
    assert client.get(first["feature"]["href"]).status_code == 200


def test_a_curve_has_times_in_utc_and_its_marks(client: TestClient) -> None:
    (curve,) = _section(_file(client, POINT), "water")["curves"]
    assert curve["points"][-1] == ["2026-06-01T12:00:00Z", 0.7]
    assert [mark["value"] for mark in curve["marks"]] == [0.15, 0.27, 0.4, 0.6]


def test_the_links_lead_somewhere(client: TestClient) -> None:
    found = _file(client, POINT)
    rels = [each["rel"] for each in found["links"]]
    assert rels[:4] == ["self", "alternate", "describes", "collection"]
    for each in found["links"]:
        if "/map/" not in each["href"]:
            assert client.get(each["href"]).status_code == 200, each
    (tile,) = (each["href"] for each in found["links"] if "/tiles/" in each["href"])
    assert re.search(r"/tiles/waterlogging_point/16/\d+/\d+$", tile)
    assert any("/map/#map=18/23.35" in each["href"] for each in found["links"])


def test_features_and_layers_lead_to_files(client: TestClient) -> None:
    item = client.get("/collections/building/items/3").json()
    (link,) = (each for each in item["links"] if each["rel"] == "describedby")
    assert _file(client, link["href"])["id"] == 3
    layer = client.get("/collections/building").json()
    (template,) = (each for each in layer["links"] if each["rel"] == "describedby")
    assert template["templated"] is True
    assert _file(client, template["href"].replace("{featureId}", "3"))["id"] == 3
    page = client.get("/collections/building/items/3?f=html").text
    assert "/collections/building/items/3/file?f=html" in page


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/collections/building/items/99/file", 404, "no feature '99'"),
        ("/collections/castle/items/1/file", 404, "there is no layer 'castle'"),
        (f"{BUILDING}?distance=far", 400, "distance is a number of metres, not 'far'"),
        (f"{BUILDING}?distance=1001", 400, "at most 1000 m"),
        (f"{BUILDING}?distance=nan", 400, "at most 1000 m"),
        (f"{BUILDING}?distance=1&distance=2", 400, "distance"),
        (f"{BUILDING}?bbox=1,2,3,4", 400, "bbox"),
        (f"{BUILDING}?f=xml", 400, "f is json or html"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    client: TestClient, address: str, status: int, words: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


class _Page(HTMLParser):
    """What a page holds: texts, tags with what they refer to, and whether tags are closed."""

    _VOID = frozenset({"meta", "link", "br", "line", "circle"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _page(client: TestClient, address: str) -> _Page:
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return _Page(answer.text)


@pytest.mark.parametrize(
    "layer", ["building", "pipe_segment", "waterlogging_point", "grid_cell", "event", "region"]
)
def test_a_page_is_whole_and_needs_no_script_and_nothing_from_elsewhere(
    client: TestClient, layer: str
) -> None:
    page = _page(client, f"/collections/{layer}/items/1/file")
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert "svg" in names
    assert not [held for _, held in page.tags if (held.get("src") or "").startswith("http")]
    found = _file(client, f"/collections/{layer}/items/1/file?f=json")
    # Every section of the document stands on the page, and can be jumped to.
    assert {each["id"] for each in found["sections"]} <= {held.get("id") for _, held in page.tags}
    for section in found["sections"]:
        assert section["title"]["zh"] in page.text
        assert section["title"]["en"] in page.text


def test_the_page_shows_meanings_units_and_the_curve(client: TestClient) -> None:
    page = _page(client, POINT)
    assert "红色 Red" in page.text
    assert "0.7 m" in page.text
    assert "2026-06-01 12:00 UTC" in page.text
    curves = [held["d"] for tag, held in page.tags if tag == "path" and "," in (held["d"] or "")]
    (curve,) = curves
    assert (curve or "").count(",") == 288


def test_words_of_the_data_are_shown_and_never_run(bare: TestClient, engine_url: str) -> None:
    from sqlalchemy import text

    from twin.database import connect

    engine = connect(engine_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.building (name, attrs, geom) VALUES "
                "('<script>alert(1)</script>', CAST(:attrs AS jsonb), "
                "ST_Multi(ST_MakeEnvelope(470000, 2580000, 470010, 2580010, 4548)))"
            ),
            {"attrs": '{"a\\"b": {"<b>": ["<i>", 1]}, "n": null}'},
        )
    engine.dispose()
    page = _page(bare, BUILDING)
    assert "script" not in [tag for tag, _ in page.tags]
    assert "<script>alert(1)</script>" in page.text
    assert '["<i>", 1]' in page.text
