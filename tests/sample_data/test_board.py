"""Cutting, bending and laying on the board, without a database."""

import numpy as np
import pytest

from sample_data._blocks import inset
from sample_data._mesh import Mesh, cut_city
from sample_data._names import Names
from sample_data._plan import draw_plan
from sample_data._streets import bend, great_lines
from sample_data._write import _uids, uid_of


def _square() -> tuple[Mesh, list[int]]:
    """Return a square of 100 m whose sides are the street 0."""
    mesh = Mesh()
    corners = [mesh.vertex(u, v) for u, v in ((0, 0), (100, 0), (100, 100), (0, 100))]
    mesh.side_street = {(0, 1): 0, (1, 2): 0, (2, 3): 0, (0, 3): 0}
    return mesh, corners


def test_a_cut_divides_a_face_and_its_neighbours_see_the_new_vertex() -> None:
    mesh, corners = _square()
    parts = mesh.cut(corners, (50, 50), (1, 0), 7)
    assert parts is not None
    assert [mesh.area_m2(part) for part in parts] == [5000, 5000]
    assert mesh.chain(0, 1) == [0, 4]
    assert mesh.chain(1, 0) == [1, 4]
    assert mesh.side_street[4, 5] == 7


def test_a_cut_close_to_a_corner_ends_in_it() -> None:
    mesh, corners = _square()
    assert mesh.cut(corners, (90, 50), (1.0, 0.0), 7) is None
    parts = mesh.cut(corners, (50, 50), (1.0, -0.8), 7)
    assert parts is not None
    assert parts == ([0, 1, 2], [2, 3, 0])
    assert len(mesh.u) == 4


def test_blocks_fill_the_board() -> None:
    plan = draw_plan(3, 1.0)
    names = Names(3)
    mesh = cut_city(plan, names, *great_lines(plan, names))
    whole = plan.columns[-1] * plan.rows[-1]
    river = 2 * plan.river_half_m * plan.rows[-1]
    for faces, area_m2 in (
        (mesh.blocks, whole),
        (mesh.quarters, whole),
        (mesh.cells, whole - river),
    ):
        filled = sum(mesh.area_m2(mesh.around(face.corners)) for face in faces)
        assert filled == pytest.approx(area_m2)


def test_the_bend_is_undone() -> None:
    plan = draw_plan(3, 1.0)
    draw = np.random.default_rng(1)
    u, v = draw.uniform(0, plan.columns[-1], 500), draw.uniform(-400, plan.rows[-1], 500)
    back_u, back_v = plan.to_board(*plan.to_map(u, v, fine=False))
    assert np.abs(back_u - u).max() < 0.05
    assert np.abs(back_v - v).max() < 0.05


@pytest.mark.parametrize("scale", [0.55, 1.0, 3.0])
def test_no_street_folds_over(scale: float) -> None:
    plan = draw_plan(5, scale)
    names = Names(5)
    mesh = cut_city(plan, names, *great_lines(plan, names))
    lines = bend(mesh, plan)
    for block in mesh.blocks:
        x, y = lines.ring(mesh.around(block.corners)).T
        assert np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]) > 0


def test_too_narrow_a_block_has_no_land() -> None:
    strip = np.array([(0.0, 0.0), (80.0, 0.0), (80.0, 12.0), (0.0, 12.0)])
    assert inset(strip, np.full(4, 7.0), np.array([4])) == [None]


def test_quick_uids_are_those_of_the_standard_library() -> None:
    assert _uids("demo-city/building/", ["B1"]) == [uid_of("demo-city", "building", "B1").bytes]


def test_no_name_is_given_twice() -> None:
    names = Names(1)
    given = [names.word() for _ in range(300_000)]
    assert len(set(given)) == len(given)
    assert [len(given[k]) for k in (0, 100_000, 299_999)] == [2, 3, 4]
