"""Levels and depths of surveyed lines, each from the other and the ground where one is missing.

What a level is of (管高位置) stands in the table or follows from the kind: gravity pipes are
measured at the inner bottom, pressure pipes and cables at the outer top (CJJ 61, from memory,
unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.ingest import _words as words
from twin.ingest._survey_tables import LINE, REFERENCE, SurveyTable

GRAVITY = ("sewer", "storm", "combined")
_AGREE_M = 0.05

Numbers = NDArray[np.float64]


@dataclass
class Levels:
    """Levels and depths at both ends of lines, m, NaN where unknown; shape (n, 2) each."""

    z: Numbers
    depth: Numbers
    reference: list[str]
    said: bool
    """Whether the table says what the levels are of."""
    apart: NDArray[np.bool_]
    """Where level, depth and ground disagree by more than 5 cm, shape (n,)."""


def levels_of(one: SurveyTable, kinds: list[str | None], ground: Numbers) -> Levels:
    """Return the levels of a table's lines.

    Parameters
    ----------
    one : SurveyTable
        The lines.
    kinds : list of str or None
        What flows in each.
    ground : ndarray of float, shape (n, 2)
        Ground levels of the points at both ends, m.
    """
    columns = [one.column(LINE[name]) for name in ("z_from", "z_to")]
    z = np.stack([one.numbers(column) for column in columns], 1)
    depth = np.stack([one.numbers(one.column(LINE[n])) for n in ("depth_from", "depth_to")], 1)
    apart = np.asarray((np.abs(ground - depth - z) > _AGREE_M).any(axis=1), np.bool_)
    z = np.where(np.isfinite(z), z, ground - depth)
    depth = np.where(np.isfinite(depth), depth, ground - z)
    column = one.column(REFERENCE)
    by_name = _reference_in(columns[0])
    said = [_meaning(word) for word in one.words(column)]
    reference = [
        word or by_name or ("invert" if kind in GRAVITY else "top")
        for word, kind in zip(said, kinds, strict=True)
    ]
    return Levels(z, depth, reference, column is not None or by_name is not None, apart)


def _meaning(word: str | None) -> str | None:
    folded = (word or "").casefold()
    if folded in ("top", "invert", "centre", "unknown"):
        return folded
    found = words.ELEVATION_REFERENCES.get(folded)
    return found or next(
        (m for w, m in words.ELEVATION_REFERENCES.items() if len(w) > 1 and w in folded), None
    )


def _reference_in(column: str | None) -> str | None:
    """Return what the name of a column of levels says they are of, such as 起点管底高程."""
    return _meaning(column) if column and any(w in column for w in ("顶", "底", "中心")) else None


def lowest_at(nodes: int, ends: NDArray[np.int64], levels: Levels) -> tuple[Numbers, list[str]]:
    """Return the lowest level among the lines at each point, and what it is of.

    Parameters
    ----------
    nodes : int
        How many points there are.
    ends : ndarray of int, shape (n, 2)
        The points of each line, -1 where there is none.
    levels : Levels
        Of the lines.
    """
    z, node = levels.z.ravel(), ends.ravel()
    known = np.flatnonzero(np.isfinite(z) & (node >= 0))
    order = known[np.lexsort((z[known], node[known]))]
    met, first = np.unique(node[order], return_index=True)
    lowest = order[first]
    found = np.full(nodes, np.nan)
    found[met] = z[lowest]
    meaning = ["unknown"] * nodes
    for one, at in zip(met.tolist(), lowest.tolist(), strict=True):
        meaning[one] = levels.reference[at // 2]
    return found, meaning
