"""Levels of detail of CityJSON beside the CIM levels of CJJ/T 315.

The table of the standard was not seen; this is our own working map, and marked as such in
``docs/methods/cityjson.md``.
"""

from __future__ import annotations

import re

_INSIDE = ("BuildingRoom", "BuildingStorey", "BuildingUnit", "BuildingFurniture", "BridgeRoom",
           "BridgeFurniture", "TunnelHollowSpace", "TunnelFurniture")  # fmt: skip
_LOD = re.compile(r"([0-4])(?:\.([0-3]))?")
_FINE = 3
_LEVELS = {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}


def cim_level(object_type: str, lod: str | None) -> int | None:
    """Return the CIM level of a geometry, None where nobody says its level of detail.

    LoD0 is 1, LoD1.0 to 1.2 are 2, LoD1.3 and LoD2 are 3, LoD3 is 4; what is inside a building is
    5, whatever its level of detail.

    >>> cim_level("Building", "1.2"), cim_level("Building", "1.3"), cim_level("Road", "2")
    (2, 3, 3)
    >>> cim_level("BuildingRoom", "2.2"), cim_level("Building", None)
    (5, None)
    """
    if object_type in _INSIDE:
        return 5
    found = _LOD.fullmatch(lod or "")
    if found is None:
        return None
    if found[1] == "1" and int(found[2] or 0) >= _FINE:
        return 3
    return _LEVELS[int(found[1])]


def fineness(lod: str | None) -> tuple[float, str]:
    """Return what levels of detail are sorted by, coarse first.

    >>> sorted(["2.2", None, "1.3", "2"], key=fineness)
    [None, '1.3', '2', '2.2']
    """
    found = _LOD.fullmatch(lod or "")
    return (float(found[0]) if found else -1.0, lod or "")
