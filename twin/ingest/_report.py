"""What became of a load, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LoadReport:
    """What a load read, and what became of it.

    Every row read is loaded, updated, unchanged, skipped or rejected.  One row may become several
    features (a road is cut at its junctions): `loaded`, `updated` and `unchanged` count features,
    the others rows.
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
    quality: dict[str, Any] | None = None
    """What the rules found in the rows; ``later`` with the load's number if nobody looked yet."""

    @property
    def rows_rejected(self) -> int:
        """How many rows were refused."""
        return sum(self.rejected.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return asdict(self)
