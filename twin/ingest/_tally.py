"""The report of a load while it is being written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_EXAMPLES = 5


@dataclass
class Tally:
    """The report while it is being written."""

    rows_read: int = 0
    loaded: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def reject(self, reason: str, ids: Sequence[str], count: int | None = None) -> None:
        """Count refused rows, and keep the names of the first."""
        number = len(ids) if count is None else count
        if number:
            self.rejected[reason] += number
            kept = self.examples.setdefault(reason, [])
            kept.extend(str(one) for one in ids[: _EXAMPLES - len(kept)])

    def refuse(
        self,
        reason: str,
        where: NDArray[np.bool_],
        sound: NDArray[np.bool_],
        ids: pa.Array,
    ) -> None:
        """Count the sound rows among some as refused, and mark them as no longer sound.

        `where` and `sound` have the shape (n,) of `ids`; `sound` is changed.
        """
        rows = np.flatnonzero(where & sound)
        if len(rows):
            sound[rows] = False
            self.reject(reason, ids.take(pa.array(rows[:_EXAMPLES])).to_pylist(), len(rows))

    def note(self, text: str) -> None:
        """Say something once."""
        if text not in self.notes:
            self.notes.append(text)

    def why_rejected(self) -> str:
        """Return the reasons in words, the commonest first."""
        return "; ".join(
            f"{reason}: {number} (for example {', '.join(self.examples.get(reason, [])) or '–'})"
            for reason, number in self.rejected.most_common()
        )
