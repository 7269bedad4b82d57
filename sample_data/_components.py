"""Components of the streets: covers, gratings, lamps, trees, and the events that concern them."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sample_data._board import Board
from sample_data._drains import MANHOLES, SEWER, STORM
from sample_data._floods import Spots
from sample_data._geometry import Floats, Ints, Shapes, points
from sample_data._grid import cell_areas
from sample_data._pipes import beside
from sample_data._streets import CARRIAGEWAY
from sample_data._ways import Ways, cuts, every, lay, ways
from sample_data._write import Writer
from twin.codes.beidou_many import codes_of
from twin.codes.classes import class_names
from twin.crs import move_points

_STREETS = 3000
"""With more streets than these, only every so manyth has its components."""
_KERB_M = 0.6
_LAMPS_M, _TREES_M, _GULLIES_M, _FREE_M = 55.0, 42.0, 66.0, 12.0
_COVERS = {"sewer": "0102", "storm": "0103"}
_GULLY, _LAMP, _TREE = "0104", "0118", "0402"
_DEPARTMENTS = {
    "01": ("市城市管理局（示例）", "市市政设施管理中心（示例）", "安通市政养护公司（示例）"),
    "04": ("市园林局（示例）", "市绿化管理中心（示例）", "青禾园林养护公司（示例）"),
}
_NEVER_DAMAGED = 0.985
_EVENTS_OF = {
    # Kind of the component, then what happens to it: the event's class and how people put it.
    "0102": (("0110", "污水井盖破损"), ("0504", "污水井冒溢")),
    "0103": (("0110", "雨水井盖移位"), ("0504", "雨水井堵塞")),
    "0104": (("0504", "雨水箅子堵塞，路面积水"), ("0104", "雨水口积存垃圾")),
    "0118": (("0110", "路灯灯杆旁路面破损"), ("0201", "灯杆张贴小广告")),
    "0402": (("0106", "行道树断枝，树池脏乱"), ("0109", "树上挂有杂物")),
}
_CHANNELS = ("patrol", "patrol", "patrol", "hotline", "hotline", "camera", "public")
_STATUSES = ("reported", "accepted", "dispatched", "handled", "checked", "closed")
_FLOOD = "0506"


@dataclass(frozen=True)
class Components:
    """What stands in the streets, by column."""

    xy: Floats
    kind: list[str]
    street: list[str]
    code: list[str]
    cell: list[str | None]


def write_components(writer: Writer, board: Board) -> Components:
    """Write the components of the streets on the ground; component k gets the number k + 1."""
    groups = list(_groups(board))
    xy = np.round(np.concatenate([place for _, place, _ in groups]), 2)
    kind = [kind for kind, place, _ in groups for _ in range(len(place))]
    edges = np.concatenate([edge for _, _, edge in groups]).tolist()
    street = [board.roads.street(board.roads.edges[k]).name for k in edges]
    cell = _cells(board, points(xy))
    made = Components(xy, kind, street, _codes(kind, cell, board), cell)
    draw = random.Random(f"{board.plan.seed}/components")
    names = class_names("component")
    offices = [_DEPARTMENTS[each[:2]] for each in kind]
    writer.add(
        "component",
        source_id=made.code,
        name=[names[each].zh for each in kind],
        code=made.code,
        class_code=[code[:10] for code in made.code],
        address=street,
        bd_code=_grid_codes(writer, xy),
        cell_id=cell,
        owner=[office[0] for office in offices],
        manager=[office[1] for office in offices],
        maintainer=[office[2] for office in offices],
        state=["in_service" if draw.random() < _NEVER_DAMAGED else "out_of_service" for _ in kind],
        geom=points(xy),
    )
    return made


def write_events(
    writer: Writer, board: Board, made: Components, spots: Spots, now: datetime
) -> None:
    """Write a few dozen events: what is amiss with components, and water that sensors report."""
    draw = random.Random(f"{board.plan.seed}/events")
    rows = _amiss(draw, board, made, now) + _flooded(draw, board, spots, now)
    rows.sort(key=lambda row: (row["reported_at"], row["name"]))
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    xy = np.array(columns.pop("xy"))
    numbers = [f"{k + 1:06d}" for k in range(len(rows))]
    writer.add(
        "event",
        source_id=[f"A{number}" for number in numbers],
        code=[row["class_code"] + n for row, n in zip(rows, numbers, strict=True)],
        bd_code=_grid_codes(writer, xy),
        geom=points(xy),
        **columns,
    )


def _groups(board: Board) -> Any:
    """Yield kind, places and edges of the components, street by street."""
    roads = board.roads
    level = [k for k, edge in enumerate(roads.edges) if roads.street(edge).deck_level == 0]
    chosen = np.array(level[:: 1 + len(level) // _STREETS], dtype=np.int64)
    way = ways(roads, chosen)
    classes = [roads.street(roads.edges[k]).road_class for k in chosen.tolist()]
    kerb = np.array([CARRIAGEWAY[each][1] / 2 for each in classes])
    wide = np.isin(classes, ("trunk", "primary", "secondary", "tertiary"))
    for rules in (SEWER, STORM):
        # Where the manholes are: the very places at which the drains are cut.
        places = beside(roads, *rules.step)
        at = every(way, MANHOLES.apart_m, free_m=MANHOLES.free_m)
        yield _COVERS[rules.kind], *_laid(way, rules.aside * way.half_m, places, at)
    none = beside(roads, 0.0, 0.0)
    for side in (1.0, -1.0):
        gullies = every(way, _GULLIES_M, free_m=_FREE_M)
        yield _GULLY, *_laid(way, side * (kerb - 0.3), none, gullies)
        lamps = _half(every(way, _LAMPS_M / 2, free_m=_FREE_M), side > 0)
        yield _LAMP, *_laid(way, side * (kerb + _KERB_M), none, lamps)
        owner, along = every(way, _TREES_M, free_m=_FREE_M + 4)
        keep = wide[owner]
        yield _TREE, *_laid(way, side * (kerb + 1.5), none, (owner[keep], along[keep]))


def _laid(
    way: Ways, aside_m: Floats, nodes: Floats, at: tuple[Ints, Floats]
) -> tuple[Floats, Ints]:
    where = cuts([(*at, "")])
    return lay(way, aside_m, nodes, where).cut_xy, way.edges[where.owner]


def _half(at: tuple[Ints, Floats], first: bool) -> tuple[Ints, Floats]:
    """Return every second place, so that lamps of both sides stand in turn."""
    owner, along = at
    return owner[0 if first else 1 :: 2], along[0 if first else 1 :: 2]


def _cells(board: Board, places: Shapes) -> list[str | None]:
    """Return the code of the cell that holds each place; where two meet the smaller one."""
    codes = np.array(board.cells)
    place, cell = shapely.STRtree(cell_areas(board.mesh, board.lines)).query(
        places, predicate="intersects"
    )
    order = np.lexsort((codes[cell], place))
    found, first = np.unique(place[order], return_index=True)
    held: NDArray[Any] = np.full(len(places), None, dtype=object)
    held[found] = codes[cell[order][first]]
    return list(held)


def _codes(kind: list[str], cell: list[str | None], board: Board) -> list[str]:
    """Return the 16 digits of each: county, class and a running number in both."""
    first = board.regions.rows[1].code
    counted: dict[str, int] = {}
    found = []
    for what, where in zip(kind, cell, strict=True):
        class_code = (first if where is None else where[:6]) + what
        counted[class_code] = counted.get(class_code, 0) + 1
        found.append(f"{class_code}{counted[class_code]:06d}")
    return found


def _grid_codes(writer: Writer, xy: Floats) -> list[str]:
    """Return what the database's trigger would write, many times faster."""
    letters = codes_of(*move_points(xy[:, 0].copy(), xy[:, 1].copy(), writer.crs, "EPSG:4490"))
    return [bytes(each).decode() for each in letters]


def _amiss(
    draw: random.Random, board: Board, made: Components, now: datetime
) -> list[dict[str, Any]]:
    rows = []
    for number in sorted(draw.sample(range(len(made.kind)), min(36, len(made.kind)))):
        what, words = draw.choice(_EVENTS_OF[made.kind[number]])
        status = draw.choices(_STATUSES, (3, 3, 5, 3, 2, 8))[0]
        age = timedelta(minutes=draw.randrange(600, 14_000))
        rows.append(
            {
                "name": f"{made.street[number]}{words}",
                "class_code": made.code[number][:6] + what,
                "channel": draw.choice(_CHANNELS),
                "status": status,
                "description": f"{made.street[number]}：{words}，请处理。",
                "address": made.street[number],
                "reporter": board.names.person(),
                "handler": _DEPARTMENTS[made.kind[number][:2]][2],
                "component_id": number + 1,
                "cell_id": made.cell[number],
                **_times(draw, status, now - age, now),
                "xy": made.xy[number],
            }
        )
    return rows


def _flooded(
    draw: random.Random, board: Board, spots: Spots, now: datetime
) -> list[dict[str, Any]]:
    rows = []
    cells = _cells(board, points(spots.xy))
    for number in np.flatnonzero(spots.now_m >= 0.4).tolist()[:12]:
        county = (cells[number] or board.regions.rows[1].code)[:6]
        status = draw.choice(_STATUSES[:3])
        rows.append(
            {
                "name": f"{spots.name[number]}积水",
                "class_code": county + _FLOOD,
                "channel": "sensor",
                "status": status,
                "description": f"传感器报告：{spots.name[number]}路面积水。",
                "address": spots.name[number],
                "reporter": f"积水传感器 J{number + 1:03d}",
                "handler": "汕岸排水公司（示例）",
                "component_id": None,
                "cell_id": cells[number],
                **_times(draw, status, now - timedelta(minutes=draw.randrange(20, 120)), now),
                "xy": spots.xy[number],
            }
        )
    return rows


def _times(
    draw: random.Random, status: str, begun: datetime, now: datetime
) -> dict[str, datetime | None]:
    """Return when each step was taken, the steps to come without a time."""
    reached = _STATUSES.index(status)
    shares = sorted(draw.random() for _ in range(reached))
    steps = [begun, *(begun + (now - begun) * share for share in shares)]
    steps = [at.replace(second=0, microsecond=0) for at in steps]
    later: list[datetime | None] = [*steps, *[None] * (len(_STATUSES) - len(steps))]
    return {f"{name}_at": at for name, at in zip(_STATUSES, later, strict=True)}
