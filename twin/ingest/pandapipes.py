"""pandapipes networks of gas, heat and water (``.json``), read without the program.

The file is the program's own JSON: tables of junctions, pipes, valves and devices as pandas writes
them (``orient: split``), each wrapped in its class's name.  Diameters are in metres, pressures in
bar above the atmosphere's, heights in metres; the frame is never named.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twin.errors import InvalidInputError
from twin.ingest._features import Network, NetworkRequest, Reader
from twin.ingest._network import Link, Node, Place, assemble
from twin.ingest._single import only_file
from twin.units import bars, millimetres

_HEAD_BYTES = 4096
_LINKS = {
    "pipe": None,
    "valve": "valve",
    "pump": "pump",
    "circ_pump_pressure": "pump",
    "circ_pump_mass": "pump",
    "compressor": "compressor",
    "pressure_control": "regulator",
    "press_control": "regulator",
    "flow_control": "valve",
    "heat_exchanger": "exchanger",
    "heat_consumer": "exchanger",
}
"""Tables of what hangs between two junctions, and what it is."""
_ENDS = (
    ("from_junction", "to_junction"),
    ("return_junction", "flow_junction"),
    ("inlet_junction", "outlet_junction"),
)
_HEAT = ("heat_exchanger", "heat_consumer", "circ_pump_pressure", "circ_pump_mass")
_AT_NODES = {"ext_grid": "source", "source": "source", "mass_storage": "tank", "sink": None}
"""Tables of what stands at a junction, and what that makes of it."""
_ELSEWHERE = (
    "diameter_m",
    "inner_diameter_mm",
    "name",
    "in_service",
    "opened",
    "length_km",
    *sum(_ENDS, ()),
)

Row = dict[str, Any]


def claims(path: Path) -> bool:
    """Return whether a file begins as pandapipes writes it."""
    with path.open("rb") as file:
        return b"pandapipesNet" in file.read(_HEAD_BYTES)


def read_network(request: NetworkRequest) -> Network:
    """Return the network of a file.

    Raises
    ------
    InvalidInputError
        If it is no JSON of pandapipes, or lacks its tables of junctions and pipes.
    """
    path = only_file(request)
    net = _Net(path)
    fluid, kind, why = net.kind()
    nodes = _nodes(net, kind)
    links, notes = _links(net, kind, {node.id: node for node in nodes})
    notes += [
        f"fluid {fluid}",
        "the junctions' heights are the heights of the geometry; what they are of is not said: "
        "elevation_reference is unknown unless --map says it",
    ]
    if "kind" not in request.mapping:
        notes.append(f"kind {kind}: {why}; --map kind==… overrules")
    return assemble(path.name, nodes, links, notes=notes)


class _Net:
    """The tables of a file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self.tables = dict(_loads(path.read_bytes())["_object"])
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{path.name} is no network of pandapipes, or is truncated: {error}"
            ) from error
        for name in ("junction", "pipe"):
            if name not in self.tables:
                held = ", ".join(self.tables)
                raise InvalidInputError(f"{path.name} has no table {name!r}; it has {held}")

    def rows(self, table: str) -> Iterator[tuple[int, Row]]:
        """Return the rows of a table with their index; none where there is no such table."""
        if table not in self.tables:
            return
        try:
            frame = self.tables[table]["_object"]
            frame = _loads(frame) if isinstance(frame, str) else frame
            rows = [
                (int(index), dict(zip(frame["columns"], values, strict=True)))
                for index, values in zip(frame["index"], frame["data"], strict=True)
            ]
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{self.name}: the table {table!r} is not as pandapipes writes it "
                f"(columns, index and data): {error}"
            ) from error
        yield from rows

    def kind(self) -> tuple[str, str, str]:
        """Return the fluid, what kind of pipes that makes, and why."""
        try:
            fluid = self.tables["fluid"]["_object"]
            fluid = _loads(fluid) if isinstance(fluid, str) else fluid
            name, is_gas = str(fluid["name"]), bool(fluid["is_gas"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidInputError(
                f"{self.name} does not say what flows in it: {error}"
            ) from error
        if is_gas:
            return name, "gas", f"the fluid is {name}, a gas"
        if any(True for table in _HEAT for _ in self.rows(table)):
            return name, "heat", f"the fluid is {name} and it gives off heat or circulates"
        return name, "water", f"the fluid is {name} and nothing gives off heat"


def _loads(said: str | bytes) -> Any:
    """Return what JSON says; pandas writes NaN and Infinity, which JSON does not have."""
    return json.loads(said, parse_constant=lambda _: None)


def _nodes(net: _Net, kind: str) -> list[Node]:
    places = {index: (row.get("x"), row.get("y")) for index, row in net.rows("junction_geodata")}
    at: dict[int, Row] = {}
    for table, appurtenance in _AT_NODES.items():
        for _, row in net.rows(table):
            found = at.setdefault(row.get("junction", -1), {})
            found.setdefault("appurtenance", appurtenance)
            found[f"{table}s"] = found.get(f"{table}s", 0) + 1
            if isinstance(row.get("mdot_kg_per_s"), int | float):
                key = f"{table}_kg_per_s"
                found[key] = found.get(key, 0.0) + row["mdot_kg_per_s"] * row.get("scaling", 1.0)
            if table == "ext_grid":
                found["ext_grid_pa"] = _pascals(row.get("p_bar"))
    nodes = []
    for index, row in net.rows("junction"):
        height_m = row.get("height_m")
        fields = {
            "kind": kind, "name": row.get("name"), "feature": "junction", "z_m": height_m,
            "elevation_m": height_m, "elevation_reference": "unknown", "state": _state(row),
            "nominal_pa": _pascals(row.get("pn_bar")), "tfluid_k": row.get("tfluid_k"),
            **at.get(index, {}),
        }  # fmt: skip
        place = _place(*places.get(index, (None, None))) or _geo(row.get("geo"))
        nodes.append(Node(str(index), place, fields))
    return nodes


def _geo(said: Any) -> Place | None:
    """Return a place that is written as a GeoJSON point, None if it is not."""
    try:
        point = _loads(said)
        return _place(*point["coordinates"][:2])
    except (json.JSONDecodeError, KeyError, TypeError):
        return None


def _links(net: _Net, kind: str, nodes: dict[str, Node]) -> tuple[list[Link], list[str]]:
    drawn = {index: row.get("coords") or [] for index, row in net.rows("pipe_geodata")}
    in_pipes = {row["element"]: row for _, row in net.rows("valve") if row.get("et") == "pi"}
    links: list[Link] = []
    counts: Counter[str] = Counter()
    for table, device in _LINKS.items():
        for index, row in net.rows(table):
            if row.get("et", "ju") != "ju":
                counts["valve in another element"] += 1
                continue
            ends = _ends_of(net, table, row)
            own = in_pipes.get(index, {}) if table == "pipe" else row
            first, last = (nodes.get(end) for end in ends)
            pressures = [one.fields["nominal_pa"] for one in (first, last) if one is not None]
            fields = {
                "kind": kind, "device": device, "name": row.get("name"), "state": _state(row),
                "width_m": _width(row), "shape": "circular", "valve_state": _valve(own),
                "elevation_reference": "unknown",
                "z_from_m": first and first.fields["z_m"], "z_to_m": last and last.fields["z_m"],
                "pressure_pa": max((one for one in pressures if one is not None), default=None),
                "length_m": _metres(row.get("length_km")),
                "table": table,
                **{name: value for name, value in row.items() if name not in _ELSEWHERE},
            }  # fmt: skip
            between = _between(drawn.get(index, []), first, last) if table == "pipe" else ()
            links.append(Link(f"{table}/{index}", ends, between, _plain(fields)))
            counts[table] += 1
    return links, [", ".join(f"{number} in table {name}" for name, number in counts.items())]


def _ends_of(net: _Net, table: str, row: Row) -> tuple[str, str]:
    for pair in _ENDS:
        if pair[0] in row and pair[1] in row:
            return str(row[pair[0]]), str(row[pair[1]])
    if "et" in row:  # a valve between a junction and what is called its element
        return str(row["junction"]), str(row["element"])
    raise InvalidInputError(
        f"{net.name}: a row of {table!r} does not say its two junctions "
        f"({' or '.join(' and '.join(pair) for pair in _ENDS)}); it has {', '.join(row)}"
    )


def _between(drawn: list[Any], first: Node | None, last: Node | None) -> list[Place]:
    """Return the vertices of a pipe without its ends, whether or not they were drawn."""
    path = [place for place in (_place(*one[:2]) for one in drawn) if place is not None]
    if path and first is not None and path[0] == first.place:
        path = path[1:]
    if path and last is not None and path[-1] == last.place:
        path = path[:-1]
    return path


def _place(x: Any, y: Any) -> Place | None:
    if not (isinstance(x, int | float) and isinstance(y, int | float)):
        return None
    return (float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None


def _state(row: Row) -> str:
    return "out_of_service" if row.get("in_service") is False else "in_service"


def _valve(row: Row) -> str | None:
    said = row.get("opened")
    return None if said is None else ("open" if said else "closed")


def _width(row: Row) -> float | None:
    """Return an inner diameter: in metres, in later versions in mm."""
    if isinstance(row.get("inner_diameter_mm"), int | float):
        return millimetres(row["inner_diameter_mm"])
    return row.get("diameter_m")


def _pascals(bar: Any) -> float | None:
    return bars(bar) if isinstance(bar, int | float) else None


def _metres(kilometres: Any) -> float | None:
    return kilometres * 1000.0 if isinstance(kilometres, int | float) else None


def _plain(fields: Row) -> Row:
    """Return fields whose values are words and numbers; anything else becomes its JSON."""
    return {
        name: value
        if value is None or isinstance(value, str | int | float)
        else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }


READER = Reader(
    id="pandapipes",
    title={"zh": "pandapipes 燃气与热力管网", "en": "pandapipes network of gas, heat or water"},
    suffixes=(".json",),
    network=read_network,
    claims=claims,
)
