"""The file of one thing as a document, and what its page draws."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import Request

from api.links import GEOJSON, HTML, JSON, Link, address, base, link
from api.past import then, told
from api.render import words
from layers import Field
from layers.file import Content, Curve, ElementFile, Fact, Ref, Section, Subject, Table
from tiles.at_point import tile_at
from tiles.encodings.mvt import MEDIA_TYPE
from twin.history import Moment

_ZOOM = 18
_FINE_ZOOM = 16

Json = dict[str, Any]
_Refer = Callable[[Ref], str]
"""Gives the address of another feature's file."""


def document(request: Request, found: ElementFile) -> Json:
    """Return the file of a thing as JSON."""
    subject = found.subject
    refer = partial(file_address, base(request), known=subject.known)
    return {
        "layer": subject.layer.id,
        "title": words(subject.layer.title),
        "id": subject.id,
        "uid": subject.values["uid"],
        "name": subject.name,
        "distance_m": subject.distance_m,
        "sections": [_chapter(refer, section, content) for section, content in found.chapters],
        "links": links(request, subject),
        **told(subject.known),
    }


def links(request: Request, subject: Subject) -> list[Link]:
    """Return where else the thing is: as a feature, as a tile, on the map."""
    root, layer = base(request), subject.layer
    item = f"{root}/collections/{layer.id}/items/{subject.id}{then(subject.known)}"
    found = [
        link(address(request, f="json"), "self", JSON, "本档案 This file"),
        link(address(request, f="html"), "alternate", HTML, "本档案网页 This file as HTML"),
        link(item, "describes", GEOJSON, "要素 The feature, GeoJSON"),
        link(f"{root}/collections/{layer.id}", "collection", JSON, "图层 The layer"),
    ]
    place = subject.place
    if place is not None:
        found.append(
            link(map_address(root, subject), "related", HTML, "地图 The map at this place")
        )
        tile = tile_at(place.lon, place.lat, layer.maxzoom)
        at = f"{root}/tiles/{layer.id}/{tile.z}/{tile.x}/{tile.y}{then(subject.known)}"
        found.append(
            link(at, "related", MEDIA_TYPE, "所在矢量瓦片 The vector tile that it lies in")
        )
    return found


def map_address(root: str, subject: Subject) -> str:
    """Return the map's page at the place of a thing."""
    assert subject.place is not None
    zoom = _ZOOM if subject.place.extent_m < 400 else _FINE_ZOOM
    at = f"{zoom}/{subject.place.lat:.6f}/{subject.place.lon:.6f}"
    return f"{root}/map/#map={at}"


def file_address(root: str, ref: Ref, known: Moment | None, **more: str) -> str:
    """Return the file of another feature, of the same moment."""
    return f"{root}/collections/{quote(ref.layer)}/items/{ref.id}/file{then(known, **more)}"


def _chapter(refer: _Refer, section: Section, content: Content) -> Json:
    return {
        "id": section.id,
        "title": words(section.title),
        "facts": [_fact(refer, each) for each in content.facts],
        "tables": [_table(refer, each) for each in content.tables if each.rows],
        "curves": [_curve(each) for each in content.curves],
        "notes": [words(each) for each in content.notes],
    }


def _fact(refer: _Refer, each: Fact) -> Json:
    field = each.field
    meaning = field.codes.get(str(each.value))
    return {
        "name": field.name,
        "title": words(field.title),
        "value": _plain(each.value),
        "unit": field.unit,
        "meaning": None if meaning is None else words(meaning),
        "feature": None if each.ref is None else _ref(refer, each.ref),
    }


def _table(refer: _Refer, table: Table) -> Json:
    names = [entry.name for entry in table.columns]
    return {
        "name": table.name,
        "title": words(table.title),
        "columns": [_column(entry, table, place) for place, entry in enumerate(table.columns)],
        "rows": [
            {
                "values": dict(zip(names, map(_plain, row.values), strict=True)),
                "feature": None if row.ref is None else _ref(refer, row.ref),
            }
            for row in table.rows
        ],
        "more": table.more,
    }


def _column(entry: Field, table: Table, place: int) -> Json:
    """Return a heading, with the meanings of the codes that are there."""
    met = {str(row.values[place]) for row in table.rows}
    return {
        "name": entry.name,
        "title": words(entry.title),
        "type": entry.type,
        "unit": entry.unit,
        "codes": {code: words(each) for code, each in entry.codes.items() if code in met},
    }


def _curve(curve: Curve) -> Json:
    return {
        "name": curve.name,
        "title": words(curve.title),
        "unit": curve.unit,
        "points": [[_plain(at), value] for at, value in curve.points],
        "marks": [
            {"code": mark.code, "title": words(mark.title), "value": mark.value}
            for mark in curve.marks
        ],
    }


def _ref(refer: _Refer, ref: Ref) -> Json:
    return {
        "layer": ref.layer,
        "id": ref.id,
        "name": ref.name,
        "href": refer(ref),
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it; times in RFC 3339, UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
