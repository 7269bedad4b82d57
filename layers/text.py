"""A feature as GeoJSON text, written by PostGIS.

One expression writes it for every way a feature leaves the city, so that a text that was kept and
one that is written now differ only if the feature does.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Double, FunctionElement, Text, case, cast, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement, Label

from layers import Field, Layer

LONLAT_SRID: ColumnElement[int] = literal_column("4326")
_DECIMALS: ColumnElement[int] = literal_column("7")
"""A unit of the last decimal of a degree is a centimetre on the ground."""
_WITHOUT_END: ColumnElement[float] = literal_column("'Infinity'")


def geometry_text(layer: Layer) -> ColumnElement[Any]:
    """Return the SQL of a feature's geometry as GeoJSON, degrees with seven decimals.

    Collections inside collections, which PostGIS does not write, become one (RFC 7946, 3.1.8).
    """
    shape = layer.shape
    if layer.geometry == "mixed":
        # The words are those of the layer, and never a caller's.
        dumped = f"(SELECT ST_Collect(part.geom) FROM ST_Dump({layer.place}) AS part)"  # noqa: S608
        flat = func.ST_ForceCollection(literal_column(dumped))
        nested = func.GeometryType(layer.place) == literal_column("'GEOMETRYCOLLECTION'")
        shape = case((nested, func.coalesce(flat, shape)), else_=shape)
    return func.ST_AsGeoJSON(func.ST_Transform(shape, LONLAT_SRID), _DECIMALS)


def feature_text(layer: Layer, fields: Sequence[Field], *, end: str = "") -> ColumnElement[str]:
    """Return the SQL of a feature as GeoJSON: properties in the order of the fields.

    Parameters
    ----------
    layer : Layer
        Whose features they are.
    fields : sequence of Field
        The properties that are written.
    end : str
        What follows each feature.

    Notes
    -----
    Numbers stand as PostgreSQL writes them, which is the shortest form that is exact; one that JSON
    does not know (NaN, an infinity) is null.
    """
    values = [(entry.name, _told(layer, entry)) for entry in fields]
    properties = cast(_Object(values), Text) if values else _words("{}")
    parts: tuple[ColumnElement[str], ...] = (
        cast(layer.key, Text),
        _words(',"geometry":'),
        func.coalesce(geometry_text(layer), "null"),
        _words(',"properties":'),
        properties,
        _words("}" + end),
    )
    text: ColumnElement[str] = _words('{"type":"Feature","id":')
    for part in parts:
        text = text.op("||", return_type=Text())(part)
    return text


class _Object(FunctionElement[Any]):
    """Named values as one JSON object, in their order."""

    name = "json_object"
    inherit_cache = False

    def __init__(self, values: Sequence[tuple[str, ColumnElement[Any]]]) -> None:
        super().__init__(*(value for _, value in values))
        self.names = [name for name, _ in values]


@compiles(_Object)
def _write_object(element: _Object, compiler: SQLCompiler, **kept: Any) -> str:
    values = [compiler.process(value, **kept) for value in element.clauses]
    named = zip(values, element.names, strict=True)
    listed = ", ".join(f'{value} AS "{name}"' for value, name in named)
    # Names are those of fields, and never a caller's.
    return f"row_to_json((SELECT held FROM (SELECT {listed}) AS held))"  # noqa: S608


def _told(layer: Layer, entry: Field) -> ColumnElement[Any]:
    match entry.type:
        case "object":
            return layer.value(entry.name)
        case "number":
            value = layer.value(entry.name)
            return case((func.abs(cast(value, Double)) < _WITHOUT_END, value))
    shown = layer.shown(entry.name)
    return shown.element if isinstance(shown, Label) else shown


def _words(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text())
