"""What changed in the city, told so that a map can draw just that anew."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from layers import layers
from twin.changes import Change, Position
from twin.crs import CityBox, Frame, LonLatBox

_MOST_IDS = 200
_MOST_BOXES = 32


class LayerNews(NamedTuple):
    """What changed in one layer.

    ``ids`` is None where there were too many to name them, or a bulk load named none.  Each of the
    ``boxes`` is where features were or are: a tile that none of them touches is as it was.
    """

    layer: str
    ids: tuple[int, ...] | None
    boxes: tuple[LonLatBox, ...]


class News(NamedTuple):
    """What one commit changed, and its place in the change feed."""

    position: Position
    at: datetime
    layers: tuple[LayerNews, ...]


def news(changes: Sequence[Change], frame: Frame) -> Iterator[News]:
    """Yield what each commit changed in the layers that can be looked at."""
    for _, group in groupby(changes, key=lambda change: change.position.seq):
        own = list(group)
        by_layer: dict[str, list[Change]] = {}
        for change in own:
            if change.layer in layers():
                by_layer.setdefault(change.layer, []).append(change)
        told = tuple(_of_layer(name, each, frame) for name, each in by_layer.items())
        if told:
            yield News(own[-1].position, own[-1].at, told)


def _of_layer(name: str, changes: Sequence[Change], frame: Frame) -> LayerNews:
    ids = dict.fromkeys(change.feature_id for change in changes)
    named = tuple(each for each in ids if each is not None)
    boxes = dict.fromkeys(
        box for change in changes for box in (change.before, change.after) if box is not None
    )
    shown = [_together(list(boxes))] if len(boxes) > _MOST_BOXES else list(boxes)
    return LayerNews(
        name,
        named if None not in ids and len(named) <= _MOST_IDS else None,
        tuple(frame.box_to_lonlat(box) for box in shown),
    )


def _together(boxes: Sequence[CityBox]) -> CityBox:
    """Return the smallest box that holds some."""
    return CityBox(
        min(box.min_x_m for box in boxes),
        min(box.min_y_m for box in boxes),
        max(box.max_x_m for box in boxes),
        max(box.max_y_m for box in boxes),
    )
