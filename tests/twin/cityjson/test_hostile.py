"""Files that are broken, or want to break something: a clear verdict, and nothing is kept."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.twin.cityjson._town import CUBE_FACES, Document, as_sequence, town
from tests.twin.cityjson.conftest import counts, rows
from twin.cityjson import RefusedCityError, load_cityjson
from twin.errors import NotFoundError

Spoil = Callable[[Document], Any]


def _house(document: Document) -> Document:
    found: Document = document["CityObjects"]["house"]
    return found


def _boundaries(value: Any) -> Spoil:
    return lambda one: _house(one)["geometry"][0].update(boundaries=value)


def _ring_of_parents(document: Document) -> None:
    _house(document)["parents"] = ["park"]
    document["CityObjects"]["park"]["parents"] = ["house"]


def _instance(**more: Any) -> Spoil:
    told = {"type": "GeometryInstance", "template": 0, "boundaries": [0],
            "transformationMatrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]}  # fmt: skip
    return lambda one: one["CityObjects"]["lamp"].update(geometry=[told | more])


SPOILT: dict[str, tuple[Spoil, str]] = {
    "another format": (lambda one: one.update(type="FeatureCollection"), "no CityJSON: its type"),
    "a version before": (lambda one: one.update(version="0.9"), "version '0.9'; 1.0, 1.1, 2.0"),
    "a version to come": (lambda one: one.update(version="3.0"), "version '3.0'"),
    "a version as number": (lambda one: one.update(version=2.0), "version 2.0"),
    "no objects": (lambda one: one.update(CityObjects=[]), "has no CityObjects"),
    "an empty city": (lambda one: one.update(CityObjects={}), "there are no city objects"),
    "an object without type": (lambda one: _house(one).pop("type"), "'house' in the file has no"),
    "geometry of one thing": (lambda one: _house(one).update(geometry={"a": 1}), "is no list"),
    "attributes of nothing": (lambda one: _house(one).update(attributes=[1]), "no JSON object"),
    "a vertex too many": (_boundaries([[[[0, 1, 99]]]]), "names vertex 99; there are 26"),
    "a vertex before": (_boundaries([[[[0, 1, -1]]]]), "names vertex -1"),
    "a vertex in between": (_boundaries([[[[0, 1, 1.5]]]]), "something else than whole numbers"),
    "a vertex of words": (_boundaries([[[[0, 1, "2"]]]]), "something else than whole numbers"),
    "too shallow": (_boundaries([0, 1, 2]), "not nested as Solid asks"),
    "too deep": (_boundaries([[[[[0, 1, 2]]]]]), "of 'house'"),
    "no boundaries": (_boundaries(None), "has no boundaries"),
    "a type of its own": (
        lambda one: _house(one)["geometry"][0].update(type="Blob"), "no type of CityJSON: 'Blob'"
    ),
    "a level of detail": (
        lambda one: _house(one)["geometry"][0].update(lod=[1]), "level of detail"
    ),
    "its own ancestor": (_ring_of_parents, "part of themselves: 'house' -> 'park' -> 'house'"),
    "its own parent": (
        lambda one: _house(one).update(parents=["house"]), "themselves: 'house' -> 'house'"
    ),
    "vertices of two numbers": (lambda one: one.update(vertices=[[0, 1]]), "three numbers each"),
    "vertices of words": (lambda one: one["vertices"][3].__setitem__(0, "x"), "three numbers"),
    "vertices of all lengths": (lambda one: one["vertices"][3].pop(), "three numbers each"),
    "no scale": (lambda one: one["transform"].pop("scale"), "no scale of three numbers"),
    "a scale of nothing": (
        lambda one: one["transform"].update(scale=[0, 1, 1]), "makes all vertices one"
    ),
    "a scale beyond all": (
        lambda one: one["transform"].update(scale=[1e300] * 3), "3 objects lie outside the city"
    ),
    "far away": (
        lambda one: one["transform"].update(translate=[0, 0, 0]), "3 objects lie outside the city"
    ),
    "degrees called metres": (
        lambda one: one.update(
            transform={"scale": [1e-7] * 3, "translate": [116.7, 23.3, 0]}
        ),
        r"the numbers are degrees: give --crs EPSG:4326",
    ),
    "a frame nobody knows": (
        lambda one: one["metadata"].update(referenceSystem="EPSG:999999"), "no coordinate reference"
    ),
    "a frame from the Earth's centre": (
        lambda one: one["metadata"].update(referenceSystem="EPSG:4978"), "has no plan"
    ),
    "no such template": (_instance(), "template 0; there are 0"),
    "a crooked matrix": (
        lambda one: [
            one.update({"geometry-templates": {"templates": [
                {"type": "MultiPoint", "lod": "1", "boundaries": [0]}
            ], "vertices-templates": [[0, 0, 0]]}}),
            _instance(transformationMatrix=[1, 2])(one),
        ],
        "not 16 numbers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_document_is_refused_by_name(engine: Engine, tmp_path: Path, name: str) -> None:
    spoil, reason = SPOILT[name]
    document = town()
    spoil(document)
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(document))
    with pytest.raises(RefusedCityError) as caught:
        load_cityjson(engine, path)
    assert re.search(re.escape(reason), str(caught.value)), str(caught.value)
    assert caught.value.verdict.accepted is False
    assert set(counts(engine).values()) == {0}


_WHOLE = json.dumps(town())
CONTENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "blanks": (b" \n\n", "empty"),
    "words": (b"the city of Shantou", "not JSON"),
    "a list": (b"[1, 2]", "a list, not an object"),
    "cut off": (_WHOLE[: len(_WHOLE) // 2].encode(), "not JSON"),
    "NaN": (_WHOLE.replace("0.001", "NaN", 1).encode(), "not JSON"),
    "bytes of nothing": (bytes(range(256)) * 4, "not JSON"),
    "cut off in its packing": (gzip.compress(_WHOLE.encode())[:-40], "cannot be unpacked"),
    "nested without end": (b'{"type":' * 5000 + b"1" + b"}" * 5000, "not JSON"),
    "an id twice": (
        _WHOLE.replace('"house": {', '"park": {"type": "Road"}, "house": {', 1).encode(),
        "'park' is there twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("whole_bytes", [50 * 2**20, 64])
def test_bytes_that_are_no_city_are_refused(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, whole_bytes: int
) -> None:
    """Both by the parser of whole documents and by the incremental one."""
    monkeypatch.setattr("twin.cityjson._source.WHOLE_BYTES", whole_bytes)
    content, reason = CONTENTS[name]
    path = tmp_path / "town.city.json"
    path.write_bytes(content)
    with pytest.raises(RefusedCityError) as caught:
        load_cityjson(engine, path)
    if len(content) <= whole_bytes or "twice" in reason or "packed" in reason:
        assert reason in str(caught.value)
    assert set(counts(engine).values()) == {0}


def _lines(change: Callable[[list[Document]], Any]) -> str:
    lines = as_sequence(town())
    change(lines)
    return "\n".join(json.dumps(line) for line in lines)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_lines(lambda lines: lines.append(lines[1])), "'house' is there twice: line 2, line 5"),
        (_lines(lambda lines: lines[2].update(type="Feature")), "line 3 is no CityJSONFeature"),
        (_lines(lambda lines: lines[0].update(type="CityJSONFeature")), "no CityJSON: its type"),
        (_lines(lambda lines: lines[3].update(vertices=[])), "names vertex 24; there are 0"),
        (_lines(lambda lines: None)[:-40], "line 4 is not JSON"),
        ("", "it is empty"),
    ],
)
def test_a_spoilt_sequence_is_refused_by_its_line(
    engine: Engine, tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "town.city.jsonl"
    path.write_text(content)
    with pytest.raises(RefusedCityError, match=re.escape(reason)):
        load_cityjson(engine, path)
    assert set(counts(engine).values()) == {0}


def test_a_refused_reload_leaves_what_is_there(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(town()))
    load_cityjson(engine, path)
    before = counts(engine), rows(engine, "SELECT id, recorded_at FROM twin.city_object")
    document = town()
    document["CityObjects"]["zoo"] = {
        "type": "Building", "geometry": [{"type": "Solid", "boundaries": [[[[0, 1, 77]]]]}]
    }  # fmt: skip
    path.write_text(json.dumps(document))
    with pytest.raises(RefusedCityError, match="geometry 0 of 'zoo' names vertex 77"):
        load_cityjson(engine, path)
    assert (counts(engine), rows(engine, "SELECT id, recorded_at FROM twin.city_object")) == before


def test_a_file_that_is_not_there_is_not_found(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no file .*none\.json"):
        load_cityjson(engine, tmp_path / "none.json")


def test_semantics_that_do_not_fit_are_left_out_and_told(engine: Engine, tmp_path: Path) -> None:
    document = town()
    _house(document)["geometry"][0]["semantics"]["values"] = [[0, 1]]
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(document))
    verdict = load_cityjson(engine, path)
    assert verdict.notes == [
        "the semantics of geometry 0 of 'house' do not fit its surfaces: left out"
    ]


def test_surfaces_without_an_area_are_named_and_those_that_cross_are_counted(
    engine: Engine, tmp_path: Path
) -> None:
    document = town()
    _house(document)["geometry"] = [
        {
            "type": "MultiSurface", "lod": "2",
            # A line there and back, a point, and a bow tie.
            "boundaries": [*CUBE_FACES, [[0, 1, 0]], [[2, 2, 2]], [[0, 1, 3, 2]], []],
        }
    ]  # fmt: skip
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(document))
    verdict = load_cityjson(engine, path)
    assert [one["surface"] for one in verdict.surfaces["degenerate"]] == [6, 7, 8, 9]
    assert verdict.surfaces["degenerate_count"] == 4
    assert rows(engine, "SELECT degenerate_count, surface_count FROM twin.city_geometry "
                        "WHERE lod = '2'") == [(4, 10)]  # fmt: skip


def test_a_flood_of_vertices_is_refused_before_it_fills_the_memory(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin.cityjson._source.WHOLE_BYTES", 100)
    monkeypatch.setattr("twin.cityjson._source.MOST_VERTICES", 25)
    path = tmp_path / "town.city.json.gz"
    path.write_bytes(gzip.compress(json.dumps(town()).encode()))
    with pytest.raises(RefusedCityError, match="more than 25 vertices; as CityJSONSeq"):
        load_cityjson(engine, path)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ('{"a": ' * 600 + "1" + "}" * 600, "cannot be kept as JSON"),
        (r'{"a": "\u0000"}', "the database refuses a row"),
    ],
)
def test_attributes_that_cannot_be_kept_are_refused(
    engine: Engine, tmp_path: Path, attributes: str, reason: str
) -> None:
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps(town()).replace('{"name"', f'{{"b": {attributes}, "name"'))
    with pytest.raises(RefusedCityError, match=reason):
        load_cityjson(engine, path)
    assert set(counts(engine).values()) == {0}
