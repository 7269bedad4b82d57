"""EPANET (``.inp``, 2.0 to 2.3): junctions, reservoirs and tanks; pipes, pumps and valves.

The flow unit says the system of all others: with litres or cubic metres lengths are in metres and
diameters in mm, else in feet and inches; GPM where none is named.  A node's elevation is of what
the modeller took it from, the ground or the pipe: it is the height of the geometry, and what it
refers to stays unknown until somebody says it (``--map elevation_reference==centre``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.ingest._features import Network, NetworkRequest, Reader
from twin.ingest._inp import Inp, Line, read_inp, section_names
from twin.ingest._network import Link, Node, assemble
from twin.ingest._single import only_file
from twin.units import feet, inches, millimetres

SECTIONS = (
    "TITLE", "JUNCTIONS", "RESERVOIRS", "TANKS", "PIPES", "PUMPS", "VALVES", "EMITTERS", "CURVES",
    "PATTERNS", "ENERGY", "STATUS", "CONTROLS", "RULES", "DEMANDS", "QUALITY", "REACTIONS",
    "SOURCES", "MIXING", "OPTIONS", "TIMES", "REPORT", "ROUGHNESS", "LEAKAGE", "COORDINATES",
    "VERTICES", "LABELS", "BACKDROP", "TAGS", "END",
)  # fmt: skip
_OWN = frozenset({"PIPES", "RESERVOIRS", "TANKS", "EMITTERS", "DEMANDS", "MIXING"})
_US = ("CFS", "GPM", "MGD", "IMGD", "AFD")
_METRIC = ("LPS", "LPM", "MLD", "CMH", "CMD", "CMS", "SI")
_VALVES = ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
_STATES = ("OPEN", "CLOSED", "CV")
_MOST_M, _SHOWN = 20.0, 5
_UNREAL = (
    "{} valves are {:g} m wide or more, which modellers write for one without loss: "
    "their width is unknown, size_text has what the file says: {}"
)
_CLOCK = re.compile(r"\d+(\.\d*)?|\d+(:\d+){1,2}")


def claims(path: Path) -> bool:
    """Return whether a file has sections that only EPANET has."""
    return bool(_OWN & set(section_names(path)))


def read_network(request: NetworkRequest) -> Network:
    """Return the network of a file.

    Raises
    ------
    InvalidInputError
        If the file breaks EPANET's grammar, names a thing twice or a node that it does not have;
        the message gives the lines.
    """
    path = only_file(request)
    inp = read_inp(path, "EPANET", SECTIONS)
    units = _Units(inp)
    nodes = _nodes(inp, units)
    links = _links(inp, units, {node.id for node in nodes})
    _check_times(inp)
    inp.refuse_mistakes()
    unreal = [
        one.id
        for one in links
        if one.fields.get("device") == "valve" and one.fields["width_m"] is None
    ]
    return assemble(
        path.name,
        nodes,
        links,
        notes=[
            f"units of {units.flow}: {'m and mm' if units.metric else 'feet and inches'}",
            "what the nodes' elevations are of is not said in the file: they are the heights of "
            "the geometry, elevation_reference is unknown unless --map says it",
            *([_UNREAL.format(len(unreal), _MOST_M, ", ".join(unreal[:_SHOWN]))] if unreal else []),
            *inp.strays((one.id for one in nodes), (one.id for one in links)),
            *([f"text read as {inp.encoding}"] if inp.encoding != "UTF-8" else []),
        ],
        hint=inp.hint(),
    )


class _Units:
    """The units of a file, by its flow unit."""

    def __init__(self, inp: Inp) -> None:
        number, words = inp.options().get("UNITS", (0, ["UNITS", "GPM"]))
        self.flow = words[1].upper() if len(words) > 1 else ""
        if self.flow not in (*_US, *_METRIC):
            known = ", ".join((*_US, *_METRIC))
            inp.wrong(number, f"{self.flow!r} is no unit of flow; there are {known}")
        self.metric = self.flow in _METRIC
        self.length: Callable[[float], float] = float if self.metric else feet
        self.diameter: Callable[[float], float] = millimetres if self.metric else inches
        self.pressure = "m" if self.metric else "psi"


def _nodes(inp: Inp, units: _Units) -> list[Node]:
    places, tags = inp.places, inp.tags
    seen: dict[str, int] = {}
    nodes = []
    for section, least, fields_of in (
        ("JUNCTIONS", 1, _junction),
        ("RESERVOIRS", 2, _reservoir),
        ("TANKS", 2, _tank),
    ):
        for line in inp.lines(section, least, "its name and its elevation are expected"):
            number, words = line
            if not inp.once(seen, line, "node"):
                continue
            fields = {"kind": "water", "elevation_reference": "unknown"}
            fields |= fields_of(inp, units, line)
            if ("N", words[0]) in tags:
                fields["tag"] = tags["N", words[0]]
            nodes.append(Node(words[0], places.get(words[0]), fields, f"line {number}"))
    return nodes


def _junction(inp: Inp, units: _Units, line: Line) -> dict[str, Any]:
    z_m = _length(inp, units, line, 1, "elevation")
    demand = inp.number(line, 2, "demand")
    return {
        "feature": "junction",
        "z_m": z_m,
        "elevation_m": z_m,
        "demand": None if demand is None else f"{demand:g} {units.flow}",
    }


def _reservoir(inp: Inp, units: _Units, line: Line) -> dict[str, Any]:
    head_m = _length(inp, units, line, 1, "head")
    return {"feature": "reservoir", "appurtenance": "source", "head_m": head_m}


def _tank(inp: Inp, units: _Units, line: Line) -> dict[str, Any]:
    if len(line[1]) <= 3:  # as EPANET has it: without levels it is a reservoir
        return _reservoir(inp, units, line)
    z_m = _length(inp, units, line, 1, "elevation")
    names = ("initial_level_m", "lowest_level_m", "highest_level_m", "tank_diameter_m")
    levels = {
        name: _length(inp, units, line, place, name.removesuffix("_m").replace("_", " "))
        for place, name in enumerate(names, 2)
    }
    return {"feature": "tank", "appurtenance": "tank", "z_m": z_m, "elevation_m": z_m, **levels}


def _length(inp: Inp, units: _Units, line: Line, place: int, what: str) -> float | None:
    found = inp.number(line, place, what)
    return None if found is None else units.length(found)


def _links(inp: Inp, units: _Units, nodes: set[str]) -> list[Link]:
    vertices, tags, states = inp.vertices, inp.tags, _states(inp)
    seen: dict[str, int] = {}
    levels = _elevations(inp, units)
    links = []
    for section, least, form, fields_of in (
        ("PIPES", 6, "name, two nodes, length, diameter and roughness are expected", _pipe),
        ("PUMPS", 4, "name, two nodes and HEAD or POWER are expected", _pump),
        ("VALVES", 6, "name, two nodes, diameter, type and setting are expected", _valve),
    ):
        for line in inp.lines(section, least, form):
            number, words = line
            if not inp.once(seen, line, "link"):
                continue
            ends = words[1], words[2]
            inp.unknown(ends, dict.fromkeys(nodes), number)
            fields = {
                "kind": "water",
                "elevation_reference": "unknown",
                "z_from_m": levels.get(ends[0]),
                "z_to_m": levels.get(ends[1]),
            }
            fields |= fields_of(inp, units, line, states.get(words[0], ""))
            if ("L", words[0]) in tags:
                fields["tag"] = tags["L", words[0]]
            between = vertices.get(words[0], ())
            links.append(Link(words[0], ends, between, fields, f"line {number}"))
    return links


def _elevations(inp: Inp, units: _Units) -> dict[str, float]:
    """Return the elevations of junctions and tanks, m; wrong ones are told elsewhere."""
    found = {}
    for section, least in (("JUNCTIONS", 2), ("TANKS", 4)):
        for _, words in inp.sections.get(section, []):
            if len(words) >= least and re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", words[1]):
                found[words[0]] = units.length(float(words[1]))
    return found


def _states(inp: Inp) -> dict[str, str]:
    """Return what [STATUS] says of links, in capitals."""
    lines = inp.lines("STATUS", 2, "a link and OPEN, CLOSED or a setting are expected")
    return {words[0]: words[1].upper() for _, words in lines}


def _pipe(inp: Inp, units: _Units, line: Line, state: str) -> dict[str, Any]:
    diameter = inp.number(line, 4, "diameter")
    length_m = _length(inp, units, line, 3, "length")
    roughness = inp.number(line, 5, "roughness")
    said = state or next((w.upper() for w in line[1][6:8] if w.upper() in _STATES), "OPEN")
    for word in line[1][6:8]:
        if word.upper() not in _STATES and not _is_number(word):
            inp.wrong(line[0], f"{word!r} is no state of a pipe; there are {', '.join(_STATES)}")
    return {
        "width_m": None if diameter is None else units.diameter(diameter),
        "size_text": f"{line[1][4]} {'mm' if units.metric else 'in'}",
        "shape": "circular",
        "length_m": length_m,
        "roughness": roughness,
        "valve_state": "closed" if said == "CLOSED" else None,
        "flow_dir": 1 if said == "CV" else None,
        "check_valve": True if said == "CV" else None,
    }


def _pump(inp: Inp, units: _Units, line: Line, state: str) -> dict[str, Any]:
    closed = state == "CLOSED" or state in ("0", "0.0")
    return {
        "device": "pump",
        "flow_dir": 1,
        "valve_state": "closed" if closed else "open",
        "parameters": " ".join(line[1][3:]),
    }


def _valve(inp: Inp, units: _Units, line: Line, state: str) -> dict[str, Any]:
    diameter = inp.number(line, 3, "diameter")
    width_m = None if diameter is None else units.diameter(diameter)
    sort = line[1][4].upper()
    if sort not in _VALVES:
        inp.wrong(line[0], f"{line[1][4]!r} is no sort of valve; there are {', '.join(_VALVES)}")
    unit = units.pressure if sort in ("PRV", "PSV", "PBV") else ""
    unit = units.flow if sort == "FCV" else unit
    return {
        "device": "valve",
        "width_m": width_m if width_m is not None and width_m < _MOST_M else None,
        "size_text": f"{line[1][3]} {'mm' if units.metric else 'in'}",
        "shape": "circular",
        "valve_state": "closed" if state == "CLOSED" else "open",
        "valve_type": sort,
        "setting": f"{line[1][5]} {unit}".strip(),
    }


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _check_times(inp: Inp) -> None:
    """Refuse what EPANET refuses, although a map needs no times: the file may be damaged."""
    for number, words in inp.sections.get("TIMES", []):
        if words[0].upper().startswith("STATISTIC"):
            continue
        clocks = [word for word in words if word[0].isdigit()]
        bad = [word for word in clocks if not _CLOCK.fullmatch(word)]
        if bad or not clocks:
            said = bad[0] if bad else " ".join(words)
            inp.wrong(number, f"{said!r} is no time: hours, or hours:minutes:seconds are expected")


READER = Reader(
    id="epanet",
    title={"zh": "EPANET 供水管网模型", "en": "EPANET network"},
    suffixes=(".inp",),
    network=read_network,
    claims=claims,
)
