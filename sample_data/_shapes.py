"""Footprints of houses, in a frame of their own: x along the street, y away from it, metres."""

import math
from collections.abc import Iterator

Ring = list[tuple[float, float]]
"""Corners of an outline, anticlockwise, not closed."""

Footprint = list[Ring]
"""The outline, then the courtyards in it."""


def rectangle(x: float, y: float, width: float, depth: float) -> Footprint:
    """Return a plain house whose lower left corner is (x, y).

    >>> rectangle(0, 0, 2, 1)
    [[(0, 0), (2, 0), (2, 1), (0, 1)]]
    """
    return [[(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]]


def corner(x: float, y: float, width: float, depth: float, arm: float) -> Footprint:
    """Return an L: one wing along the street, one away from it, ``arm`` thick."""
    return [
        [
            (x, y),
            (x + width, y),
            (x + width, y + arm),
            (x + arm, y + arm),
            (x + arm, y + depth),
            (x, y + depth),
        ]
    ]


def horseshoe(x: float, y: float, width: float, depth: float, arm: float) -> Footprint:
    """Return a U that is open away from the street."""
    right, top = x + width, y + depth
    return [
        [
            (x, y),
            (right, y),
            (right, top),
            (right - arm, top),
            (right - arm, y + arm),
            (x + arm, y + arm),
            (x + arm, top),
            (x, top),
        ]
    ]


def courtyard(x: float, y: float, width: float, depth: float, arm: float) -> Footprint:
    """Return a house around a courtyard."""
    hole = rectangle(x + arm, y + arm, width - 2 * arm, depth - 2 * arm)[0]
    return [*rectangle(x, y, width, depth), hole]


def butterfly(x: float, y: float, width: float, depth: float) -> Footprint:
    """Return a tower of flats with a bay in the middle of each long side."""
    third, bay = width / 3, depth * 0.22
    right, top = x + width, y + depth
    return [
        [
            (x, y),
            (x + third, y),
            (x + third, y + bay),
            (right - third, y + bay),
            (right - third, y),
            (right, y),
            (right, top),
            (right - third, top),
            (right - third, top - bay),
            (x + third, top - bay),
            (x + third, top),
            (x, top),
        ]
    ]


def disc(x: float, y: float, radius: float, corners: int = 16) -> Footprint:
    """Return a tank about (x, y)."""
    step = 2 * math.pi / corners
    return [
        [(x + radius * math.cos(k * step), y + radius * math.sin(k * step)) for k in range(corners)]
    ]


def stretch(ring: Ring, low: float, high: float) -> tuple[float, float] | None:
    """Return from where to where a strip between two heights lies inside an outline.

    The outline is nearly convex; the strip is tried at both heights and in the middle.

    >>> stretch([(0, 0), (10, 0), (10, 8), (2, 8)], 4, 8)
    (2.0, 10.0)
    """
    left, right = -math.inf, math.inf
    # A hair inside, so that an edge along the strip counts.
    hair = (high - low) * 1e-6
    for level in (low + hair, (low + high) / 2, high - hair):
        crossed = list(_crossings(ring, level))
        if len(crossed) < 2:
            return None
        left, right = max(left, min(crossed)), min(right, max(crossed))
    return (round(left, 3), round(right, 3)) if left < right else None


def rows(
    ring: Ring,
    depth: float,
    gaps: tuple[float, ...],
    *,
    spread: bool = False,
    above: float = 0.0,
) -> Iterator[tuple[float, float, float]]:
    """Yield strips of one depth, the gaps between them in turn: y, and from and to where in x.

    Strips that are spread share what is left over between them and reach from rim to rim; the
    first ``above`` metres are left free.
    """
    low, top = min(y for _, y in ring) + above, max(y for _, y in ring)
    pitch = depth + sum(gaps) / len(gaps)
    spare = (top - low - depth) % pitch
    steps = int((top - low - depth) // pitch)
    more = spare / steps if spread and steps > 0 else 0.0
    y, turn = low + (0.0 if more else min(spare / 2, 4.0)), 0
    while y + depth <= top + 1e-6:
        found = stretch(ring, y, y + depth)
        if found:
            yield (y, *found)
        y += depth + gaps[turn % len(gaps)] + more
        turn += 1


def middle_box(ring: Ring) -> tuple[float, float, float, float] | None:
    """Return the widest upright box found in an outline: x, y, width, depth."""
    low, top = min(y for _, y in ring), max(y for _, y in ring)
    best: tuple[float, float, float, float] | None = None
    for bottom_cut in (0.0, 0.08, 0.16, 0.25):
        for top_cut in (0.0, 0.08, 0.16, 0.25):
            y, depth = low + bottom_cut * (top - low), (1 - bottom_cut - top_cut) * (top - low)
            found = stretch(ring, y, y + depth)
            if found and (best is None or (found[1] - found[0]) * depth > best[2] * best[3]):
                best = (found[0], y, found[1] - found[0], depth)
    return best


def _crossings(ring: Ring, level: float) -> Iterator[float]:
    x0, y0 = ring[-1]
    for x1, y1 in ring:
        if (y0 <= level) != (y1 <= level):
            yield x0 + (level - y0) * (x1 - x0) / (y1 - y0)
        x0, y0 = x1, y1
