"""OpenStreetMap (``.osm.pbf``, ``.osm.gz``, ``.osm``): buildings, roads and facilities.

Buildings are closed ways and multipolygon relations; roads keep the numbers of their nodes, so that
the graph has exactly OSM's topology.  Tags that the model has no field for go to ``attrs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import osmium
import pyarrow as pa
import shapely

from twin.crs import LONLAT
from twin.errors import InvalidInputError
from twin.ingest._features import CHUNK_ROWS, Chunk, Features, Reader, Request
from twin.ingest._ogr import unreadable

_NO_NODES = "some of its nodes are not in the file"
_NO_MEMBERS = "relation: some of its members are not in the file, or its rings do not close"

_COLUMNS = {
    "building": (
        "name", "building", "height", "building:levels", "building:levels:underground",
        "start_date", "addr:full", "operator",
    ),
    "road": (
        "name", "highway", "oneway", "junction", "maxspeed", "layer", "bridge", "tunnel", "lanes",
        "width", "operator",
    ),
    "facility": (
        "name", "amenity", "addr:full", "phone", "capacity", "operator",
    ),
}  # fmt: skip
_FACILITY_TAGS = {
    "amenity": frozenset(
        ("hospital", "clinic", "doctors", "fire_station", "police", "school", "kindergarten",
         "college", "university", "nursing_home", "fuel")
    ),
    "emergency": frozenset(("assembly_point",)),
    "social_facility": frozenset(("nursing_home", "shelter")),
    "power": frozenset(("substation",)),
    "man_made": frozenset(("pumping_station",)),
}  # fmt: skip


_SYNONYMS = (("phone", "contact:phone"), ("capacity", "beds"), ("capacity", "capacity:beds"))


@dataclass
class _Rows:
    """Features on their way into a chunk."""

    columns: tuple[str, ...]
    values: dict[str, list[str | None]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    attrs: list[str] = field(default_factory=list)
    wkb: list[bytes] = field(default_factory=list)
    refs: list[list[int]] = field(default_factory=list)

    def add(self, name: str, tags: dict[str, str], wkb: bytes) -> None:
        for column in self.columns:
            self.values.setdefault(column, []).append(tags.pop(column, None))
        self.ids.append(name)
        self.attrs.append(orjson.dumps(tags).decode())
        self.wkb.append(wkb)

    def chunk(self) -> Chunk:
        table = pa.table(
            {
                "@id": pa.array(self.ids, pa.string()),
                **{c: pa.array(self.values.get(c, []), pa.string()) for c in self.columns},
                "@attrs": pa.array(self.attrs, pa.string()),
            }
        )
        refs = pa.array(self.refs, pa.list_(pa.int64())) if self.refs else None
        return Chunk(table, pa.array(self.wkb, pa.binary()), np.arange(len(self.ids)), refs)


@contextmanager
def _open(request: Request) -> Iterator[Features]:
    reading: Callable[[str, _Rows, dict[str, list[str]]], Iterator[None]] | None = {
        "building": _buildings, "road": _roads, "facility": _facilities
    }.get(request.layer)  # fmt: skip
    if reading is None:
        raise InvalidInputError(
            f"from OpenStreetMap building, road and facility can be loaded, not {request.layer}"
        )
    rejected: dict[str, list[str]] = {}
    columns = _COLUMNS[request.layer]

    def chunks() -> Iterator[Chunk]:
        rows = _Rows(columns)
        try:
            for _ in reading(str(request.path), rows, rejected):
                if len(rows.ids) >= CHUNK_ROWS:
                    yield rows.chunk()
                    rows.__init__(columns)  # type: ignore[misc]
        except (RuntimeError, osmium.InvalidLocationError) as error:
            raise unreadable(request.path, error) from error
        if rows.ids:
            yield rows.chunk()

    yield Features(
        crs=LONLAT,
        columns=("@id", *columns, "@attrs"),
        total=None,
        chunks=chunks(),
        layer_name=request.layer,
        rejected=rejected,
    )


def _buildings(path: str, rows: _Rows, rejected: dict[str, list[str]]) -> Iterator[None]:
    wanted = osmium.filter.KeyFilter("building")
    factory = osmium.geom.WKBFactory()
    waiting: dict[str, None] = {}
    things: Any = osmium.FileProcessor(path).with_areas(wanted).with_filter(wanted)
    for thing in things:
        if thing.is_area():
            name = f"{'way' if thing.from_way() else 'relation'}/{thing.orig_id()}"
            tags = _tags(thing)
            if tags.get("building") == "no":
                waiting.pop(name, None)
                continue
            rows.add(name, tags, bytes.fromhex(factory.create_multipolygon(thing)))
            waiting.pop(name, None)
            yield
        elif thing.is_way():
            waiting[f"way/{thing.id}"] = None
        elif thing.is_relation() and thing.tags.get("type") in ("multipolygon", "boundary"):
            waiting[f"relation/{thing.id}"] = None
    _give_up(waiting, rejected)


def _give_up(waiting: dict[str, None], rejected: dict[str, list[str]]) -> None:
    for name in waiting:
        reason = _NO_MEMBERS if name.startswith("relation") else _NO_NODES
        rejected.setdefault(reason, []).append(name)


def _roads(path: str, rows: _Rows, rejected: dict[str, list[str]]) -> Iterator[None]:
    ways: Any = (
        osmium.FileProcessor(path, osmium.osm.NODE | osmium.osm.WAY)
        .with_locations()
        .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        .with_filter(osmium.filter.KeyFilter("highway"))
    )
    for way in ways:
        known = [(n.ref, n.lon, n.lat) for n in way.nodes if n.location.valid()]
        name = f"way/{way.id}"
        if len(known) < 2 or len(known) < len(way.nodes):
            rejected.setdefault(_NO_NODES, []).append(name)
            continue
        rows.refs.append([ref for ref, _, _ in known])
        rows.add(name, _tags(way), shapely.to_wkb(shapely.linestrings([n[1:] for n in known])))
        yield


def _facilities(path: str, rows: _Rows, rejected: dict[str, list[str]]) -> Iterator[None]:
    wanted = osmium.filter.KeyFilter(*_FACILITY_TAGS)
    factory = osmium.geom.WKBFactory()
    waiting: dict[str, None] = {}
    things: Any = osmium.FileProcessor(path).with_areas(wanted).with_filter(wanted)
    for thing in things:
        tags = _tags(thing)
        kind = next((tags[k] for k, kinds in _FACILITY_TAGS.items() if tags.get(k) in kinds), None)
        if kind is None:
            continue
        tags["amenity"] = kind
        if thing.is_area():
            name = f"{'way' if thing.from_way() else 'relation'}/{thing.orig_id()}"
            waiting.pop(name, None)
            rows.add(name, tags, bytes.fromhex(factory.create_multipolygon(thing)))
            yield
        elif thing.is_node():
            rows.add(f"node/{thing.id}", tags, bytes.fromhex(factory.create_point(thing)))
            yield
        elif thing.is_way():
            waiting[f"way/{thing.id}"] = None
        elif thing.tags.get("type") == "multipolygon":
            waiting[f"relation/{thing.id}"] = None
    _give_up(waiting, rejected)


def _tags(thing: Any) -> dict[str, str]:
    tags = {tag.k: tag.v for tag in thing.tags}
    if "addr:full" not in tags and "addr:street" in tags:
        house = tags.get("addr:housenumber")
        tags["addr:full"] = tags["addr:street"] + (f" {house}" if house else "")
    for usual, other in _SYNONYMS:
        if usual not in tags and other in tags:
            tags[usual] = tags.pop(other)
    return tags


READER = Reader(
    id="osm",
    title={"zh": "OpenStreetMap 数据", "en": "OpenStreetMap"},
    suffixes=(".osm.pbf", ".osm.gz", ".osm.bz2", ".osm", ".pbf"),
    features=_open,
)
