"""Every question of a file is answered by indexes: the plans, on tables that are large enough."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from layers import layer_named, query
from layers.file import file_of
from layers.filter import Selection, parse_values
from twin.database import connect, open_city
from twin.model import located_tables

# As a bulk load writes: with codes of their own, so that no trigger works out each row's.
_FILL = """
    SELECT set_config('twin.load_id', '1', true);
    INSERT INTO twin.region (level, code, name, geom)
    SELECT 'community', '440507001001', 'x',
           ST_Multi(ST_MakeEnvelope(449000, 2564000, 456000, 2570000, 4548));
    INSERT INTO twin.grid_cell (code, region_id, load_id, bd_code, cell_id, geom)
    SELECT '440507001001' || lpad(n::text, 3, '0'), 1, 1, 'N50F564A19614112',
           '440507001001' || lpad(n::text, 3, '0'),
           ST_Multi(ST_MakeEnvelope(450000 + n * 200, 2565000, 450200 + n * 200, 2565200, 4548))
    FROM   generate_series(1, 20) AS n;
    INSERT INTO twin.building (load_id, bd_code, geom)
    SELECT 1, 'N50F564A19614112', ST_Multi(ST_MakeEnvelope(x, y, x + 10, y + 10, 4548))
    FROM   generate_series(0, 7999) AS n,
           LATERAL (SELECT 450000 + n % 200 * 20 AS x, 2565000 + n / 200 * 20 AS y) AS corner;
    INSERT INTO twin.storey (load_id, bd_code, building_id, number, floor_z_m, ifc_class, digest,
                             geom)
    SELECT 1, 'N50F564A19614112', 1 + n / 4, n % 4, 3 * n, 'IfcBuildingStorey', '', geom
    FROM   generate_series(0, 3999) AS n JOIN twin.building ON building.id = 1 + n / 4;
    INSERT INTO twin.space (load_id, bd_code, building_id, storey_id, ifc_class, digest, geom)
    SELECT 1, 'N50F564A19614112', building_id, id, 'IfcSpace', '', geom
    FROM   twin.storey, generate_series(1, 3);
    INSERT INTO twin.element (load_id, bd_code, building_id, storey_id, ifc_class, digest, geom)
    SELECT 1, 'N50F564A19614112', building_id, id, 'IfcWall', '', geom
    FROM   twin.storey, generate_series(1, 5);
    INSERT INTO twin.opening (load_id, bd_code, building_id, storey_id, kind, sill_z_m, ifc_class,
                              digest, geom)
    SELECT 1, 'N50F564A19614112', building_id, id, 'door', 0, 'IfcDoor', '',
           ST_Force3D(ST_Centroid(geom))
    FROM   twin.storey, generate_series(1, 3);
    INSERT INTO twin.pipe_node (kind, load_id, bd_code, geom)
    SELECT 'water', 1, 'N50F564A19614112',
           ST_SetSRID(ST_MakePoint(450000 + n % 200 * 20, 2565000 + n / 200 * 20, 0), 4548)
    FROM   generate_series(0, 7999) AS n;
    INSERT INTO twin.pipe_segment (kind, from_node_id, to_node_id, load_id, bd_code, geom)
    SELECT 'water', a.id, b.id, 1, 'N50F564A19614112', ST_MakeLine(a.geom, b.geom)
    FROM   twin.pipe_node AS a JOIN twin.pipe_node AS b ON b.id = a.id + 1;
    INSERT INTO twin.road_node (load_id, bd_code, geom)
    SELECT 1, 'N50F564A19614112', geom FROM twin.pipe_node;
    INSERT INTO twin.road_edge (road_class, speed_m_per_s, length_m, from_node_id, to_node_id,
                                load_id, bd_code, geom)
    SELECT 'primary', 10, 20, a.id, b.id, 1, 'N50F564A19614112', ST_MakeLine(a.geom, b.geom)
    FROM   twin.road_node AS a JOIN twin.road_node AS b ON b.id = a.id + 1;
    INSERT INTO twin.facility (kind, load_id, bd_code, geom)
    SELECT 'school', 1, 'N50F564A19614112', ST_Force2D(geom) FROM twin.pipe_node;
    INSERT INTO twin.component (class_code, load_id, bd_code, geom)
    SELECT '440507' || (ARRAY['0104', '0118', '0402'])[1 + id % 3], 1, 'N50F564A19614112',
           ST_Force2D(geom)
    FROM   twin.pipe_node;
    INSERT INTO twin.event (class_code, component_id, load_id, bd_code, geom)
    SELECT '4405070506', id, 1, 'N50F564A19614112', geom FROM twin.component;
    INSERT INTO twin.waterlogging_point (load_id, bd_code, geom)
    SELECT 1, 'N50F564A19614112', ST_Force2D(geom) FROM twin.pipe_node WHERE id <= 5000;
    INSERT INTO twin.reading (point_id, at, depth_m)
    SELECT id, '2026-07-01'::timestamptz + n * interval '1 hour', 0.1
    FROM   twin.waterlogging_point, generate_series(1, 10) AS n;
    INSERT INTO twin.city_mesh (digest, vertex_count, triangle_count, face_count, vertices,
                                triangles, shells)
    VALUES ('x', 0, 0, 0, '', '', '[]');
    INSERT INTO twin.city_object (object_type, building_id, load_id, bd_code, geom)
    SELECT 'Building', id, 1, 'N50F564A19614112', geom FROM twin.building;
    INSERT INTO twin.city_geometry (city_object_id, object_type, position, geometry_type, mesh,
                                    surface_count, degenerate_count, z_min_m, z_max_m,
                                    footprint_from, centre_x_m, centre_y_m, centre_z_m, load_id,
                                    bd_code, geom)
    SELECT id, 'Building', 0, 'Solid', 'x', 6, 0, 0, 3, 'projection', 0, 0, 0, 1,
           'N50F564A19614112', geom
    FROM   twin.city_object;
    INSERT INTO twin.change_set (at, actor) SELECT now(), 'x' FROM generate_series(1, 5000);
    INSERT INTO twin.quality_run (scope) VALUES ('city');
    INSERT INTO twin.quality_finding (rule, severity, layer, feature_id, other_layer, other_id,
                                      message_zh, message_en, found_by, load_id, geom)
    SELECT 'x', 'note', 'building', building.id, 'building', building.id + 1, 'x', 'x',
           quality_run.id, 1, geom
    FROM   twin.building, twin.quality_run;
    INSERT INTO twin.analysis_run (analysis, inputs) VALUES ('impact-radius', '{}');
    INSERT INTO twin.analysis_feature (run_id, analysis, role, load_id, attrs, geom)
    SELECT analysis_run.id, 'impact-radius', 'building', 1,
           jsonb_build_object('building_id', building.id), geom
    FROM   twin.analysis_run, twin.building;
"""
_SMALL = {"region", "grid_cell", "depth_threshold", "event_step", "load", "analysis_run", "city"}
_ASKED = ("building", "storey", "pipe_segment", "pipe_node", "road_edge", "waterlogging_point",
          "facility", "component", "event", "grid_cell", "region", "city_object")  # fmt: skip


@pytest.fixture(scope="module")
def filled(clone: Any, empty_city_template: str) -> Iterator[Engine]:
    with clone(empty_city_template) as url:
        engine = connect(url)
        with engine.begin() as connection:
            for statement in _FILL.split(";")[:-1]:
                connection.execute(text(statement.replace("::", "\\:\\:")))
        # In a transaction of its own: what one transaction writes and replaces is never a state.
        with engine.begin() as connection:
            for layer in set(located_tables()) - _SMALL - {"analysis_feature", "quality_finding"}:
                connection.execute(text(f"UPDATE twin.{layer} SET name = 'x' WHERE id % 3 = 0"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        yield engine
        engine.dispose()


def _asked(engine: Engine, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return the statements that a question runs, with their values."""
    found: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        found.append((statement, values))

    event.listen(engine, "before_cursor_execute", listen)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return found


def _plan(session: Session, statement: str, values: Any) -> str:
    return "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}", values).scalars())


@pytest.mark.parametrize("layer", _ASKED)
def test_indexes_answer_all_that_a_file_asks(filled: Engine, layer: str) -> None:
    with Session(filled) as session:
        city = open_city(session)
        key = "1" if layer == "region" else "9"
        asked = _asked(filled, lambda: file_of(city, layer_named(layer), key))
        assert len(asked) >= 4
        for statement, values in asked:
            plan = _plan(session, statement, values)
            read_whole = {
                re.sub("_history.*", "", name) for name in re.findall(r"Seq Scan on (\w+)", plan)
            }
            assert read_whole <= _SMALL, f"{statement}\n{plan}"


@pytest.mark.parametrize("name", ["component", "event"])
def test_a_prefix_of_a_grid_code_is_searched_by_index(filled: Engine, name: str) -> None:
    layer = layer_named(name)
    selection = Selection(values=parse_values(layer, {"bd_code": ["N50F564A2"]}))
    with Session(filled) as session:
        *_, asked = _asked(filled, lambda: query.page(open_city(session), layer, selection))
        assert f"ix_{name}_bd_code" in _plan(session, *asked)


def test_a_kind_of_component_is_found_by_index(filled: Engine) -> None:
    with filled.connect() as connection:
        plan = "\n".join(
            connection.scalars(
                text(
                    "EXPLAIN SELECT id FROM twin.component "
                    "WHERE twin.kind_of_class(class_code) = ANY (ARRAY['0999'])"
                )
            )
        )
    assert "ix_component_kind" in plan, plan
