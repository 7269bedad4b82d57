"""Boxes of many rows at once, and which of them have much in common."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

_HEADER_BYTES, _TRAILER_BYTES = 19, 2

# COPY's binary form: the number of fields, then length and value of each, all big-endian.
_ROW = np.dtype(
    [("fields", ">i2")]
    + [
        each
        for name, kind in (
            ("id", ">i8"), ("load_id", ">i4"), ("area_m2", ">f8"),
            ("west", ">f8"), ("south", ">f8"), ("east", ">f8"), ("north", ">f8"),
        )
        for each in ((f"{name}_length", ">i4"), (name, kind))
    ]
)  # fmt: skip

_BOXES = """
    COPY (
        SELECT id, coalesce(load_id, -1), ST_Area(geom),
               ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)
        FROM   ROWS AS t
        WHERE  NOT ST_IsEmpty(geom)
        ORDER  BY id
    ) TO STDOUT (FORMAT binary)
"""


class Boxes(NamedTuple):
    """Rows by their boxes."""

    id: NDArray[np.int64]
    """Shape (n,), rising."""
    load_id: NDArray[np.int64]
    """Shape (n,); -1 where no load wrote the row."""
    area_m2: NDArray[np.float64]
    """Of the geometry itself, shape (n,)."""
    sides: NDArray[np.float64]
    """West, south, east, north in metres, shape (n, 4)."""


def boxes(session: Session, rows: str) -> Boxes:
    """Return the boxes of rows; ``rows`` is the SQL for them, without anything to bind."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.cursor() as cursor, cursor.copy(_BOXES.replace("ROWS", rows).encode()) as copy:
        sent = b"".join(bytes(part) for part in copy)
    found = np.frombuffer(sent[_HEADER_BYTES : len(sent) - _TRAILER_BYTES], _ROW)
    sides = np.stack([found[name].astype(float) for name in ("west", "south", "east", "north")], 1)
    return Boxes(
        found["id"].astype(np.int64),
        found["load_id"].astype(np.int64),
        found["area_m2"].astype(float),
        sides,
    )


def alike(
    sides: NDArray[np.float64], area_m2: NDArray[np.float64], looked_at: NDArray[Any], share: float
) -> NDArray[np.int64]:
    """Return pairs of rows that may have ``share`` of their joint area in common, shape (k, 2).

    Parameters
    ----------
    sides : ndarray of float, shape (n, 4)
        Boxes: west, south, east, north, m.
    area_m2 : ndarray of float, shape (n,)
        Areas of the geometries in them.
    looked_at : ndarray of bool, shape (n,)
        One of each pair is among these.
    share : float
        Intersection over union, in (0, 1].

    Returns
    -------
    ndarray of int, shape (k, 2)
        Positions, the lower first.  None that has the share is left out: two geometries have no
        more in common than their boxes, and neither is much larger than the other.

    Examples
    --------
    Two squares of 10 m of which 8 m lie on one another, and one beside them:

    >>> sides = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [10, 0, 20, 10]], float)
    >>> alike(sides, np.full(3, 100.0), np.ones(3, bool), 0.5).tolist()
    [[0, 1]]
    """
    tree = shapely.STRtree(np.asarray(shapely.box(*sides.T), dtype=object))
    chosen = np.flatnonzero(looked_at)
    first, second = tree.query(tree.geometries[chosen])
    first = chosen[first]
    # Of two that are both looked at, each finds the other.
    once = (first < second) | (first > second) & ~looked_at[second]
    first, second = first[once], second[once]
    across = np.minimum(sides[first, 2], sides[second, 2]) - np.maximum(
        sides[first, 0], sides[second, 0]
    )
    up = np.minimum(sides[first, 3], sides[second, 3]) - np.maximum(
        sides[first, 1], sides[second, 1]
    )
    common = np.minimum(across * up, np.minimum(area_m2[first], area_m2[second]))
    enough = common >= share * (area_m2[first] + area_m2[second] - common)
    pairs = np.stack([first[enough], second[enough]], 1)
    return np.sort(pairs, axis=1).astype(np.int64)
