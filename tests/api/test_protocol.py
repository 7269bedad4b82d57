"""What holds for every address: methods, CORS, compression, errors, pages."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV30SpecValidator
from sqlalchemy import text

from api.app import create_app
from api.settings import Settings
from layers import layers
from twin.database import connect
from twin.errors import InvalidInputError

PAGES = ["/", "/collections", "/collections/building", "/collections/building/items",
         "/collections/building/items/12"]  # fmt: skip
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", [*PAGES, "/conformance", "/tiles/building.json", "/city", "/map/"])
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", PAGES)
def test_options_say_what_is_allowed_and_that_nothing_can_be_edited(
    client: TestClient, path: str
) -> None:
    answer = client.options(path)
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_options_of_an_execution_allow_post(client: TestClient) -> None:
    answer = client.options(
        "/processes/impact-radius/execution",
        headers={"Origin": "http://elsewhere", "Access-Control-Request-Method": "POST"},
    )
    assert answer.headers["allow"] == "OPTIONS, POST"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, POST"
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    assert client.options("/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/", "/collections/dragons", "/collections/building/items?x=1"])
def test_any_page_may_read_the_answers_and_the_errors(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"Origin": "http://elsewhere"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert {"ETag", "Link"} <= set(headers["access-control-expose-headers"].split(", "))
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_cannot_be_done_is_405(client: TestClient, method: str) -> None:
    answer = client.request(method, "/collections/building/items")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET" in answer.headers["allow"]


def test_json_is_compressed_for_who_reads_that(client: TestClient) -> None:
    path = "/collections/building/items"
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["vary"]
        assert len(json.loads(gzip.decompress(raw))["features"]) == 12
    for refused in ("identity", "gzip;q=0", "br"):
        answer = client.get(path, headers={"Accept-Encoding": refused})
        assert "content-encoding" not in answer.headers
        assert len(answer.json()["features"]) == 12


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif found.get("src") or (tag == "link" and found.get("href") != "data:,"):
            self.loads.append(str(found))


@pytest.mark.parametrize("path", PAGES)
def test_browsers_get_pages_in_two_languages_that_load_nothing(
    client: TestClient, path: str
) -> None:
    answer = client.get(path, headers={"Accept": BROWSER})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert re.search("[一-鿿]", answer.text)
    outline = _Outline()
    outline.feed(answer.text)
    assert outline.loads == []
    for link in outline.links:
        if not link.endswith("/map/"):
            assert client.get(link.replace("http://testserver", "")).status_code == 200, link


@pytest.mark.parametrize("path", PAGES)
def test_f_beats_accept(client: TestClient, path: str) -> None:
    as_json = client.get(path, params={"f": "json"}, headers={"Accept": BROWSER})
    assert "json" in as_json.headers["content-type"]
    assert client.get(path, params={"f": "html"}).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("*/*", False),
        ("application/json", False),
        ("application/geo+json", False),
        ("text/html", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html, application/json;q=0.5", True),
        ("text/html;q=0", False),
        ("text/html;q=zero", False),
        ("nonsense", False),
    ],
)
def test_accept_is_weighed(client: TestClient, accept: str, html: bool) -> None:
    answer = client.get("/collections", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("text/html") == html


def test_pages_escape_what_the_city_says(bare: TestClient, engine_url: str) -> None:
    engine = connect(engine_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO twin.facility (kind, name, geom) VALUES "
                 "('x', '<script>alert(1)</script>', "
                 "ST_SetSRID(ST_MakePoint(460000, 2580000), 4548))")
        )  # fmt: skip
    engine.dispose()
    for path in ("/collections/facility/items", "/collections/facility/items/1"):
        page = bare.get(path, params={"f": "html"}).text
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["/conformance", "/api", "/processes", "/jobs", "/health", "/city",
                                  "/layers", "/styles/city.json"])  # fmt: skip
def test_other_documents_refuse_unknown_parameters(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"x": "1"})
    assert answer.status_code == 400
    assert "'x'" in answer.json()["detail"]


def test_the_description_is_openapi_3_0(client: TestClient) -> None:
    answer = client.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"] == "3.0.3"
    OpenAPIV30SpecValidator(document).validate()
    assert not re.search(r'"\$ref":"http', orjson.dumps(document).decode())


def test_the_description_says_what_qgis_reads(client: TestClient) -> None:
    document = client.get("/api").json()
    limit = document["components"]["parameters"]["limit"]["schema"]
    assert (limit["minimum"], limit["default"], limit["maximum"]) == (1, 100, 10_000)
    items = document["paths"]["/collections/building/items"]["get"]["parameters"]
    use = next(each for each in items if each.get("name") == "use")
    assert use["in"] == "query"
    assert (use["style"], use["explode"]) == ("form", False)
    assert use["schema"]["type"] == "string"


def test_every_address_of_the_description_answers(client: TestClient) -> None:
    document = client.get("/api").json()
    values = {
        "{featureId}": "1",
        "{layers}": "building",
        "{z}/{x}/{y}": "14/13498/7107",
        "{jobId}": "00000000-0000-0000-0000-000000000000",
    }
    shared = document["components"]["parameters"]
    for path, methods in document["paths"].items():
        asked = path
        for name, value in values.items():
            asked = asked.replace(name, value)
        if "get" in methods:
            # Nothing ran yet, and layers may be empty.
            allowed = (200, 204, 404) if "{" in path else (200,)
            said = methods["get"].get("parameters", ())
            named = [
                shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in said
            ]
            needed = {
                one["name"]: one["example"]
                for one in named
                if one["in"] == "query" and one["required"]
            }
            assert client.get(asked, params=needed).status_code in allowed, asked
    assert {f"/collections/{name}/items" for name in layers()} <= set(document["paths"])


def test_conformance_claims_only_what_is_there(client: TestClient) -> None:
    classes = client.get("/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html" in classes
    assert not [each for each in classes if "cql2" in each or "features-2" in each]


def test_a_body_that_is_too_large_is_not_read(town_url: str) -> None:
    settings = Settings(database_url=town_url, body_limit_bytes=2000, pool_size=1)
    with TestClient(create_app(settings)) as small:
        path = "/processes/impact-radius/execution"
        declared = small.post(path, content=b"x" * 2001)
        streamed = small.post(path, content=(b"x" * 500 for _ in range(5)))
    for answer in (declared, streamed):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_fixed_address_is_used_in_every_link(town_url: str) -> None:
    settings = Settings(database_url=town_url, public_url="https://twin.example/city/", pool_size=1)
    with TestClient(create_app(settings)) as behind:
        for link in behind.get("/").json()["links"]:
            assert link["href"].startswith("https://twin.example/city/")
        tiles = behind.get("/tiles/building.json").json()["tiles"][0]
        assert tiles.partition("?v=")[0] == ("https://twin.example/city/tiles/building/{z}/{x}/{y}")


@pytest.mark.parametrize("host", ["a b", "", "x" * 5000, "[::", 'evil"><script>'])
def test_a_strange_host_is_no_trouble(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host, "Accept": BROWSER})
    assert answer.status_code in (200, 400)
    assert "<script>" not in answer.text


def test_a_service_without_a_database_does_not_start() -> None:
    with pytest.raises(InvalidInputError, match="TWIN_DATABASE_URL"):
        create_app(Settings(database_url=None))


def test_a_database_that_is_away_is_503(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://twin@/nothing?host={tmp_path}"
    with TestClient(create_app(Settings(database_url=url, pool_size=1))) as lost:
        answer = lost.get("/collections/building/items")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "database" in answer.json()["detail"]


def test_what_takes_too_long_is_cancelled(town_url: str) -> None:
    settings = Settings(database_url=town_url, statement_timeout_s=0.2, pool_size=1)
    app = create_app(settings)
    with TestClient(app) as hasty:
        assert hasty.get("/health").status_code == 200
        lock = connect(town_url)
        with lock.begin() as connection:
            connection.execute(text("LOCK TABLE twin.building"))
            answer = hasty.get("/collections/building/items")
            lock_free = hasty.get("/collections/facility/items")
        lock.dispose()
        assert answer.status_code == 503
        assert "cancelled" in answer.json()["detail"]
        assert lock_free.status_code == 200
        assert hasty.get("/collections/building/items").status_code == 200


def test_a_database_without_a_city_says_how_to_make_one(database_url: str) -> None:
    with TestClient(create_app(Settings(database_url=database_url, pool_size=1))) as empty:
        answer = empty.get("/collections/building/items")
        assert answer.status_code == 404
        assert "citytwin init" in answer.json()["detail"]
