"""What became of a CityJSON file: what was found, where it lies, what changed, or why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from twin.cityjson._levels import fineness
from twin.cityjson._measure import Measured
from twin.cityjson._rows import Row
from twin.errors import InvalidInputError

_EXAMPLES = 5
_NAMED = 100
_MOST_NOTES = 20


@dataclass
class Verdict:
    """The document of a load; a refused file has as much of it as was found out.

    Attributes
    ----------
    lods : dict
        Geometries of each level of detail.
    surfaces : dict
        How many surfaces; ``degenerate`` names those without an area, ``unlike`` counts those that
        cross themselves.
    solids : dict
        Geometries declared as bodies, how many of them are closed, and of the other surfaces how
        many are closed all the same; ``inside_out`` counts shells that look inward.
    """

    file: str
    source: str
    bytes: int
    accepted: bool = False
    reason: str | None = None
    form: str | None = None
    version: str | None = None
    crs: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=lambda: {"found": 0, "by_type": {}})
    lods: dict[str, int] = field(default_factory=dict)
    geometries: dict[str, int] = field(default_factory=dict)
    without_geometry: list[dict[str, Any]] = field(default_factory=list)
    surfaces: dict[str, Any] = field(
        default_factory=lambda: {"found": 0, "degenerate_count": 0, "degenerate": [], "unlike": 0}
    )
    solids: dict[str, int] = field(
        default_factory=lambda: {
            "found": 0, "closed": 0, "inside_out": 0, "other_closed": 0,
        }
    )  # fmt: skip
    left_out: dict[str, int] = field(default_factory=dict)
    """Appearances by name, and how many geometries have them."""
    changes: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    place: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON holds it."""
        return asdict(self)

    def note(self, words: str) -> None:
        """Add a note, unless there are very many."""
        if words not in self.notes and len(self.notes) < _MOST_NOTES:
            self.notes.append(words)

    def count_objects(self, rows: list[Row]) -> None:
        """Count a batch's objects."""
        by_type = Counter(self.objects["by_type"])
        by_type.update(row["object_type"] for row in rows)
        self.objects = {
            "found": self.objects["found"] + len(rows), "by_type": dict(sorted(by_type.items()))
        }  # fmt: skip
        reasons = {each["reason"]: each for each in self.without_geometry}
        for row in rows:
            if row["no_geometry"] is None:
                continue
            empty = {"reason": row["no_geometry"], "count": 0, "examples": []}
            each = reasons.setdefault(row["no_geometry"], empty)
            each["count"] += 1
            if len(each["examples"]) < _EXAMPLES:
                each["examples"].append(row["source_id"])
        self.without_geometry = list(reasons.values())

    def count_geometries(self, several: list[Measured]) -> None:
        """Count a batch's geometries and their surfaces."""
        lods, kinds, left = Counter(self.lods), Counter(self.geometries), Counter(self.left_out)
        for one in several:
            told = one.told
            lods[told.lod or "unknown"] += 1
            kinds[told.type] += 1
            left.update(told.themes)
            self.surfaces["found"] += len(told.rings_of_faces)
            self.surfaces["degenerate_count"] += len(one.degenerate)
            self.surfaces["unlike"] += one.unlike
            for face in one.degenerate[: max(0, _NAMED - len(self.surfaces["degenerate"]))]:
                self.surfaces["degenerate"].append(
                    {"object": told.owner, "lod": told.lod, "surface": int(face)}
                )
            body = told.type in ("Solid", "MultiSolid", "CompositeSolid")
            self.solids["found"] += body
            self.solids["closed" if body else "other_closed"] += one.is_closed is True
            self.solids["inside_out"] += one.inside_out
        self.lods = {name: lods[name] for name in sorted(lods, key=fineness)}
        self.geometries, self.left_out = dict(sorted(kinds.items())), dict(sorted(left.items()))


class RefusedCityError(InvalidInputError):
    """A file that was not loaded; ``verdict`` says what is known of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"{verdict.file}: {verdict.reason}")
        self.verdict = verdict
