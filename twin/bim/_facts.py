"""What a model says about its units and about where on Earth it stands; only said, not judged.

Runs in the process that reads foreign files.  Lengths leave it in metres, where the file's unit is
known; the judging is done in ``twin/bim/_georef.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ifcopenshell.util.placement import get_axis2placement, get_local_placement
from ifcopenshell.util.unit import calculate_unit_scale
from numpy.typing import NDArray

from twin.bim._relations import Relations, of_class, plain, said

_KINDS = {"length_m": "LENGTHUNIT", "area_m2": "AREAUNIT", "volume_m3": "VOLUMEUNIT"}
_ADDRESS = ("AddressLines", "Town", "Region", "PostalCode", "Country")


def units(model: Any) -> dict[str, Any]:
    """Return the project's units: factors to SI, and their names."""
    found: dict[str, Any] = {"named": []}
    for kind, key in (
        ("LENGTHUNIT", "length_m"),
        ("AREAUNIT", "area_m2"),
        ("VOLUMEUNIT", "volume_m3"),
    ):
        found[key] = float(calculate_unit_scale(model, kind))
    for assignment in of_class(model, "IfcUnitAssignment")[:1]:
        found["named"] = [_unit_name(unit) for unit in assignment.Units or ()]
    found["stated"] = any("LENGTHUNIT" in name for name in found["named"])
    return found


def matrix_m(placement: Any, unit_m: float) -> NDArray[np.float64] | None:
    """Return a placement as a matrix, shape (4, 4), translation in metres."""
    if placement is None or not placement.is_a("IfcLocalPlacement"):
        return None
    matrix = np.array(get_local_placement(placement), float)
    matrix[:3, 3] *= unit_m
    return matrix if np.isfinite(matrix).all() else None


def georeference(model: Any, relations: Relations, unit_m: float) -> dict[str, Any]:
    """Return all that the file says of its place: addresses, degrees, placements, conversions."""
    site = next(iter(of_class(model, "IfcSite")), None)
    building = next(iter(of_class(model, "IfcBuilding")), None)
    top = site if site is not None else building
    placed = None if top is None else matrix_m(top.ObjectPlacement, unit_m)
    kind = "IfcSite" if site is not None else "IfcBuilding"
    return {
        "addresses": [
            text
            for each, name in ((site, "SiteAddress"), (building, "BuildingAddress"))
            if each is not None and (text := _address(getattr(each, name, None)))
        ],
        "site": None if site is None else _site(site, unit_m),
        "placement": None if placed is None else {"of": kind, "matrix": placed.tolist()},
        "contexts": [_context(each, unit_m) for each in _model_contexts(model)],
        "conversions": [*_conversions(model, unit_m), *_conversion_sets(model, relations)],
    }


def _unit_name(unit: Any) -> str:
    kind = said(getattr(unit, "UnitType", None)) or unit.is_a()
    prefix = said(getattr(unit, "Prefix", None)) or ""
    return f"{kind}: {prefix}{said(getattr(unit, 'Name', None)) or unit.is_a()}"


def _address(address: Any) -> str | None:
    if address is None:
        return None
    parts: list[str] = []
    for name in _ADDRESS:
        value = getattr(address, name, None)
        parts.extend(filter(None, map(said, value if isinstance(value, tuple) else (value,))))
    return ", ".join(parts) or None


def _site(site: Any, unit_m: float) -> dict[str, Any]:
    elevation = plain(getattr(site, "RefElevation", None))
    return {
        "latitude": plain(getattr(site, "RefLatitude", None)),
        "longitude": plain(getattr(site, "RefLongitude", None)),
        "elevation_m": None if elevation is None else elevation * unit_m,
    }


def _model_contexts(model: Any) -> list[Any]:
    found = [
        each
        for each in of_class(model, "IfcGeometricRepresentationContext")
        if not each.is_a("IfcGeometricRepresentationSubContext")
    ]
    solid = [each for each in found if (said(each.ContextType) or "Model") == "Model"]
    return solid or found


def _context(context: Any, unit_m: float) -> dict[str, Any]:
    system = context.WorldCoordinateSystem
    matrix = np.eye(4) if system is None else np.array(get_axis2placement(system), float)
    north = context.TrueNorth
    return {
        "origin_m": [float(v) * unit_m for v in matrix[:3, 3]],
        "x_axis": [float(v) for v in matrix[:2, 0]],
        "true_north": None if north is None else [float(v) for v in north.DirectionRatios[:2]],
    }


def _conversions(model: Any, unit_m: float) -> list[dict[str, Any]]:
    """Return IfcMapConversion and its kind, IFC4 up."""
    found = []
    for each in of_class(model, "IfcMapConversion"):
        target = each.TargetCRS
        unit = getattr(target, "MapUnit", None)
        found.append(
            {
                "from": each.is_a(),
                "eastings": plain(each.Eastings),
                "northings": plain(each.Northings),
                "height": plain(each.OrthogonalHeight),
                "x_axis": [plain(each.XAxisAbscissa), plain(each.XAxisOrdinate)],
                "scale": plain(each.Scale),
                "factors": [plain(getattr(each, f"Factor{axis}", None)) for axis in "XYZ"],
                "crs": said(target.Name) if target is not None else None,
                "vertical_datum": said(getattr(target, "VerticalDatum", None)),
                "map_unit_m": None if unit is None else _unit_m(unit),
            }
        )
    return found


def _conversion_sets(model: Any, relations: Relations) -> list[dict[str, Any]]:
    """Return the property sets that stand for a map conversion in IFC 2x3."""
    found = []
    for thing in (*of_class(model, "IfcProject"), *of_class(model, "IfcSite")):
        sets = {name.lower(): values for name, values in relations.sets(thing).items()}
        values, target = sets.get("epset_mapconversion"), sets.get("epset_projectedcrs", {})
        if values is not None:
            found.append(
                {
                    "from": "ePset_MapConversion",
                    "eastings": values.get("Eastings"),
                    "northings": values.get("Northings"),
                    "height": values.get("OrthogonalHeight"),
                    "x_axis": [values.get("XAxisAbscissa"), values.get("XAxisOrdinate")],
                    "scale": values.get("Scale"),
                    "factors": [None, None, None],
                    "crs": target.get("Name"),
                    "vertical_datum": target.get("VerticalDatum"),
                    "map_unit_m": _WORDS_M.get(str(target.get("MapUnit", "")).upper()),
                }
            )
    return found


_WORDS_M = {"METRE": 1.0, "METER": 1.0, "M": 1.0, "MILLIMETRE": 0.001, "MM": 0.001, "FOOT": 0.3048}


def _unit_m(unit: Any) -> float | None:
    """Return a length unit in metres."""
    if unit.is_a("IfcSIUnit"):
        prefixes = {None: 1.0, "MILLI": 1e-3, "CENTI": 1e-2, "DECI": 0.1, "KILO": 1e3}
        return prefixes.get(unit.Prefix)
    if unit.is_a("IfcConversionBasedUnit"):
        factor = unit.ConversionFactor
        base = _unit_m(factor.UnitComponent)
        return None if base is None else float(factor.ValueComponent.wrappedValue) * base
    return None
