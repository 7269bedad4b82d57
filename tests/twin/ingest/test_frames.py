"""Frames of Chinese data at a load: zones, the Earth's centre, heights."""

import struct
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text

from tests.twin.ingest.conftest import Load, houses, one, rows
from tests.twin.ingest.test_codes import saved
from twin.errors import InvalidInputError, NotFoundError

EVERY_FRAME = [
    4490,  # degrees
    4548, 4527,  # 3° zone 117° E without and with its number
    4547, 4526,  # its western neighbour
    4509, 4498,  # 6° zone 117° E
    32650,
]  # fmt: skip

SHOPS = shapely.points([[116.68, 23.35, 12.0], [116.69, 23.36, 20.0]])


def shops(crs: int = 4480) -> geopandas.GeoDataFrame:
    data = {"id": ["a", "b"], "kind": "sewer", "ground_elev": [12.0, 20.0]}
    return geopandas.GeoDataFrame(data, geometry=SHOPS, crs=4980 if crs == 0 else crs)


def geoid(file: Path, rise_m: float) -> Path:
    """Write a GTX grid over 116-118° E, 22-24° N, that rises to the east."""
    rows_of_grid = np.tile(np.array([rise_m, rise_m + 2.0, rise_m + 4.0], ">f4"), 3)
    head = struct.pack(">4d2i", 22.0, 116.0, 1.0, 1.0, 3, 3)
    file.write_bytes(head + rows_of_grid.tobytes())
    return file


@pytest.mark.parametrize("srid", EVERY_FRAME)
def test_every_frame_leads_to_the_same_place(
    loads: Load, engine: Engine, tmp_path: Path, srid: int
) -> None:
    loads("building", saved(houses().to_crs(srid), tmp_path / "there.gpkg"))
    here = rows(engine, "SELECT ST_X(c), ST_Y(c) FROM (SELECT ST_Centroid(geom) AS c, source_id "
                        "FROM twin.building) AS b ORDER BY source_id")  # fmt: skip
    wanted = [(p.x, p.y) for p in houses().centroid]
    assert np.abs(np.array(here) - wanted).max() < 1e-3


@pytest.mark.parametrize(
    ("true", "said", "told"),
    [
        (4548, 4547, "these coordinates fit EPSG:4548, not EPSG:4547"),
        (4547, 4548, "these coordinates fit EPSG:4547, not EPSG:4548"),
        (4527, 4548, "number 39: these coordinates fit EPSG:4527, not EPSG:4548"),
        (4527, 4526, "number 39: these coordinates fit EPSG:4527, not EPSG:4526"),
        (4548, 4527, "these coordinates fit EPSG:4548, not EPSG:4527"),
        (4498, 4548, "number 20: these coordinates fit EPSG:4498, not EPSG:4548"),
        (32650, 32649, "these coordinates fit EPSG:32650, not EPSG:32649"),
    ],
)
def test_a_wrong_zone_is_named(
    loads: Load, tmp_path: Path, true: int, said: int, told: str
) -> None:
    frame = houses().to_crs(true).set_crs(said, allow_override=True)
    with pytest.raises(InvalidInputError, match=told):
        loads("building", saved(frame, tmp_path / "wrong.gpkg"))


def test_the_earths_centre_is_a_frame_like_others(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    from pyproj import Transformer

    x, y, z = Transformer.from_crs(4480, 4479, always_xy=True).transform(
        [116.68, 116.69], [23.35, 23.36], [12.0, 20.0]
    )
    frame = shops().set_geometry(shapely.points(x, y, z), crs=4479)
    loads(
        "pipe_node", saved(frame, tmp_path / "centre.gpkg"), mapping={"elevation_reference": "=top"}
    )
    found = rows(
        engine,
        "SELECT ST_X(p), ST_Y(p), ST_Z(geom) FROM (SELECT *, ST_Transform(geom, 4490) AS p "
        "FROM twin.pipe_node) AS n ORDER BY source_id",
    )
    assert np.abs(np.array(found) - shapely.get_coordinates(SHOPS, include_z=True)).max() < 1e-6


def test_ellipsoidal_heights_need_the_geoid_and_take_it(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin.city SET vertical_datum = 'EPSG:5737'"))
    file = saved(shops().set_crs(4490, allow_override=True), tmp_path / "shops.gpkg")
    more = {"mapping": {"elevation_reference": "=top"}}
    with pytest.raises(InvalidInputError, match="give its grid by --geoid FILE"):
        loads("pipe_node", file, heights="ellipsoidal", **more)
    with pytest.raises(NotFoundError, match="no geoid grid"):
        loads("pipe_node", file, heights="ellipsoidal", geoid=tmp_path / "none.gtx", **more)
    with pytest.raises(InvalidInputError, match="no way from heights above EPSG:5736"):
        loads("pipe_node", file, heights="1956", **more)
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0
    grid = geoid(tmp_path / "model.gtx", 4.0)
    report = loads("pipe_node", file, heights="大地高", geoid=grid, **more)
    assert "heights moved from ellipsoidal to EPSG:5737 by model.gtx" in report.notes
    # N = 4 m + 2 m a degree from 116° E on.
    levels = rows(engine, "SELECT ground_z_m, ST_Z(geom) FROM twin.pipe_node ORDER BY source_id")
    expected = [12.0 - (4 + 2 * 0.68), 20.0 - (4 + 2 * 0.69)]
    assert np.abs(np.array(levels) - np.array(expected)[:, None]).max() < 1e-3


def test_heights_in_the_citys_datum_stay(loads: Load, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin.city SET vertical_datum = 'EPSG:5737'"))
    file = saved(shops().set_crs(4490, allow_override=True), tmp_path / "shops.gpkg")
    loads("pipe_node", file, heights="1985国家高程基准")
    assert one(engine, "SELECT max(ground_z_m) FROM twin.pipe_node") == 20.0
