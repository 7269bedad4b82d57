"""Write a city that was drawn: table after table, each thing after what it refers to."""

from datetime import datetime
from pathlib import Path

import numpy as np

from sample_data._board import Board
from sample_data._components import write_components, write_events
from sample_data._drains import SEWER, STORM, write_drains
from sample_data._floods import Spots, draw_spots, write_spots
from sample_data._geometry import lines, points
from sample_data._grid import write_grid
from sample_data._inhabit import Town, chunks
from sample_data._networks import nearest, write_gas, write_water
from sample_data._plan import OPEN_ZONES, Floats, Plan
from sample_data._power import write_power
from sample_data._rasters import flood_depths, grid_over, write_raster
from sample_data._services import write_facilities, write_teams
from sample_data._streets import CARRIAGEWAY, Roads, underpass_columns
from sample_data._terrain import heights
from sample_data._write import Progress, Writer

_STORM_OUTFALLS_M, _SEWER_OUTFALLS_M = 420.0, 1900.0
_QUARTERS_A_SUBSTATION = 6


def write_city(
    writer: Writer,
    board: Board,
    *,
    buildings: int,
    data_dir: Path,
    now: datetime,
    progress: Progress,
) -> None:
    """Write the whole city through an open transaction."""
    plan, names, seed = board.plan, board.names, board.plan.seed
    progress("道路 roads", 0, 1)
    _write_roads(writer, board.roads)
    streets = [street.name for street in board.mesh.streets]
    town = Town(plan, board.ground, names, streets, board.counties(), board.cells)
    writer.stream("building", chunks(town, board.lots, buildings, progress))
    spots = draw_spots(plan, board.ground, board.roads, _underpass_names(board))
    progress("网格 regions and cells", 0, 1)
    city = (plan, board.mesh, board.lines, board.regions)
    write_grid(writer, city, board.cells, town.population, points(spots.xy), names)
    _write_networks(writer, board, town, progress)
    progress("设施 facilities and teams", 0, 1)
    pumps = _pumping_stations(town, spots, board)
    write_facilities(writer, town.facilities, names, seed)
    write_teams(writer, town.facilities, names, seed)
    cells = [board.cell_near(place) for place in spots.board]
    write_spots(writer, spots, pumps, cells, now, seed)
    progress("部件和事件 components and events", 0, 1)
    write_events(writer, board, write_components(writer, board), spots, now)
    progress("地形 rasters", 0, 1)
    _write_rasters(writer, board, spots, data_dir)
    progress("完成 done", 1, 1)


def _write_roads(writer: Writer, roads: Roads) -> None:
    writer.add(
        "road_node",
        source_id=[f"N{k + 1}" for k in range(len(roads.junctions))],
        elevation_reference="deck",
        geom=points(np.column_stack([roads.junction_xy, roads.junction_z])),
    )
    streets = [roads.street(edge) for edge in roads.edges]
    built = [CARRIAGEWAY[street.road_class] for street in streets]
    line = np.concatenate([edge.line for edge in roads.edges])
    z = np.concatenate([edge.z for edge in roads.edges])
    sizes = [len(edge.line) for edge in roads.edges]
    writer.add(
        "road_edge",
        source_id=[f"E{k + 1}" for k in range(len(streets))],
        name=[street.name for street in streets],
        from_node_id=[edge.start + 1 for edge in roads.edges],
        to_node_id=[edge.end + 1 for edge in roads.edges],
        road_class=[street.road_class for street in streets],
        direction=roads.direction,
        speed_m_per_s=[speed for _, _, speed in built],
        length_m=[edge.length_m for edge in roads.edges],
        deck_level=[street.deck_level for street in streets],
        lanes=[lanes for lanes, _, _ in built],
        width_m=[width for _, width, _ in built],
        elevation_reference="deck",
        geom=lines(np.column_stack([line, z]), np.repeat(np.arange(len(sizes)), sizes)),
    )


def _underpass_names(board: Board) -> list[str]:
    """Return the names of the underpasses, from west to east."""
    width, rail = len(board.plan.columns), board.plan.rail
    sides = [(rail * width + i, (rail + 1) * width + i) for i in underpass_columns(board.plan)]
    return [board.mesh.streets[board.mesh.side_street[side]].name for side in sides]


def _write_networks(writer: Writer, board: Board, town: Town, progress: Progress) -> None:
    plan, roads = board.plan, board.roads
    progress("给水 water", 0, 5)
    write_water(writer, roads, plan)
    progress("燃气 gas", 1, 5)
    write_gas(writer, roads)
    progress("雨水 storm drains", 2, 5)
    write_drains(writer, roads, plan, STORM, _outfalls(board, _STORM_OUTFALLS_M))
    progress("污水 sewers", 3, 5)
    write_drains(writer, roads, plan, SEWER, _outfalls(board, _SEWER_OUTFALLS_M))
    progress("电力 power", 4, 5)
    source = nearest(roads, plan, float(plan.columns[-2]), float(plan.rows[-1]))
    write_power(writer, roads, source, _substations(board, town))


def _outfalls(board: Board, apart_m: float) -> list[int]:
    """Return junctions at the water, at least so far apart, in every part of the city."""
    plan, places = board.plan, board.roads.board
    at_river = np.abs(np.abs(places[:, 0] - plan.river_u_m) - plan.river_half_m) < 1
    at_sea = np.abs(places[:, 1] - plan.rows[1]) < 1
    chosen: dict[tuple[bool, bool], list[Floats]] = {}
    found = []
    for junction in np.flatnonzero(at_river | at_sea).tolist():
        place = places[junction]
        near = chosen.setdefault(_part(plan, place), [])
        if all(np.hypot(*(other - place)) >= apart_m for other in near):
            near.append(place)
            found.append(junction)
    return found


def _part(plan: Plan, place: Floats) -> tuple[bool, bool]:
    """Return which side of the river and of the railway a place lies on: drains cross neither."""
    return bool(place[0] > plan.river_u_m), bool(place[1] > plan.rail_v_m)


def _substations(board: Board, town: Town) -> list[int]:
    """Put a substation at a junction of every so manyth quarter, and list it as a facility."""
    plan, roads = board.plan, board.roads
    quarters = [quarter for quarter in board.mesh.quarters if quarter.zone not in OPEN_ZONES]
    found: list[int] = []
    for quarter in quarters[2::_QUARTERS_A_SUBSTATION]:
        low_u, low_v, high_u, high_v = board.mesh.box(quarter.corners)
        junction = nearest(roads, plan, (low_u + high_u) / 2, (low_v + high_v) / 2)
        if junction not in found:
            found.append(junction)
            x, y = (float(k) for k in roads.junction_xy[junction] + np.array([18.0, 15.0]))
            name = f"{board.names.word()}110kV变电站"
            town.facilities.add(
                "substation", name, None, board.cell_near(roads.board[junction]), (x, y)
            )
    return found


def _pumping_stations(town: Town, spots: Spots, board: Board) -> list[str | None]:
    """List a pumping station beside every underpass and every third other point."""
    pumps: list[str | None] = []
    for k, (kind, name) in enumerate(zip(spots.kind, spots.name, strict=True)):
        if kind != "underpass" and k % 3:
            pumps.append(None)
            continue
        title = f"{name.removesuffix('下穿道').removesuffix('路口')}排水泵站"
        pumps.append(title)
        x, y = (float(each) for each in spots.xy[k] + np.array([26.0, 22.0]))
        town.facilities.add("pumping_station", title, None, board.cell_near(spots.board[k]), (x, y))
    return pumps


def _write_rasters(writer: Writer, board: Board, spots: Spots, data_dir: Path) -> None:
    grid = grid_over(board.extent())
    terrain = heights(board.ground, grid)
    write_raster(writer, data_dir, terrain, grid, kind="terrain", name="dem")
    depth = flood_depths(terrain, grid, spots.xy, spots.low_z_m + spots.now_m, spots.reach_m)
    write_raster(writer, data_dir, depth, grid, kind="depth", name="flood-now")
