"""SWMM (``.inp``, 5.0 to 5.2): junctions, outfalls, storage, dividers; conduits and what regulates.

The flow unit says the system: CMS, LPS, MLD are metric, all in metres; CFS, GPM, MGD in feet.
A node's elevation is its invert and its depth reaches the ground.  A conduit's ends lie above the
inverts by its offsets, or at the levels given instead (``LINK_OFFSETS ELEVATION``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from twin.ingest._features import Network, NetworkRequest, Reader
from twin.ingest._inp import Inp, Line, read_inp, section_names
from twin.ingest._network import Link, Node, assemble
from twin.ingest._single import only_file
from twin.units import feet

SECTIONS = (
    "TITLE", "OPTIONS", "FILES", "RAINGAGES", "EVAPORATION", "TEMPERATURE", "ADJUSTMENTS",
    "SUBCATCHMENTS", "SUBAREAS", "INFILTRATION", "LID_CONTROLS", "LID_USAGE", "AQUIFERS",
    "GROUNDWATER", "GWF", "SNOWPACKS", "JUNCTIONS", "OUTFALLS", "DIVIDERS", "STORAGE", "CONDUITS",
    "PUMPS", "ORIFICES", "WEIRS", "OUTLETS", "XSECTIONS", "TRANSECTS", "STREETS", "INLETS",
    "INLET_USAGE", "LOSSES", "CONTROLS", "POLLUTANTS", "LANDUSES", "COVERAGES", "LOADINGS",
    "BUILDUP", "WASHOFF", "TREATMENT", "INFLOWS", "DWF", "HYDROGRAPHS", "RDII", "CURVES",
    "TIMESERIES", "PATTERNS", "REPORT", "EVENTS", "TAGS", "MAP", "COORDINATES", "VERTICES",
    "POLYGONS", "SYMBOLS", "LABELS", "BACKDROP", "PROFILES",
)  # fmt: skip
_OWN = frozenset({"CONDUITS", "OUTFALLS", "XSECTIONS", "SUBCATCHMENTS", "RAINGAGES", "STORAGE"})
_US, _METRIC = ("CFS", "GPM", "MGD"), ("CMS", "LPS", "MLD")
_NAMED_SHAPES = ("IRREGULAR", "CUSTOM", "STREET")
_SHAPES = {
    "CIRCULAR": "circular", "FORCE_MAIN": "circular", "FILLED_CIRCULAR": "circular",
    "RECT_CLOSED": "rectangular", "RECT_OPEN": "rectangular", "EGG": "egg",
}  # fmt: skip
_EGG_WIDTH = 2 / 3
"""Greatest width of SWMM's standard egg by its height (its ``xsect.c``)."""
_WIDEST_M = 20.0
_DIVIDER_DEPTH = {"CUTOFF": 5, "OVERFLOW": 4, "TABULAR": 5, "WEIR": 7}
"""Where the depth of a divider stands, by its sort."""


def claims(path: Path) -> bool:
    """Return whether a file has sections that only SWMM has."""
    return bool(_OWN & set(section_names(path)))


class _Level(NamedTuple):
    invert_m: float
    ground_m: float | None


def read_network(request: NetworkRequest) -> Network:
    """Return the network of a file.

    Raises
    ------
    InvalidInputError
        If the file breaks SWMM's grammar, names a thing twice or a node that it does not have; the
        message gives the lines.
    """
    path = only_file(request)
    inp = read_inp(path, "SWMM", SECTIONS)
    flow, length = _units(inp)
    kind, why = _kind(inp)
    nodes, levels = _nodes(inp, length, kind)
    links = _links(inp, length, levels, kind)
    inp.refuse_mistakes()
    notes = [f"units of {flow}: {'metres' if flow in _METRIC else 'feet'}"]
    if "kind" not in request.mapping:
        notes.append(f"kind {kind}: {why}; --map kind==… overrules")
    if inp.encoding != "UTF-8":
        notes.append(f"text read as {inp.encoding}")
    return assemble(path.name, nodes, links, notes=notes, hint=inp.hint())


def _units(inp: Inp) -> tuple[str, Callable[[float], float]]:
    number, words = inp.options().get("FLOW_UNITS", (0, ["FLOW_UNITS", "CFS"]))
    flow = words[1].upper() if len(words) > 1 else ""
    if flow not in (*_US, *_METRIC):
        known = ", ".join((*_US, *_METRIC))
        inp.wrong(number, f"{flow!r} is no unit of flow; there are {known}")
    return flow, float if flow in _METRIC else feet


def _kind(inp: Inp) -> tuple[str, str]:
    """Return what flows by what the model feeds in, and why so."""
    rain, foul = bool(inp.sections.get("SUBCATCHMENTS")), bool(inp.sections.get("DWF"))
    if rain and foul:
        return "combined", "the model has subcatchments and dry weather flow"
    if foul:
        return "sewer", "the model has dry weather flow and no subcatchments"
    return "storm", "the model has " + (
        "subcatchments and " if rain else ""
    ) + "no dry weather flow"


def _nodes(
    inp: Inp, length: Callable[[float], float], kind: str
) -> tuple[list[Node], dict[str, _Level]]:
    places, tags = inp.places(), inp.tags()
    seen: dict[str, int] = {}
    nodes, levels = [], {}
    for section, feature, appurtenance in (
        ("JUNCTIONS", "junction", None),
        ("OUTFALLS", "outfall", "outfall"),
        ("DIVIDERS", "divider", None),
        ("STORAGE", "storage", "tank"),
    ):
        for line in inp.lines(section, 2, "its name and its invert elevation are expected"):
            number, words = line
            if not inp.once(seen, line, "node"):
                continue
            invert, depth_m = inp.number(line, 1, "elevation"), _depth(inp, length, section, line)
            if invert is None:
                continue
            level = _Level(length(invert), depth_m and length(invert) + depth_m)
            levels[words[0]] = level
            fields = {
                "kind": kind, "feature": feature, "appurtenance": appurtenance,
                "elevation_reference": "invert", "invert_z_m": level.invert_m,
                "ground_z_m": level.ground_m, "depth_m": depth_m,
                "tag": tags.get(("N", words[0])),
                "outfall_type": words[2] if section == "OUTFALLS" and len(words) > 2 else None,
                "storage_curve": " ".join(words[4:8]) if section == "STORAGE" else None,
            }  # fmt: skip
            nodes.append(Node(words[0], places.get(words[0]), fields, f"line {number}"))
    return nodes, levels


def _depth(inp: Inp, length: Callable[[float], float], section: str, line: Line) -> float | None:
    """Return a node's depth to the ground, m; none where SWMM is to take it from the conduits."""
    if section == "OUTFALLS":
        return None
    place = 2
    if section == "DIVIDERS":
        sort = line[1][3].upper() if len(line[1]) > 3 else ""
        place = _DIVIDER_DEPTH.get(sort, 99)
        if place == 99:
            known = ", ".join(_DIVIDER_DEPTH)
            inp.wrong(line[0], f"{sort!r} is no sort of divider; there are {known}")
    found = inp.number(line, place, "depth")
    return length(found) if found else None


def _links(
    inp: Inp, length: Callable[[float], float], levels: dict[str, _Level], kind: str
) -> list[Link]:
    vertices, tags, sections = inp.vertices(), inp.tags(), _cross_sections(inp, length)
    seen: dict[str, int] = {}
    links = []
    for section, least, device, form in (
        ("CONDUITS", 7, None, "name, two nodes, length, roughness and two offsets are expected"),
        ("PUMPS", 4, "pump", "name, two nodes and a pump curve are expected"),
        ("ORIFICES", 6, "orifice", "name, two nodes, type, offset and coefficient are expected"),
        ("WEIRS", 6, "weir", "name, two nodes, type, crest and coefficient are expected"),
        ("OUTLETS", 5, "outlet", "name, two nodes, offset and type are expected"),
    ):
        for line in inp.lines(section, least, form):
            number, words = line
            if not inp.once(seen, line, "link"):
                continue
            ends = words[1], words[2]
            inp.unknown(ends, levels, number)
            fields: dict[str, Any] = {
                "kind": kind,
                "device": device,
                "tag": tags.get(("L", words[0])),
            }
            if device is None:
                fields |= _conduit(inp, length, levels, line) | sections.pop(words[0], {})
            else:
                fields |= {"elevation_reference": "unknown", "parameters": " ".join(words[3:])}
                made = sections.pop(words[0], {})
                fields |= {"size_text": made.get("size_text")}
            between = vertices.get(words[0], ())
            links.append(Link(words[0], ends, between, fields, f"line {number}"))
    for number, name in ((made["line"], name) for name, made in sections.items()):
        inp.wrong(number, f"[XSECTIONS] there is no link {name!r} in the file")
    for link in links:
        link.fields.pop("line", None)
    return links


def _conduit(
    inp: Inp, length: Callable[[float], float], levels: dict[str, _Level], line: Line
) -> dict[str, Any]:
    """Return a conduit's length, roughness and the levels and depths of its ends."""
    words = line[1]
    stated = inp.number(line, 3, "length")
    fields: dict[str, Any] = {
        "elevation_reference": "invert",
        "length_m": None if stated is None else length(stated),
        "roughness": inp.number(line, 4, "roughness"),
    }
    stated_as = inp.options().get("LINK_OFFSETS", (0, ["", "DEPTH"]))[1][1:2]
    by_level = [word.upper() for word in stated_as] == ["ELEVATION"]
    for end, place, side in ((words[1], 5, "from"), (words[2], 6, "to")):
        level = levels.get(end)
        if level is None:
            continue
        offset = 0.0 if words[place] == "*" else inp.number(line, place, "offset") or 0.0
        z_m = level.invert_m + length(offset)
        if by_level and words[place] != "*":
            z_m = length(offset)
        fields[f"z_{side}_m"] = z_m
        if level.ground_m is not None:
            fields[f"depth_{side}_m"] = level.ground_m - z_m
    return fields


def _cross_sections(inp: Inp, length: Callable[[float], float]) -> dict[str, dict[str, Any]]:
    """Return the sizes of links as fields, and the line that gives each."""
    found = {}
    for line in inp.lines("XSECTIONS", 3, "link, shape and size are expected"):
        number, words = line
        shape = words[1].upper()
        named = shape in _NAMED_SHAPES
        sizes = [] if named else [inp.number(line, place, "size") or 0.0 for place in range(2, 4)]
        barrels = None if named else inp.number(line, 6, "number of barrels")
        width_m, height_m = _size(shape, *(length(one) for one in (*sizes, 0.0, 0.0)[:2]))
        found[words[0]] = {
            "shape": _SHAPES.get(shape, shape.lower()),
            "size_text": " ".join(words[1:6]).removesuffix(" 0 0 0"),
            "width_m": width_m if 0 < width_m < _WIDEST_M else None,
            "height_m": height_m if height_m and 0 < height_m < _WIDEST_M else None,
            "n_ducts": int(barrels) if barrels and barrels > 1 else None,
            "line": number,
        }
    return found


def _size(shape: str, first_m: float, second_m: float) -> tuple[float, float | None]:
    """Return width and height of a cross-section; SWMM gives the height first.

    >>> _size("CIRCULAR", 0.9, 0.0), _size("RECT_CLOSED", 1.0, 2.0)
    ((0.9, None), (2.0, 1.0))
    """
    if shape in ("CIRCULAR", "FORCE_MAIN", "FILLED_CIRCULAR"):
        return first_m, None
    if shape == "EGG":
        return first_m * _EGG_WIDTH, first_m
    return second_m, first_m


READER = Reader(
    id="swmm",
    title={"zh": "SWMM 排水管网模型", "en": "SWMM drainage network"},
    suffixes=(".inp",),
    network=read_network,
    claims=claims,
)
