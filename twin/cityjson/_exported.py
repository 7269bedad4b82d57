"""What an export of city objects tells of itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Exported:
    """What was written."""

    path: Path
    objects: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
    geometries: int = 0
    blocks: int = 0
    """Buildings written as LoD1 blocks of footprint and height."""
    flat: int = 0
    """Buildings written as footprints alone: their height is not known."""
    bytes: int = 0
