"""Two tiles of one layer compared: the same features, the same attributes, the same places."""

from __future__ import annotations

from shapely import LineString, MultiLineString, MultiPoint, box
from shapely.geometry.base import BaseGeometry

from tests.tiles._mvt_checker import Feature, Layer, polygons, read

VISIBLE = box(0, 0, 4096, 4096)
UNIT = 1.5
"""One unit on each axis, and a little for the rounding of what is clipped."""


def layer_of(tile: bytes) -> Layer:
    layers, _ = read(tile)
    return layers[0] if layers else Layer()


def differences(ours: bytes, theirs: bytes, slivers: list[str] | None = None) -> list[str]:
    """Return what is wrong with our tile by itself, and where it differs from the other.

    With ``slivers``, polygons that are nowhere wider than two units, about which rounding decides,
    are told there; and others may differ in strips of that width.
    """
    layers, wrong = read(ours)
    if any("count" in f.properties and f.id is None for layer in layers for f in layer.features):
        return wrong + _uncounted(layers[0], layer_of(theirs))
    mine = {f.id: f for layer in layers for f in layer.features}
    other = {f.id: f for f in layer_of(theirs).features}
    for word, some, others in (("missing", other, mine), ("extra", mine, other)):
        for each in sorted(some.keys() - others.keys()):
            thin = slivers is not None and some[each].kind == 3 and _thin(some[each])
            (slivers if thin and slivers is not None else wrong).append(f"{word} {each}")
    for each in sorted(mine.keys() & other.keys()):
        a, b = mine[each], other[each]
        if _typed(a) != _typed(b):
            wrong.append(f"{each}: {a.properties} is not {b.properties}")
        if a.kind != b.kind:
            wrong.append(f"{each}: kind {a.kind} is not {b.kind}")
        elif sorted(map(tuple, a.parts)) != sorted(map(tuple, b.parts)):
            by_area = slivers is not None and a.kind == 3
            wrong += [f"{each}: {word}" for word in (_filled(a, b) if by_area else _apart(a, b))]
    return wrong


def _uncounted(ours: Layer, theirs: Layer) -> list[str]:
    """Return what is wrong where small features were merged: counts add up, others are themselves.

    PostGIS decides by its own snapping about slivers; there may be one in a thousand.
    """
    other = {f.id: f for f in theirs.features}
    found = []
    alone = {f.id: f for f in ours.features if f.id is not None}
    for each in sorted(alone.keys() & other.keys()):
        if _typed(alone[each]) != _typed(other[each]):
            found.append(f"{each}: {alone[each].properties} is not {other[each].properties}")
    extra = alone.keys() - other.keys()
    if len(extra) > len(other) / 1000:
        found.append(f"extra {sorted(extra)}")
    counted = sum(int(f.properties["count"]) if f.id is None else 1 for f in ours.features)
    if abs(counted - len(other)) > len(other) / 1000:
        found.append(f"{counted} are told, PostGIS draws {len(other)}")
    return found


def _typed(feature: Feature) -> dict[str, tuple[type, object]]:
    return {name: (type(value), value) for name, value in feature.properties.items()}


def _thin(feature: Feature) -> bool:
    """Return whether nothing of a polygon is wider than two units where one sees it."""
    bare = polygons(feature).buffer(0).buffer(-1, join_style="mitre")
    return bool(bare.intersection(VISIBLE).is_empty)


def _apart(a: Feature, b: Feature) -> list[str]:
    found = []
    first, second = _drawn(a), _drawn(b)
    for name, shape, against in (("beyond", first, second), ("lacks", second, first)):
        seen = shape.intersection(VISIBLE)
        if seen.is_empty:
            continue
        rest = seen.difference(against.buffer(UNIT)) if not against.is_empty else seen
        if not rest.is_empty:
            found.append(f"{name} {rest.wkt[:120]}")
    return found or (_filled(a, b) if a.kind == 3 else [])


def _filled(a: Feature, b: Feature) -> list[str]:
    """Return where two polygons differ in more than a strip of two units."""
    one, two = polygons(a).buffer(0), polygons(b).buffer(0)
    more = one.symmetric_difference(two).intersection(VISIBLE).buffer(-1, join_style="mitre")
    return [] if more.is_empty else [f"filled differently by {more.area:.1f}: {more.wkt[:99]}"]


def _drawn(feature: Feature) -> BaseGeometry:
    if feature.kind == 1:
        return MultiPoint([part[0] for part in feature.parts])
    if feature.kind == 2:
        return MultiLineString([LineString(part) for part in feature.parts])
    return MultiLineString([LineString([*part, part[0]]) for part in feature.parts])
