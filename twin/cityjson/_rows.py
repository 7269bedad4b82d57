"""City objects as rows of the city: the objects, their geometries, their meshes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from twin.cityjson._faces import Floats
from twin.cityjson._flatten import SOLIDS
from twin.cityjson._levels import cim_level, fineness
from twin.cityjson._measure import Measured

_DECIMALS = 6
_MANY = 65_536
_OF_ITS_OWN = ("type", "attributes", "geometry", "parents", "children", "members")
_BODIES = (*SOLIDS, "Solid")

Row = dict[str, Any]


@dataclass(frozen=True)
class Mesh:
    """One mesh as the database holds it; see `twin.model.city_objects.CityMesh`."""

    digest: str
    vertex_count: int
    triangle_count: int
    face_count: int
    vertices: bytes
    triangles: bytes
    face_triangles: bytes | None
    rings: bytes | None
    shells: str
    face_surface: bytes | None
    surfaces: str | None


def mesh_of(one: Measured, points: Floats) -> tuple[Mesh, Floats]:
    """Return a geometry's mesh and where its zero is.

    Vertices are numbered in the order in which the boundaries first name them: a file whose
    vertices were only shuffled gives the same mesh.

    Parameters
    ----------
    one : Measured
    points : ndarray of float, shape (n, 3)
        The batch's vertices in the city's frame.
    """
    used, first, number = np.unique(one.index, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    own = points[used[order]]
    # On whole millimetres, so that the numbers in the row are the numbers that were used.
    centre = np.round((own.min(axis=0) + own.max(axis=0)) / 2, 3)
    rings = rank[number.reshape(-1)]
    corners = rank[np.searchsorted(used, one.corners)]
    told = one.told
    semantics = told.semantics
    content: dict[str, Any] = {
        "vertices": (own - centre).astype("<f4").tobytes(),
        "triangles": corners.astype("<u2" if len(used) < _MANY else "<u4").tobytes(),
        "face_triangles": None
        if (one.face_triangles == 1).all()
        else one.face_triangles.astype("<u4").tobytes(),
        "rings": None if one.is_plain else _packed(told.rings_of_faces, told.ring_lengths, rings),
        "shells": orjson.dumps(told.shells).decode(),
        "face_surface": None if semantics is None else semantics.packed(),
        "surfaces": None if semantics is None else _json(semantics.surfaces),
    }
    whole = hashlib.sha256()
    for value in content.values():
        part = b"-" if value is None else value.encode() if isinstance(value, str) else value
        whole.update(len(part).to_bytes(8, "little") + part)
    faces = len(told.rings_of_faces)
    return Mesh(whole.hexdigest(), len(used), len(corners), faces, **content), centre


def _packed(rings_of_faces: list[int], lengths: list[int], index: Any) -> bytes:
    """Return polygons as one run of numbers: rings of a face, then length and vertices of each."""
    runs: list[list[int]] = []
    at, flat = 0, index.tolist()
    ring = iter(lengths)
    for count in rings_of_faces or [len(lengths)]:
        runs.append([count])
        for _ in range(count):
            length = next(ring)
            runs.append([length])
            runs.append(flat[at : at + length])
            at += length
    return np.array(list(chain.from_iterable(runs)), "<u4").tobytes()


def geometry_row(
    one: Measured, object_type: str, mesh: Mesh, centre: Floats, points: Floats
) -> Row:
    """Return the row of a geometry."""
    told = one.told
    heights = points[one.index, 2]
    attrs = {"left_out": list(told.themes)} if told.themes else {}
    return {
        "source_id": f"{told.owner}#{told.position}",
        "object": told.owner,
        "object_type": object_type,
        "lod": told.lod,
        "position": told.position,
        "geometry_type": told.type,
        "cim_level": cim_level(object_type, told.lod),
        "template": told.template,
        "mesh": mesh.digest,
        "surface_count": mesh.face_count,
        "degenerate_count": len(one.degenerate),
        "z_min_m": _round(heights.min()),
        "z_max_m": _round(heights.max()),
        "area_m2": _round(one.area_m2),
        "volume_m3": _round(one.volume_m3),
        "is_closed": one.is_closed,
        "footprint_from": one.footprint_from,
        "centre_x_m": float(centre[0]),
        "centre_y_m": float(centre[1]),
        "centre_z_m": float(centre[2]),
        "attrs": attrs,
        "geom": one.footprint,
    }


def object_row(name: str, told: dict[str, Any], own: list[Row]) -> Row:
    """Return the row of an object, from its member of the file and its geometries' rows."""
    attributes = told.get("attributes") or {}
    row: Row = {
        "source_id": name,
        "name": _name(attributes),
        "object_type": told["type"],
        "parents": _names(told.get("parents")),
        "children": _names(told.get("children") or told.get("members")),
        "attrs": attributes,
        "told": _beside(told),
        "no_geometry": None,
        **dict.fromkeys(
            ("lods", "cim_level", "z_min_m", "z_max_m", "height_m", "volume_m3", "volume_from")
        ),
        "geom": shapely.MultiPolygon(),
    }
    if not own:
        row["no_geometry"] = (
            "its parts carry the geometry" if row["children"] else "the file gives none"
        )
        return row
    finest = max(own, key=lambda one: (fineness(one["lod"]), one["area_m2"] or 0, -one["position"]))
    lods = sorted({one["lod"] for one in own if one["lod"] is not None}, key=fineness)
    low, high = finest["z_min_m"], finest["z_max_m"]
    volume, source = _volume(finest)
    levels = [one["cim_level"] for one in own if one["cim_level"] is not None]
    return row | {
        "lods": ", ".join(lods) or None,
        "cim_level": max(levels, default=None),
        "z_min_m": low,
        "z_max_m": high,
        "height_m": _round(high - low),
        "volume_m3": volume,
        "volume_from": source,
        "geom": finest["geom"],
    }


def _beside(told: dict[str, Any]) -> dict[str, Any]:
    """Return what an object says beside attributes, geometry and kin.

    The place of an address is a vertex's number, which means nothing outside the file.
    """
    found = {key: value for key, value in told.items() if key not in _OF_ITS_OWN}
    if isinstance(found.get("address"), list):
        found["address"] = [
            {key: value for key, value in one.items() if key != "location"}
            if isinstance(one, dict)
            else one
            for one in found["address"]
        ]
    return found


def _volume(finest: Row) -> tuple[float | None, str | None]:
    """Return the volume of an object, and what it is from."""
    if finest["volume_m3"] is not None:
        return finest["volume_m3"], "mesh"
    if finest["geometry_type"] in _BODIES and finest["geom"].area > 0:
        height = finest["z_max_m"] - finest["z_min_m"]
        return _round(finest["geom"].area * height), "footprint_height"
    return None, None


def hex_of(shape: BaseGeometry, srid: int) -> str:
    """Return a geometry as the database reads it."""
    return str(shapely.to_wkb(shapely.set_srid(shape, srid), hex=True, include_srid=True))


def _name(attributes: dict[str, Any]) -> str | None:
    for key in ("name", "Name", "名称", "gml:name"):
        if isinstance(attributes.get(key), str) and attributes[key].strip():
            return str(attributes[key]).strip()
    return None


def _names(told: Any) -> list[str]:
    return [str(name) for name in told] if isinstance(told, list) else []


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _round(value: float | None) -> float | None:
    """Return a number to a micrometre: what differs by less is the same."""
    return None if value is None else round(float(value), _DECIMALS) + 0.0
