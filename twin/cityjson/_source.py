"""A CityJSON file or sequence as batches of objects, without more in memory than must be.

A sequence (CityJSONSeq) is read line by line.  A single document above `WHOLE_BYTES` is read twice
by an incremental parser: first what all objects share, then the objects one after another.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import ijson
import numpy as np
import orjson

from twin.cityjson._header import Floats, Header, header, whole_vertices
from twin.errors import InvalidInputError

WHOLE_BYTES = 50 * 2**20
"""Documents up to this size are parsed in one go."""
LONGEST_LINE = 256 * 2**20
MOST_VERTICES = 100_000_000
"""Of one document, which keeps them all in memory: 2.4 GB."""
BATCH_OBJECTS = 4_000
_BATCH_BYTES = 16 * 2**20
_CHUNK = 1 << 20
_SHARED = ("type", "version", "transform", "metadata", "geometry-templates")
_GROUP_KEY = re.compile(rb'"((?:[^"\\]++|\\.)*+)"\s*:\s*\{')

Objects = dict[str, dict[str, Any]]


@dataclass
class Part:
    """Objects that share a list of vertices: those of a file, or of one feature of a sequence."""

    objects: Objects
    vertices: Floats
    """Shape (n, 3), in the file's frame."""
    where: str


@dataclass
class Source:
    """An opened file: what holds for all of it, and its objects in batches."""

    path: Path
    form: str
    header: Header
    batches: Iterator[list[Part]] = field(repr=False)


def open_source(path: Path) -> Source:
    """Return a file's header and an iterator over its objects.

    Raises
    ------
    InvalidInputError
        If it is neither CityJSON nor CityJSONSeq, here or while iterating.
    """
    try:
        with _opened(path) as file:
            first = file.readline(WHOLE_BYTES + 1)
            follows = file.read(_CHUNK).strip() if len(first) <= WHOLE_BYTES else b""
            if _is_sequence(path, first, bool(follows)):
                return _sequence(path)
            file.seek(0)
            content = file.read(WHOLE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"it cannot be unpacked: {error}") from error
    if len(content) > WHOLE_BYTES:
        del content
        return _incremental(path)
    return _whole(path, content)


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")


def _is_sequence(path: Path, first: bytes, more: bool) -> bool:
    names = path.name.lower().removesuffix(".gz")
    if names.endswith((".jsonl", ".ndjson", ".jsonseq", ".city.jsons")):
        return True
    if not more:
        return False
    try:
        # A pretty document's first line is no whole document.
        return isinstance(orjson.loads(first.strip(b"\x1e \r\n")), dict)
    except orjson.JSONDecodeError:
        return False


def _whole(path: Path, content: bytes) -> Source:
    document = _parsed(content, "it")
    found = header({name: document[name] for name in document if name not in ("CityObjects",)})
    objects = _objects(document.get("CityObjects"), "the file")
    _refuse_twins(content, objects)
    vertices = found.real(whole_vertices(document.get("vertices", []), "the file"))
    return Source(path, "CityJSON", found, _pieces(iter(objects.items()), vertices))


def _pieces(objects: Iterator[tuple[str, Any]], vertices: Floats) -> Iterator[list[Part]]:
    while piece := dict(islice(objects, BATCH_OBJECTS)):
        yield [Part(piece, vertices, "the file")]


def _incremental(path: Path) -> Source:
    members: dict[str, Any] = {}
    with _broken_off(), _opened(path) as file:
        for name in _SHARED:
            file.seek(0)
            for value in ijson.items(file, name, use_float=True):
                members[name] = value
    found = header(members)
    numbers = array("d")
    with _broken_off(), _opened(path) as file:
        for vertex in ijson.items(file, "vertices.item", use_float=True):
            if not isinstance(vertex, list) or len(vertex) != 3:
                raise InvalidInputError(
                    "the vertices of the file are not lists of three numbers each"
                )
            if len(numbers) >= 3 * MOST_VERTICES:
                raise InvalidInputError(
                    f"it has more than {MOST_VERTICES:,} vertices; as CityJSONSeq it can be read "
                    "(cjio FILE export jsonl)"
                )
            try:
                numbers.extend(vertex)
            except TypeError as error:
                raise InvalidInputError("the vertices of the file are not all numbers") from error
    vertices = found.real(whole_vertices(np.frombuffer(numbers).reshape(-1, 3), "the file"))

    def read() -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        with _broken_off(), _opened(path) as file:
            for name, one in ijson.kvitems(file, "CityObjects", use_float=True):
                if name in seen:
                    raise InvalidInputError(f"the object {name!r} is there twice")
                seen.add(name)
                yield name, _objects({name: one}, "the file")[name]

    return Source(path, "CityJSON, read incrementally", found, _pieces(read(), vertices))


class _broken_off:  # noqa: N801 - reads as a statement
    """Say in our words what the incremental parser finds wrong."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ijson.JSONError | UnicodeDecodeError):
            raise InvalidInputError(f"it is not JSON, or is cut off: {error}") from error
        if isinstance(error, OSError | EOFError | zlib.error):
            raise InvalidInputError(f"it cannot be unpacked: {error}") from error


def _sequence(path: Path) -> Source:
    lines = _lines(path)
    _, first = next(lines, (0, b""))
    if not first:
        raise InvalidInputError("it is empty")
    members = _parsed(first, "its first line")
    found = header(members)
    own = _objects(members.get("CityObjects", {}), "line 1")
    begun = [Part(own, found.real(whole_vertices(members.get("vertices", []), "line 1")), "line 1")]
    return Source(path, "CityJSONSeq", found, _features(lines, found, begun if own else []))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that hold something, numbered from 1."""
    try:
        with _opened(path) as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    most = LONGEST_LINE / 2**20
                    raise InvalidInputError(f"line {number} is longer than {most:,.0f} MiB")
                line = line.strip(b"\x1e \t\r\n")
                if line:
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(f"it cannot be unpacked: {error}") from error


def _features(
    lines: Iterator[tuple[int, bytes]], found: Header, batch: list[Part]
) -> Iterator[list[Part]]:
    seen: dict[str, str] = {name: part.where for part in batch for name in part.objects}
    count = size = 0
    for number, line in lines:
        where = f"line {number}"
        feature = _parsed(line, where)
        if feature.get("type") != "CityJSONFeature":
            kind = str(feature.get("type"))[:40]
            raise InvalidInputError(f"{where} is no CityJSONFeature: its type is {kind!r}")
        objects = _objects(feature.get("CityObjects"), where)
        for name in objects:
            if name in seen:
                raise InvalidInputError(
                    f"the object {name!r} is there twice: {seen[name]}, {where}"
                )
            seen[name] = where
        vertices = whole_vertices(feature.get("vertices", []), where)
        batch.append(Part(objects, found.real(vertices), where))
        count, size = count + len(objects), size + len(line)
        if count >= BATCH_OBJECTS or size >= _BATCH_BYTES:
            yield batch
            batch, count, size = [], 0, 0
    if batch:
        yield batch


def _parsed(content: bytes, what: str) -> dict[str, Any]:
    if content[:3] == b"\xef\xbb\xbf":
        content = content[3:]
    if not content.strip():
        raise InvalidInputError(f"{what} is empty")
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        cut = " (it is cut off)" if error.pos >= len(content.rstrip()) - 1 else ""
        raise InvalidInputError(f"{what} is not JSON: {error}{cut}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{what} is no CityJSON: a {type(found).__name__}, not an object")
    return found


def _objects(told: Any, where: str) -> Objects:
    if not isinstance(told, dict):
        raise InvalidInputError(f"{where} has no CityObjects")
    for name, one in told.items():
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise InvalidInputError(f"the object {name!r} in {where} has no type")
        if not isinstance(one.get("geometry", []), list | None):
            raise InvalidInputError(f"the geometry of {name!r} is no list")
        if not isinstance(one.get("attributes", {}), dict | None):
            raise InvalidInputError(f"the attributes of {name!r} are no JSON object")
    return told


def _refuse_twins(content: bytes, objects: Objects) -> None:
    """Refuse a document with two objects of one name: a parser silently keeps the last."""
    keys = Counter(match[1] for match in _GROUP_KEY.finditer(content))
    named = {orjson.dumps(name)[1:-1] for name in objects}
    if not any(number > 1 and key in named for key, number in keys.items()):
        return
    twins: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(found)
        if len(whole) < len(found) and whole.keys() <= objects.keys():
            twins.extend(
                name for name, number in Counter(n for n, _ in found).items() if number > 1
            )
        return whole

    json.loads(content, object_pairs_hook=pairs)
    if twins:
        raise InvalidInputError(f"the object {twins[0]!r} is there twice ({len(twins)} such names)")
