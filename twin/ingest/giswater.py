"""Giswater networks in a GeoPackage (``.gpkg``): tables ``node`` and ``arc`` with their catalogues.

Sizes and materials stand in the catalogues and are looked up there.  What hangs on the network,
``gully`` and ``connec`` with their ``link``, is loaded as ``FILE.gpkg#gully``: ends of a link that
are an arc stay loose, because that arc is not cut there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from twin.errors import InvalidInputError
from twin.ingest._features import Chunk, Features, Network, NetworkRequest, Reader, Request
from twin.ingest._ogr import open_features
from twin.ingest._survey_points import with_columns
from twin.units import millimetres

_HANGING = {"gully": "GULLY", "connec": "CONNEC"}
_EGG_LIKE = ("EGG", "RECT_CLOSED", "RECT_OPEN")

Columns = dict[str, pa.Array]


def claims(path: Path) -> bool:
    """Return whether a file has Giswater's tables of nodes and arcs."""
    if path.suffix.lower() != ".gpkg":
        return False
    try:
        return {"node", "arc"} <= set(_layers(path)) and "node_1" in _fields(path, "arc")
    except (DataSourceError, DataLayerError):
        return False


def read_network(request: NetworkRequest) -> Network:
    """Return the network of a file, or what hangs on it.

    Raises
    ------
    InvalidInputError
        If another table is named than `_HANGING` and what belongs to it.
    """
    if len(request.files) > 1:
        raise InvalidInputError("one Giswater file is one network: load them one by one")
    path, part = request.files[0]
    if part is not None and part not in _HANGING:
        raise InvalidInputError(
            f"{path.name}#{part} is no part of a Giswater network: without # it is node and arc, "
            f"else {' or '.join(_HANGING)}"
        )
    kind, why = _kind(path)
    note = "" if "kind" in request.mapping else f"kind {kind}: {why}; --map kind==… overrules"
    if part is not None:
        return _hanging(path, part, kind, note)
    nodes = _layer(path, "node", lambda table: _node_columns(path, table, kind))
    arcs = _layer(path, "arc", lambda table: _arc_columns(path, table, kind))
    held = _layers(path)
    also = [f"{_count(path, one)} rows {path.name}#{one}" for one in _HANGING if one in held]
    more = (
        f"the file also holds {' and '.join(also)}: {path.name}#{'|'.join(_HANGING)}"
        if also
        else ""
    )
    return Network(replace(nodes, notes=tuple(filter(None, (*nodes.notes, note, more)))), arcs)


def _hanging(path: Path, part: str, kind: str, note: str) -> Network:
    if part not in _layers(path):
        raise InvalidInputError(f"{path.name} has no table {part!r}")
    nodes = _layer(path, part, lambda table: _point_columns(table, part, kind))
    links = _layer(path, "link", lambda table: _link_columns(path, table, kind))
    mine = replace(links, chunks=_of_type(links.chunks, _HANGING[part]), total=None)
    return Network(replace(nodes, notes=tuple(filter(None, (*nodes.notes, note)))), mine)


def _of_type(chunks: Iterator[Chunk], feature_type: str) -> Iterator[Chunk]:
    for chunk in chunks:
        here = pc.equal(chunk.table.column("feature_type").combine_chunks(), feature_type)
        wkb = None if chunk.wkb is None else chunk.wkb.filter(here)
        fids = chunk.fids[here.to_numpy(zero_copy_only=False)]
        yield Chunk(chunk.table.filter(here), wkb, fids)


def _layers(path: Path) -> list[str]:
    return [str(name) for name in pyogrio.list_layers(path)[:, 0]]


def _fields(path: Path, layer: str) -> list[str]:
    return [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]


def _count(path: Path, layer: str) -> int:
    return int(pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"])


def _kind(path: Path) -> tuple[str, str]:
    if "ymax" in _fields(path, "node"):
        return "sewer", "its nodes have a depth to the invert (ymax), as Giswater's drainage has"
    return "water", "its nodes have no depth to an invert (ymax), as Giswater's water supply"


def _layer(path: Path, name: str, more: Callable[[pa.Table], Columns]) -> Features:
    """Return a layer with columns beside its own, all of it in memory."""
    with open_features(Request(path, name, "pipe")) as features:
        chunks = [_with_columns(chunk, more) for chunk in features.chunks]
    columns = chunks[0].table.column_names if chunks else list(features.columns)
    return replace(features, chunks=iter(chunks), columns=tuple(columns), prefix="")


def _with_columns(chunk: Chunk, more: Callable[[pa.Table], Columns]) -> Chunk:
    return replace(chunk, table=with_columns(chunk.table, more(chunk.table)))


def _node_columns(path: Path, table: pa.Table, kind: str) -> Columns:
    names = table.column_names
    if "node_type" in names:
        sort = table.column("node_type").combine_chunks()
    else:
        sort = _looked_up(path, "cat_node", table.column("nodecat_id"), "nodetype_id")
    return {"kind": pa.repeat(kind, table.num_rows), "feature": sort, "appurtenance": sort}


def _arc_columns(path: Path, table: pa.Table, kind: str) -> Columns:
    column = table.column("arccat_id")
    found: Columns = {"kind": pa.repeat(kind, table.num_rows), "size_text": column.combine_chunks()}
    held = _fields(path, "cat_arc") if "cat_arc" in _layers(path) else []
    if "geom1_m" in held:
        shape = _looked_up(path, "cat_arc", column, "shape")
        first, second = (_looked_up(path, "cat_arc", column, f"geom{n}_m") for n in (1, 2))
        # As in SWMM the height comes first.
        upright = pc.fill_null(pc.is_in(shape, value_set=pa.array(_EGG_LIKE)), False)
        flat = pc.and_(upright, pc.fill_null(pc.greater(second, 0.0), False))
        found["shape"] = shape
        found["width_m"] = pc.if_else(flat, second, first)
        found["height_m"] = pc.if_else(upright, first, pa.scalar(None, pa.float64()))
    elif "dint" in held:
        dint = _looked_up(path, "cat_arc", column, "dint").cast(pa.float64())
        found["width_m"] = pc.multiply(dint, millimetres(1.0))
        found["shape"] = _looked_up(path, "cat_arc", column, "shape")
        found["material"] = _looked_up(path, "cat_arc", column, "matcat_id")
        found["pressure_class"] = _as_class(_looked_up(path, "cat_arc", column, "pnom"))
    return found


def _as_class(pnom: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise("PN", pnom.cast(pa.string()), "")


def _point_columns(table: pa.Table, part: str, kind: str) -> Columns:
    rows = table.num_rows
    return {
        "source_id": table.column(f"{part}_id").combine_chunks(),
        "kind": pa.repeat(kind, rows),
        "feature": pa.repeat(part, rows),
        **({"appurtenance": pa.repeat("gully", rows)} if part == "gully" else {}),
    }


def _link_columns(path: Path, table: pa.Table, kind: str) -> Columns:
    number = table.column("link_id").combine_chunks().cast(pa.string())
    exits = table.column("exit_id").combine_chunks()
    on_arc = pc.equal(table.column("exit_type").combine_chunks(), "ARC")
    found: Columns = {
        "source_id": pc.binary_join_element_wise("link", number, "/"),
        "kind": pa.repeat(kind, table.num_rows),
        "from_node": table.column("feature_id").combine_chunks(),
        "to_node": pc.if_else(on_arc, pa.scalar(None, exits.type), exits),
        "size_text": table.column("linkcat_id").combine_chunks(),
    }
    if "dint" in _fields(path, "cat_link"):
        dint = _looked_up(path, "cat_link", table.column("linkcat_id"), "dint")
        found["width_m"] = pc.multiply(dint.cast(pa.float64()), millimetres(1.0))
        found["material"] = _looked_up(path, "cat_link", table.column("linkcat_id"), "matcat_id")
    return found


def _looked_up(path: Path, catalogue: str, keys: pa.ChunkedArray, wanted: str) -> pa.Array:
    """Return what a catalogue says for the keys of its first column."""
    _, table = pyogrio.read_arrow(path, layer=catalogue, read_geometry=False, columns=None)
    known = table.column(table.column_names[0]).combine_chunks().cast(pa.string())
    places = pc.index_in(keys.combine_chunks().cast(pa.string()), value_set=known)
    return table.column(wanted).combine_chunks().take(places)


READER = Reader(
    id="giswater",
    title={"zh": "Giswater 管网 GeoPackage", "en": "Giswater network in a GeoPackage"},
    suffixes=(".gpkg",),
    network=read_network,
    claims=claims,
)
