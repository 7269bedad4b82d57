"""OGC API - Features over the tiny town."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from layers import layers

GEOJSON = "application/geo+json"


def _items(client: TestClient, layer: str = "building", **params: Any) -> Any:
    answer = client.get(f"/collections/{layer}/items", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == GEOJSON
    return answer.json()


def _ids(collection: Any) -> list[int]:
    return [feature["id"] for feature in collection["features"]]


def _problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return str(body["detail"])


def test_the_entrance_leads_everywhere(client: TestClient) -> None:
    links = {link["rel"]: link for link in client.get("/").json()["links"]}
    assert links["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for rel in ("self", "service-desc", "conformance", "data"):
        assert client.get(urlsplit(links[rel]["href"]).path).status_code == 200


def test_every_link_of_every_collection_answers(client: TestClient) -> None:
    document = client.get("/collections").json()
    assert [each["id"] for each in document["collections"]] == list(layers())
    for each in document["collections"]:
        for link in each["links"]:
            if link.get("templated"):
                continue  # the file of a feature: tests/api/test_element_file.py
            parts = urlsplit(link["href"])
            answer = client.get(f"{parts.path}?{parts.query}")
            assert answer.status_code == 200, link
            assert answer.headers["content-type"].split(";")[0] == link["type"]


def test_a_collection_says_what_it_holds_and_where(client: TestClient) -> None:
    found = client.get("/collections/building").json()
    assert found["itemCount"] == 12
    assert found["titles"] == {"zh": "建筑物", "en": "Buildings"}
    west, south, east, north = found["extent"]["spatial"]["bbox"][0]
    assert 116 < west < east < 117
    assert 23 < south < north < 24


def test_a_feature_is_what_the_town_says(client: TestClient) -> None:
    collection = _items(client)
    assert _ids(collection) == list(range(1, 13))
    assert (collection["numberReturned"], collection["numberMatched"]) == (12, 12)
    assert collection["timeStamp"].endswith("Z")
    last = collection["features"][-1]
    assert last["geometry"]["type"] == "MultiPolygon"
    assert len(last["geometry"]["coordinates"][0]) == 2
    assert last["properties"]["name"] == "12号楼"
    assert last["properties"]["residents_night"] == 2048
    assert last["properties"]["attrs"] == {}
    assert last["properties"]["owner"] is None
    assert list(last["properties"]) == [f.name for f in layers()["building"].fields]


def test_next_links_lead_through_all_pages_and_keep_the_question(client: TestClient) -> None:
    seen: list[int] = []
    path = (
        "/collections/building/items?limit=5&storeys=1&storeys=2&storeys=3&storeys=9&storeys=10"
        "&storeys=11&storeys=12&properties=name"
    )
    for _ in range(10):
        answer = client.get(path)
        page = answer.json()
        assert page["numberReturned"] == len(page["features"])
        assert all(list(each["properties"]) == ["name"] for each in page["features"])
        seen += _ids(page)
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        assert following[0]["type"] == GEOJSON
        assert f'<{following[0]["href"]}>; rel="next"' in answer.headers["link"]
        parts = urlsplit(following[0]["href"])
        path = f"{parts.path}?{parts.query}"
    assert seen == [1, 2, 3, 9, 10, 11, 12]


def test_boxes_times_and_properties_select(client: TestClient) -> None:
    everything = "-180,-90,180,90"
    assert len(_ids(_items(client, bbox=everything))) == 12
    assert len(_ids(_items(client, bbox="-180,-90,-10,180,90,8000"))) == 12
    assert _ids(_items(client, bbox="170,-90,-170,90")) == []
    assert len(_ids(_items(client, bbox="100,-90,-170,90"))) == 12
    assert _ids(_items(client, bbox="0,0,1,1")) == []
    assert len(_ids(_items(client, datetime="2026-01-01T00:00:00Z/.."))) == 12
    assert _ids(_items(client, use="office")) == [12]
    assert _ids(_items(client, storeys="3", use="residential")) == [3]
    assert _ids(_items(client, name="没有")) == []
    water = _items(client, "waterlogging_point")["features"][0]["properties"]
    assert (water["depth_m"], water["level"]) == (0.7, "red")
    assert water["depth_at"].startswith("2026-06-01T12:00:00")


def test_more_than_the_maximum_is_the_maximum(client: TestClient) -> None:
    assert len(_ids(_items(client, limit="999999999999999999999"))) == 12


def test_matches_are_counted_when_asked(client: TestClient) -> None:
    assert _items(client, limit=2)["numberMatched"] == 12
    assert "numberMatched" not in _items(client, limit=2, use="residential")
    assert _items(client, limit=2, use="residential", count="true")["numberMatched"] == 10


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=23.3,116.6,23.4,116.7", "longitude first"),
        ("bbox=1,2,3,4&bbox=1,2,3,4", "2 times"),
        ("datetime=yesterday", "datetime"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=٣", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00%ff", "cursor"),
        ("cursor=" + "OTk5" * 50, "cursor"),
        ("colour=red", "possible are: bbox"),
        ("BBOX=1,2,3,4", "possible are: bbox"),
        ("storeys=many", "integer"),
        ("storeys=99999999999999999999", "integer"),
        ("attrs=%7B%7D", "attrs"),
        ("properties=name,colour", "colour"),
        ("count=maybe", "count"),
        ("f=xml", "f is json or html"),
        ("name=%00", "name"),
    ],
)
def test_bad_questions_are_400_and_say_what_is_possible(
    client: TestClient, query: str, said: str
) -> None:
    assert said in _problem(client.get(f"/collections/building/items?{query}"), 400)


@pytest.mark.parametrize(
    "path",
    [
        "/collections/dragons",
        "/collections/dragons/items",
        "/collections/dragons/items/1",
        "/collections/dragons/queryables",
        "/collections/building;DROP TABLE twin.building/items",
    ],
)
def test_an_unknown_layer_is_404_and_names_the_layers(client: TestClient, path: str) -> None:
    assert "building" in _problem(client.get(path), 404)


def test_one_feature_by_id_and_by_uid(client: TestClient) -> None:
    one = client.get("/collections/building/items/12").json()
    assert (one["id"], one["type"]) == (12, "Feature")
    assert {link["rel"] for link in one["links"]} == {
        *("self", "alternate", "collection", "describedby")
    }
    same = client.get(f"/collections/building/items/{one['properties']['uid']}").json()
    assert same["geometry"] == one["geometry"]
    for key in ("13", "x", "9" * 50, "1e3", "-1", "%20"):
        _problem(client.get(f"/collections/building/items/{key}"), 404)
    _problem(client.get("/collections/building/items/12?bbox=1,2,3,4"), 400)


def test_queryables_are_what_one_can_filter_by(client: TestClient) -> None:
    answer = client.get("/collections/building/queryables")
    assert answer.headers["content-type"] == "application/schema+json"
    document = answer.json()
    assert document["$id"].endswith("/collections/building/queryables")
    assert document["properties"]["storeys"]["type"] == "integer"
    assert document["properties"]["valid_from"]["format"] == "date-time"
    assert "attrs" not in document["properties"]


def test_a_city_without_features_answers(bare: TestClient) -> None:
    page = bare.get("/collections/building/items").json()
    assert page["features"] == []
    assert page["numberMatched"] == 0
    assert bare.get("/city").json()["layers"]["building"] == 0


def test_the_catalogue_is_what_the_map_reads(client: TestClient) -> None:
    found = {each["id"]: each for each in client.get("/layers").json()}
    assert list(found) == list(layers())
    building = found["building"]
    assert building["count"] == 12
    assert building["group"] == "buildings"
    height = next(each for each in building["fields"] if each["name"] == "height_m")
    assert height == {
        "name": "height_m",
        "title": {"zh": "高度", "en": "Height"},
        "type": "number",
        "unit": "m",
        "codes": {},
    }
    assert building["legend"][0]["shape"] == "fill"
    assert found["analysis_feature"]["visible"] is False


def test_the_city_says_its_name_frame_and_extent(client: TestClient) -> None:
    city = client.get("/city").json()
    assert (city["name"], city["srid"], city["vertical_datum"]) == ("小镇", 4548, "EPSG:5737")
    assert 116.6 < city["extent"][0] < city["extent"][2] < 116.7
    assert city["layers"]["building"] == 12
