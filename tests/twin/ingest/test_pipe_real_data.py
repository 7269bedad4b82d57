"""Real networks, loaded as they are, against what readers of other authors count in them.

EPANET models were counted and measured by WNTR 1.5.0, SWMM models by swmmio 0.8.6, the gas network
by pandapipes 0.16.0, the GeoPackages by networkx (oracles.json of the real data).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from tests.twin.ingest.test_real_data import sewer
from twin.crs import CityBox, Frame
from twin.database import connect, create_city
from twin.errors import InvalidInputError
from twin.ingest import LoadReport, load

CityOf = Callable[..., Engine]

ANYWHERE = "EPSG:3857"


@pytest.fixture
def drawing_board(database_url: str) -> Any:
    """Return a city about the zero point of a frame, where drawings' coordinates lie."""
    engine = connect(database_url)
    create_city(engine, "图纸", Frame(3857, CityBox(-20_000, -20_000, 20_000, 20_000)))
    yield engine
    engine.dispose()


def loaded(engine: Engine, data_dir: Path, file: Path | str, **more: Any) -> LoadReport:
    return load(engine, "pipe", [Path(file)], data_dir=data_dir, **more)


def counts(engine: Engine) -> tuple[int, int, int]:
    """Return how many nodes, segments, and ends without a node there are."""
    found = rows(
        engine,
        "SELECT (SELECT count(*) FROM twin.pipe_node), count(*),"
        " count(*) FILTER (WHERE from_node_id IS NULL) + count(*) FILTER (WHERE to_node_id IS NULL)"
        " FROM twin.pipe_segment",
    )
    nodes, segments, loose = found[0]
    return nodes, segments, loose


@pytest.mark.parametrize(
    ("file", "nodes", "links"),
    [
        ("networks/Net3.inp", 97, 119),
        ("networks/Net6.inp", 3356, 3892),
        ("networks/swmm_Example6.inp", 3, 3),
        ("hostile/latin1.inp", 11, 13),
        ("analysis/wntr/Net1.inp", 11, 13),
        ("analysis/wntr/leaks.inp", 3, 2),
        ("analysis/wntr/CCWI17-HermanMahmoud.inp", 7, 8),
        ("analysis/swmm/model_rain.inp", 3, 2),
        ("analysis/swmm/model_storage_pump.inp", 4, 3),
        ("analysis/swmm/model_weir_setting.inp", 5, 4),
    ],
)
def test_models_in_a_drawing_s_coordinates(
    drawing_board: Engine, real_data: Path, tmp_path: Path, file: str, nodes: int, links: int
) -> None:
    report = loaded(drawing_board, tmp_path, real_data / file, crs=ANYWHERE)
    assert report.rejected == {}
    assert counts(drawing_board) == (nodes, links, 0)


def test_net3_is_measured_in_metres(drawing_board: Engine, real_data: Path, tmp_path: Path) -> None:
    loaded(drawing_board, tmp_path, real_data / "networks" / "Net3.inp", crs=ANYWHERE)
    found = rows(
        drawing_board,
        "SELECT sum(width_m), sum((attrs->>'length_m')::float), count(*) FILTER"
        " (WHERE valve_state = 'closed'), count(*) FILTER (WHERE device = 'pump')"
        " FROM twin.pipe_segment",
    )[0]
    assert found == (pytest.approx(49.7586), pytest.approx(65_748.95664), 2, 2)


def test_drawings_are_not_placed_by_themselves(
    engine: Engine, loads: Load, real_data: Path
) -> None:
    for name in ("Net3", "Net6"):
        with pytest.raises(InvalidInputError, match="they look like a drawing's, not a map's"):
            loads("pipe", real_data / "networks" / f"{name}.inp")
    with pytest.raises(
        InvalidInputError, match=r"its title names EPSG:2817; .*in no frame that is"
    ):
        loads("pipe", real_data / "networks" / "swmm_model_state_plane.inp")
    with pytest.raises(InvalidInputError, match="may carry a zone's number 3"):
        loads("pipe", real_data / "networks" / "gas_net_schutterwald_1bar.json")
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_a_file_that_epanet_refuses_is_refused_with_the_line(
    engine: Engine, loads: Load, real_data: Path
) -> None:
    said = r"bad_syntax.inp is not well-formed for EPANET.*line 330: EPANET has no section \[FOO\]"
    with pytest.raises(InvalidInputError, match=said):
        loads("pipe", real_data / "hostile" / "bad_syntax.inp", crs="EPSG:4548")
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_ky4_lies_in_kentucky(city_of: CityOf, real_data: Path, tmp_path: Path) -> None:
    kentucky = city_of(32616, (-86.0, 37.8, -85.2, 38.3))
    report = loaded(kentucky, tmp_path, real_data / "networks" / "ky4.inp", crs="EPSG:3089")
    assert (report.rejected, counts(kentucky)) == ({}, (964, 1158, 0))
    # Pipes are drawn about as long as the model has them: feet of the frame became metres.
    drawn, stated = rows(
        kentucky,
        "SELECT sum(ST_Length(ST_Force2D(geom))), sum((attrs->>'length_m')::float)"
        " FROM twin.pipe_segment WHERE device IS NULL",
    )[0]
    assert drawn == pytest.approx(stated, rel=0.01)


def test_schutterwald_s_zone_digit(city_of: CityOf, real_data: Path, tmp_path: Path) -> None:
    town = city_of(25832, (7.8, 48.4, 8.0, 48.5))
    file = real_data / "networks" / "gas_net_schutterwald_1bar.json"
    report = loaded(town, tmp_path, file, crs="EPSG:31467")
    assert (report.rejected, counts(town)) == ({}, (2559, 2559, 0))
    assert rows(
        town,
        "SELECT min(kind), max(kind), min(pressure_pa), max(pressure_pa),"
        " round(sum((attrs->>'length_m')::numeric)) FROM twin.pipe_segment",
    ) == [("gas", "gas", 100_000.0, 100_000.0, 101_186)]
    assert rows(
        town,
        "SELECT count(*) FILTER (WHERE appurtenance = 'source'),"
        " count(*) FILTER (WHERE attrs ? 'sinks'), sum((attrs->>'sinks')::int) FROM twin.pipe_node",
    ) == [(1, 1506, 1506)]


def test_a_swmm_model_in_state_plane_coordinates(
    city_of: CityOf, real_data: Path, tmp_path: Path
) -> None:
    maine = city_of(32619, (-71.2, 43.6, -70.8, 43.9))
    file = real_data / "networks" / "swmm_model_state_plane.inp"
    report = loaded(maine, tmp_path, file, crs="EPSG:2817")
    assert (report.rejected, counts(maine)) == ({}, (45, 44, 0))


@pytest.fixture(scope="module")
def sant_boi(city_of: CityOf) -> Engine:
    return city_of(25831, (1.9, 41.2, 2.2, 41.5))


def test_the_sewer_of_sant_boi_needs_no_mapping(
    sant_boi: Engine, real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "santboi_utilities" / "santboi_sewer.gpkg"
    report = loaded(sant_boi, tmp_path, file)
    assert report.rejected == {}
    expected = json.loads((real_data / "oracles.json").read_text())["santboi sewer digraph"]
    graph = sewer(sant_boi)
    assert (len(graph), graph.number_of_edges()) == (expected["nodes"], expected["arcs"])
    lengths = nx.get_edge_attributes(graph, "length_m").values()
    assert sum(lengths) == pytest.approx(expected["length_m"], abs=0.01)
    parts = sorted((len(part) for part in nx.weakly_connected_components(graph)), reverse=True)
    assert parts == expected["weak_components"]
    adverse = sum(nx.get_edge_attributes(graph, "adverse").values())
    assert adverse == expected["adverse_slope_arcs(elev1<elev2)"]
    for outfall, upstream in expected["outfalls_and_upstream_node_count"].items():
        assert len(nx.ancestors(graph, outfall)) == upstream
    # As in SWMM the height of a section comes before its width.
    assert rows(
        sant_boi,
        "SELECT DISTINCT size_text, shape, width_m, height_m FROM twin.pipe_segment"
        " WHERE kind = 'sewer' AND size_text IN ('EG150', 'CC040') ORDER BY 1",
    ) == [("CC040", "circular", 0.4, None), ("EG150", "egg", 1.0, 1.5)]


def test_gullies_and_connections_hang_on_the_sewer(
    sant_boi: Engine, real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "santboi_utilities" / "santboi_sewer.gpkg"
    loaded(sant_boi, tmp_path, file)
    gullies = loaded(sant_boi, tmp_path, f"{file}#gully")
    connections = loaded(sant_boi, tmp_path, f"{file}#connec")
    assert (gullies.rejected, connections.rejected) == ({}, {})
    assert rows(
        sant_boi,
        "SELECT count(*) FILTER (WHERE appurtenance = 'gully' AND feature = 'gully'),"
        " count(*) FILTER (WHERE feature = 'connec') FROM twin.pipe_node WHERE kind = 'sewer'",
    ) == [(231, 471)]
    assert gullies.loaded + connections.loaded == 231 + 471 + 708
    assert rows(
        sant_boi,
        "SELECT count(*), count(from_node_id) FROM twin.pipe_segment"
        " WHERE source_id LIKE 'link/%' AND kind = 'sewer'",
    ) == [(708, 708)]
    with pytest.raises(InvalidInputError, match="without # it is node and arc, else gully or"):
        loaded(sant_boi, tmp_path, f"{file}#polygon")


def test_the_water_of_sant_boi_needs_no_mapping(
    sant_boi: Engine, real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "santboi_utilities" / "santboi_water.gpkg"
    report = loaded(sant_boi, tmp_path, file)
    assert report.rejected == {}
    assert "ends joined to nodes: 530 by id, 8 by place, 0 loose" in report.notes
    assert rows(
        sant_boi,
        "SELECT count(*), count(*) FILTER (WHERE appurtenance = 'valve'),"
        " count(*) FILTER (WHERE appurtenance = 'hydrant'), count(ground_z_m)"
        " FROM twin.pipe_node WHERE kind = 'water'",
    ) == [(238, 52, 6, 238)]
    assert rows(
        sant_boi,
        "SELECT DISTINCT material, width_m, pressure_class FROM twin.pipe_segment"
        " WHERE size_text = 'PVC110-PN16'",
    ) == [("PVC", 0.099, "PN16")]
    assert one(sant_boi, "SELECT count(*) FROM twin.pipe_segment WHERE kind = 'water'") == 269
