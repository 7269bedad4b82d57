"""What became of a building model: what was found, what was used, what changed, or why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from twin.errors import InvalidInputError

_EXAMPLES = 5


@dataclass
class Verdict:
    """The document of a load; a refused file has as much of it as was found out."""

    file: str
    source: str
    bytes: int
    accepted: bool = False
    reason: str | None = None
    """Why it was refused."""
    sha256: str | None = None
    schema: str | None = None
    application: list[str] = field(default_factory=list)
    units: dict[str, Any] = field(default_factory=dict)
    instances: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """Instances of the classes that matter, subclasses included; both readers agree on them."""
    elements: dict[str, Any] = field(default_factory=dict)
    storeys: list[dict[str, Any]] = field(default_factory=list)
    spaces: dict[str, Any] = field(default_factory=dict)
    openings: dict[str, int] = field(default_factory=dict)
    georeference: dict[str, Any] | None = None
    place: dict[str, Any] = field(default_factory=dict)
    """What was said of the place, to be said again at the next load of this source."""
    changes: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    quality: dict[str, Any] | None = None
    """What the rules found in it; None where nobody looked."""
    dry_run: bool = False
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON holds it."""
        return asdict(self)

    def change_counts(self) -> dict[str, dict[str, int]]:
        """Return how much was added, removed, changed and left, by table."""
        return {
            table: {
                kind: found if isinstance(found, int) else len(found)
                for kind, found in kinds.items()
            }
            for table, kinds in self.changes.items()
        }

    def found(self, document: dict[str, Any]) -> None:
        """Take over what the reader found."""
        self.schema = document["schema"]
        self.application = document["application"]
        self.units = document["units"]
        self.instances = document["instances"]
        self.counts = document["counts"]
        self.notes += document["notes"]
        self.elements = _elements(document["elements"])
        self.spaces = {
            "found": len(document["spaces"]),
            "with_geometry": sum(row["mesh"] is not None for row in document["spaces"]),
            "area_m2": round(sum(row["area_m2"] or 0 for row in document["spaces"]), 3),
            "area_from": dict(Counter(row["area_from"] or "none" for row in document["spaces"])),
        }
        self.openings = dict(Counter(row["kind"] for row in document["openings"]))
        inside = Counter(row["storey"] for row in document["elements"])
        self.storeys = [
            {
                "guid": row["guid"],
                "name": row["name"],
                "elevation_m": row["elevation_m"],
                "spaces": row["spaces"],
                "elements": inside[row["guid"]],
            }
            for row in document["storeys"]
        ]


class RefusedModelError(InvalidInputError):
    """A model that was not loaded; ``verdict`` says what is known of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"{verdict.file}: {verdict.reason}")
        self.verdict = verdict


def _elements(rows: list[dict[str, Any]]) -> dict[str, Any]:
    without: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["no_geometry"] is not None:
            without.setdefault(row["no_geometry"], []).append(row)
    return {
        "found": len(rows),
        "with_geometry": sum(row["mesh"] is not None for row in rows),
        "closed": sum(row.get("is_closed") is True for row in rows),
        "without_geometry": [
            {
                "reason": reason,
                "count": len(several),
                "examples": [
                    {"guid": row["guid"], "ifc_class": row["ifc_class"], "name": row["name"]}
                    for row in several[:_EXAMPLES]
                ],
            }
            for reason, several in without.items()
        ],
        "by_class": dict(sorted(Counter(row["ifc_class"] for row in rows).items())),
    }
