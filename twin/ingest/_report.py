"""What became of a load, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_EXAMPLES = 5


@dataclass(frozen=True)
class LoadReport:
    """What a load read, and what became of it.

    Every row read is loaded, updated, unchanged, skipped or rejected.  One row may become several
    features (a road is cut at its junctions), which `features` counts.
    """

    layer: str
    files: tuple[str, ...]
    format: str
    source: str
    rows_read: int
    loaded: int
    """Features that are new."""
    updated: int
    """Features that were there and differ now."""
    unchanged: int
    """Features that were there and are the same: untouched."""
    repaired: dict[str, int]
    """What was mended, and how often."""
    rejected: dict[str, int]
    """Why rows were refused, and how many."""
    examples: dict[str, list[str]]
    """A few source ids of refused rows, by reason."""
    skipped: dict[str, int]
    """Rows that are well, and not what the layer holds."""
    notes: tuple[str, ...]
    """What else a reader of the report should know."""
    crs_found: str | None
    crs_used: str | None
    datum: str | None
    seconds: float
    dry_run: bool

    @property
    def rows_rejected(self) -> int:
        """How many rows were refused."""
        return sum(self.rejected.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return asdict(self)


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
