"""Buildings of the city from the city objects that are buildings (一栋一档)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shapely.geometry.base import BaseGeometry

from twin.cityjson._footprint import united
from twin.cityjson._rows import Row

BUILDING, PART = "Building", "BuildingPart"
_HIGHEST_M, _MOST_STOREYS, _MOST_BELOW = 1_000, 250, 20
_YEARS = (1, 2100)


@dataclass
class _Held:
    """What is kept of a building or a part until all of the file was read."""

    row: Row | None
    parents: list[str]
    shape: BaseGeometry
    z_min_m: float | None
    z_max_m: float | None


@dataclass
class Family:
    """All buildings and parts of a file; parts may come long after the building they belong to."""

    held: dict[str, _Held] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Take over an object's row, if it is a building or a part of one."""
        kind = row["object_type"]
        if kind in (BUILDING, PART):
            self.held[row["source_id"]] = _Held(
                _told(row) if kind == BUILDING else None,
                row["parents"],
                row["geom"],
                row["z_min_m"],
                row["z_max_m"],
            )

    def rows(self) -> list[Row]:
        """Return the rows of `building`: footprint and heights of the building and its parts."""
        own: dict[str, list[_Held]] = {}
        for name in self.held:
            top = self.building_of(name)
            if top is not None:
                own.setdefault(top, []).append(self.held[name])
        found = []
        for name, several in own.items():
            row = self.held[name].row
            shape = united([each.shape for each in several])
            if row is None or shape.is_empty:
                continue
            lows = [each.z_min_m for each in several if each.z_min_m is not None]
            highs = [each.z_max_m for each in several if each.z_max_m is not None]
            found.append(row | {"geom": shape} | _heights(row, min(lows), max(highs)))
        return found

    def building_of(self, name: str) -> str | None:
        """Return the building at the top of a part's parents."""
        seen = {name}
        while name in self.held:
            if self.held[name].row is not None:
                return name
            above = [one for one in self.held[name].parents if one in self.held and one not in seen]
            if not above:
                return None
            name = above[0]
            seen.add(name)
        return None


def _told(row: Row) -> Row:
    """Return what the attributes of a building say, by the names that CityJSON gives them."""
    attributes = row["attrs"]
    return {
        "source_id": row["source_id"],
        "name": row["name"],
        "storeys": _whole(attributes.get("storeysAboveGround"), 0, _MOST_STOREYS),
        "storeys_below": _whole(attributes.get("storeysBelowGround"), 0, _MOST_BELOW),
        "built_year": _whole(attributes.get("yearOfConstruction"), *_YEARS),
        # What it says beside this is told once, by the city object.
        "attrs": {"city_object": row["source_id"]},
    }


def _heights(row: Row, low: float, high: float) -> dict[str, Any]:
    height = round(high - low, 6)
    return {"ground_z_m": low, "height_m": height if 0 <= height < _HIGHEST_M else None}


def _whole(value: Any, low: int, high: int) -> int | None:
    if isinstance(value, str) and value[:4].isdigit():
        value = int(value[:4])
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    return int(value) if good else None
