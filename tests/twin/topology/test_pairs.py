"""How near pieces come, beside shapely and brute force."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.topology.pairs import Pieces, in_space, near
from twin.topology.sample import network

# Whole numbers make parallel, touching and crossing pieces common.
coordinate = st.integers(-6, 6)
piece = st.tuples(*[coordinate] * 6)


def cut(rows: list[tuple[int, ...]]) -> Pieces:
    ends = np.array(rows, float).reshape(-1, 6)
    return Pieces(np.arange(len(ends)), np.zeros(len(ends), np.int64), ends)


def plan(row: tuple[int, ...]) -> shapely.LineString:
    return shapely.LineString([row[0:2], row[3:5]])


@settings(deadline=None)
@given(st.lists(piece, min_size=1, max_size=12), st.integers(0, 5))
def test_near_pairs_are_those_within_reach(rows: list[tuple[int, ...]], reach: int) -> None:
    pieces = cut(rows)
    batches = list(near(pieces, np.full(len(rows), float(reach)), np.ones(len(rows), np.bool_)))
    found = {
        (a, b): far
        for each in batches
        for a, b, far in zip(each.a.tolist(), each.b.tolist(), each.plan_m.tolist(), strict=True)
    }
    expected = {
        (a, b): far
        for a in range(len(rows))
        for b in range(a + 1, len(rows))
        if (far := shapely.distance(plan(rows[a]), plan(rows[b]))) <= reach
    }
    assert found.keys() == expected.keys()
    assert all(abs(found[pair] - expected[pair]) < 1e-9 for pair in found)


@settings(deadline=None)
@given(piece, piece)
def test_the_place_of_the_nearest_approach_has_that_distance(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    pieces = cut([one, other])
    apart, on_a, on_b = in_space(pieces, np.array([0]), np.array([1]))
    ends = pieces.ends
    places = [
        row[:3] + share * (row[3:] - row[:3])
        for row, share in zip(ends, (on_a[0], on_b[0]), strict=True)
    ]
    assert abs(np.linalg.norm(places[0] - places[1]) - apart[0]) < 1e-9
    # Brute force: no place of a fine grid is nearer.
    steps = np.linspace(0, 1, 33)[:, None]
    lines = [row[:3] + steps * (row[3:] - row[:3]) for row in ends]
    assert apart[0] <= np.linalg.norm(lines[0][:, None] - lines[1][None], axis=2).min() + 1e-9


def test_reach_of_either_suffices() -> None:
    pieces = cut([(0, 0, 0, 9, 0, 0), (0, 4, 0, 9, 4, 0)])
    group = np.ones(2, np.bool_)
    for reach in ([4.0, 0.0], [0.0, 4.0]):
        assert [len(each.a) for each in near(pieces, np.array(reach), group)] == [1]
    assert [len(each.a) for each in near(pieces, np.array([3.9, 3.9]), group)] == [0]


def test_a_network_of_arcs_is_walked_in_batches() -> None:
    """More pieces than one batch holds, each near its neighbours only."""
    count = 120_000
    ends = np.zeros((count, 6))
    ends[:, 0] = np.arange(count) * 10.0
    ends[:, 3] = ends[:, 0] + 9.0
    pieces = Pieces(np.arange(count), np.zeros(count, np.int64), ends)
    batches = list(near(pieces, np.full(count, 1.0), np.ones(count, np.bool_)))
    assert len(batches) == 2
    assert sum(len(each.a) for each in batches) == count - 1


def test_vertices_far_from_zero_keep_their_millimetres() -> None:
    lines = ["39467025.058 2584083.952, 39467035.058 2584083.952",
             "39467030.058 2584083.955, 39467030.058 2584093.952"]  # fmt: skip
    far = network(lines)
    from twin.topology.pairs import pieces

    (batch,) = near(pieces(far.segments), np.full(2, 0.01), np.ones(2, np.bool_))
    assert abs(batch.plan_m[0] - 0.003) < 1e-6
