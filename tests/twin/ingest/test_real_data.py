"""Real files, with their real dirt, against figures computed without PostGIS."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine

from tests.twin.ingest.conftest import one, rows
from twin.ingest import LoadReport, load

CityOf = Callable[..., Engine]


@pytest.fixture(scope="module")
def oracles(real_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((real_data / "oracles.json").read_text())
    return found


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


class Loaded:
    """A city and the reports of the loads that filled it."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self.engine, self.data_dir = engine, data_dir

    def load(self, layer: str, file: Path | str, **mapping: str) -> LoadReport:
        return load(self.engine, layer, [Path(file)], data_dir=self.data_dir, mapping=mapping)


@pytest.fixture(scope="module")
def jakarta(city_of: CityOf, data_dir: Path) -> Loaded:
    return Loaded(city_of(32748, (106.5, -6.6, 107.1, -5.9)), data_dir)


@pytest.fixture(scope="module")
def sant_boi(city_of: CityOf, data_dir: Path) -> Loaded:
    return Loaded(city_of(25831, (1.9, 41.2, 2.2, 41.5)), data_dir)


@pytest.fixture(scope="module")
def monaco(city_of: CityOf, data_dir: Path) -> Loaded:
    return Loaded(city_of(32632, (7.3, 43.6, 7.6, 43.9)), data_dir)


def test_jakarta_buildings_without_attributes_in_a_deprecated_frame(
    jakarta: Loaded, real_data: Path
) -> None:
    file = real_data / "jakarta_flood" / "jakarta_OSM_building.shp"
    report = jakarta.load("building", file)
    assert (report.rows_read, report.loaded, report.rows_rejected) == (22_266, 22_266, 0)
    assert report.repaired == {"deprecated frame": 1, "invalid polygon": 9}
    assert (report.crs_found, report.crs_used) == ("EPSG:3785", "EPSG:3857")
    assert report.notes == (
        "EPSG:3785 is deprecated; read as its successor EPSG:3857",
        "jakarta_OSM_building.dbf is missing: geometry only, no attributes",
    )
    assert one(jakarta.engine, "SELECT bool_and(ST_IsValid(geom)) FROM twin.building")
    assert jakarta.load("building", file).unchanged == 22_266


def test_jakarta_cells_lie_in_their_villages_and_those_in_their_districts(
    jakarta: Loaded, real_data: Path
) -> None:
    folder = real_data / "jakarta_flood"
    jakarta.load("region", folder / "kecamatan_jakarta.shp", level="=county", name="KEC_NAME")
    jakarta.load("region", folder / "kelurahan_jakarta.shp", level="=street", name="KEL_NAME2")
    report = jakarta.load("grid_cell", folder / "rw_jakarta.shp", name="RW")
    assert (report.rows_read, report.loaded) == (2_685, 2_685)
    assert report.repaired == {
        "invalid polygon": 1,
        "flood_prone: nothing said, unknown": 208,
        "flood_prone: '0' is no": 13,
        "flood_prone: 'Yes' is yes": 8,
    }
    assert rows(
        jakarta.engine,
        "SELECT flood_prone, count(*) FROM twin.grid_cell GROUP BY 1 ORDER BY 1 NULLS LAST",
    ) == [(False, 1_473), (True, 1_004), (None, 208)]
    # What the files say of each cell's village, in capitals, is what its place says.
    agree = one(
        jakarta.engine,
        "SELECT avg((upper(region.name) = cell.attrs->>'KEL_NAME')::int)::float"
        " FROM twin.grid_cell cell JOIN twin.region ON region.id = cell.region_id",
    )
    assert agree > 0.95
    parents = rows(
        jakarta.engine,
        "SELECT count(*), count(parent_id) FROM twin.region WHERE level = 'street'",
    )
    assert parents == [(261, 261)]


def test_jakarta_roads_with_one_way_of_minus_one(jakarta: Loaded, real_data: Path) -> None:
    file = real_data / "jakarta_flood" / "jakarta_roads.shp"
    report = jakarta.load("road", file)
    assert report.rows_read == 18_574
    assert report.skipped == {
        "not for vehicles: footway": 83, "not for vehicles: construction": 5,
        "not for vehicles: path": 4, "not for vehicles: pedestrian": 2,
    }  # fmt: skip
    assert report.repaired == {"oneway of -1: against the line": 31}
    by_line = rows(
        jakarta.engine,
        "SELECT direction, count(DISTINCT split_part(source_id, '#', 1)) FROM twin.road_edge"
        " GROUP BY 1 ORDER BY 1",
    )
    assert [direction for direction, _ in by_line] == [-1, 0, 1]
    assert by_line[0][1] == 31
    assert sum(lines for _, lines in by_line) == 18_574 - 94
    wrong = one(
        jakarta.engine,
        "SELECT count(*) FROM twin.road_edge AS edge"
        " JOIN twin.road_node a ON a.id = from_node_id JOIN twin.road_node b ON b.id = to_node_id"
        " WHERE ST_Distance(a.geom, ST_StartPoint(edge.geom)) > 0.001"
        " OR ST_Distance(b.geom, ST_EndPoint(edge.geom)) > 0.001"
        " OR abs(ST_Length(edge.geom) - length_m) > 1e-6",
    )
    assert wrong == 0
    assert jakarta.load("road", file).unchanged == report.loaded


def test_jakarta_depths_keep_their_grid(jakarta: Loaded, real_data: Path) -> None:
    name = "Flood_Current_Depth_Jakarta_geographic"
    file = real_data / "jakarta_flood" / f"{name}.asc"
    report = jakarta.load("depth", file)
    assert report.repaired == {"void (-9999)": 980}
    assert rows(jakarta.engine, "SELECT name, crs, width, height, voids FROM twin.raster") == [
        (name, "EPSG:4326", 638, 649, 980)
    ]
    import rasterio

    with (
        rasterio.open(file) as before,
        rasterio.open(
            jakarta.data_dir / one(jakarta.engine, "SELECT path FROM twin.raster")
        ) as now,
    ):
        assert now.transform.almost_equals(before.transform, precision=1e-12)
        original = before.read(1, masked=True).filled(np.nan)
        assert np.array_equal(now.read(1), original, equal_nan=True)


def test_manhattan_buildings_within_each_radius(
    city_of: CityOf, data_dir: Path, real_data: Path, oracles: dict[str, Any]
) -> None:
    manhattan = Loaded(city_of(32618, (-74.1, 40.6, -73.9, 40.8)), data_dir)
    file = real_data / "nyc" / "nyc_lower_manhattan.gpkg"
    report = manhattan.load("building", f"{file}#buildings")
    assert (report.rows_read, report.loaded) == (27_739, 27_739)
    assert one(manhattan.engine, "SELECT count(height_m) FROM twin.building") == 27_302
    expected = oracles[
        "dev:nyc buildings+parts within r m of (-74.0060,40.7128), UTM18N, distance to polygon"
    ]
    for radius_m, count in expected.items():
        found = one(
            manhattan.engine,
            "SELECT count(*) FROM twin.building WHERE ST_DWithin(geom, ST_Transform("
            f"ST_SetSRID(ST_MakePoint(-74.0060, 40.7128), 4326), 32618), {radius_m})",
        )
        assert found == count
    roads = manhattan.load("road", f"{file}#roads")
    assert roads.rows_read == 5_552
    # The code B, F, T of both ways, along and against; 0 is no limit at all.
    assert rows(
        manhattan.engine,
        "SELECT count(*) FILTER (WHERE direction = -1), max(speed_m_per_s * 3.6)::int,"
        " max(deck_level), min(deck_level) FROM twin.road_edge",
    ) == [(0, 90, 4, -2)]


def sewer(engine: Engine) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(name for (name,) in rows(engine, "SELECT source_id FROM twin.pipe_node"
                                                          " WHERE kind = 'sewer'"))  # fmt: skip
    for a, b, length_m, first_z, last_z in rows(
        engine,
        "SELECT a.source_id, b.source_id, ST_Length(ST_Force2D(pipe.geom)),"
        " ST_Z(ST_StartPoint(pipe.geom)), ST_Z(ST_EndPoint(pipe.geom))"
        " FROM twin.pipe_segment AS pipe JOIN twin.pipe_node a ON a.id = from_node_id"
        " JOIN twin.pipe_node b ON b.id = to_node_id WHERE pipe.kind = 'sewer'",
    ):
        graph.add_edge(a, b, length_m=length_m, adverse=first_z < last_z)
    return graph


def test_sant_boi_sewer_is_the_graph_of_the_oracle(
    sant_boi: Loaded, real_data: Path, oracles: dict[str, Any]
) -> None:
    file = real_data / "santboi_utilities" / "santboi_sewer.gpkg"
    nodes = sant_boi.load("pipe_node", f"{file}#node", kind="=sewer")
    arcs = sant_boi.load(
        "pipe_segment", f"{file}#arc", kind="=sewer", width_m="arccat_id>cat_arc.geom1_m",
        shape="arccat_id>cat_arc.shape",
    )  # fmt: skip
    assert (nodes.loaded, arcs.loaded, arcs.rows_rejected) == (196, 206, 0)
    assert arcs.repaired == {"width_m of 0: unknown": 6}
    assert arcs.notes == ("ends joined to nodes: 412 by id, 0 by place, 0 loose",)
    expected = oracles["santboi sewer digraph"]
    graph = sewer(sant_boi.engine)
    assert (len(graph), graph.number_of_edges()) == (expected["nodes"], expected["arcs"])
    lengths = nx.get_edge_attributes(graph, "length_m").values()
    assert sum(lengths) == pytest.approx(expected["length_m"], abs=0.01)
    parts = sorted((len(part) for part in nx.weakly_connected_components(graph)), reverse=True)
    assert parts == expected["weak_components"]
    assert nx.is_directed_acyclic_graph(graph) == expected["is_dag"]
    adverse = sum(nx.get_edge_attributes(graph, "adverse").values())
    assert adverse == expected["adverse_slope_arcs(elev1<elev2)"]
    for outfall, upstream in expected["outfalls_and_upstream_node_count"].items():
        assert graph.out_degree(outfall) == 0
        assert len(nx.ancestors(graph, outfall)) == upstream


def test_sant_boi_manholes_agree_with_the_terrain(sant_boi: Loaded, real_data: Path) -> None:
    from twin import raster

    sant_boi.load("terrain", real_data / "santboi_utilities" / "santboi_dem_5m.tif")
    path = sant_boi.data_dir / one(
        sant_boi.engine, "SELECT path FROM twin.raster WHERE kind = 'terrain'"
    )
    x, y, top = np.array(
        rows(
            sant_boi.engine,
            "SELECT ST_X(geom), ST_Y(geom), ground_z_m FROM twin.pipe_node WHERE kind = 'sewer'",
        ),
        dtype=float,
    ).T
    below = np.nanmedian(top - raster.sample(path, x, y))
    assert abs(below) == pytest.approx(0.06, abs=0.02)


def test_sant_boi_water_hangs_together(sant_boi: Loaded, real_data: Path) -> None:
    file = real_data / "santboi_utilities" / "santboi_water.gpkg"
    nodes = sant_boi.load(
        "pipe_node", f"{file}#node", kind="=water", feature="nodecat_id>cat_node.nodetype_id",
        appurtenance="nodecat_id>cat_node.nodetype_id",
    )  # fmt: skip
    arcs = sant_boi.load(
        "pipe_segment", f"{file}#arc", kind="=water", width_m="arccat_id>cat_arc.dint",
        material="arccat_id>cat_arc.matcat_id",
    )  # fmt: skip
    assert (nodes.loaded, arcs.loaded) == (238, 269)
    # Four arcs lack the id of one end, and another four that of the other: found by place.
    assert arcs.notes == ("ends joined to nodes: 530 by id, 8 by place, 0 loose",)
    assert rows(
        sant_boi.engine,
        "SELECT count(*) FILTER (WHERE appurtenance = 'valve'),"
        " count(*) FILTER (WHERE appurtenance = 'hydrant')"
        " FROM twin.pipe_node WHERE kind = 'water'",
    ) == [(52, 6)]
    assert rows(
        sant_boi.engine,
        "SELECT DISTINCT material, width_m FROM twin.pipe_segment"
        " WHERE attrs->>'arccat_id' = 'PVC110-PN16'",
    ) == [("PVC", 0.099)]


def test_monaco_roads_are_the_drive_graph_of_the_oracle(
    monaco: Loaded, real_data: Path, oracles: dict[str, Any]
) -> None:
    report = monaco.load("road", real_data / "monaco" / "monaco.osm.gz")
    assert report.rows_read == 866
    expected = oracles[
        "dev:monaco drive graph, great-circle metres, station->median node in largest SCC"
    ]
    graph = nx.DiGraph()
    for direction, wkb in rows(
        monaco.engine, "SELECT direction, ST_AsBinary(ST_Force2D(geom)) FROM twin.road_edge"
    ):
        places = [tuple(point) for point in shapely.get_coordinates(shapely.from_wkb(bytes(wkb)))]
        for a, b in pairwise(places):
            if direction >= 0:
                graph.add_edge(a, b)
            if direction <= 0:
                graph.add_edge(b, a)
    assert (len(graph), graph.number_of_edges()) == (expected["nodes"], expected["edges"])
    largest = max(nx.strongly_connected_components(graph), key=len)
    assert len(largest) == expected["largest_scc"]


def test_monaco_buildings_facilities_and_terrain_with_voids(
    monaco: Loaded, real_data: Path
) -> None:
    folder = real_data / "monaco"
    buildings = monaco.load("building", folder / "monaco.osm.gz")
    assert (buildings.loaded, buildings.rows_rejected) == (966, 0)  # 962 ways and 4 relations
    facilities = monaco.load("facility", folder / "monaco.osm.gz")
    assert facilities.loaded > 0
    counts = dict(rows(monaco.engine, "SELECT kind, count(*) FROM twin.facility GROUP BY kind"))
    assert (counts["hospital"], counts["police"]) == (3, 6)
    assert monaco.load("terrain", folder / "N43E007.hgt.zip").repaired == {"void (-32768)": 1_595}


def test_porto_alegre_loads(city_of: CityOf, data_dir: Path, real_data: Path) -> None:
    city = Loaded(city_of(32722, (-51.4, -30.3, -50.9, -29.9)), data_dir)
    folder = real_data / "portoalegre"
    roads = city.load("road", folder / "poa_osm.pbf")
    assert (roads.rows_read, roads.rows_rejected) == (15_886, 0)
    assert city.load("terrain", folder / "poa_elevation.tif").loaded == 1
    places = city.load("facility", folder / "poa_points_of_interest.csv", kind="=landmark")
    assert places.loaded == 15


def test_helsinki_extracts_lose_what_reaches_beyond_them_by_name(
    city_of: CityOf, data_dir: Path, real_data: Path
) -> None:
    city = Loaded(city_of(3067, (24.7, 60.1, 25.2, 60.4)), data_dir)
    report = city.load("building", real_data / "helsinki" / "Helsinki.osm.pbf")
    assert (report.rows_read, report.loaded) == (500, 446)
    assert report.rejected == {
        "some of its nodes are not in the file": 48,
        "relation: some of its members are not in the file, or its rings do not close": 6,
    }
    assert city.load("road", real_data / "helsinki" / "Helsinki.osm.pbf").loaded > 1_000


def test_nanshan_buildings_come_out_of_ten_features(
    city_of: CityOf, data_dir: Path, real_data: Path
) -> None:
    city = Loaded(city_of(4547, (113.7, 22.3, 114.2, 22.8)), data_dir)
    report = city.load("building", real_data / "china" / "nanshan-building.geojson")
    assert (report.rows_read, report.loaded) == (10, 5_438)
    assert one(city.engine, "SELECT count(DISTINCT height_m) FROM twin.building") == 10
    prefixed = Loaded(city_of(4526, (113.7, 22.3, 114.2, 22.8)), data_dir)
    prefixed.load("building", real_data / "china" / "nanshan-building.geojson")
    assert one(prefixed.engine, "SELECT floor(ST_XMin(ST_Extent(geom)) / 1e6)::int"
                                " FROM twin.building") == 38  # fmt: skip
