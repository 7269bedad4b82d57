"""The relations of a model, each read once: what is where, in what, made of what, said how.

Everything is keyed by the number of an instance in its file (``#123`` is 123).  Runs in the process
that reads foreign files; nothing here trusts that a chain ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twin.errors import InvalidInputError

_LONGEST_TEXT = 10_000
_DEEPEST = 200

Sets = dict[str, dict[str, Any]]
"""Property and quantity sets: name of the set, name of the property, value."""


class Relations:
    """Who is related to whom in one model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.inside = self._one_to_many(
            "IfcRelContainedInSpatialStructure", "RelatedElements", "RelatingStructure"
        )
        """Element to the storey, space, building or site that contains it."""
        self.part_of = self._one_to_many("IfcRelAggregates", "RelatedObjects", "RelatingObject")
        self.part_of |= self._one_to_many("IfcRelNests", "RelatedObjects", "RelatingObject")
        """Part to whole."""
        self.cuts = self._one_to_many(
            "IfcRelVoidsElement", "RelatedOpeningElement", "RelatingBuildingElement"
        )
        """Opening to the element it is cut from."""
        self.fills = self._one_to_many(
            "IfcRelFillsElement", "RelatedBuildingElement", "RelatingOpeningElement"
        )
        """Door or window to the opening it fills."""
        self.type_of = self._one_to_many("IfcRelDefinesByType", "RelatedObjects", "RelatingType")
        self.material_of = self._one_to_many(
            "IfcRelAssociatesMaterial", "RelatedObjects", "RelatingMaterial"
        )
        self._sets_of = self._sets()
        self._read_sets: dict[int, Sets] = {}

    def above(self, thing: Any) -> Iterator[Any]:
        """Yield what a thing belongs to, from near to far: part, host, storey, building, site."""
        met = {thing.id()}
        while thing is not None and len(met) < _DEEPEST:
            number = thing.id()
            thing = (
                self.inside.get(number)
                or self.part_of.get(number)
                or self.cuts.get(number)
                or self.fills.get(number)
            )
            if thing is None or thing.id() in met:
                return
            met.add(thing.id())
            yield thing

    def sets(self, thing: Any) -> Sets:
        """Return the property and quantity sets of a thing; its own go before those of its type."""
        found: Sets = {}
        kind = self.type_of.get(thing.id())
        of_type = (getattr(kind, "HasPropertySets", None) or ()) if kind is not None else ()
        for definition in (*of_type, *self._sets_of.get(thing.id(), ())):
            for name, values in self._set(definition).items():
                found.setdefault(name, {}).update(values)
        return found

    def material(self, thing: Any) -> str | None:
        """Return the names of a thing's materials, or of its type's."""
        kind = self.type_of.get(thing.id())
        chosen = self.material_of.get(thing.id()) or (
            self.material_of.get(kind.id()) if kind is not None else None
        )
        names = [] if chosen is None else list(_materials(chosen, 0))
        return ", ".join(dict.fromkeys(names)) or None

    def _one_to_many(self, relation: str, many: str, one: str) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for each in of_class(self._model, relation):
            whole = getattr(each, one)
            members = getattr(each, many)
            members = members if isinstance(members, tuple) else (members,)
            if whole is not None:
                found.update((member.id(), whole) for member in members if member is not None)
        return found

    def _sets(self) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for each in of_class(self._model, "IfcRelDefinesByProperties"):
            definition = each.RelatingPropertyDefinition
            several = definition if isinstance(definition, tuple) else (definition,)
            if definition is not None and not isinstance(definition, tuple):
                several = _unpacked(definition)
            for thing in each.RelatedObjects or ():
                found.setdefault(thing.id(), []).extend(several)
        return found

    def _set(self, definition: Any) -> Sets:
        number = definition.id()
        if number not in self._read_sets:
            values: dict[str, Any] = {}
            if definition.is_a("IfcPropertySet"):
                values = _properties(definition.HasProperties, 0)
            elif definition.is_a("IfcElementQuantity"):
                values = _quantities(definition.Quantities, 0)
            name = said(definition.Name) or definition.is_a()
            self._read_sets[number] = {name: values} if values else {}
        return self._read_sets[number]


def said(value: Any) -> str | None:
    """Return a text as the database can hold it, or None if it says nothing."""
    if value is None:
        return None
    text = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return text[:_LONGEST_TEXT].strip() or None


def plain(value: Any) -> Any:
    """Return a value of a property as JSON holds it."""
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        # Infinity and not-a-number stand in real files; JSON knows neither.
        return value if abs(value) < 1e300 else None
    return said(value)


def check_placements(model: Any) -> None:
    """Refuse a model whose placements stand on themselves; a mesher would fall without end.

    Raises
    ------
    InvalidInputError
        The message names the instances of the ring.
    """
    sound: set[int] = set()
    for placement in of_class(model, "IfcLocalPlacement"):
        path: dict[int, None] = {}
        at = placement
        while at is not None and at.id() not in sound:
            if at.id() in path:
                way = [*path]
                ring = [*way[way.index(at.id()) :][:8], at.id()]
                told = " → ".join(f"#{number}" for number in ring)
                raise InvalidInputError(f"placements stand on one another in a ring: {told}")
            path[at.id()] = None
            at = at.PlacementRelTo if at.is_a("IfcLocalPlacement") else None
        sound.update(path)


def of_class(model: Any, name: str) -> tuple[Any, ...]:
    """Return the instances of a class; none where the schema does not know it."""
    try:
        return tuple(model.by_type(name))
    except RuntimeError:
        return ()


def _unpacked(definition: Any) -> tuple[Any, ...]:
    """Return the sets of a definition; IFC4 may pack several into one value."""
    if definition.is_a("IfcPropertySetDefinitionSet"):
        return tuple(definition.wrappedValue)
    return (definition,)


def _properties(properties: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in properties or ():
        name = said(each.Name)
        if name is None or depth > _DEEPEST:
            continue
        match each.is_a():
            case "IfcPropertySingleValue":
                found[name] = _unwrapped(each.NominalValue)
            case "IfcPropertyEnumeratedValue":
                found[name] = [_unwrapped(one) for one in each.EnumerationValues or ()]
            case "IfcPropertyListValue":
                found[name] = [_unwrapped(one) for one in each.ListValues or ()]
            case "IfcPropertyBoundedValue":
                found[name] = [_unwrapped(each.LowerBoundValue), _unwrapped(each.UpperBoundValue)]
            case "IfcComplexProperty":
                found[name] = _properties(each.HasProperties, depth + 1)
            case other:
                found[name] = f"({other})"
    return found


def _quantities(quantities: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in quantities or ():
        name = said(each.Name)
        if name is None or depth > _DEEPEST:
            continue
        if each.is_a("IfcPhysicalComplexQuantity"):
            found[name] = _quantities(each.HasQuantities, depth + 1)
        else:
            # LengthValue, AreaValue, … stands fourth in every simple quantity.
            found[name] = plain(each[3])
    return found


def _unwrapped(value: Any) -> Any:
    return None if value is None else plain(getattr(value, "wrappedValue", value))


def _materials(chosen: Any, depth: int) -> Iterator[str]:
    """Yield the names in a material, a list, layers, profiles or constituents of materials."""
    if chosen is None or depth > 6:
        return
    for inner in ("ForLayerSet", "ForProfileSet", "Material"):
        if getattr(chosen, inner, None) is not None:
            yield from _materials(getattr(chosen, inner), depth + 1)
            return
    for inner in ("MaterialLayers", "MaterialProfiles", "MaterialConstituents", "Materials"):
        for each in getattr(chosen, inner, None) or ():
            yield from _materials(each, depth + 1)
    name = said(getattr(chosen, "Name", None))
    if name is not None and chosen.is_a("IfcMaterial"):
        yield name
