import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box

from analysis._zonal import largest_inside
from twin.errors import InvalidInputError


def flat(polygons: list[Polygon | MultiPolygon]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return polygons as corners, ring offsets and polygon offsets."""
    corners: list[np.ndarray] = []
    rings, firsts = [0], [0]
    for polygon in polygons:
        for part in shapely.get_parts(polygon):
            for ring in (part.exterior, *part.interiors):
                corners.append(shapely.get_coordinates(ring))
                rings.append(rings[-1] + len(corners[-1]))
        firsts.append(len(rings) - 1)
    return np.concatenate(corners), np.array(rings), np.array(firsts)


@pytest.mark.parametrize("seed", range(10))
def test_equals_asking_every_pixel_centre(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((40, 60))
    values[rng.random(values.shape) < 0.1] = np.nan
    polygons = []
    for _ in range(30):
        x, y = rng.uniform(-5, 65), rng.uniform(-5, 45)
        shape = Point(x, y).buffer(rng.uniform(0.2, 12), quad_segs=5)
        hole = Point(x + rng.uniform(-3, 3), y).buffer(rng.uniform(0.1, 5), quad_segs=3)
        other = box(x + 13, y, x + 16, y + rng.uniform(1, 5))
        polygons.append(shape.difference(hole).union(other))
    largest, pixels = largest_inside(values, *flat(polygons))
    columns, rows = np.meshgrid(np.arange(60) + 0.5, np.arange(40) + 0.5)
    for k, polygon in enumerate(polygons):
        inside = shapely.contains_xy(polygon, columns, rows) & ~np.isnan(values)
        assert pixels[k] == inside.sum()
        if pixels[k]:
            assert largest[k] == values[inside].max()
        else:
            assert np.isnan(largest[k])
    assert (pixels > 0).sum() > 15


def test_neighbours_share_no_pixel_and_lose_none() -> None:
    values = np.ones((4, 4))
    # The cut runs through the centres of the second column and row.
    quarters = [box(0, 0, 1.5, 1.5), box(1.5, 0, 4, 1.5), box(0, 1.5, 1.5, 4), box(1.5, 1.5, 4, 4)]
    _, pixels = largest_inside(values, *flat(quarters))
    assert pixels.sum() == 16
    assert pixels.tolist() == [1, 3, 3, 9]


def test_negative_values_are_values() -> None:
    largest, _ = largest_inside(np.array([[-3.0, -2.0]]), *flat([box(0, 0, 2, 1)]))
    assert largest.tolist() == [-2.0]


def test_refuses_rings_that_do_not_fit() -> None:
    with pytest.raises(InvalidInputError, match="do not fit"):
        largest_inside(np.ones((2, 2)), np.zeros((4, 2)), np.array([0, 5]), np.array([0, 1]))
