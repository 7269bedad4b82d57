"""Jakarta as it lies in the files: floods, cells, roads; figures by shapely, rasterio, networkx."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis import execute
from analysis import flood_exposure as exposure
from analysis import resource_routing as routing
from analysis._flood import Ordered, Water, known_closures
from analysis._roads import road_graph
from analysis._routes import snap, times_to
from tests.analysis.conftest import lonlat
from twin import ingest
from twin.crs import CityBox, Frame
from twin.database import City, connect, create_city, open_city

FRAME = Frame(32748, CityBox(660_000, 9_270_000, 740_000, 9_350_000))
FILES = {
    "building": "jakarta_OSM_building.shp",
    "road": "jakarta_roads.shp",
    "grid_cell": "rw_jakarta.shp",
    "depth": "Flood_Current_Depth_Jakarta_geographic.asc",
}

_TEAMS = text("""
    -- A fire engine, and every third time a car, at the beginning of every 1501st road.
    INSERT INTO twin.resource (name, kind, vehicle_class, source_id, geom)
    SELECT road.source_id,
           CASE WHEN place % 3 = 0 THEN 'car' ELSE 'fire_engine' END,
           CASE WHEN place % 3 = 0 THEN 'car' ELSE 'fire_engine' END,
           road.source_id, ST_Force2D(ST_StartPoint(road.geom))
    FROM   (
               SELECT row_number() OVER (ORDER BY id) AS place, source_id, geom
               FROM   twin.road_edge
           ) AS road
    WHERE  place % 1501 = 7
""")


@pytest.fixture(scope="module")
def jakarta(
    clone: Callable[..., Any], real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    data_dir = tmp_path_factory.mktemp("jakarta")
    with clone() as url:
        engine = connect(url)
        create_city(engine, "Jakarta", FRAME)
        for layer, name in FILES.items():
            ingest.load(engine, layer, [real_data / "jakarta_flood" / name], data_dir=data_dir)
        with engine.begin() as connection:
            connection.execute(_TEAMS)
        with Session(engine) as session:
            yield open_city(session, data_dir=data_dir)
        engine.dispose()


@pytest.fixture(scope="module")
def oracles(real_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((real_data / "oracles.json").read_text())
    return found


def test_cells_by_depth_equal_the_oracle(jakarta: City, oracles: dict[str, Any]) -> None:
    expected = oracles["dev:rw_jakarta cells by max Flood_Current depth (pixel centre in cell)"]
    found = execute(jakarta, exposure.ANALYSIS, {})
    assert isinstance(found, exposure.ExposureOutputs)
    assert found.grid_cells_total == expected["cells"]
    assert found.grid_cells_outside == expected["no_pixel"]
    assert {f"max>={each.depth_m}m": each.grid_cells for each in found.thresholds} == {
        key: count for key, count in expected.items() if key.startswith("max")
    }


def test_buildings_by_depth_equal_the_oracle(jakarta: City, oracles: dict[str, Any]) -> None:
    expected = oracles["dev:jakarta_OSM_building x Flood_Current (representative point sample)"]
    found = execute(jakarta, exposure.ANALYSIS, {"limit": 20})
    assert isinstance(found, exposure.ExposureOutputs)
    assert (found.buildings_total, found.buildings_outside) == (
        expected["total"],
        expected["outside"],
    )
    # One footprint, a regular polygon of 16 corners, lies on the rim between two pixels with a
    # corner exactly at half its height: whether its representative point falls above or below hangs
    # on the fifteenth digit, which a change of frame and back does not keep.
    for each in found.thresholds:
        assert each.buildings == pytest.approx(expected[f">={each.depth_m}m"], abs=1)
    assert [b.depth_m for b in found.buildings] == sorted(
        (b.depth_m for b in found.buildings), reverse=True
    )


def test_flooded_roads_are_closed_by_class(jakarta: City) -> None:
    found = dispatch(jakarta, {"raster": "latest"})
    closed = found.closed.by_vehicle_class
    assert closed["car"].limit_m == 0.15
    assert closed["fire_engine"].limit_m == 0.6
    assert closed["car"].edges > closed["fire_engine"].edges > 1000


def test_routes_use_no_closed_edge_and_dry_ones_are_shorter(jakarta: City) -> None:
    wet, dry = dispatch(jakarta, {"raster": "latest"}), dispatch(jakarta, {})
    assert len(wet.assigned) == len(dry.assigned) == 6
    graph = road_graph(jakarta.session)
    known = known_closures(jakarta, graph, Ordered(), Water(raster="latest"))
    limits_m = {"car": 0.15, "fire_engine": 0.6}
    for each in wet.assigned:
        used = np.isin(graph.edge_id, each.edges)
        assert used.sum() == len(set(each.edges))
        assert not known.closures.closed_to(limits_m[each.vehicle_class])[used].any()
    by_kind = {
        kind: (
            [a.travel_time_s for a in wet.assigned if a.kind == kind],
            [a.travel_time_s for a in dry.assigned if a.kind == kind],
        )
        for kind in limits_m
    }
    for times in by_kind.values():
        assert all(w >= d for w, d in zip(*times, strict=True))
        assert sum(times[0]) > sum(times[1])
    drowned = [
        a
        for a in dry.assigned
        if known.closures.closed_to(limits_m[a.vehicle_class])[
            np.isin(graph.edge_id, a.edges)
        ].any()
    ]
    assert drowned, "the dry routes should lead through the water"
    assert [a.edges for a in wet.assigned] != [a.edges for a in dry.assigned]


def test_times_equal_networkx(jakarta: City) -> None:
    graph = road_graph(jakarta.session)
    known = known_closures(jakarta, graph, Ordered(), Water(raster="latest"))
    for limit_m in (0.6, np.inf):
        closed = known.closures.closed_to(limit_m)
        x_m, y_m = PLACE
        goal = snap(graph, x_m, y_m, closed=closed, within_m=300)
        assert goal is not None
        times = times_to(graph, goal, closed=closed)
        net = nx.DiGraph()
        for e in np.flatnonzero(~closed):
            for allowed, a, b in (
                (graph.direction[e] >= 0, graph.start[e], graph.end[e]),
                (graph.direction[e] <= 0, graph.end[e], graph.start[e]),
            ):
                # Turned round, as the search is; of parallel edges the fastest.
                if allowed:
                    time_s = min(graph.time_s[e], net.get_edge_data(b, a, {"t": np.inf})["t"])
                    net.add_edge(b, a, t=time_s)
        e, f = goal.edge, goal.fraction
        if graph.direction[e] >= 0:
            net.add_edge("goal", graph.start[e], t=f * graph.time_s[e])
        if graph.direction[e] <= 0:
            net.add_edge("goal", graph.end[e], t=(1 - f) * graph.time_s[e])
        expected = nx.single_source_dijkstra_path_length(net, "goal", weight="t")
        reached = np.flatnonzero(np.isfinite(times.time_s))
        assert len(reached) == len(expected) - 1 > 5_000
        assert max(abs(times.time_s[node] - expected[node]) for node in reached) < 1e-9


PLACE = (700_788.0, 9_318_963.0)


def dispatch(city: City, flood: dict[str, Any]) -> routing.RoutingOutputs:
    found = execute(
        city,
        routing.ANALYSIS,
        {
            "incident": lonlat(shapely.Point(PLACE), 32748),
            "needs": [{"kind": "fire_engine", "count": 3}, {"kind": "car", "count": 3}],
            "flood": flood,
        },
    )
    assert isinstance(found, routing.RoutingOutputs)
    return found
