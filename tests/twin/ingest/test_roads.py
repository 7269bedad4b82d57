"""Roads become a graph: cut where they meet, directed, with speeds and levels."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from shapely import LineString
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from twin.ingest._roadwords import deck_levels, directions, speeds

X, Y = 470_000.0, 2_580_000.0


def line(*points: tuple[float, float]) -> LineString:
    return LineString([(X + x, Y + y) for x, y in points])


def streets(
    folder: Path, lines: list[shapely.Geometry], name: str = "streets.fgb", **columns: object
) -> Path:
    ids = [chr(ord("a") + n) for n in range(len(lines))]
    frame = geopandas.GeoDataFrame({"id": ids, **columns}, geometry=lines, crs="EPSG:4548")
    pyogrio.write_dataframe(frame, folder / name)
    return folder / name


def edges(engine: Engine) -> list[tuple[str, str, str]]:
    found = rows(
        engine,
        "SELECT edge.source_id, a.source_id, b.source_id FROM twin.road_edge AS edge"
        " JOIN twin.road_node a ON a.id = from_node_id JOIN twin.road_node b ON b.id = to_node_id"
        " ORDER BY 1",
    )
    return [(name, _short(a), _short(b)) for name, a, b in found]


def _short(node: str) -> str:
    x, y = (float(number) for number in node.split())
    return f"{x - X:g},{y - Y:g}"


def test_streets_are_cut_where_another_ends_on_them(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = streets(tmp_path, [line((0, 0), (100, 0), (200, 0)), line((100, 0), (100, 50))])
    report = loads("road", file)
    assert (report.rows_read, report.loaded) == (2, 3)
    assert edges(engine) == [
        ("a#1", "0,0", "100,0"), ("a#2", "100,0", "200,0"), ("b", "100,0", "100,50")
    ]  # fmt: skip
    lengths = rows(
        engine, "SELECT length_m, ST_Length(geom) FROM twin.road_edge ORDER BY source_id"
    )
    assert lengths == [(100.0, 100.0), (100.0, 100.0), (50.0, 50.0)]


def test_streets_that_cross_at_a_vertex_meet_unless_one_is_a_bridge(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    cross = [line((0, 0), (50, 0), (100, 0)), line((50, -50), (50, 0), (50, 50))]
    loads("road", streets(tmp_path, cross, layer=["0", "0"]))
    assert len(edges(engine)) == 4
    loads("road", streets(tmp_path, cross, "bridge.fgb", layer=["0", "1"]))
    assert one(engine, "SELECT count(*) FROM twin.road_edge WHERE source = 'bridge'") == 2
    assert rows(
        engine, "SELECT deck_level FROM twin.road_edge WHERE source = 'bridge' ORDER BY source_id"
    ) == [(0,), (1,)]


def test_lines_that_cross_without_a_vertex_do_not_meet(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    loads("road", streets(tmp_path, [line((0, 0), (100, 0)), line((50, -50), (50, 50))]))
    assert len(edges(engine)) == 2


def test_ends_half_a_millimetre_apart_meet_and_a_metre_apart_do_not(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    lines = [line((0, 0), (100, 0)), line((100.0003, 0), (200, 0)), line((201, 0), (300, 0))]
    loads("road", streets(tmp_path, lines))
    assert one(engine, "SELECT count(*) FROM twin.road_node") == 5


def test_a_ring_and_a_line_that_meets_itself_are_cut(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    ring = line((0, 0), (10, 0), (10, 10), (0, 0))
    lasso = line((100, 0), (110, 0), (120, 0), (120, 10), (110, 0))
    loads("road", streets(tmp_path, [ring, lasso]))
    assert edges(engine) == [
        ("a", "0,0", "0,0"), ("b#1", "100,0", "110,0"), ("b#2", "110,0", "110,0")
    ]  # fmt: skip


def test_repeated_vertices_make_no_edge_without_length(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    lines = [line((0, 0), (50, 0), (50, 0), (100, 0)), line((50, 0), (50, 9))]
    loads("road", streets(tmp_path, lines))
    assert one(engine, "SELECT min(length_m) FROM twin.road_edge") == 9
    assert one(engine, "SELECT count(*) FROM twin.road_edge") == 3


def test_parts_of_a_multiline_are_roads_of_their_own(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    both = shapely.multilinestrings([line((0, 0), (10, 0)), line((50, 0), (60, 0))])
    loads("road", streets(tmp_path, [both]))
    assert [name for name, _, _ in edges(engine)] == ["a#1", "a#2"]


def test_columns_become_class_direction_speed_and_the_rest_stays(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    lines = [line((0, y), (100, y)) for y in range(5)]
    file = streets(
        tmp_path, lines, 名称=["海滨路", None, None, None, None],
        道路等级=["主干路", "快速路", "支路", "footway", "驰道"],
        oneway=["yes", "-1", "no", "yes", None], maxspeed=["30 mph", None, "60", None, None],
        surface=["asphalt", None, None, None, None],
    )  # fmt: skip
    report = loads("road", file)
    assert report.skipped == {"not for vehicles: footway": 1}
    assert report.repaired == {
        "oneway of -1: against the line": 1,
        "road class '驰道': speed of an unclassified road": 1,
    }
    assert rows(
        engine,
        "SELECT name, road_class, direction, round((speed_m_per_s * 3.6)::numeric, 2)::float,"
        " attrs->>'surface' FROM twin.road_edge ORDER BY source_id",
    ) == [
        ("海滨路", "primary", 1, 48.28, "asphalt"),
        (None, "trunk", -1, 70.0, None),
        (None, "tertiary", 0, 60.0, None),
        (None, "驰道", 0, 30.0, None),
    ]


def test_the_same_roads_again_change_nothing(engine: Engine, loads: Load, tmp_path: Path) -> None:
    file = streets(tmp_path, [line((0, 0), (100, 0), (200, 0)), line((100, 0), (100, 50))])
    loads("road", file)
    again = loads("road", file)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, 3)
    assert one(engine, "SELECT count(*) FROM twin.road_node") == 4


@pytest.mark.parametrize(
    ("word", "direction"),
    [("yes", 1), ("1", 1), ("true", 1), ("-1", -1), ("reverse", -1), ("no", 0), (None, 0),
     ("单向", 1), ("reversible", 0), ("maybe", 0)],
)  # fmt: skip
def test_one_way_words(word: str | None, direction: int) -> None:
    found = directions(
        pa.array([word], pa.string()), None, pa.array(["residential"]), Counter[str]()
    )
    assert found.to_pylist() == [direction]


def test_letters_for_both_along_and_against() -> None:
    found = directions(pa.array(["B", "F", "T"]), None, pa.array(["primary"] * 3), Counter[str]())
    assert found.to_pylist() == [0, 1, -1]


def test_t_and_f_without_b_are_yes_and_no() -> None:
    found = directions(pa.array(["T", "F"]), None, pa.array(["primary"] * 2), Counter[str]())
    assert found.to_pylist() == [1, 0]


def test_roundabouts_and_motorways_are_one_way_unless_they_say_otherwise() -> None:
    found = directions(
        pa.array([None, None, "no", None]),
        pa.array(["roundabout", None, "roundabout", None]),
        pa.array(["tertiary", "motorway", "tertiary", "trunk"]),
        Counter[str](),
    )
    assert found.to_pylist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("word", "km_per_h"),
    [("50", 50), ("50 km/h", 50), ("30 mph", 48.28032), ("walk", 7), ("none", 30), ("0", 30),
     ("FR:urban", 50), ("CN:urban", 50), ("50;30", 50), ("signals", 30), ("fast", 30)],
)  # fmt: skip
def test_speed_limits_in_words(word: str, km_per_h: float) -> None:
    repaired: Counter[str] = Counter()
    found = speeds(None, pa.array([word]), pa.array(["residential"]), repaired)
    assert found.to_pylist()[0] * 3.6 == pytest.approx(km_per_h)
    assert bool(repaired) == (word == "fast")


def test_levels_come_from_layer_then_bridge_then_tunnel() -> None:
    found = deck_levels(
        pa.array(["2", None, None, "0", "-9", "x"]),
        pa.array(["yes", "viaduct", "no", "T", None, None]),
        pa.array([None, None, "yes", None, None, "building_passage"]),
        6,
        Counter[str](),
    )
    assert found.to_pylist() == [2, 1, -1, 1, -5, 0]


def test_the_graph_of_a_random_town_has_every_metre_and_every_meeting(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    lines = []
    for _ in range(300):
        start = random.integers(0, 20, 2)
        steps = np.cumsum(np.vstack([start, random.integers(-1, 2, (8, 2))]), axis=0) * 10.0
        kept = [steps[0], *(b for a, b in pairwise(steps) if (a != b).any())]
        if len(kept) > 1:
            lines.append(line(*[(float(x), float(y)) for x, y in kept]))
    frame = geopandas.GeoDataFrame(
        {"id": [f"r{n}" for n in range(len(lines))]}, geometry=lines, crs="EPSG:4548"
    )
    pyogrio.write_dataframe(frame, tmp_path / "town.fgb")
    loads("road", tmp_path / "town.fgb")
    total = one(engine, "SELECT sum(length_m) FROM twin.road_edge")
    assert total == pytest.approx(sum(one.length for one in lines))
    # Counted with plain dictionaries: a vertex is a node if lines end there or it comes twice.
    times: Counter[tuple[float, float]] = Counter()
    ends = set()
    for one_line in lines:
        times.update(one_line.coords)
        ends |= {one_line.coords[0], one_line.coords[-1]}
    nodes = {place for place, number in times.items() if number > 1} | ends
    assert one(engine, "SELECT count(*) FROM twin.road_node") == len(nodes)
    inside = sum(sum(p in nodes for p in one_line.coords) - 1 for one_line in lines)
    assert one(engine, "SELECT count(*) FROM twin.road_edge") == inside
