"""Terrain and present flood agree with the roads and with the readings."""

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from twin.database import open_city
from twin.raster import find, sample_city


def _at(demo: Any, kind: str, xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with Session(demo.engine) as session:
        raster = find(session, demo.data_dir, kind)
        return sample_city(raster, open_city(session).frame, xy[:, 0], xy[:, 1])


def test_roads_lie_on_the_terrain(demo: Any) -> None:
    rows = np.array(demo.rows("SELECT ST_X(geom), ST_Y(geom), ST_Z(geom) FROM twin.road_node"))
    away = _at(demo, "terrain", rows[:, :2]) - rows[:, 2]
    assert np.median(np.abs(away)) < 0.05
    assert np.percentile(np.abs(away), 98) < 0.5


def test_the_sea_is_below_and_the_hill_above(demo: Any) -> None:
    (box,) = demo.rows("SELECT min_x_m, min_y_m, max_x_m, max_y_m FROM twin.city")
    x, y = np.meshgrid(
        np.linspace(box[0] + 50, box[2] - 50, 80), np.linspace(box[1] + 50, box[3] - 50, 80)
    )
    z = _at(demo, "terrain", np.column_stack([x.ravel(), y.ravel()]))
    assert np.isfinite(z).all()
    assert z.min() < -6
    assert z.max() > 60
    assert 0.1 < np.mean(z < 0) < 0.5


def test_the_flood_stands_as_deep_as_was_read_last(demo: Any) -> None:
    rows = np.array(
        demo.rows("""
            SELECT DISTINCT ON (point_id) ST_X(geom), ST_Y(geom), depth_m
            FROM   twin.reading JOIN twin.waterlogging_point ON id = point_id
            ORDER  BY point_id, at DESC
        """)
    )
    depth = _at(demo, "depth", rows[:, :2])
    assert np.abs(depth - rows[:, 2]).max() < 0.12
    assert (depth > 0.55).sum() >= 3


def test_most_of_the_city_is_dry(demo: Any) -> None:
    rows = np.array(
        demo.rows("SELECT ST_X(c), ST_Y(c) FROM twin.building, LATERAL ST_Centroid(geom) AS c")
    )
    depth = _at(demo, "depth", rows)
    assert np.isfinite(depth).all()
    assert 0 < np.mean(depth > 0.05) < 0.08
