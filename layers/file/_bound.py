"""Geometries that are bound to a question: text in, geometry in the statement."""

from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast
from sqlalchemy.types import UserDefinedType


class _Geometry(UserDefinedType[Any]):
    """PostGIS's own type; the model's would wrap every value in a conversion."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name."""
        return "geometry"


def geometry(name: str) -> ColumnElement[Any]:
    """Return a bound geometry, given as hexadecimal EWKB."""
    return cast(bindparam(name, type_=Text), _Geometry())
