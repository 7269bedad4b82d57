"""Networks of EPANET and SWMM become nodes and segments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from twin.errors import InvalidInputError

# In the city's frame near Shantou; GPM: feet and inches.
EPANET = """[TITLE]
 A town
[JUNCTIONS]
;ID Elev Demand
 J1  100  5
 J2  90   0 ;
[RESERVOIRS]
 R   200
[TANKS]
 T   150  10  5  20  50  0
 T2  160
[PIPES]
 P1  R   J1  1000  12  100  0  Open
 P2  J1  J2  500   8   100  0  CV
 P3  J2  T   500   6   100
[PUMPS]
 PU  J1  T2  HEAD 1
[VALVES]
 V   J2  T2  6  PRV  50  0
[STATUS]
 P3  Closed
 PU  Closed
[TAGS]
 NODE J1 gate
 LINK P1 main
[OPTIONS]
 Units GPM
[COORDINATES]
 J1  470000  2580000
 J2  470100  2580000
 R   470000  2580100
 T   470200  2580000
 T2  470100  2580200
[VERTICES]
 P1  470050  2580050
[END]
"""
SWMM = """[TITLE]
[OPTIONS]
FLOW_UNITS CFS
LINK_OFFSETS {offsets}
[JUNCTIONS]
A 100 10 0 0 0
B 98  0
[OUTFALLS]
O 90 FREE NO
[STORAGE]
S 95 12 0 FUNCTIONAL 15 0 0
[DIVIDERS]
D 97 C2 OVERFLOW 6 0
[CONDUITS]
C1 A B 400 0.01 {first} 0 0 0
C2 B D 100 0.01 * * 0 0
C3 D O 100 0.01 0 0 0 0
[PUMPS]
PU B S * ON 0 0
[WEIRS]
W S O TRANSVERSE 1 3.33 NO 0 0
[XSECTIONS]
C1 CIRCULAR 2 0 0 0 1
C2 RECT_CLOSED 3 4 0 0 2
C3 EGG 3 0 0 0 1
W RECT_OPEN 50 200 0 0
[COORDINATES]
A 470000 2580000
B 470100 2580000
D 470150 2580000
O 470200 2580000
S 470100 2580100
"""


@pytest.fixture
def inp(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str, encoding: str = "utf-8") -> Path:
        (tmp_path / "town.inp").write_bytes(content.encode(encoding))
        return tmp_path / "town.inp"

    return write


def test_epanet_in_feet_and_inches(engine: Engine, loads: Load, inp: Any) -> None:
    report = loads("pipe", inp(EPANET), crs="EPSG:4548")
    assert (report.format, report.loaded, report.rejected) == ("epanet", 10, {})
    # 12 in = 0.3048 m, 1000 ft = 304.8 m, 100 ft = 30.48 m.
    assert rows(
        engine,
        "SELECT source_id, device, width_m, round((attrs->>'length_m')::numeric, 3)::float,"
        " valve_state, flow_dir, attrs->>'tag', attrs->>'setting', ST_NPoints(geom)"
        " FROM twin.pipe_segment ORDER BY 1",
    ) == [
        ("P1", None, pytest.approx(0.3048), 304.8, None, None, "main", None, 3),
        ("P2", None, pytest.approx(0.2032), 152.4, None, 1, None, None, 2),
        ("P3", None, pytest.approx(0.1524), 152.4, "closed", None, None, None, 2),
        ("PU", "pump", None, None, "closed", 1, None, None, 2),
        ("V", "valve", pytest.approx(0.1524), None, "open", None, None, "50 psi", 2),
    ]
    assert rows(
        engine,
        "SELECT source_id, appurtenance, round(ST_Z(geom)::numeric, 3)::float,"
        " elevation_reference, attrs->>'tag' FROM twin.pipe_node ORDER BY 1",
    ) == [
        ("J1", None, 30.48, "unknown", "gate"),
        ("J2", None, 27.432, "unknown", None),
        ("R", "source", 0.0, "unknown", None),
        ("T", "tank", 45.72, "unknown", None),
        ("T2", "source", 0.0, "unknown", None),
    ]


def test_epanet_in_metres_and_what_elevations_are_of(engine: Engine, loads: Load, inp: Any) -> None:
    metric = inp(EPANET.replace("GPM", "LPS"))
    loads("pipe", metric, crs="EPSG:4548", mapping={"elevation_reference": "=centre"})
    assert rows(
        engine,
        "SELECT source_id, width_m, elevation_reference, ST_ZMin(geom) FROM twin.pipe_segment"
        " WHERE source_id IN ('P1', 'P2') ORDER BY 1",
    ) == [("P1", 0.012, "unknown", 0.0), ("P2", 0.008, "centre", 90.0)]
    # A reservoir has a head and no elevation: nobody can say what its height is of.
    assert rows(
        engine, "SELECT elevation_reference FROM twin.pipe_node WHERE source_id IN ('J1', 'R')"
        " ORDER BY source_id"
    ) == [("centre",), ("unknown",)]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
def test_names_in_chinese(engine: Engine, loads: Load, inp: Any, encoding: str) -> None:
    chinese = inp(EPANET.replace("J1", "阀门井一"), encoding)
    loads("pipe", chinese, crs="EPSG:4548")
    assert one(engine, "SELECT count(*) FROM twin.pipe_node WHERE source_id = '阀门井一'") == 1


def test_a_valve_of_no_width_keeps_the_network_together(
    engine: Engine, loads: Load, inp: Any
) -> None:
    """As the valves of ky10 among the examples of WNTR: 1000 inches."""
    report = loads("pipe", inp(EPANET.replace("T2  6  PRV", "T2  1000  PRV")), crs="EPSG:4548")
    assert not report.rejected
    found = "SELECT width_m, size_text, from_node_id IS NOT NULL FROM twin.pipe_segment"
    assert rows(engine, f"{found} WHERE source_id = 'V'") == [(None, "1000 in", True)]
    assert any("1 valves are 20 m wide or more" in note and "V" in note for note in report.notes)


def test_a_file_without_a_network_is_refused(loads: Load, inp: Any) -> None:
    with pytest.raises(InvalidInputError, match="no node and no link of a pipe network in it"):
        loads("pipe", inp("[TITLE]\n[RESERVOIRS]\n[TIMES]\n[END]"), crs="EPSG:4548")


def test_nodes_alone_are_loaded(engine: Engine, loads: Load, inp: Any) -> None:
    alone = EPANET[: EPANET.index("[PIPES]")] + EPANET[EPANET.index("[OPTIONS]") :]
    report = loads("pipe", inp(alone.replace("[VERTICES]\n P1  470050  2580050\n", "")),
                   crs="EPSG:4548")  # fmt: skip
    assert (report.loaded, one(engine, "SELECT count(*) FROM twin.pipe_segment")) == (5, 0)


def test_the_frame_is_asked_for_with_what_would_fit(engine: Engine, loads: Load, inp: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"town.inp does not say which .* --crs EPSG:4548"):
        loads("pipe", inp(EPANET))
    drawing = EPANET.replace("470", "4").replace("2580", "2")
    with pytest.raises(InvalidInputError, match="they look like a drawing's, not a map's"):
        loads("pipe", inp(drawing))
    assert one(engine, "SELECT count(*) FROM twin.load") == 0


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (" P1  R   J1", " P1  R   X9", "line 13: there is no node 'X9' in the file"),
        (" J2  90   0", " J2  9o   0", "line 6: '9o' is no number: elevation of J2 is expected"),
        (" J2  90   0", " J1  90   0", "line 6: there is a node 'J1' already, in line 5"),
        (" P2  J1  J2  500   8   100  0  CV", " P2  J1  J2", r"line 14: \[PIPES\] 'P2 J1 J2' is"),
        ("[STATUS]", "[FOO]", r"line 20: EPANET has no section \[FOO\]; it has \[TITLE\]"),
        ("Units GPM", "Units GALLONS", "line 27: 'GALLONS' is no unit of flow; there are CFS"),
        ("6  PRV", "6  XYZ", "line 19: 'XYZ' is no sort of valve; there are PRV"),
        ("0  CV", "0  AJAR", "line 14: 'AJAR' is no state of a pipe; there are OPEN"),
        ("[END]", "[TIMES]\n Pattern Start 0:00:00:00", "line 37: '0:00:00:00' is no time"),
        ("470000  2580000", "here 2580000", "line 29: 'here' is no number: x of J1 is expected"),
    ],
)
def test_mistakes_are_told_with_their_line_and_nothing_is_loaded(
    engine: Engine, loads: Load, inp: Any, wrong: str, right: str, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"town.inp is not well-formed .*{said}"):
        loads("pipe", inp(EPANET.replace(wrong, right, 1)), crs="EPSG:4548")
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_nodes_without_coordinates_are_told_and_their_links(
    engine: Engine, loads: Load, inp: Any
) -> None:
    lost = EPANET.replace(" T   470200  2580000\n", "").replace("[END]", " PX 470050 2580050")
    report = loads("pipe", inp(lost), crs="EPSG:4548")
    assert report.examples == {
        "no coordinates": ["T (line 10)"],
        "an end node has no coordinates": ["P3 (line 15): T"],
    }
    assert report.loaded == 8
    assert "vertices of 1 names that the file does not have: PX" in report.notes
    none = EPANET.split("[COORDINATES]")[0]
    with pytest.raises(InvalidInputError, match="none of its 5 nodes has coordinates"):
        loads("pipe", inp(none))


def test_a_pump_between_nodes_at_one_place_stays(engine: Engine, loads: Load, inp: Any) -> None:
    together = EPANET.replace(" T2  470100  2580200", " T2  470000  2580000")
    report = loads("pipe", inp(together), crs="EPSG:4548")
    assert (report.loaded, report.rejected) == (10, {})
    assert rows(
        engine, "SELECT ST_Length(ST_Force2D(geom)) < 0.3, ST_IsClosed(geom), attrs ? 'drawn',"
        " from_node_id <> to_node_id FROM twin.pipe_segment WHERE source_id = 'PU'"
    ) == [(True, True, True, True)]  # fmt: skip


def test_swmm_in_feet(engine: Engine, loads: Load, inp: Any) -> None:
    report = loads("pipe", inp(SWMM.format(offsets="DEPTH", first="1")), crs="EPSG:4548")
    assert (report.format, report.loaded, report.rejected) == ("swmm", 10, {})
    assert any(note.startswith("kind storm: the model has no dry") for note in report.notes)
    # Inverts 100 ft = 30.48 m and 98 ft = 29.8704 m; C1 begins 1 ft above; A's ground is 110 ft.
    assert rows(
        engine,
        "SELECT source_id, device, shape, width_m, height_m, n_ducts, elevation_reference,"
        " ST_Z(ST_StartPoint(geom)), ST_Z(ST_EndPoint(geom)), depth_from_m, size_text"
        " FROM twin.pipe_segment ORDER BY 1",
    ) == [
        ("C1", None, "circular", pytest.approx(0.6096), None, None, "invert",
         pytest.approx(30.7848), pytest.approx(29.8704), pytest.approx(2.7432), "CIRCULAR 2"),
        ("C2", None, "rectangular", pytest.approx(1.2192), pytest.approx(0.9144), 2, "invert",
         pytest.approx(29.8704), pytest.approx(29.5656), None, "RECT_CLOSED 3 4 0 0"),
        ("C3", None, "egg", pytest.approx(0.6096), pytest.approx(0.9144), None, "invert",
         pytest.approx(29.5656), pytest.approx(27.432), pytest.approx(1.8288), "EGG 3"),
        ("PU", "pump", None, None, None, None, "unknown", 0.0, 0.0, None, None),
        ("W", "weir", None, None, None, None, "unknown", 0.0, 0.0, None, "RECT_OPEN 50 200 0 0"),
    ]  # fmt: skip
    assert rows(
        engine,
        "SELECT source_id, appurtenance, round(invert_z_m::numeric, 4)::float,"
        " round(ground_z_m::numeric, 4)::float FROM twin.pipe_node ORDER BY 1",
    ) == [
        ("A", None, 30.48, 33.528),
        ("B", None, 29.8704, None),
        ("D", None, 29.5656, 31.3944),
        ("O", "outfall", 27.432, None),
        ("S", "tank", 28.956, 32.6136),
    ]


def test_swmm_with_levels_for_offsets(engine: Engine, loads: Load, inp: Any) -> None:
    loads("pipe", inp(SWMM.format(offsets="ELEVATION", first="101")), crs="EPSG:4548",
          mapping={"kind": "=sewer"})  # fmt: skip
    assert rows(
        engine, "SELECT kind, ST_Z(ST_StartPoint(geom)) FROM twin.pipe_segment"
        " WHERE source_id IN ('C1', 'C2') ORDER BY source_id"
    ) == [("sewer", pytest.approx(30.7848)), ("sewer", pytest.approx(29.8704))]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("C1 A B", "C1 A Q", "line 15: there is no node 'Q' in the file"),
        ("C1 CIRCULAR", "C9 CIRCULAR", "line 23: .* there is no link 'C9' in the file"),
        ("[WEIRS]", "[WAIRS]", r"line 20: SWMM has no section \[WAIRS\]"),
        ("FLOW_UNITS CFS", "FLOW_UNITS CUSECS", "line 3: 'CUSECS' is no unit of flow"),
        ("OVERFLOW", "SOMEHOW", "line 13: 'SOMEHOW' is no sort of divider"),
    ],
)
def test_mistakes_in_swmm_are_told_with_their_line(
    loads: Load, inp: Any, wrong: str, right: str, said: str
) -> None:
    file = inp(SWMM.format(offsets="DEPTH", first="1").replace(wrong, right, 1))
    with pytest.raises(InvalidInputError, match=f"not well-formed for SWMM.*{said}"):
        loads("pipe", file, crs="EPSG:4548")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[TITLE]\nnothing\n", "town.inp holds no pipe network that is known"),
        ("[PIPES]\n[CONDUITS]\n", "could be EPANET network or SWMM drainage network"),
        ("\0\0\0\0", "is not a text file"),
    ],
)
def test_an_inp_of_neither_program(loads: Load, inp: Any, content: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        loads("pipe", inp(content), crs="EPSG:4548")


def test_two_networks_in_one_load_and_unknown_fields_are_refused(
    engine: Engine, loads: Load, inp: Any, tmp_path: Path
) -> None:
    first = inp(EPANET)
    second = tmp_path / "other.inp"
    second.write_text(EPANET)
    with pytest.raises(InvalidInputError, match=r"each of town.inp, other.inp is a network"):
        loads("pipe", first, second, crs="EPSG:4548")
    with pytest.raises(InvalidInputError, match="a pipe network has no field 'colour'; it has"):
        loads("pipe", first, crs="EPSG:4548", mapping={"colour": "=red"})
    with pytest.raises(InvalidInputError, match="citytwin load pipe"):
        loads("pipe_segment", first)
    report = loads("pipe", first, crs="EPSG:4548", mapping={"segment.owner": "=水务集团"})
    assert report.loaded == 10
    assert rows(engine, "SELECT count(owner) FROM twin.pipe_node") == [(0,)]


def test_the_same_model_again_changes_nothing(loads: Load, inp: Any) -> None:
    file = inp(EPANET)
    loads("pipe", file, crs="EPSG:4548")
    report = loads("pipe", file, crs="EPSG:4548")
    assert (report.loaded, report.updated, report.unchanged) == (0, 0, 10)
    assert "pipe_segment: 0 new, 0 changed, 5 unchanged" in report.notes
