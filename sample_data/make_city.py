"""Make the demonstration city: ``python -m sample_data.make_city --buildings 4000``.

Everything is drawn from the seed alone, so the same seed gives the same rows, ids and ``uid`` on
every machine; only the time of the readings is the present.  The city grows with the number of
buildings: 4 000 stand on 4 km by 3 km, a million on 65 km by 50 km, and blocks stay what they are.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Engine

from sample_data._blocks import Lot, draw_lots
from sample_data._drains import SEWER, STORM, write_drains
from sample_data._floods import Spots, basin_places, draw_spots, write_spots
from sample_data._grid import CITY_NAME, Regions, cell_codes, draw_regions, write_grid
from sample_data._inhabit import Town, chunks, count_houses, least_scale
from sample_data._mesh import Mesh, cut_city
from sample_data._names import Names
from sample_data._networks import nearest, write_gas, write_water
from sample_data._plan import Plan, draw_plan
from sample_data._power import write_power
from sample_data._rasters import flood_depths, grid_over, write_raster
from sample_data._services import assign, write_facilities, write_teams
from sample_data._streets import (
    CARRIAGEWAY,
    Lines,
    Roads,
    bend,
    build_roads,
    great_lines,
    underpass_columns,
)
from sample_data._terrain import Ground, draw_basins, heights
from sample_data._write import Progress, Summary, Writer, loading, quiet, rounded_now
from twin.cluster import attach
from twin.crs import CityBox, Frame
from twin.database import connect, create_city
from twin.errors import InvalidInputError

SOURCE = "demo-city"
SRID = 4548
MOST_BUILDINGS = 1_000_000
_MARGIN_M = 1500.0


@dataclass(frozen=True)
class Board:
    """Everything about the city that is known before the first row is written."""

    plan: Plan
    names: Names
    mesh: Mesh
    lines: Lines
    ground: Ground
    roads: Roads
    regions: Regions
    cells: list[str]
    lots: list[Lot]


def build(
    engine: Engine,
    *,
    data_dir: Path,
    buildings: int = 4000,
    seed: int = 2026,
    progress: Progress = quiet,
    now: datetime | None = None,
) -> Summary:
    """Create and fill the demonstration city in an empty database.

    Parameters
    ----------
    engine : Engine
        A database that holds no city yet.
    data_dir : Path
        The data directory; the rasters go to ``rasters`` in it.
    buildings : int
        How many buildings, 1 to 1 000 000.
    seed : int
        What the city is drawn from.
    progress : callable
        Called with a text, how much is done and of how much.
    now : datetime, optional
        When the last reading was taken; the present, cut to five minutes, if not given.

    Raises
    ------
    InvalidInputError
        If the number of buildings is out of range.
    ConflictError
        If the database already holds a city.
    """
    if not 1 <= buildings <= MOST_BUILDINGS:
        raise InvalidInputError(
            f"a city of {buildings} buildings cannot be made; give 1 to {MOST_BUILDINGS}"
        )
    progress("plan", 0, 1)
    board = draw_board(buildings, seed)
    frame = Frame(SRID, _extent(board.lines))
    create_city(engine, CITY_NAME, frame, vertical_datum="EPSG:5737")
    summary = Summary(name=CITY_NAME, srid=SRID)
    with loading(engine, summary, SOURCE) as writer:
        _write_city(writer, board, buildings, frame.extent, data_dir, progress, rounded_now(now))
    return summary


def draw_board(buildings: int, seed: int) -> Board:
    """Return a city large enough for so many buildings, not yet written."""
    scale = least_scale(buildings)
    while True:
        board = _draw(scale, seed)
        held = count_houses(board.lots, board.plan, every=max(1, len(board.lots) // 3000))
        # Counting by sample is off by a percent or so.
        if held > buildings * (1.0 if len(board.lots) < 3000 else 1.02):
            return board
        scale *= max(1.02, (buildings / held) ** 0.5)


def _draw(scale: float, seed: int) -> Board:
    plan, names = draw_plan(seed, scale), Names(seed)
    streets, sides = great_lines(plan, names)
    mesh = cut_city(plan, names, streets, sides)
    lines = bend(mesh, plan)
    basins = draw_basins(basin_places(plan, mesh), seed=seed, scale=scale)
    underpasses = tuple(float(plan.columns[i]) for i in underpass_columns(plan))
    ground = Ground(plan, underpasses, basins)
    regions = draw_regions(plan, mesh, names)
    lots = draw_lots(mesh, lines, plan)
    assign(lots, seed)
    cells = cell_codes(plan, mesh, lines, regions)
    roads = build_roads(mesh, lines, ground)
    return Board(plan, names, mesh, lines, ground, roads, regions, cells, lots)


def _extent(lines: Lines) -> CityBox:
    low = np.floor((lines.points.min(axis=0) - _MARGIN_M) / 100) * 100
    high = np.ceil((lines.points.max(axis=0) + _MARGIN_M) / 100) * 100
    return CityBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _write_city(
    writer: Writer,
    board: Board,
    buildings: int,
    extent: CityBox,
    data_dir: Path,
    progress: Progress,
    now: datetime,
) -> None:
    plan, mesh, roads = board.plan, board.mesh, board.roads
    progress("roads", 0, 1)
    _write_roads(writer, roads)
    town = Town(
        plan,
        board.ground,
        board.names,
        [street.name for street in mesh.streets],
        _counties(board),
        board.cells,
    )
    writer.stream("building", chunks(town, board.lots, buildings, progress))
    below = [_underpass_name(board, i) for i in underpass_columns(plan)]
    spots = draw_spots(plan, board.ground, roads, below)
    progress("regions", 0, 1)
    city = (plan, mesh, board.lines, board.regions)
    write_grid(writer, city, board.cells, town.population, shapely.points(spots.xy), board.names)
    progress("networks", 0, 5)
    _write_networks(writer, board, town, progress)
    progress("services", 0, 1)
    pumps = _pumping_stations(town, spots, board)
    write_facilities(writer, town.facilities, board.names, plan.seed)
    write_teams(writer, town.facilities, board.names, plan.seed)
    write_spots(writer, spots, pumps, _cells_of(board, spots), now, plan.seed)
    progress("rasters", 0, 1)
    _write_rasters(writer, board, spots, extent, data_dir)
    progress("done", 1, 1)


def _write_roads(writer: Writer, roads: Roads) -> None:
    writer.add(
        "road_node",
        source_id=[f"N{k + 1}" for k in range(len(roads.junctions))],
        elevation_reference="deck",
        geom=shapely.points(np.column_stack([roads.junction_xy, roads.junction_z])),
    )
    kinds = [CARRIAGEWAY[roads.street(edge).road_class] for edge in roads.edges]
    sizes = [len(edge.line) for edge in roads.edges]
    points = np.column_stack(
        [
            np.concatenate([edge.line for edge in roads.edges]),
            np.concatenate([edge.z for edge in roads.edges]),
        ]
    )
    writer.add(
        "road_edge",
        source_id=[f"E{k + 1}" for k in range(len(roads.edges))],
        name=[roads.street(edge).name for edge in roads.edges],
        from_node_id=[edge.start + 1 for edge in roads.edges],
        to_node_id=[edge.end + 1 for edge in roads.edges],
        road_class=[roads.street(edge).road_class for edge in roads.edges],
        direction=roads.direction,
        speed_m_per_s=[speed for _, _, speed in kinds],
        length_m=[edge.length_m for edge in roads.edges],
        deck_level=[roads.street(edge).deck_level for edge in roads.edges],
        lanes=[lanes for lanes, _, _ in kinds],
        width_m=[width for _, width, _ in kinds],
        elevation_reference="deck",
        geom=shapely.linestrings(points, indices=np.repeat(np.arange(len(sizes)), sizes)),
    )


def _counties(board: Board) -> list[str]:
    """Return the county's name of each quarter."""
    rows = board.regions.rows
    found = []
    for quarter in range(len(board.mesh.quarters)):
        region = board.regions.community[quarter]
        while rows[region].level != "county":
            above = rows[region].parent
            assert above is not None
            region = above
        found.append(rows[region].name)
    return found


def _underpass_name(board: Board, column: int) -> str:
    width = len(board.plan.columns)
    side = (board.plan.rail * width + column, (board.plan.rail + 1) * width + column)
    return board.mesh.streets[board.mesh.side_street[side]].name


def _write_networks(writer: Writer, board: Board, town: Town, progress: Progress) -> None:
    plan, roads = board.plan, board.roads
    write_water(writer, roads, plan)
    progress("networks", 1, 5)
    write_gas(writer, roads)
    progress("networks", 2, 5)
    shores = _outfalls(board, 420.0)
    write_drains(writer, roads, plan, STORM, shores)
    progress("networks", 3, 5)
    write_drains(writer, roads, plan, SEWER, _outfalls(board, 1900.0))
    progress("networks", 4, 5)
    source = nearest(roads, plan, float(plan.columns[-2]), float(plan.rows[-1]))
    substations = _substations(board, town)
    write_power(writer, roads, source, substations)
    progress("networks", 5, 5)


def _outfalls(board: Board, apart_m: float) -> list[int]:
    """Return junctions at the water, at least so far apart, some in every part of the city."""
    plan, board_xy = board.plan, board.roads.board
    at_river = np.abs(np.abs(board_xy[:, 0] - plan.river_u_m) - plan.river_half_m) < 1
    at_sea = np.abs(board_xy[:, 1] - plan.rows[1]) < 1
    chosen: list[int] = []
    for junction in np.flatnonzero(at_river | at_sea).tolist():
        own = _part(plan, board_xy[junction])
        near = [
            other
            for other in chosen
            if _part(plan, board_xy[other]) == own
            and np.hypot(*(board_xy[other] - board_xy[junction])) < apart_m
        ]
        if not near:
            chosen.append(junction)
    return chosen


def _part(plan: Plan, place: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[bool, bool]:
    """Return which side of the river and of the railway a place lies on."""
    return bool(place[0] > plan.river_u_m), bool(place[1] > plan.rail_v_m)


def _substations(board: Board, town: Town) -> list[int]:
    """Put a substation near the middle of every so many quarters, and list it as a facility."""
    plan, roads = board.plan, board.roads
    found: list[int] = []
    quarters = [q for q in board.mesh.quarters if q.zone not in ("river", "beach", "rail", "hill")]
    for order, quarter in enumerate(quarters):
        if order % 6 == 2 or len(quarters) < 3:
            low_u, low_v, high_u, high_v = board.mesh.box(quarter.corners)
            junction = nearest(roads, plan, (low_u + high_u) / 2, (low_v + high_v) / 2)
            if junction not in found:
                found.append(junction)
                name = f"{board.names.word()}110kV变电站"
                x, y = roads.junction_xy[junction] + np.array([4.2, 3.6])
                cell = _cell_near(board, float(x), float(y))
                town.facilities.add("substation", name, None, cell, (float(x), float(y)))
    return found


def _pumping_stations(town: Town, spots: Spots, board: Board) -> list[str | None]:
    """List a pumping station beside every underpass and every third other point."""
    pumps: list[str | None] = []
    for k, (kind, name) in enumerate(zip(spots.kind, spots.name, strict=True)):
        title = (
            f"{name.removesuffix('下穿道')}排水泵站" if kind == "underpass" or k % 3 == 0 else None
        )
        pumps.append(title)
        if title is not None:
            x, y = spots.xy[k] + np.array([26.0, 22.0])
            cell = _cell_near(board, float(x), float(y))
            town.facilities.add("pumping_station", title, None, cell, (float(x), float(y)))
    return pumps


def _cells_of(board: Board, spots: Spots) -> list[str]:
    return [_cell_near(board, float(x), float(y)) for x, y in spots.xy]


def _cell_near(board: Board, x: float, y: float) -> str:
    """Return the code of the cell nearest to a place."""
    u, v = board.plan.to_board(np.array([x]), np.array([y]))
    best, distance = 0, np.inf
    for number, cell in enumerate(board.mesh.cells):
        low_u, low_v, high_u, high_v = board.mesh.box(cell.corners)
        away = max(low_u - u[0], u[0] - high_u, 0) + max(low_v - v[0], v[0] - high_v, 0)
        if away < distance:
            best, distance = number, float(away)
    return board.cells[best]


def _write_rasters(
    writer: Writer, board: Board, spots: Spots, extent: CityBox, data_dir: Path
) -> None:
    grid = grid_over(extent)
    terrain = heights(board.ground, grid)
    write_raster(writer, data_dir, terrain, grid, kind="terrain", name="dem", srid=SRID)
    depth = flood_depths(terrain, grid, spots.xy, spots.low_z_m + spots.now_m, spots.reach_m)
    write_raster(writer, data_dir, depth, grid, kind="depth", name="flood-now", srid=SRID)
