"""The house in `_house`, loaded into a city."""

import hashlib
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.twin.bim._house import GUIDS, House
from tests.twin.bim._house import text as step_text
from tests.twin.bim.conftest import Load, counts, rows
from twin.bim import Limits, RefusedModelError, Verdict, load_model
from twin.errors import NotFoundError

ALL = {"building": 1, "storey": 2, "space": 1, "element": 11, "opening": 1}
NONE = dict.fromkeys((*ALL, "bim_mesh", "load"), 0)


def changes(verdict: Verdict, table: str) -> dict[str, int]:
    return verdict.change_counts()[table]


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3_ADD2"])
def test_a_house_is_stored_as_it_is(engine: Engine, load_house: Load, schema: str) -> None:
    verdict = load_house(House(schema=schema))
    assert verdict.accepted
    assert verdict.schema == schema
    assert {table: counts(engine)[table] for table in ALL} == ALL
    assert rows(
        engine,
        "SELECT name, number, floor_z_m, height_m, height_from FROM twin.storey ORDER BY number",
    ) == [("ground", 0, 4.5, 3.0, "next_storey"), ("upper", 1, 7.5, 1.0, "elements")]
    assert rows(
        engine,
        "SELECT number, use, area_m2, area_from, round(plan_area_m2::numeric, 2)::float, "
        "round(volume_m3::numeric, 2)::float, z_min_m, z_max_m, is_closed FROM twin.space",
    ) == [
        ("101", "客厅", 70.0, "Qto_SpaceBaseQuantities.NetFloorArea", 72.96, 196.99, 4.5, 7.2, True)
    ]
    assert rows(
        engine,
        "SELECT round(ST_Area(geom)::numeric, 2)::float, ground_z_m, height_m, storeys, source_id "
        "FROM twin.building",
    ) == [(80.0, 4.5, 4.0, 2, GUIDS["building"])]


def test_elements_have_what_the_model_says_of_them(engine: Engine, load_house: Load) -> None:
    load_house(House())
    found = {
        row[0]: row[1:]
        for row in rows(
            engine,
            "SELECT element.name, ifc_class, storey.name, round(volume_m3::numeric, 3)::float, "
            "is_closed, material, is_external, part_of, no_geometry, "
            "round(ST_Area(element.geom)::numeric, 3)::float "
            "FROM twin.element LEFT JOIN (SELECT id, name FROM twin.storey) AS storey "
            "ON storey.id = storey_id",
        )
    }
    # 10 · 0.2 · 2.7 less the hole 1 · 0.2 · 2.1.
    assert found["south"] == ("IfcWall", "ground", 4.98, True, None, None, None, None, 2.0)
    assert found["前门"] == ("IfcDoor", "ground", 0.18, True, "oak", True, None, None, 0.09)
    parts = "its 1 parts carry the geometry"
    assert found["stair"] == ("IfcStair", "upper", None, None, None, None, None, parts, 3.0)
    assert found["flight"][6] == GUIDS["stair"]
    assert found["axis"][7:] == ("only Axis: nothing solid", 0.0)


def test_water_comes_in_by_the_door_at_its_sill(engine: Engine, load_house: Load) -> None:
    load_house(House())
    assert rows(
        engine,
        "SELECT kind, name, host, filling, width_m, height_m, sill_m, sill_z_m, is_external, "
        "ST_Z(geom) FROM twin.opening",
    ) == [
        ("door", "前门", GUIDS["south"], GUIDS["door"], 0.9, 2.0, 0.0, 4.5, True, 4.5)
    ]  # fmt: skip


def test_meshes_are_named_by_their_content(engine: Engine, load_house: Load) -> None:
    load_house(House())
    found = rows(engine, "SELECT digest, vertices, triangles, vertex_count FROM twin.bim_mesh")
    for digest, vertices, triangles, count in found:
        assert hashlib.sha256(vertices + b"/" + triangles).hexdigest() == digest
        assert len(vertices) == 12 * count
    named = rows(
        engine,
        "SELECT DISTINCT mesh FROM twin.element WHERE mesh IS NOT NULL "
        "UNION SELECT mesh FROM twin.space",
    )
    # Ten things are solid; what is equal in form is one mesh in two places.
    assert {row[0] for row in named} == {row[0] for row in found}
    assert len(found) <= 10
    (slab,) = rows(
        engine,
        "SELECT centre_z_m, vertices FROM twin.element "
        "JOIN twin.bim_mesh ON bim_mesh.digest = mesh WHERE name = 'slab'",
    )
    z = [point[2] for point in struct.iter_unpack("<3f", slab[1])]
    assert (slab[0] + min(z), slab[0] + max(z)) == pytest.approx((4.2, 4.5), abs=1e-6)


def test_millimetres_make_the_same_house(engine: Engine, load_house: Load) -> None:
    load_house(House(unit="#9=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);", unit_m=0.001,
                     site="(23,21,0,0),(116,41,24,0),4500."))  # fmt: skip
    assert rows(
        engine, "SELECT round(volume_m3::numeric, 3)::float FROM twin.element WHERE name = 'south'"
    ) == [(4.98,)]
    assert rows(engine, "SELECT floor_z_m FROM twin.storey ORDER BY 1") == [(4.5,), (7.5,)]


def test_the_same_again_changes_nothing(engine: Engine, load_house: Load) -> None:
    load_house(House())
    before = rows(engine, "SELECT id, uid, recorded_at FROM twin.element ORDER BY id")
    logged = rows(engine, "SELECT count(*) FROM twin.change")
    verdict = load_house(House())
    for table, number in ALL.items():
        assert changes(verdict, table) == {
            "added": 0, "removed": 0, "changed": 0, "unchanged": number,
        }  # fmt: skip
    assert rows(engine, "SELECT id, uid, recorded_at FROM twin.element ORDER BY id") == before
    assert rows(engine, "SELECT count(*) FROM twin.change") == logged
    assert rows(engine, "SELECT count(*) FROM twin.element_history") == [(0,)]


def test_a_changed_model_is_a_change_set(engine: Engine, load_house: Load) -> None:
    load_house(House())
    uids = dict(rows(engine, "SELECT source_id, uid FROM twin.element"))
    names = GUIDS | {"west": "w" * 22}
    verdict = load_house(House(door_width_m=0.8, door_name="后门", names=names))
    assert changes(verdict, "element") == {
        "added": 1, "removed": 1, "changed": 1, "unchanged": 9,
    }  # fmt: skip
    found = verdict.changes["element"]
    assert [each["guid"] for each in found["added"]] == ["w" * 22]
    assert [each["guid"] for each in found["removed"]] == [GUIDS["west"]]
    assert found["changed"][0]["guid"] == GUIDS["door"]
    assert {"name", "mesh", "volume_m3", "geom"} <= set(found["changed"][0]["fields"])
    assert set(verdict.changes["opening"]["changed"][0]["fields"]) >= {"name", "width_m"}
    assert changes(verdict, "building")["unchanged"] == 1
    now = dict(rows(engine, "SELECT source_id, uid FROM twin.element"))
    assert now[GUIDS["door"]] == uids[GUIDS["door"]]
    history = rows(engine, "SELECT source_id, op, name FROM twin.element_history ORDER BY 1")
    assert [tuple(map(str, row)) for row in history] == [
        (GUIDS["west"], "D", "west"), (GUIDS["door"], "U", "前门"),
    ]  # fmt: skip
    # The former door's mesh is still there for its history.
    assert rows(
        engine,
        "SELECT count(*) FROM twin.element_history JOIN twin.bim_mesh ON bim_mesh.digest = mesh",
    ) == [(2,)]


def test_a_property_that_changed_is_named(engine: Engine, load_house: Load) -> None:
    load_house(House())
    altered = step_text(House()).replace(b"IFCBOOLEAN(.T.)", b"IFCBOOLEAN(.F.)")
    verdict = _load_text(engine, altered)
    (door,) = verdict.changes["element"]["changed"]
    assert door["fields"] == ["psets.Pset_DoorCommon.IsExternal", "is_external"]


def _load_text(engine: Engine, content: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "house.ifc"
        path.write_bytes(content)
        return load_model(engine, path)


def test_a_house_set_down_by_hand_stays_there(engine: Engine, load_house: Load) -> None:
    house = House(site="")
    with pytest.raises(RefusedModelError, match="give --place") as refused:
        load_house(house)
    assert refused.value.verdict.elements["found"] == 11
    assert counts(engine) == NONE
    load_house(house, place="116.69,23.35,30,4")
    verdict = load_house(house)
    assert changes(verdict, "element")["unchanged"] == 11
    assert "as was said at the last load" in " ".join(verdict.notes)
    moved = load_house(house, place="116.6901,23.35,30,4")
    # All but the one that is nowhere.
    assert changes(moved, "element")["changed"] == 10


def test_a_dry_run_keeps_nothing(engine: Engine, load_house: Load) -> None:
    verdict = load_house(House(), dry_run=True)
    assert verdict.accepted
    assert changes(verdict, "element")["added"] == 11
    assert counts(engine) == NONE


def test_two_sources_stand_beside_one_another(engine: Engine, load_house: Load) -> None:
    load_house(House(), source="一号楼")
    load_house(House(), source="二号楼", place="116.691,23.35,0,4")
    assert counts(engine)["element"] == 22
    load_house(replace(House(), without=("door",)), source="二号楼")
    assert rows(
        engine, "SELECT source, count(*) FROM twin.element GROUP BY 1 ORDER BY 2"
    ) == [("二号楼", 10), ("一号楼", 11)]  # fmt: skip


def test_letters_written_raw_are_read(engine: Engine) -> None:
    raw = step_text(House()).replace(rb"\X2\524D\X0\\X2\95E8\X0" + b"\\", "前门".encode("gbk"))
    raw = raw.replace("客厅".encode(), "客厅".encode("gbk"))
    verdict = _load_text(engine, raw)
    assert "gb18030" in " ".join(verdict.notes)
    assert rows(engine, "SELECT use FROM twin.space") == [("客厅",)]
    assert rows(engine, "SELECT name FROM twin.opening") == [("前门",)]


_PROXY = "#90=IFCBUILDINGELEMENTPROXY('{0}',$,'x',$,$,{1},{2},$,$);"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (
            "#80=IFCLOCALPLACEMENT(#81,#7);\n#81=IFCLOCALPLACEMENT(#80,#7);\n"
            + _PROXY.format("x" * 22, "#80", "$"),
            "in a ring: #80 → #81 → #80",
        ),
        (
            "#83=IFCLOCALPLACEMENT($,#7);\n#84=IFCBOOLEANRESULT(.UNION.,#84,#84);\n"
            "#85=IFCSHAPEREPRESENTATION(#8,'Body','CSG',(#84));\n"
            "#86=IFCPRODUCTDEFINITIONSHAPE($,$,(#85));\n" + _PROXY.format("x" * 22, "#83", "#86"),
            r"crashes the parser \(SIGSEGV\)",
        ),
    ],
)
def test_what_would_kill_the_service_is_a_verdict(
    engine: Engine, load_house: Load, more: str, reason: str
) -> None:
    with pytest.raises(RefusedModelError, match=reason):
        load_house(House(more=more))
    assert counts(engine) == NONE


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(cpu_s=1), "more than 1 s of computing"),
        (Limits(wall_s=1), "longer than 1 s"),
        (Limits(output_bytes=1000), "more than the 0 MiB allowed|than is allowed"),
    ],
)
def test_a_model_may_not_cost_more_than_is_allowed(
    engine: Engine, real_data: Path, limits: Limits, reason: str
) -> None:
    with pytest.raises(RefusedModelError, match=reason):
        load_model(
            engine, real_data / "ifc" / "duplex.ifc", limits=limits, place="116.69,23.35,0,0"
        )
    assert counts(engine) == NONE


def test_the_reader_has_no_network_and_starts_no_programs() -> None:
    code = """
import socket, subprocess
from twin.bim._limits import Limits, lock_in
lock_in(Limits())
for attempt in (lambda: socket.socket(), lambda: subprocess.run(["true"]), socket.socketpair):
    try:
        attempt()
    except PermissionError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 3


def test_a_reader_without_memory_says_so(engine: Engine, load_house: Load) -> None:
    more = "\n".join(f"#{n}=IFCCARTESIANPOINT((0.,0.,0.));" for n in range(100_000, 400_000))
    with pytest.raises(RefusedModelError, match=r"memory|MiB"):
        load_house(House(more=more), limits=Limits(memory_bytes=300 * 2**20))
    assert counts(engine) == NONE


def test_a_file_without_a_unit_or_a_building_is_refused(engine: Engine, load_house: Load) -> None:
    with pytest.raises(RefusedModelError, match="unit of length"):
        load_house(House(unit=""))
    with pytest.raises(NotFoundError):
        load_model(engine, Path("/nowhere/house.ifc"))
    assert counts(engine) == NONE


def test_progress_is_told(load_house: Callable[..., object]) -> None:
    told: list[tuple[str, int, int | None]] = []
    load_house(House(), progress=lambda *words: told.append(words))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages[:4] == ["reading", "meshing", "measuring", "writing"]
    assert "Mandatory fields missing" in stages[4:], "the rules of quality come last"
