"""A reader of vector tiles that believes nothing: it follows specification 2.1 to the letter."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shapely import MultiPolygon, Polygon, is_valid_reason

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass
class Feature:
    id: int | None = None
    kind: int = 0
    properties: dict[str, Any] = field(default_factory=dict)
    parts: list[list[tuple[int, int]]] = field(default_factory=list)
    """Points: one a part.  Lines: one list a line.  Polygons: one list a ring, not closed."""


@dataclass
class Layer:
    name: str = ""
    version: int = 1
    extent: int = 4096
    keys: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)


class BrokenError(Exception):
    """The tile cannot be read at all."""


def read(tile: bytes) -> tuple[list[Layer], list[str]]:
    """Return the layers of a tile, and everything in it that the specification forbids."""
    wrong: list[str] = []
    layers = []
    for number, wire, data in _fields(tile):
        if number == 3:
            if wire != BYTES:
                raise BrokenError("a layer is no message")
            layers.append(_layer(data, wrong))
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        wrong.append(f"two layers have one name: {names}")
    return layers, wrong


def polygons(feature: Feature) -> MultiPolygon:
    """Return a polygon feature as its rings say: positive area begins a new polygon."""
    found: list[tuple[Any, list[Any]]] = []
    for ring in feature.parts:
        if doubled_area(ring) > 0:
            found.append((ring, []))
        elif found:
            found[-1][1].append(ring)
    return MultiPolygon([Polygon(outer, inner) for outer, inner in found])


def doubled_area(ring: list[tuple[int, int]]) -> int:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise BrokenError("a number is cut short or too long")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    at = 0
    while at < len(data):
        head, at = _varint(data, at)
        number, wire = head >> 3, head & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire, -1)
        if wire == BYTES:
            size, at = _varint(data, at)
        if size < 0 or at + size > len(data):
            raise BrokenError(f"field {number} of wire type {wire} is cut short or unknown")
        yield number, wire, data[at : at + size]
        at += size


def _packed(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found


_LAYER_WIRES = {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 15: VARINT}


def _layer(data: bytes, wrong: list[str]) -> Layer:
    layer, raw, named, versioned = Layer(), [], 0, 0
    told: list[bytes] = []
    for number, wire, value in _fields(data):
        if number in _LAYER_WIRES and wire != _LAYER_WIRES[number]:
            wrong.append(f"a layer's field {number} has wire type {wire}")
            continue
        if number == 1:
            layer.name, named = value.decode("utf-8"), named + 1
        elif number == 2:
            raw.append(value)
        elif number == 3:
            layer.keys.append(value.decode("utf-8"))
        elif number == 4:
            layer.values.append(_value(value, wrong))
            told.append(value)
        elif number == 5:
            layer.extent = value
        elif number == 15:
            layer.version, versioned = value, versioned + 1
    if named != 1:
        wrong.append(f"the layer has {named} names")
    if versioned != 1 or layer.version != 2:
        wrong.append(f"layer {layer.name}: version {layer.version}, given {versioned} times")
    if not raw:
        wrong.append(f"layer {layer.name} has no features")
    if len(set(layer.keys)) != len(layer.keys):
        wrong.append(f"layer {layer.name}: a key twice")
    if len(set(told)) != len(told):
        wrong.append(f"layer {layer.name}: a value twice")
    layer.features = [_feature(each, layer, wrong) for each in raw]
    ids = [feature.id for feature in layer.features if feature.id is not None]
    if len(set(ids)) != len(ids):
        wrong.append(f"layer {layer.name}: an id twice")
    return layer


_WIRES = {1: BYTES, 2: FIXED32, 3: FIXED64, 4: VARINT, 5: VARINT, 6: VARINT, 7: VARINT}


def _value(data: bytes, wrong: list[str]) -> Any:
    found: list[Any] = []
    for number, wire, value in _fields(data):
        if wire != _WIRES.get(number):
            wrong.append(f"a value's field {number} has wire type {wire}")
            continue
        match number:
            case 1:
                found.append(value.decode("utf-8"))
            case 2:
                found.append(struct.unpack("<f", value)[0])
            case 3:
                found.append(struct.unpack("<d", value)[0])
            case 4:
                found.append(value - (1 << 64) if value >> 63 else value)
            case 5:
                found.append(value)
            case 6:
                found.append(value >> 1 ^ -(value & 1))
            case 7:
                found.append(bool(value))
    if len(found) != 1:
        wrong.append(f"a value holds {len(found)} values")
    return found[0] if found else None


def _feature(data: bytes, layer: Layer, wrong: list[str]) -> Feature:
    feature, tags, commands, drawn = Feature(), [], [], 0
    for number, _wire, value in _fields(data):
        if number == 1:
            feature.id = value
        elif number == 2:
            tags += _packed(value)
        elif number == 3:
            feature.kind = value
        elif number == 4:
            commands, drawn = commands + _packed(value), drawn + 1
    told = f"{layer.name}/{feature.id}"
    if feature.kind not in (1, 2, 3):
        wrong.append(f"{told}: geometry of type {feature.kind}")
    if drawn > 1:
        wrong.append(f"{told}: {drawn} geometries")
    if len(tags) % 2:
        wrong.append(f"{told}: tags are no pairs")
    for key, value in zip(tags[::2], tags[1::2], strict=False):
        if key >= len(layer.keys) or value >= len(layer.values):
            wrong.append(f"{told}: tag {key}={value} is not in the layer")
        else:
            if layer.keys[key] in feature.properties:
                wrong.append(f"{told}: {layer.keys[key]} twice")
            feature.properties[layer.keys[key]] = layer.values[value]
    wrong += [f"{told}: {each}" for each in _geometry(feature, commands)]
    return feature


def _geometry(feature: Feature, commands: list[int]) -> Iterator[str]:
    at, x, y = 0, 0, 0
    closed: list[bool] = []
    while at < len(commands):
        command, count, at = commands[at] & 7, commands[at] >> 3, at + 1
        if command == 7:
            if feature.kind != 3 or count != 1 or not feature.parts:
                yield "closes what is no ring"
                return
            closed[-1] = True
            continue
        if command not in (1, 2) or count < 1 or at + 2 * count > len(commands):
            yield f"command {command} with {count} places, {len(commands) - at} numbers left"
            return
        if command == 1 and feature.kind != 1 and count != 1:
            yield f"moves {count} times at once"
        if command == 2 and not feature.parts:
            yield "draws before it moves"
            return
        for _ in range(count):
            dx, dy = (n >> 1 ^ -(n & 1) for n in commands[at : at + 2])
            at, x, y = at + 2, x + dx, y + dy
            if command == 2 and (dx, dy) == (0, 0):
                yield "draws a line of no length"
            if command == 1:
                feature.parts.append([])
                closed.append(False)
            feature.parts[-1].append((x, y))
    if not feature.parts:
        yield "no geometry"
    if feature.kind == 2 and any(len(part) < 2 for part in feature.parts):
        yield "a line of one place"
    if feature.kind == 3:
        yield from _rings(feature, closed)


def _rings(feature: Feature, closed: list[bool]) -> Iterator[str]:
    if not all(closed):
        yield "a ring is not closed"
    for number, ring in enumerate(feature.parts):
        area = doubled_area(ring)
        if len(ring) < 3 or area == 0:
            yield f"ring {number} has no area"
        if ring[0] == ring[-1]:
            yield f"ring {number} repeats its first place"
        if number == 0 and area < 0:
            yield "the first ring is wound as a hole"
    reason = is_valid_reason(polygons(feature)) if all(len(r) >= 3 for r in feature.parts) else ""
    if reason and reason != "Valid Geometry":
        yield f"not valid: {reason}"
