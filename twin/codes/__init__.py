"""Codes of places and things, all text: read, checked, made.

Regions (GB/T 2260, GB/T 10114), management grid cells (GB/T 30428, CJ/T 213), components, events,
and the BeiDou grid (GB/T 39409).  A code that is refused is refused with the reason.
"""

from twin.codes.cells import GridCellCode, parse_grid_cell
from twin.codes.regions import RegionCode, parse_region
from twin.codes.things import ComponentCode, EventCode, parse_component, parse_event

__all__ = [
    "ComponentCode",
    "EventCode",
    "GridCellCode",
    "RegionCode",
    "parse_component",
    "parse_event",
    "parse_grid_cell",
    "parse_region",
]
