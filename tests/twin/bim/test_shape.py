"""Meshes whose answers are known by hand."""

import numpy as np
import pytest

from analysis._meshes import corners, distance_m, holds, section, section_box
from twin.bim._shape import body, united

_QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
FACES = np.array([half for a, b, c, d in _QUADS for half in ((a, b, c), (a, c, d))], np.int32)


def test_a_box_is_closed_and_has_its_volume() -> None:
    found = body(CORNERS * (2, 3, 4) + (5e5, 2.6e6, 10), FACES)
    assert found is not None
    assert found.is_closed
    assert found.volume_m3 == pytest.approx(24)
    assert found.footprint.area == pytest.approx(6, abs=1e-3)
    assert (found.z_min_m, found.z_max_m) == (10, 14)


def test_a_box_without_its_lid_is_open_and_has_no_volume_but_its_footprint() -> None:
    found = body(CORNERS, FACES[:2])
    assert found is not None
    assert not found.is_closed
    assert found.volume_m3 is None
    assert found.footprint.area == pytest.approx(1)


def test_one_triangle_turned_around_opens_a_box() -> None:
    faces = FACES.copy()
    faces[0] = faces[0][::-1]
    found = body(CORNERS, faces)
    assert found is not None
    assert not found.is_closed


def test_corners_that_each_triangle_has_for_itself_are_made_one() -> None:
    soup = CORNERS[FACES].reshape(-1, 3)
    found = body(soup, np.arange(36, dtype=np.int32).reshape(-1, 3))
    assert found is not None
    assert found.is_closed
    assert len(found.vertices) == 8


def test_a_solid_turned_inside_out_has_the_same_volume() -> None:
    found = body(CORNERS, FACES[:, ::-1])
    assert found is not None
    assert found.volume_m3 == pytest.approx(1)


def test_an_upright_sheet_covers_a_strip() -> None:
    sheet = np.array([[0, 0, 0], [10, 0, 0], [10, 0, 3], [0, 0, 3]], float)
    found = body(sheet, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    assert found is not None
    assert found.footprint.area == pytest.approx(0.1)


def test_nothing_is_no_body() -> None:
    assert body(np.empty((0, 3)), np.empty((0, 3), np.int32)) is None
    assert body(CORNERS, np.array([[0, 0, 1]], np.int32)) is None
    assert body(CORNERS * np.nan, FACES) is None


def test_footprints_unite() -> None:
    assert united([]).is_empty


@pytest.mark.parametrize(
    ("start", "end", "away"),
    [
        ((0.5, 0.5, 3), (0.5, 0.5, 5), 2.0),  # above the lid
        ((-1, 2, 0.5), (2, 2, 0.5), 1.0),  # along a side
        ((3, 4, 1), (3, 4, 0), np.hypot(2, 3)),  # beside an upright edge
        ((4, 5, 4), (4, 5, 9), np.sqrt(9 + 16 + 9)),  # off a corner
        ((-1, 0.5, 0.5), (2, 0.5, 0.5), 0.0),  # through
        ((0.4, 0.4, 0.5), (0.6, 0.6, 0.5), 0.4),  # inside: to the nearest face
        ((2, 0.5, 0.5), (2, 0.5, 0.5), 1.0),  # a piece without length
    ],
)
def test_how_far_a_line_passes_a_cube(
    start: tuple[float, ...], end: tuple[float, ...], away: float
) -> None:
    found = distance_m(np.array(start, float), np.array(end, float), section_box())
    assert found == pytest.approx(away, abs=1e-9)


def test_distances_agree_with_many_points_on_both() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        triangle = rng.uniform(-2, 2, (1, 3, 3))
        start, end = rng.uniform(-2, 2, (2, 3))
        weights = rng.dirichlet((1, 1, 1), 3000)
        weights[:3] = np.eye(3)
        on_triangle = weights @ triangle[0]
        along = np.linspace(0, 1, 60)[:, None]
        on_line = start + along * (end - start)
        least = np.min(np.linalg.norm(on_triangle[:, None] - on_line[None], axis=2))
        found = distance_m(start, end, triangle)
        assert found <= least + 1e-12
        assert found >= least - 0.15


def test_a_cube_holds_what_is_in_it() -> None:
    rng = np.random.default_rng(6)
    for point in rng.uniform(-0.5, 1.5, (200, 3)):
        assert holds(point, section_box()) == bool(np.all((point > 0) & (point < 1)))


def test_a_section_has_the_holes_of_what_it_cuts() -> None:
    inner = section_box() * (0.5, 0.5, 2) + (0.25, 0.25, -0.5)
    cut = section(np.concatenate([section_box(), inner[:, ::-1]]), 0.5)
    assert cut.area == pytest.approx(0.75)


@pytest.mark.parametrize(("z", "area"), [(-0.1, 0), (0.0, 0), (0.5, 1), (1.0, 1), (1.1, 0)])
def test_a_section_on_a_corner_is_one_or_none(z: float, area: float) -> None:
    assert section(section_box(), z).area == pytest.approx(area)


def test_a_section_of_an_open_sheet_is_a_line() -> None:
    sheet = np.array([[[0.0, 0, 0], [4, 0, 0], [0, 0, 4]]])
    cut = section(sheet, 1.0)
    assert cut.area == 0
    assert cut.length == pytest.approx(3)


def test_a_stored_mesh_is_read_as_it_was_written() -> None:
    vertices = (CORNERS - 0.5).astype("<f4").tobytes()
    found = corners(vertices, FACES.astype("<u2").tobytes(), 8, (5e5 + 0.5, 0.5, 0.5))
    assert np.allclose(found, CORNERS[FACES] + (5e5, 0, 0))
