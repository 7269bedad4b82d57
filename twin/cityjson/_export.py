"""The city as CityJSON 2.0 or CityJSONSeq."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import orjson
import shapely

from twin.cityjson import _picked as picked
from twin.cityjson._document import SCALE_M, Corners, blocks, geometry
from twin.cityjson._exported import Exported
from twin.crs import CityBox
from twin.database import City
from twin.errors import InvalidInputError
from twin.vertical import compound_of

_SUFFIXES = {".json": False, ".jsonl": True}
_RENAMED = {"BridgeConstructionElement": "BridgeConstructiveElement"}
"""What versions before 2.0 called differently."""
_STALE = ("geographicalExtent",)
_GROUP = "CityObjectGroup"

Objects = dict[str, dict[str, Any]]


def export_file(city: City, path: Path, *, box: CityBox | None, lod: str | None) -> Exported:
    """Write the city as `twin.cityjson.export_cityjson` says."""
    is_sequence = form_of(path)
    if not path.parent.is_dir():
        raise InvalidInputError(f"there is no folder {path.parent}")
    found = Exported(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        packed = path.name.lower().endswith(".gz")
        with cast(IO[bytes], gzip.open(part, "wb") if packed else part.open("wb")) as file:
            writing = _Writing(city, box, lod, found)
            (writing.sequence if is_sequence else writing.whole)(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    found.bytes = path.stat().st_size
    return found


def form_of(path: Path) -> bool:
    """Return whether a file's name asks for a sequence.

    >>> form_of(Path("city.city.jsonl.gz")), form_of(Path("city.json"))
    (True, False)
    """
    name = path.name.lower().removesuffix(".gz")
    for suffix, is_sequence in _SUFFIXES.items():
        if name.endswith(suffix):
            return is_sequence
    raise InvalidInputError(
        f"{path.name}: name it .city.json for CityJSON or .city.jsonl for CityJSONSeq, "
        "with .gz after it if it is to be packed"
    )


class _Writing:
    """One file under way."""

    def __init__(self, city: City, box: CityBox | None, lod: str | None, found: Exported) -> None:
        self.city, self.lod, self.found = city, lod, found
        extent = city.frame.extent
        self.zero = np.round([extent.min_x_m, extent.min_y_m, 0.0])
        self.rows = picked.objects(city, box)
        self.buildings = [row for row in picked.buildings(city, box) if self._wanted(row)]
        self.keys = _keys([*self.rows, *self.buildings])

    def _wanted(self, row: picked.Row) -> bool:
        return self.lod in (None, "0" if row["height_m"] is None else "1")

    def whole(self, file: IO[bytes]) -> None:
        """Write one document."""
        corners = Corners(self.zero)
        objects: Objects = {}
        for several in picked.chunks(self.rows):
            geometries = self._geometries(several)
            objects |= {self.keys[r["uid"]]: self._object(r, geometries, corners) for r in several}
        objects |= {self.keys[r["uid"]]: self._block(r, corners) for r in self.buildings}
        objects = self._without_empty(objects)
        self._count(objects)
        document = self._header() | {"CityObjects": objects, "vertices": corners.listed}
        file.write(orjson.dumps(document))

    def sequence(self, file: IO[bytes]) -> None:
        """Write a line for what all share, and one for each family of objects."""
        file.write(orjson.dumps(self._header() | {"CityObjects": {}, "vertices": []}) + b"\n")
        for several in _together(self._families()):
            geometries = self._geometries(list(chain.from_iterable(several)))
            for family in several:
                corners = Corners(self.zero)
                objects = {
                    self.keys[row["uid"]]: self._object(row, geometries, corners) for row in family
                }
                self._feature(file, self._without_empty(objects), corners)
        for row in self.buildings:
            corners = Corners(self.zero)
            self._feature(file, {self.keys[row["uid"]]: self._block(row, corners)}, corners)

    def _feature(self, file: IO[bytes], objects: Objects, corners: Corners) -> None:
        if not objects:
            return
        self._count(objects)
        feature = {
            "type": "CityJSONFeature", "id": next(iter(objects)), "CityObjects": objects,
            "vertices": corners.listed,
        }  # fmt: skip
        file.write(orjson.dumps(feature) + b"\n")

    def _families(self) -> Iterator[list[picked.Row]]:
        """Yield objects with all that are their parts, the whole first."""
        by_name = {(row["source"], row["source_id"]): row for row in self.rows}
        groups = {name for name, row in by_name.items() if row["object_type"] == _GROUP}
        parts: dict[Any, list[picked.Row]] = {}
        tops = []
        for row in self.rows:
            above = [(row["source"], name) for name in row["parents"]]
            above = [name for name in above if name in by_name and name not in groups]
            for name in above[:1]:
                parts.setdefault(name, []).append(row)
            if not above:
                tops.append(row)
        for top in tops:
            family, at = [], [top]
            while at:
                row = at.pop()
                family.append(row)
                at += parts.get((row["source"], row["source_id"]), [])
            yield family

    def _geometries(self, rows: Sequence[picked.Row]) -> dict[int, list[picked.Row]]:
        return picked.geometries(self.city, [row["id"] for row in rows], self.lod)

    def _object(
        self, row: picked.Row, geometries: dict[int, list[picked.Row]], corners: Corners
    ) -> dict[str, Any]:
        told = {key: value for key, value in row["told"].items() if key not in _STALE}
        kind = row["object_type"]
        found: dict[str, Any] = told | {"type": _RENAMED.get(kind, kind)}
        if row["attrs"]:
            found["attributes"] = row["attrs"]
        for word in ("parents", "children"):
            names = [self.keys.get((row["source"], name)) for name in row[word]]
            if any(names):
                found[word] = [name for name in names if name is not None]
            if None in names and word == "children":
                found.pop("children_roles", None)
        own = [geometry(one, corners) for one in geometries.get(row["id"], ())]
        self.found.geometries += len(own)
        if own:
            found["geometry"] = own
        return found

    def _block(self, row: picked.Row, corners: Corners) -> dict[str, Any]:
        footprint = shapely.from_wkb(bytes(row["footprint"]))
        assert isinstance(footprint, shapely.MultiPolygon)
        height = row["height_m"] if (row["height_m"] or 0) > 0 else None
        self.found.geometries += 1
        self.found.blocks += height is not None
        self.found.flat += height is None
        names = {
            "name": row["name"], "use": row["use"], "storeysAboveGround": row["storeys"],
            "storeysBelowGround": row["storeys_below"], "yearOfConstruction": row["built_year"],
            "height_from": row["height_from"], "uid": str(row["uid"]), "source": row["source"],
        }  # fmt: skip
        return {
            "type": "Building",
            "attributes": {key: value for key, value in names.items() if value is not None},
            "geometry": [blocks(footprint, row["floor_z_m"] or 0.0, height, corners)],
        }

    def _without_empty(self, objects: Objects) -> Objects:
        """Leave out what a level of detail does not have, neither itself nor in its parts."""
        if self.lod is None:
            return objects
        kept = {name for name, one in objects.items() if "geometry" in one}
        for name in list(kept):
            above = list(objects[name].get("parents", ()))
            while above:
                parent = above.pop()
                if parent in objects and parent not in kept:
                    kept.add(parent)
                    above += objects[parent].get("parents", ())
        for one in objects.values():
            for word in ("parents", "children"):
                if word in one:
                    one[word] = [name for name in one[word] if name in kept]
                    if not one[word]:
                        del one[word]
        return {name: one for name, one in objects.items() if name in kept}

    def _count(self, objects: Objects) -> None:
        self.found.objects += len(objects)
        self.found.by_type.update(one["type"] for one in objects.values())

    def _header(self) -> dict[str, Any]:
        frame = compound_of(self.city.frame.name, self.city.vertical_datum)
        authority, code = frame.split(":")
        return {
            "type": "CityJSON",
            "version": "2.0",
            "transform": {"scale": [SCALE_M] * 3, "translate": self.zero.tolist()},
            "metadata": {
                "referenceSystem": f"https://www.opengis.net/def/crs/{authority}/0/{code}",
                "title": self.city.name,
            },
        }


def _keys(rows: Sequence[picked.Row]) -> dict[Any, str]:
    """Return the id of each thing in the file, by uid, and by source and source_id.

    An id is what the source calls the thing; where two sources call two things alike, the second
    is called by its uid.
    """
    keys: dict[Any, str] = {}
    taken: set[str] = set()
    for row in rows:
        name = row["source_id"]
        if name is None or name in taken:
            name = str(row["uid"])
        taken.add(name)
        keys[row["uid"]] = name
        # Of a building the city's own modelling is meant, never the object of the same name.
        keys.setdefault((row["source"], row["source_id"]), name)
    return keys


def _together(families: Iterator[list[picked.Row]]) -> Iterator[list[list[picked.Row]]]:
    """Yield families by the thousand objects, so that their meshes are asked for at once."""
    held: list[list[picked.Row]] = []
    count = 0
    for family in families:
        held.append(family)
        count += len(family)
        if count >= picked.CHUNK:
            yield held
            held, count = [], 0
    if held:
        yield held
