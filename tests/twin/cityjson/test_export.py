"""What leaves the city as CityJSON comes back the same, to this reader and to others'."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.twin.cityjson._town import CUBE_FACES, ZERO, Document, hollow, town
from tests.twin.cityjson.conftest import NETHERLANDS, CityAt, counts, rows
from twin.cityjson import Exported, export_cityjson, load_cityjson
from twin.crs import LonLatBox
from twin.database import open_city
from twin.errors import InvalidInputError


def _export(engine: Engine, path: Path, **more: Any) -> Exported:
    with Session(engine) as session:
        return export_cityjson(open_city(session), path, **more)


def _read(path: Path) -> Document:
    content = path.read_bytes()
    found: Document = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return found


def _plain(document: Document) -> dict[str, Any]:
    """Return the objects with coordinates in place of vertex numbers, in millimetres."""
    scale, zero = np.array(document["transform"]["scale"]), document["transform"]["translate"]
    places = np.rint((np.array(document["vertices"]) * scale + zero) * 1000).astype(int).tolist()

    def spelled(nested: Any) -> Any:
        return places[nested] if isinstance(nested, int) else [spelled(one) for one in nested]

    found = {}
    for name, one in document["CityObjects"].items():
        own = [
            each | {"boundaries": spelled(each["boundaries"])} for each in one.get("geometry", [])
        ]
        found[name] = {key: value for key, value in one.items() if key != "geometry" and value}
        found[name]["geometry"] = own
    return found


def _load(engine: Engine, document: Document, folder: Path) -> None:
    (folder / "in.city.json").write_text(json.dumps(document))
    load_cityjson(engine, folder / "in.city.json", source="in")


def test_a_town_comes_back_as_it_went_in(engine: Engine, tmp_path: Path) -> None:
    _load(engine, town(), tmp_path)
    found = _export(engine, tmp_path / "out.city.json")
    assert (found.objects, found.geometries, found.blocks, found.flat) == (3, 4, 0, 0)
    document = _read(tmp_path / "out.city.json")
    assert document["version"] == "2.0"
    assert document["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/4548"
    assert _plain(document) == _plain(town())


def test_hollows_and_packed_files_come_back(engine: Engine, tmp_path: Path) -> None:
    told = hollow(town())
    del told["CityObjects"]["house"]["geometry"][0]["semantics"]
    _load(engine, told, tmp_path)
    _export(engine, tmp_path / "out.city.json.gz")
    assert _plain(_read(tmp_path / "out.city.json.gz")) == _plain(told)


_SIZES = st.integers(min_value=1, max_value=400)
_HOUSES = st.lists(
    st.tuples(
        _SIZES, _SIZES, _SIZES,
        st.sampled_from(["Building", "Bridge", "OtherConstruction", "+Tower"]),
        st.sampled_from(["1", "1.3", "2.2", "3"]),
        st.sampled_from(["Solid", "MultiSolid", "MultiSurface"]),
        st.lists(st.sampled_from([0, 1, 2, None]), min_size=6, max_size=6),
        st.dictionaries(
            st.sampled_from(["name", "用途", "n"]),
            st.one_of(st.integers(-9, 9), st.text("城a1", max_size=4), st.none()),
        ),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def _drawn(houses: list[Any]) -> Document:
    """Return boxes side by side, each with its own type, level, semantics and attributes."""
    document: Document = town() | {"CityObjects": {}, "vertices": []}
    for number, (dx, dy, dz, kind, lod, shape, values, attributes) in enumerate(houses):
        first, x = len(document["vertices"]), number * 50_000
        document["vertices"] += [
            [x + i * dx * 100, j * dy * 100, k * dz * 100]
            for k in (0, 1)
            for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        faces = [[[first + v for v in ring] for ring in face] for face in CUBE_FACES]
        nest = {"Solid": 1, "MultiSolid": 2, "MultiSurface": 0}[shape]
        for _ in range(nest):
            faces, values = [faces], [values]
        surfaces = [{"type": "RoofSurface"}, {"type": "WallSurface", "n": 1}, {"type": "+Door"}]
        document["CityObjects"][f"h{number}"] = {
            "type": kind, "attributes": attributes,
            "geometry": [
                {
                    "type": shape, "lod": lod, "boundaries": faces,
                    "semantics": {"surfaces": surfaces, "values": values},
                }
            ],
        }  # fmt: skip
    return document


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_HOUSES)
def test_whatever_is_drawn_comes_back(engine: Engine, houses: list[Any]) -> None:
    """The same source again and again: each time, what the last town had is gone."""
    document = _drawn(houses)
    with tempfile.TemporaryDirectory() as folder:
        _load(engine, document, Path(folder))
        for name in ("out.city.json", "out.city.jsonl"):
            _export(engine, Path(folder) / name)
        assert _plain(_read(Path(folder) / "out.city.json")) == _plain(document)
        # Taken in again under the same source, nothing has changed.
        for name in ("out.city.json", "out.city.jsonl"):
            again = load_cityjson(engine, Path(folder) / name, source="in")
            changed = {t: c["counts"]["unchanged"] for t, c in again.changes.items()}
            assert changed["city_geometry"] == changed["city_object"] == len(houses)
            assert again.solids["closed"] + again.solids["other_closed"] == len(houses)


def _with_buildings(engine: Engine) -> None:
    """Put three buildings of other origin into the city: of known height, of storeys, of none."""
    x, y, _ = ZERO
    with engine.begin() as connection:
        for at, (name, height, storeys) in enumerate(
            [("tall", "30", "NULL"), ("storeys", "NULL", "4"), ("flat", "NULL", "NULL")]
        ):
            west = x + 100 * at
            connection.exec_driver_sql(
                "INSERT INTO twin.building (source, source_id, height_m, storeys, ground_z_m, geom)"
                f" VALUES ('osm', '{name}', {height}, {storeys}, 2, ST_Multi(ST_Difference("
                f"ST_MakeEnvelope({west}, {y}, {west} + 20, {y} + 10, 4548),"
                f"ST_MakeEnvelope({west} + 5, {y} + 2, {west} + 8, {y} + 5, 4548))))"
            )


def test_other_buildings_leave_as_closed_blocks_of_their_height(
    engine: Engine, tmp_path: Path
) -> None:
    _with_buildings(engine)
    found = _export(engine, tmp_path / "out.city.json")
    assert (found.objects, found.blocks, found.flat) == (3, 2, 1)
    objects = _read(tmp_path / "out.city.json")["CityObjects"]
    assert {name: one["attributes"].get("height_from") for name, one in objects.items()} == {
        "tall": "height", "storeys": "3 m a storey", "flat": None,
    }  # fmt: skip
    again = load_cityjson(engine, tmp_path / "out.city.json", source="again")
    assert again.solids == {"found": 2, "closed": 2, "inside_out": 0, "other_closed": 0}
    assert rows(
        engine,
        "SELECT source_id, z_min_m, z_max_m, volume_m3, ST_Area(geom) FROM twin.city_object"
        " ORDER BY source_id",
    ) == [
        ("flat", 2.0, 2.0, None, 191.0),
        ("storeys", 2.0, 14.0, 191.0 * 12, 191.0),
        ("tall", 2.0, 32.0, 191.0 * 30, 191.0),
    ]
    names = Counter(one["type"] for one in objects["tall"]["geometry"][0]["semantics"]["surfaces"])
    assert names == {"GroundSurface": 1, "WallSurface": 1, "RoofSurface": 1}


def test_a_house_with_storeys_of_a_model_leaves_as_high_as_they_reach(
    engine: Engine, tmp_path: Path
) -> None:
    x, y, _ = ZERO
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO twin.building (source, source_id, geom) VALUES ('ifc', 'b', ST_Multi("
            f"ST_MakeEnvelope({x}, {y}, {x} + 10, {y} + 10, 4548)));"
            "INSERT INTO twin.storey (source, source_id, building_id, number, floor_z_m, height_m,"
            " ifc_class, digest, geom) SELECT 'ifc', 's' || n, id, n, 5 + 3 * n, 3.5,"
            " 'IfcBuildingStorey', 'x', geom FROM twin.building, generate_series(0, 1) AS n"
        )
    _export(engine, tmp_path / "out.city.json")
    document = _read(tmp_path / "out.city.json")
    heights = sorted({vertex[2] for vertex in document["vertices"]})
    assert heights == [5_000, 11_500]
    assert document["CityObjects"]["b"]["attributes"]["height_from"] == "storeys of its model"


def test_a_box_takes_what_reaches_into_it_with_its_family(engine: Engine, tmp_path: Path) -> None:
    document = town()
    objects = document["CityObjects"]
    objects["house"]["children"] = ["annex"]
    objects["annex"] = {
        "type": "BuildingPart", "parents": ["house"], "geometry": objects["lamp"]["geometry"]
    }  # fmt: skip
    _load(engine, document, tmp_path)
    with Session(engine) as session:
        frame = open_city(session).frame
    x, y, _ = ZERO
    low = frame.box_to_lonlat((x + 39, y + 4, x + 41, y + 6))  # type: ignore[arg-type]
    found = _export(engine, tmp_path / "out.city.json", box=LonLatBox(*low))
    assert found.by_type == {"Building": 1, "BuildingPart": 1, "CityFurniture": 1}
    fine = _export(engine, tmp_path / "fine.city.json", lod="2.2")
    assert set(_read(tmp_path / "fine.city.json")["CityObjects"]) == {"house"}
    assert fine.geometries == 1


def test_two_sources_may_call_two_things_alike(engine: Engine, tmp_path: Path) -> None:
    _load(engine, town(), tmp_path)
    load_cityjson(engine, tmp_path / "in.city.json", source="other")
    found = _export(engine, tmp_path / "out.city.json")
    assert found.objects == len(_read(tmp_path / "out.city.json")["CityObjects"]) == 6


def test_a_name_that_says_no_format_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"name it \.city\.json"):
        _export(engine, tmp_path / "out.gml")
    with pytest.raises(InvalidInputError, match="there is no folder"):
        _export(engine, tmp_path / "nowhere" / "out.city.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "crs"),
    [
        ("delft.city.json", None),
        ("3dbag_multi_lod.city.json", "EPSG:7415"),
        ("DH_01_subs.city.json", "EPSG:7415"),
        ("rotterdam_subset.city.json", "EPSG:7415"),
    ],
)
def test_cjio_counts_the_same_before_and_after(
    city_in: CityAt, real_data: Path, tmp_path: Path, file: str, crs: str | None
) -> None:
    engine = city_in(28992, NETHERLANDS, vertical_datum="EPSG:5709")
    path = real_data / "cityjson" / file
    verdict = load_cityjson(engine, path, crs=crs)
    out = tmp_path / "out.city.json"
    _export(engine, out)
    before, after = _by_cjio(path), _by_cjio(out)
    assert after.pop("box") == pytest.approx(before.pop("box"), abs=0.0011)
    assert after == before
    assert sum(before["surfaces"].values()) == verdict.surfaces["found"]
    assert counts(engine)["city_object"] == sum(before["objects"].values())
    document = _read(out)
    assert document["metadata"]["referenceSystem"].endswith("/EPSG/0/7415")


_CJIO = """
import json, sys
from collections import Counter
from cjio import cityjson
reader = cityjson.CityJSON(file=open(sys.argv[1]))
if reader.get_version() != "2.0":
    reader.upgrade_version("2.0", 3)
objects, kinds, surfaces = reader.j["CityObjects"], Counter(), Counter()
for one in objects.values():
    for geometry in one.get("geometry", []):
        kinds[geometry["type"] + geometry["lod"]] += 1
        faces = geometry["boundaries"]
        surfaces[geometry["lod"]] += (
            sum(map(len, faces)) if geometry["type"] == "Solid" else len(faces)
        )
print(json.dumps({
    "objects": Counter(one["type"] for one in objects.values()), "kinds": kinds,
    "surfaces": surfaces, "box": reader.calculate_bbox(),
}))
"""


def _by_cjio(path: Path) -> dict[str, Any]:
    """Return what cjio reads, in a process of its own: it changes how Python writes JSON."""
    done = subprocess.run(
        [sys.executable, "-c", _CJIO, str(path)], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
