"""What questions about pipes share: which pipes, and how they are called."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import shapely
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from analysis._process import Text
from twin.crs import LONLAT, Frame, move_points
from twin.topology import KINDS
from twin.words import Words

PAGE = "docs/methods/pipelines.md"
VERSION = "1"

PipeKind = Literal[
    "water", "sewer", "storm", "combined", "gas", "power", "telecom", "heat", "industrial"
]
Kinds = Annotated[
    list[PipeKind] | None, Field(min_length=1, description="kinds of pipes; default: all")
]

AS_SURVEYED = Text(
    zh="与管线测量一致：明显点约厘米级，隐蔽点随埋深增大（CJJ 61，未核实）；尺寸为内径，未计管壁",
    en="that of the survey: centimetres at manholes, growing with depth where pipes were detected "
    "(CJJ 61, unverified); sizes are inner sizes, walls are not counted",
)


def kinds_asked(kinds: list[PipeKind] | None) -> tuple[str, ...]:
    """Return the kinds that are asked for; all if none was named."""
    return tuple(dict.fromkeys(kinds)) if kinds else KINDS


def said(words: Words) -> Text:
    """Return words as an answer holds them."""
    return Text(zh=words.zh, en=words.en)


def plan_wkb(geometry: BaseGeometry) -> bytes:
    """Return a geometry in plan as WKB."""
    return bytes(shapely.to_wkb(shapely.force_2d(geometry)))


def lonlats(frame: Frame, places: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Return places as longitude and latitude, seven decimals."""
    x_m, y_m = np.array(places, float).reshape(-1, 2).T
    degrees = move_points(x_m, y_m, frame.name, LONLAT)
    return [list(pair) for pair in np.round(np.column_stack(degrees), 7).tolist()]
