"""Tiny Town: twelve buildings whose answers are known by hand.

All coordinates are metres in EPSG:4548, written here from the corner E 467 000, N 2 584 000 of the
town (`ORIGIN`).  The ground is at 2 m everywhere but in one dip.

Streets.  Nine junctions at x, y = 0, 100, 200, twelve streets of 100 m between them.  The middle
row (y = 100, 中山路) is primary, 20 m/s, 5 s a street; all others are residential, 10 m/s, 10 s::

    y=200  (0,200)────(100,200)────(200,200)      R2 stands at (0,200)
              │     7, 8   │   10, 11   │
              │     9      │   12       │         block numbers: buildings in them
    y=100  (0,100)════(100,100)════(200,100)      ═ primary; R3 stands at (200,100)
              │     1, 2   ≈    4, 5    │
              │     3      ≈    6       │         ≈ the dip, flooded
    y=0     (0,0)──►──(100,0)──────(200,0)        ► one way, to the east; R1, R4 at (100,0)

The street (100,0)-(100,100) falls from 2 m at both ends to 1 m in its middle: there is the
waterlogging point, reach 20 m, ``low_z_m`` 1.  Its depth is 0.70 m at ``now``, and was 0.05 m less
every 5 minutes before that, down to 0 from 70 minutes ago on (288 readings).  0.70 m closes this
one street to cars (0.15), ambulances (0.30) and fire engines (0.60), not to pump trucks (0.80).

Buildings.  In a block whose south-west corner is (X, Y): the first covers (X+20..X+40, Y+20..Y+40),
the second (X+60..X+80, Y+20..Y+40), the third (X+20..X+80, Y+60..Y+80); areas 400, 400, 1200 m².
The first block is south-west (1, 2, 3), then south-east (4, 5, 6), north-west (7, 8, 9), north-east
(10, 11, 12).  Building n holds 2^(n-1) persons by night, so a sum of residents says which buildings
it was, and 10 n by day; n storeys of 3 m.  Building 12 has a courtyard (X+40..X+60, Y+66..Y+74).

=====================================  =======================  ==============  ===================
within r of                            buildings                by night        by day
=====================================  =======================  ==============  ===================
(0,0), r 28 m                          none                     0               0
(0,0), r 29 m (28.284 = 20√2)          1                        1               10
(0,0), r 64 m (63.246 = √(60²+20²))    1, 2, 3                  1+2+4 = 7       60
(100,100), r 30 m                      3, 6, 8, 10              4+32+128+512    270
                                                                = 676
(100,100), r 70 m                      all but 1, 5             4095-1-16       780-60 = 720
                                                                = 4078
(100,100), r 90 m (84.853 = 60√2)      all                      4095            780
=====================================  =======================  ==============  ===================

Cells.  Four management cells, the blocks: 001 north-west, 002 north-east, 003 south-west, 004
south-east (west to east, north to south), 10 000 m² each, populations 100, 200, 300, 400, all in
one community.  A circle of 50 m about (100,100) covers 2500π/4 = 1963.5 m² of each: 0.19635.

Pipes.  Gas (0,198)-(200,198), DN500 at 4.0 MPa, 1 m deep, 200 m long: potential impact radius
0.69 √(580.15 psi · (19.685 in)²) = 327.2 ft = 99.72 m.  It reaches down to y = 98.28, so buildings
7 to 12: 64+128+256+512+1024+2048 = 4032 by night, 570 by day.  Water (0,102)-(100,102)-(200,102),
DN300, a valve in the middle; sewer (98,200)-(98,100)-(98,0), DN400, inverts 0.5, -0.5, -1.5 m.
Within 30 m of (100,100): water 2√(30²-2²) = 59.87 m, sewer the same, gas none; roads 4·30 = 120 m.

Components and an event.  C1, a gully grating, at (103,50); C2, a lamp, at (50,108).  E1, standing
water, at (102,52), about C1: reported 30 minutes before ``now``, accepted 25, dispatched 20.

Dispatch to (100,100).  R1 and R2 are free fire engines, R3 a fire engine that is busy, R4 a free
pump truck.  Times in seconds, lengths in metres:

============  =======================  =========================================================
resource      dry                      with the present flood
============  =======================  =========================================================
R1 (100,0)    10 s, 100 m              25 s, 300 m by (200,0), (200,100): west is against the arrow
R2 (0,200)    15 s, 200 m by (0,100)   the same
R3 (200,100)  5 s, 100 m, but busy     the same
R4 (100,0)    10 s, 100 m              the same: it wades 0.80 m
============  =======================  =========================================================
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Engine

from sample_data._write import Summary, Writer, loading, rounded_now
from twin.crs import CityBox, Frame
from twin.database import create_city

SOURCE = "tiny-town"
NAME = "小镇"
ORIGIN = (467_000.0, 2_584_000.0)
FRAME = Frame(4548, CityBox(466_000.0, 2_583_000.0, 468_000.0, 2_585_000.0))
GROUND_Z_M = 2.0
DIP_Z_M = 1.0

_BLOCKS = ((0, 0), (100, 0), (0, 100), (100, 100))
_COUNTY = "440599"


def build(engine: Engine, *, now: datetime | None = None) -> Summary:
    """Create and fill the town in an empty database.

    Parameters
    ----------
    engine : Engine
        A database that holds no city yet.
    now : datetime, optional
        When the last reading was taken; the present, cut to five minutes, if not given.

    Raises
    ------
    ConflictError
        If the database already holds a city.
    """
    create_city(engine, NAME, FRAME, vertical_datum="EPSG:5737")
    summary = Summary(name=NAME, srid=FRAME.srid)
    with loading(engine, summary, SOURCE) as writer:
        _add_regions(writer)
        _add_buildings(writer)
        _add_roads(writer)
        _add_pipes(writer)
        _add_water(writer, rounded_now(now))
        _add_teams(writer)
        _add_components(writer, rounded_now(now))
    return summary


def at(x_m: float, y_m: float, z_m: float | None = None) -> Point:
    """Return a place of the town as a point in the city's frame.

    >>> at(100, 0)
    <POINT (467100 2584000)>
    """
    place = (ORIGIN[0] + x_m, ORIGIN[1] + y_m)
    return Point(*place) if z_m is None else Point(*place, z_m)


def _line(*places: tuple[float, float, float]) -> LineString:
    return LineString([(ORIGIN[0] + x, ORIGIN[1] + y, z) for x, y, z in places])


def _square(x: float, y: float, width: float, height: float) -> Polygon:
    return box(ORIGIN[0] + x, ORIGIN[1] + y, ORIGIN[0] + x + width, ORIGIN[1] + y + height)


def _geometries(shapes: list[Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return shapes as an array; polygons become multipolygons of one."""
    found = np.empty(len(shapes), dtype=object)
    found[:] = [MultiPolygon([s]) if isinstance(s, Polygon) else s for s in shapes]
    return found


def _add_regions(writer: Writer) -> None:
    town = _square(0, 0, 200, 200)
    writer.add(
        "region",
        source_id=["city", "county", "street", "community"],
        name=["小镇", "南区", "中山街道", "中心社区"],
        level=["city", "county", "street", "community"],
        code=["440500", _COUNTY, f"{_COUNTY}001", f"{_COUNTY}001001"],
        parent_id=[None, 1, 2, 3],
        population=1000,
        geom=_geometries([town] * 4),
    )
    writer.add(
        "grid_cell",
        source_id=["001", "002", "003", "004"],
        name=["西北网格", "东北网格", "西南网格", "东南网格"],
        code=[f"{_COUNTY}001001{n:03d}" for n in (1, 2, 3, 4)],
        region_id=4,
        responsible_person=["陈一", "林二", "黄三", "郑四"],
        responsible_phone=[f"138 0000 000{n}" for n in (1, 2, 3, 4)],
        population=[100, 200, 300, 400],
        flood_prone=[False, False, True, True],
        geom=_geometries(
            [_square(x, y, 100, 100) for x, y in ((0, 100), (100, 100), (0, 0), (100, 0))]
        ),
    )


def _add_buildings(writer: Writer) -> None:
    shapes: list[BaseGeometry] = []
    for x, y in _BLOCKS:
        shapes += [
            _square(x + 20, y + 20, 20, 20),
            _square(x + 60, y + 20, 20, 20),
            _square(x + 20, y + 60, 60, 20),
        ]
    shapes[11] = shapes[11].difference(_square(140, 166, 20, 8))
    numbers = range(1, 13)
    cells = [code for code in ("003", "004", "001", "002") for _ in range(3)]
    writer.add(
        "building",
        source_id=[str(n) for n in numbers],
        name=[f"{n}号楼" for n in numbers],
        use=["residential"] * 4 + ["commercial"] + ["residential"] * 6 + ["office"],
        address=[f"小镇中山路{n}号" for n in numbers],
        height_m=[3.0 * n for n in numbers],
        ground_z_m=GROUND_Z_M,
        storeys=[*numbers],
        storeys_below=[1 if n == 12 else 0 for n in numbers],
        residents_day=[10 * n for n in numbers],
        residents_night=[2 ** (n - 1) for n in numbers],
        built_year=2000,
        cell_id=[f"{_COUNTY}001001{code}" for code in cells],
        geom=_geometries(shapes),
    )


def _add_roads(writer: Writer) -> None:
    junctions = [(100.0 * i, 100.0 * j) for j in range(3) for i in range(3)]
    writer.add(
        "road_node",
        source_id=[f"{x:.0f},{y:.0f}" for x, y in junctions],
        elevation_reference="deck",
        geom=_geometries([at(x, y, GROUND_Z_M) for x, y in junctions]),
    )
    ends = [(a, a + 1) for a in range(9) if a % 3 < 2] + [(a, a + 3) for a in range(6)]
    places = [(junctions[a], junctions[b]) for a, b in ends]
    ids = [f"{a[0]:.0f},{a[1]:.0f}-{b[0]:.0f},{b[1]:.0f}" for a, b in places]
    main = [a[1] == b[1] == 100.0 for a, b in places]
    names = {0.0: ("海滨路", "西堤路"), 100.0: ("中山路", "中轴路"), 200.0: ("北园路", "东堤路")}
    writer.add(
        "road_edge",
        source_id=ids,
        name=[names[a[1]][0] if a[1] == b[1] else names[a[0]][1] for a, b in places],
        from_node_id=[a + 1 for a, _ in ends],
        to_node_id=[b + 1 for _, b in ends],
        road_class=["primary" if big else "residential" for big in main],
        direction=[1 if each == "0,0-100,0" else 0 for each in ids],
        speed_m_per_s=[20.0 if big else 10.0 for big in main],
        length_m=100.0,
        lanes=[4 if big else 2 for big in main],
        width_m=[14.0 if big else 7.0 for big in main],
        elevation_reference="deck",
        geom=_geometries([_street(a, b) for a, b in places]),
    )


def _street(a: tuple[float, float], b: tuple[float, float]) -> LineString:
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    low = DIP_Z_M if middle == (100.0, 50.0) else GROUND_Z_M
    return _line((*a, GROUND_Z_M), (*middle, low), (*b, GROUND_Z_M))


def _add_pipes(writer: Writer) -> None:
    top, inverts = GROUND_Z_M - 1.0, (0.5, -0.5, -1.5)
    water = [(x, 102.0, top) for x in (0.0, 100.0, 200.0)]
    sewer = [(98.0, y, z) for y, z in zip((200.0, 100.0, 0.0), inverts, strict=True)]
    nodes = [(0.0, 198.0, top), (200.0, 198.0, top), *water, *sewer]
    writer.add(
        "pipe_node",
        source_id=["g1", "g2", "w1", "w2", "w3", "s1", "s2", "s3"],
        kind=["gas"] * 2 + ["water"] * 3 + ["sewer"] * 3,
        appurtenance=[
            *("source", "regulator"),
            *("source", "valve", "hydrant"),
            *("manhole", "manhole", "outfall"),
        ],
        valve_state=[None] * 3 + ["open"] + [None] * 4,
        operable=[None] * 3 + [True] + [None] * 4,
        ground_z_m=GROUND_Z_M,
        invert_z_m=[None] * 5 + list(inverts),
        depth_m=[GROUND_Z_M - z for _, _, z in nodes],
        elevation_reference=["top"] * 5 + ["invert"] * 3,
        geom=_geometries([at(*node) for node in nodes]),
    )
    _add_segments(writer, nodes)


def _add_segments(writer: Writer, nodes: list[tuple[float, float, float]]) -> None:
    pairs = [(0, 1), (2, 3), (3, 4), (5, 6), (6, 7)]
    writer.add(
        "pipe_segment",
        source_id=["G1", "W1", "W2", "S1", "S2"],
        name=["高压燃气干管", "中山路给水管", "中山路给水管", "中轴路污水管", "中轴路污水管"],
        kind=["gas", "water", "water", "sewer", "sewer"],
        from_node_id=[a + 1 for a, _ in pairs],
        to_node_id=[b + 1 for _, b in pairs],
        material=["steel", "ductile_iron", "ductile_iron", "hdpe", "hdpe"],
        shape="circular",
        width_m=[0.5, 0.3, 0.3, 0.4, 0.4],
        pressure_pa=[4.0e6, 3.0e5, 3.0e5, None, None],
        # Cover is to the top of the pipe, and a sewer's z is its invert.
        depth_from_m=[1.0, 1.0, 1.0, 1.1, 2.1],
        depth_to_m=[1.0, 1.0, 1.0, 2.1, 3.1],
        elevation_reference=["top"] * 3 + ["invert"] * 2,
        built_year=2005,
        geom=_geometries([_line(nodes[a], nodes[b]) for a, b in pairs]),
    )


def _add_water(writer: Writer, now: datetime) -> None:
    writer.add(
        "waterlogging_point",
        source_id=["1"],
        name=["中轴路下凹段"],
        kind="underpass",
        low_z_m=DIP_Z_M,
        reach_m=20.0,
        geom=_geometries([at(100, 50)]),
    )
    steps = range(287, -1, -1)
    writer.readings(
        {
            "point_id": [1] * 288,
            "at": [now - timedelta(minutes=5 * k) for k in steps],
            "depth_m": [max(0, 70 - 5 * k) / 100 for k in steps],
            "received_at": [now - timedelta(minutes=5 * k) for k in steps],
        }
    )


def _add_teams(writer: Writer) -> None:
    writer.add(
        "facility",
        source_id=["1", "2"],
        name=["小镇消防站", "小镇医院"],
        kind=["fire_station", "hospital"],
        address=["海滨路1号", "北园路2号"],
        phone=["0754-0000 0119", "0754-0000 0120"],
        capacity=[None, 200],
        geom=_geometries([at(100, 0), at(0, 200)]),
    )
    writer.add(
        "resource",
        source_id=["R1", "R2", "R3", "R4"],
        name=["1号消防车", "2号消防车", "3号消防车", "1号排水车"],
        kind=["fire_engine"] * 3 + ["pump_truck"],
        vehicle_class=["fire_engine"] * 3 + ["pump_truck"],
        status=["free", "free", "busy", "free"],
        capabilities=[["fire", "rescue"], ["fire"], ["fire"], ["drainage"]],
        crew=[6, 6, 6, 3],
        pump_m3_per_s=[None, None, None, 0.5],
        phone=[f"138 0000 001{n}" for n in (1, 2, 3, 4)],
        facility_id=[1, None, 1, 1],
        geom=_geometries([at(100, 0), at(0, 200), at(200, 100), at(100, 0)]),
    )


def _add_components(writer: Writer, now: datetime) -> None:
    writer.add(
        "component",
        source_id=["C1", "C2"],
        name=["雨水箅子", "路灯"],
        code=[f"{_COUNTY}0104000001", f"{_COUNTY}0118000001"],
        class_code=[f"{_COUNTY}0104", f"{_COUNTY}0118"],
        address=["中轴路", "中山路"],
        owner="小镇市政局",
        maintainer="小镇养护队",
        geom=_geometries([at(103, 50), at(50, 108)]),
    )
    writer.add(
        "event",
        source_id=["E1"],
        name=["中轴路下凹段积水"],
        code=["20260601-0001"],
        class_code=[f"{_COUNTY}0506"],
        channel="sensor",
        status="dispatched",
        description="传感器报告路面积水，雨水箅子堵塞。",
        reporter="积水传感器",
        handler="小镇养护队",
        component_id=1,
        reported_at=now - timedelta(minutes=30),
        accepted_at=now - timedelta(minutes=25),
        dispatched_at=now - timedelta(minutes=20),
        geom=_geometries([at(102, 52)]),
    )
