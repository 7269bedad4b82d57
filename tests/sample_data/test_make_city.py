"""The demonstration city hangs together: every claim its page makes is asked of the database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import networkx
import pytest
from sqlalchemy import text

from sample_data.make_city import MOST_BUILDINGS, build
from twin.cluster import Cluster
from twin.database import connect
from twin.errors import ConflictError, InvalidInputError

GEOMETRIES = (
    "region",
    "grid_cell",
    "building",
    "pipe_node",
    "pipe_segment",
    "road_node",
    "road_edge",
    "facility",
    "resource",
    "waterlogging_point",
    "component",
    "event",
)


def test_it_has_as_many_buildings_as_were_asked_for(demo: Any) -> None:
    assert demo.summary.counts["building"] == 4000
    assert demo.value("SELECT count(*) FROM twin.building") == 4000
    for table, count in demo.summary.counts.items():
        assert demo.value(f"SELECT count(*) FROM twin.{table}") == count > 0, table


@pytest.mark.parametrize("table", GEOMETRIES)
def test_every_geometry_is_valid_and_inside_the_city(demo: Any, table: str) -> None:
    (row,) = demo.rows(f"""
        SELECT count(*) FILTER (WHERE NOT ST_IsValid(geom)) AS invalid,
               count(*) FILTER (WHERE NOT ST_MakeEnvelope(min_x_m, min_y_m, max_x_m, max_y_m, srid)
                                      ~ geom) AS outside,
               count(*) FILTER (WHERE ST_NDims(geom) = 3 AND ST_ZMin(geom) < -12) AS deep
        FROM   twin.{table}, twin.city
    """)
    assert tuple(row) == (0, 0, 0)


def test_buildings_do_not_overlap(demo: Any) -> None:
    shared = demo.value("""
        SELECT coalesce(sum(ST_Area(ST_Intersection(a.geom, b.geom))), 0)
        FROM   twin.building a JOIN twin.building b ON a.id < b.id AND ST_Intersects(a.geom, b.geom)
    """)
    whole = demo.value("SELECT sum(ST_Area(geom)) FROM twin.building")
    assert shared < 1e-6 * whole


def test_buildings_leave_the_carriageways_free(demo: Any) -> None:
    covered = demo.value("""
        WITH carriageway AS (
            SELECT ST_Buffer(ST_Force2D(geom), width_m / 2) AS geom FROM twin.road_edge
        )
        SELECT coalesce(sum(ST_Area(ST_Intersection(building.geom, carriageway.geom))), 0)
        FROM   twin.building JOIN carriageway ON ST_Intersects(building.geom, carriageway.geom)
    """)
    assert covered < 1.0


def test_buildings_stand_on_dry_land_in_their_cell(demo: Any) -> None:
    assert demo.value("SELECT min(ground_z_m) FROM twin.building") > 0.5
    astray = demo.value("""
        SELECT count(*) FROM twin.building
        WHERE  NOT EXISTS (
            SELECT FROM twin.grid_cell
            WHERE  grid_cell.code = building.cell_id AND ST_Covers(grid_cell.geom, building.geom)
        )
    """)
    assert astray == 0


def test_heights_storeys_and_people_go_together(demo: Any) -> None:
    (row,) = demo.rows("""
        SELECT count(*) FILTER (WHERE storeys > 0 AND height_m NOT BETWEEN 2.7 * storeys AND
                                      13 * storeys + 1) AS odd,
               max(storeys) AS tallest, count(DISTINCT use) AS uses,
               count(*) FILTER (WHERE ST_NumInteriorRings(ST_GeometryN(geom, 1)) > 0) AS courts,
               count(*) FILTER (WHERE ST_NPoints(geom) > 5) AS shaped,
               sum(residents_night) AS night, sum(residents_day) AS day
        FROM   twin.building
    """)
    assert row.odd == 0
    assert row.tallest > 30
    assert row.uses == 7
    assert row.courts > 50
    assert row.shaped > 500
    assert 100_000 < row.night < 600_000
    assert row.day > 0
    assert (
        demo.value(
            "SELECT min(residents_night - residents_day) FROM twin.building "
            "WHERE use = 'residential'"
        )
        >= 0
    )
    assert demo.value("SELECT population FROM twin.region WHERE level = 'city'") == row.night


def test_every_junction_reaches_every_other(demo: Any) -> None:
    graph = networkx.DiGraph()
    for a, b, way in demo.rows("SELECT from_node_id, to_node_id, direction FROM twin.road_edge"):
        graph.add_edges_from(([(a, b)] if way >= 0 else []) + ([(b, a)] if way <= 0 else []))
    assert graph.number_of_nodes() == demo.summary.counts["road_node"]
    assert networkx.is_strongly_connected(graph)
    assert demo.value("SELECT count(*) FROM twin.road_edge WHERE direction <> 0") > 20


def test_edges_end_at_their_junctions(demo: Any) -> None:
    loose = demo.value("""
        SELECT count(*)
        FROM   twin.road_edge e
        JOIN   twin.road_node a ON a.id = e.from_node_id JOIN twin.road_node b ON b.id = to_node_id
        WHERE  ST_3DDistance(ST_StartPoint(e.geom), a.geom) > 1e-6
               OR ST_3DDistance(ST_EndPoint(e.geom), b.geom) > 1e-6
               OR abs(ST_Length(ST_Force2D(e.geom)) - e.length_m) > 1e-6
    """)
    assert loose == 0


def test_bridges_rise_and_underpasses_dip(demo: Any) -> None:
    rows = demo.rows("""
        SELECT deck_level, ST_ZMax(geom) - greatest(ST_Z(ST_StartPoint(geom)),
                                                    ST_Z(ST_EndPoint(geom))) AS rise,
               least(ST_Z(ST_StartPoint(geom)), ST_Z(ST_EndPoint(geom))) - ST_ZMin(geom) AS dip
        FROM   twin.road_edge WHERE deck_level <> 0
    """)
    assert sum(row.deck_level == 1 for row in rows) >= 3
    assert sum(row.deck_level == -1 for row in rows) >= 3
    assert all(row.rise > 4 for row in rows if row.deck_level == 1)
    assert all(row.dip > 4.5 for row in rows if row.deck_level == -1)


@pytest.mark.parametrize("kind", ["water", "gas", "power"])
def test_a_network_under_pressure_is_one(demo: Any, kind: str) -> None:
    graph = _pipes(demo, kind)
    assert networkx.number_connected_components(graph.to_undirected()) == 1
    assert graph.number_of_nodes() == demo.value(
        "SELECT count(*) FROM twin.pipe_node WHERE kind = :kind", kind=kind
    )
    sources = demo.value(
        "SELECT count(*) FROM twin.pipe_node WHERE kind = :kind AND appurtenance = 'source'",
        kind=kind,
    )
    assert sources >= 1


@pytest.mark.parametrize("kind", ["sewer", "storm"])
def test_every_drain_flows_out(demo: Any, kind: str) -> None:
    graph = _pipes(demo, kind)
    ends = [node for node in graph if graph.out_degree(node) == 0]
    found = {
        row.appurtenance
        for row in demo.rows(
            "SELECT appurtenance FROM twin.pipe_node WHERE id = ANY(:ends)", ends=ends
        )
    }
    assert found == {"pump" if kind == "sewer" else "outfall"}
    upstream = set(ends).union(*(networkx.ancestors(graph, end) for end in ends))
    assert upstream == set(graph)
    assert networkx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize("kind", ["sewer", "storm"])
def test_drains_fall_all_the_way_but_at_pumps(demo: Any, kind: str) -> None:
    rows = demo.rows(
        """
        SELECT ST_Z(ST_StartPoint(s.geom)) AS high, ST_Z(ST_EndPoint(s.geom)) AS low,
               s.width_m, a.invert_z_m AS from_invert, b.invert_z_m AS to_invert,
               a.appurtenance AS begins, b.ground_z_m - b.invert_z_m AS depth
        FROM   twin.pipe_segment s
        JOIN   twin.pipe_node a ON a.id = s.from_node_id
        JOIN   twin.pipe_node b ON b.id = s.to_node_id
        WHERE  s.kind = :kind
        """,
        kind=kind,
    )
    assert len(rows) > 1000
    assert all(row.high >= row.low for row in rows)
    # Water comes in above the invert of the manhole it comes to.
    assert all(row.low >= row.to_invert - 0.0015 for row in rows)
    assert all(0 < row.depth < 12 for row in rows)
    assert {row.width_m for row in rows} > {0.3, 0.5}


def test_pipes_end_at_their_nodes_and_valves_can_be_worked(demo: Any) -> None:
    loose = demo.value("""
        SELECT count(*)
        FROM   twin.pipe_segment s
        JOIN   twin.pipe_node a ON a.id = s.from_node_id JOIN twin.pipe_node b ON b.id = to_node_id
        WHERE  ST_Distance(ST_StartPoint(s.geom), a.geom) > 1e-6
               OR ST_Distance(ST_EndPoint(s.geom), b.geom) > 1e-6
               OR s.kind <> a.kind OR s.kind <> b.kind
    """)
    assert loose == 0
    rows = demo.rows("""
        SELECT kind, count(*) FROM twin.pipe_node
        WHERE  appurtenance = 'valve' AND valve_state = 'open' AND operable GROUP BY kind
    """)
    assert {row.kind: row.count > 100 for row in rows} == {"water": True, "gas": True}


def test_a_transmission_line_skirts_the_city(demo: Any) -> None:
    (row,) = demo.rows("""
        SELECT sum(ST_Length(geom)) AS length_m, min(width_m) AS width_m,
               count(*) FILTER (WHERE ST_Intersects(geom, (
                   SELECT ST_Buffer(geom, -30) FROM twin.region WHERE level = 'city'
               ))) AS inside
        FROM   twin.pipe_segment WHERE pressure_pa = 4.0e6
    """)
    assert row.length_m > 8000
    assert row.width_m == 0.5
    assert row.inside == 0
    near = demo.value("""
        SELECT count(DISTINCT building.id) FROM twin.building JOIN twin.pipe_segment
               ON pressure_pa = 4.0e6 AND ST_DWithin(building.geom, pipe_segment.geom, 99.7)
    """)
    assert near > 30


def test_regions_nest_and_cells_fill_their_communities(demo: Any) -> None:
    gaps = demo.rows("""
        SELECT parent.code, abs(ST_Area(parent.geom) - sum(ST_Area(child.geom))) AS gap,
               sum(child.population) - parent.population AS missing
        FROM   twin.region parent
        JOIN   (SELECT parent_id, geom, population FROM twin.region
                UNION ALL
                SELECT region_id, geom, population FROM twin.grid_cell) AS child
               ON child.parent_id = parent.id
        GROUP  BY parent.id
    """)
    assert len(gaps) == demo.summary.counts["region"]
    assert max(row.gap for row in gaps) < 0.01
    assert {row.missing for row in gaps} == {0}
    outside = demo.value("""
        SELECT count(*) FROM twin.grid_cell JOIN twin.region ON region.id = region_id
        WHERE  ST_Area(ST_Difference(grid_cell.geom, region.geom)) > 0.01
    """)
    assert outside == 0


def test_cells_have_fifteen_digits_and_somebody_who_answers(demo: Any) -> None:
    (row,) = demo.rows("""
        SELECT bool_and(grid_cell.code ~ '^[0-9]{15}$') AS digits,
               bool_and(starts_with(grid_cell.code, region.code)) AS inside,
               count(DISTINCT grid_cell.code) = count(*) AS unique,
               bool_and(responsible_phone ~ '^138 0000 [0-9]{4}$') AS phones,
               bool_and(responsible_person <> '') AS persons,
               bool_and(region.level = 'community') AS level, count(*) FILTER (WHERE flood_prone)
        FROM   twin.grid_cell JOIN twin.region ON region.id = region_id
    """)
    assert tuple(row)[:-1] == (True,) * 6
    assert row.count > 20


def test_a_day_of_readings_ends_now_with_roads_under_water(demo: Any) -> None:
    rows = demo.rows("""
        SELECT count(*) AS readings, max(at) AS last, min(at) AS first,
               count(*) FILTER (WHERE quality = 'good') AS good, max(depth_m) AS deepest,
               (array_agg(depth_m ORDER BY at DESC))[1] AS now_m
        FROM   twin.reading GROUP BY point_id
    """)
    assert len(rows) == demo.summary.counts["waterlogging_point"] >= 20
    assert {row.readings for row in rows} == {288}
    assert {row.last for row in rows} == {demo.now}
    assert {(row.last - row.first).total_seconds() for row in rows} == {287 * 300.0}
    assert all(row.good > 270 for row in rows)
    assert sum(row.now_m >= 0.6 for row in rows) >= 3
    assert sum(row.now_m < 0.15 for row in rows) >= 1
    assert all(row.deepest >= row.now_m for row in rows)


def test_facilities_and_teams_of_every_kind(demo: Any) -> None:
    kinds = {row.kind for row in demo.rows("SELECT DISTINCT kind FROM twin.facility")}
    assert kinds == {
        *("hospital", "clinic", "fire_station", "police", "shelter", "school", "kindergarten"),
        *("nursing_home", "pumping_station", "substation", "gas_station"),
    }
    free = {
        row.kind: row.count
        for row in demo.rows(
            "SELECT kind, count(*) FROM twin.resource WHERE status = 'free' GROUP BY kind"
        )
    }
    assert set(free) == {"fire_engine", "pump_truck", "ambulance", "crew", "boat"}
    assert free["fire_engine"] >= 3
    assert free["pump_truck"] >= 2
    unknown = demo.value("""
        SELECT count(*) FROM twin.resource WHERE vehicle_class NOT IN (
            SELECT key FROM twin.depth_threshold WHERE kind = 'vehicle'
        )
    """)
    assert unknown == 0
    far = demo.value("""
        SELECT count(*) FROM twin.resource WHERE NOT EXISTS (
            SELECT FROM twin.road_edge WHERE ST_DWithin(road_edge.geom, resource.geom, 250)
        )
    """)
    assert far == 0


def test_the_feed_saw_loads_and_nothing_else(demo: Any) -> None:
    (row,) = demo.rows(
        "SELECT count(DISTINCT change_set_id), array_agg(DISTINCT op) FROM twin.change"
    )
    assert tuple(row) == (1, ["L"])


def _pipes(demo: Any, kind: str) -> Any:
    graph = networkx.MultiDiGraph()
    graph.add_edges_from(
        tuple(row)
        for row in demo.rows(
            "SELECT from_node_id, to_node_id FROM twin.pipe_segment WHERE kind = :kind", kind=kind
        )
    )
    return graph


_NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
_READINGS_DIGEST = """
    SELECT md5(string_agg(row::text, chr(10) ORDER BY point_id, at)) FROM twin.reading AS row
"""
_DIGEST = """
    SELECT md5(string_agg(row::text, chr(10) ORDER BY id))
    FROM   (SELECT id, uid, name, attrs, geom FROM twin.{table}) AS row
"""


def test_the_same_seed_gives_the_same_rows(cluster: Cluster, tmp_path: Path) -> None:
    digests = []
    for turn, seed in enumerate((7, 7, 8)):
        engine = connect(cluster.ensure_database(f"demo_twice_{turn}"))
        build(
            engine,
            data_dir=tmp_path,
            buildings=150,
            seed=seed,
            now=datetime(2026, 1, 1, tzinfo=UTC),
        )
        with engine.connect() as connection:
            tables = {
                table: connection.scalar(text(_DIGEST.format(table=table))) for table in GEOMETRIES
            }
            tables["reading"] = connection.scalar(
                text(
                    "SELECT md5(string_agg(r::text, '' ORDER BY point_id, at)) FROM twin.reading r"
                )
            )
        digests.append(tables)
        engine.dispose()
    assert digests[0] == digests[1]
    assert all(digests[0][table] != digests[2][table] for table in GEOMETRIES)


@pytest.mark.parametrize("buildings", [0, -1, MOST_BUILDINGS + 1])
def test_an_impossible_number_of_buildings_is_refused(
    cluster: Cluster, tmp_path: Path, buildings: int
) -> None:
    engine = connect(cluster.ensure_database("demo_refused"))
    with pytest.raises(InvalidInputError, match="1 to 1000000"):
        build(engine, data_dir=tmp_path, buildings=buildings)
    engine.dispose()


def test_a_second_city_is_refused(demo: Any) -> None:
    with pytest.raises(ConflictError, match="already holds the city"):
        build(demo.engine, data_dir=demo.data_dir, buildings=50)
