"""Doors, windows and holes: where something can come in, and how high its lower edge is.

Runs in the process that reads foreign files.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import shapely

from twin.bim._relations import of_class, plain

if TYPE_CHECKING:
    from twin.bim._read import Reading


def openings(
    reading: Reading, elements: list[dict[str, Any]], storeys: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return every opening of a model: holes with what fills them, and doors that fill no hole.

    The lower edge is that of the hole; of a door without a hole, its own.
    """
    rows = {row["number"]: row for row in elements}
    floors = {row["guid"]: row["floor_z_m"] for row in storeys}
    filling_of = {hole.id(): number for number, hole in reading.relations.fills.items()}
    found = []
    for thing in of_class(reading.model, "IfcOpeningElement"):
        host = reading.relations.cuts.get(thing.id())
        row = _opening(
            reading,
            rows[thing.id()],
            rows.get(filling_of.get(thing.id(), -1)),
            None if host is None else rows.get(host.id()),
        )
        found.append(row)
    filled = set(filling_of.values())
    for name in ("IfcDoor", "IfcWindow"):
        for thing in of_class(reading.model, name):
            if thing.id() not in filled:
                found.append(_opening(reading, None, rows[thing.id()], None))
    placed = [row for row in found if row is not None]
    if len(placed) < len(found):
        number = len(found) - len(placed)
        reading.notes.append(f"{number} openings have no geometry and are not listed")
    for row in placed:
        floor = floors.get(row["storey"])
        row["sill_m"] = None if floor is None else row["sill_z_m"] - floor
    return placed


def _opening(
    reading: Reading,
    hole: dict[str, Any] | None,
    filling: dict[str, Any] | None,
    host: dict[str, Any] | None,
) -> dict[str, Any] | None:
    named = hole or filling
    assert named is not None
    bodies = [reading.bodies.get(row["number"]) for row in (hole, filling) if row is not None]
    body = next((each for each in bodies if each is not None), None)
    if body is None:
        return None
    kind = "void"
    if filling is not None and filling["ifc_class"].startswith(("IfcDoor", "IfcWindow")):
        kind = "door" if filling["ifc_class"].startswith("IfcDoor") else "window"
    width, height = _size(reading, filling)
    middle = shapely.centroid(body.footprint)
    return named | {
        "kind": kind,
        "name": (filling or named)["name"],
        "psets": (filling or named)["psets"],
        "storey": (filling or {}).get("storey") or (host or {}).get("storey") or named["storey"],
        "host": None if host is None else host["guid"],
        "host_class": None if host is None else host["ifc_class"],
        "filling": None if filling is None else filling["guid"],
        "width_m": width or _widest_m(body.footprint),
        "height_m": height or body.z_max_m - body.z_min_m,
        "sill_z_m": body.z_min_m,
        "is_external": _outside(filling, host),
        "at": [middle.x, middle.y],
    }


def _size(reading: Reading, filling: dict[str, Any] | None) -> tuple[float | None, float | None]:
    if filling is None:
        return None, None
    thing = reading.model.by_id(filling["number"])
    unit_m = reading.unit["length_m"]
    numbers = [plain(getattr(thing, f"Overall{side}", None)) for side in ("Width", "Height")]
    width, height = (
        value * unit_m if isinstance(value, int | float) and value > 0 else None
        for value in numbers
    )
    return width, height


def _widest_m(footprint: shapely.MultiPolygon) -> float | None:
    """Return the longer side of the smallest rectangle about a footprint."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(footprint))
    if len(corners) < 4:
        return None
    return float(max(math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2])))


def _outside(filling: dict[str, Any] | None, host: dict[str, Any] | None) -> bool | None:
    for row in (filling, host):
        if row is not None and row["is_external"] is not None:
            return bool(row["is_external"])
    return None
