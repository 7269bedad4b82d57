"""What a model holds, as plain data: buildings, storeys, spaces, elements, openings.

Runs in the process that reads foreign files.  Coordinates are the model's own, metres, z up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from twin.bim._facts import matrix_m
from twin.bim._openings import openings
from twin.bim._relations import Relations, Sets, of_class, plain, said
from twin.bim._shape import CLOSING_M, Body, united

_AREAS = ("NetFloorArea", "GrossFloorArea", "GSA BIM Area", "Area")
_HEIGHTS = ("GrossHeight", "Height", "NetHeight")
_SHELL = ("IfcSlab", "IfcWall", "IfcRoof", "IfcSpace", "IfcCurtainWall", "IfcColumn", "IfcPlate")
COUNTED = (
    "IfcProduct",
    "IfcElement",
    "IfcSite",
    "IfcBuilding",
    "IfcBuildingStorey",
    "IfcSpace",
    "IfcWall",
    "IfcSlab",
    "IfcDoor",
    "IfcWindow",
    "IfcOpeningElement",
    "IfcPropertySet",
    "IfcElementQuantity",
    "IfcRelVoidsElement",
)

Rows = list[dict[str, Any]]


class Reading:
    """One model being read: its things, their relations, and their bodies by instance number."""

    def __init__(self, model: Any, unit: dict[str, Any]) -> None:
        self.model = model
        self.unit = unit
        self.relations = Relations(model)
        self.bodies: dict[int, Body] = {}
        self.failures: dict[str, str] = {}
        """What the mesher said of things it made nothing of, by GlobalId."""
        self.notes: list[str] = []
        self._names: Counter[str] = Counter()
        self._named: dict[int, str] = {}

    def guid(self, thing: Any) -> str:
        """Return the name that a thing keeps between two states of its model."""
        number = thing.id()
        if number not in self._named:
            plain_name = said(getattr(thing, "GlobalId", None)) or f"#{number}"
            self._names[plain_name] += 1
            times = self._names[plain_name]
            if times == 2:
                self.notes.append(f"GlobalId {plain_name} is given to several things")
            self._named[number] = plain_name if times == 1 else f"{plain_name}~{times}"
        return self._named[number]

    def found_in(self, thing: Any) -> dict[str, str | None]:
        """Return the storey and the building that a thing is in."""
        place: dict[str, str | None] = {"storey": None, "building": None}
        for each in (thing, *self.relations.above(thing)):
            if each.is_a("IfcBuildingStorey"):
                place["storey"] = place["storey"] or self.guid(each)
            elif is_building(each):
                place["building"] = place["building"] or self.guid(each)
        return place

    def top_of(self, row: dict[str, Any]) -> float:
        """Return the highest point of a row's thing; minus infinity without geometry."""
        body = self.bodies.get(row["number"])
        return -np.inf if body is None else body.z_max_m

    def low_of(self, row: dict[str, Any]) -> float:
        """Return the lowest point of a row's thing; infinity without geometry."""
        body = self.bodies.get(row["number"])
        return np.inf if body is None else body.z_min_m

    def common(self, thing: Any) -> dict[str, Any]:
        """Return what is told of every thing."""
        return {
            "number": thing.id(),
            "guid": self.guid(thing),
            "ifc_class": thing.is_a(),
            "name": said(thing.Name),
            "description": said(getattr(thing, "Description", None)),
            "object_type": said(getattr(thing, "ObjectType", None)),
            "psets": self.relations.sets(thing),
            **self.found_in(thing),
        }


def is_building(thing: Any) -> bool:
    """Return whether a thing is a building, or a bridge, a station: IFC 4.3 calls it a facility."""
    return bool(thing.is_a("IfcBuilding") or thing.is_a() in _FACILITIES)


_FACILITIES = ("IfcFacility", "IfcBridge", "IfcRailway", "IfcRoad", "IfcMarineFacility")


def counts(model: Any) -> dict[str, int]:
    """Return how many instances of the classes that verdicts speak of, subclasses included."""
    return {name: len(of_class(model, name)) for name in COUNTED}


def contents(reading: Reading) -> dict[str, Rows]:
    """Return all that a model holds; call it once its bodies are there."""
    model = reading.model
    found_elements = elements(reading)
    found_spaces = [_space(reading, each) for each in of_class(model, "IfcSpace")]
    members = [*found_elements, *found_spaces]
    found_storeys = _storeys(reading, members)
    found = [each for name in ("IfcBuilding", *_FACILITIES) for each in of_class(model, name)]
    buildings = {each.id(): each for each in found}
    if len(buildings) == 1:
        _adopt(reading.guid(found[0]), reading, members, found_storeys)
    rows = [_building(reading, each, members) for each in buildings.values()]
    return {
        "buildings": rows,
        "storeys": found_storeys,
        "spaces": found_spaces,
        "elements": found_elements,
        "openings": openings(reading, found_elements, found_storeys),
    }


def elements(reading: Reading) -> Rows:
    """Return every IfcElement, also those without geometry."""
    things = of_class(reading.model, "IfcElement")
    parts: dict[int, list[Any]] = {}
    for each in things:
        whole = reading.relations.part_of.get(each.id())
        if whole is not None:
            parts.setdefault(whole.id(), []).append(each)
    return [_element(reading, each, parts) for each in things]


def _element(reading: Reading, thing: Any, parts: dict[int, list[Any]]) -> dict[str, Any]:
    kind = reading.relations.type_of.get(thing.id())
    whole = reading.relations.part_of.get(thing.id())
    row = reading.common(thing)
    body = reading.bodies.get(thing.id())
    shape = None if body is None else body.footprint
    own = [
        reading.bodies[one.id()] for one in parts.get(thing.id(), ()) if one.id() in reading.bodies
    ]
    if body is None and own:
        shape = united([each.footprint for each in own])
        row["z_min_m"] = min(each.z_min_m for each in own)
        row["z_max_m"] = max(each.z_max_m for each in own)
    return row | {
        "predefined_type": said(getattr(thing, "PredefinedType", None)),
        "type_name": None if kind is None else said(kind.Name),
        "tag": said(getattr(thing, "Tag", None)),
        "material": reading.relations.material(thing),
        "part_of": None if whole is None or not whole.is_a("IfcElement") else reading.guid(whole),
        "is_external": flag(row["psets"], "IsExternal"),
        "no_geometry": None if body else _why_not(reading, thing, len(parts.get(thing.id(), ()))),
        "shape": shape,
    }


def _why_not(reading: Reading, thing: Any, parts: int) -> str:
    """Return why a thing has no geometry of its own."""
    representation = getattr(thing, "Representation", None)
    if representation is None:
        return f"its {parts} parts carry the geometry" if parts else "the file gives none"
    kinds = {
        said(each.RepresentationIdentifier) or "unnamed"
        for each in getattr(representation, "Representations", None) or ()
    }
    if kinds and not kinds & {"Body", "Facetation", "Body-FallBack", "unnamed", "Surface"}:
        return f"only {', '.join(sorted(kinds))}: nothing solid"
    reason = reading.failures.get(said(thing.GlobalId) or "")
    return "the geometry kernel made nothing of it" + (f": {reason}" if reason else "")


def _space(reading: Reading, thing: Any) -> dict[str, Any]:
    row = reading.common(thing)
    body = reading.bodies.get(thing.id())
    area, area_from = first_quantity(row["psets"], _AREAS)
    plan = None if body is None else float(body.footprint.area)
    if area is None:
        area, area_from = plan, None if plan is None else "footprint"
    else:
        area *= reading.unit["area_m2"]
    occupancy = row["psets"].get("Pset_SpaceOccupancyRequirements", {}).get("OccupancyType")
    long_name = said(getattr(thing, "LongName", None))
    return row | {
        "use": said(occupancy) or long_name or row["object_type"],
        "long_name": long_name,
        "area_m2": area,
        "area_from": area_from,
        "plan_area_m2": plan,
        "shape": None if body is None else body.footprint,
    }


def _storeys(reading: Reading, members: Rows) -> Rows:
    unit_m = reading.unit["length_m"]
    rows = []
    for thing in of_class(reading.model, "IfcBuildingStorey"):
        row = reading.common(thing)
        said_m = plain(thing.Elevation)
        matrix = matrix_m(thing.ObjectPlacement, unit_m)
        elevation = None if said_m is None else said_m * unit_m
        floor = float(matrix[2, 3]) if matrix is not None else elevation
        if floor is None:
            floor = 0.0
            reading.notes.append(f"storey {row['name'] or row['guid']} has no height: taken as 0")
        inside = [each for each in members if each["storey"] == row["guid"]]
        height, _ = first_quantity(row["psets"], _HEIGHTS)
        top = max((reading.top_of(each) for each in inside), default=-np.inf)
        rows.append(
            row
            | {
                "floor_z_m": floor,
                "elevation_m": elevation,
                "quantity_height_m": None if height is None else height * unit_m,
                "top_m": float(top) if np.isfinite(top) else None,
                "spaces": sum(each["ifc_class"] == "IfcSpace" for each in inside),
                "shape": united([each["shape"] for each in inside if each["shape"] is not None]),
            }
        )
    return rows


def _building(reading: Reading, thing: Any, members: Rows) -> dict[str, Any]:
    unit_m = reading.unit["length_m"]
    row = reading.common(thing)
    inside = [each for each in members if each["building"] == row["guid"]]
    shell = [each["shape"] for each in inside if each["shape"] is not None and _is_shell(each)]
    every = [each["shape"] for each in inside if each["shape"] is not None]
    tops = [reading.top_of(each) for each in inside]
    lows = [reading.low_of(each) for each in inside]
    terrain = plain(getattr(thing, "ElevationOfTerrain", None))
    matrix = matrix_m(thing.ObjectPlacement, unit_m)
    return row | {
        "ground_m": terrain * unit_m
        if terrain is not None
        else float(matrix[2, 3])
        if matrix is not None
        else 0.0,
        "top_m": max((each for each in tops if np.isfinite(each)), default=None),
        "low_m": min((each for each in lows if np.isfinite(each)), default=None),
        "long_name": said(getattr(thing, "LongName", None)),
        "shape": united(shell or every, closing_m=CLOSING_M),
    }


def _is_shell(row: dict[str, Any]) -> bool:
    return row["ifc_class"].removesuffix("StandardCase").removesuffix("ElementedCase") in _SHELL


def _adopt(building: str, reading: Reading, *several: Sequence[dict[str, Any]]) -> None:
    """Give what belongs to no building to the only one, but for what stands on the site."""
    on_site = {
        number for number, whole in reading.relations.inside.items() if whole.is_a("IfcSite")
    }
    for rows in several:
        for row in rows:
            if row["building"] is None and row["number"] not in on_site:
                row["building"] = building


def first_quantity(psets: Sets, names: Sequence[str]) -> tuple[float | None, str | None]:
    """Return the first of some quantities that a thing has, and where it stood.

    >>> first_quantity({"Qto": {"Width": 1.0, "NetFloorArea": 20.5}}, ("NetFloorArea", "Area"))
    (20.5, 'Qto.NetFloorArea')
    """
    for name in names:
        for title, values in psets.items():
            value = values.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return float(value), f"{title}.{name}"
    return None, None


def flag(psets: Sets, name: str) -> bool | None:
    """Return a yes or no that stands in one of a thing's common sets."""
    for title, values in psets.items():
        if title.startswith("Pset_") and isinstance(values.get(name), bool):
            return bool(values[name])
    return None
