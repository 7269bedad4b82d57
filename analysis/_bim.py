"""What questions about the inside of buildings share: names, rows, meshes."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from sqlalchemy import TextClause, text

from analysis._meshes import corners
from analysis._process import Text
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError

VERSION = "1"
PAGE = "docs/methods/bim.md"

FeatureId = Annotated[int | str, Field(description="id (number) or uid (text)")]

MESHES: TextClause = text("""
    SELECT digest, vertex_count, vertices, triangles
    FROM   twin.bim_mesh
    WHERE  digest = ANY (:digests)
""")

AS_MODELLED = Text(
    zh="与模型一致：网格为多边形近似，弧面有毫米级误差",
    en="that of the model: meshes approximate round shapes within millimetres",
)


class ElementFound(BaseModel):
    """One building element."""

    id: int
    uid: UUID
    guid: str | None = Field(description="GlobalId in the model")
    name: str | None
    ifc_class: str
    type_name: str | None
    material: str | None
    storey_id: int | None
    z_min_m: float | None
    z_max_m: float | None


def named(city: City, question: TextClause, table: str, given: int | str) -> dict[str, Any]:
    """Return the row of a thing by its id or uid.

    Raises
    ------
    InvalidInputError
        If it is neither a number nor a UUID.
    NotFoundError
        If there is no such row.
    """
    written = str(given).strip()
    number, uid = None, None
    if written.isdecimal() and len(written) < 19:
        number = int(written)
    else:
        try:
            uid = str(UUID(written))
        except ValueError as error:
            raise InvalidInputError(
                f"{table}_id is the id (a number) or the uid (a UUID) of a {table}, not {given!r}"
            ) from error
    row = city.session.execute(question, {"id": number, "uid": uid}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no {table} {given!r}")
    return dict(row)


def meshes(city: City, rows: list[dict[str, Any]]) -> dict[int, NDArray[np.float64]]:
    """Return the triangles of elements in the city's frame, shape (m, 3, 3) each, by id."""
    wanted = {row["mesh"] for row in rows if row["mesh"] is not None}
    held = {
        found.digest: found for found in city.session.execute(MESHES, {"digests": sorted(wanted)})
    }
    found = {}
    for row in rows:
        mesh = held.get(row["mesh"])
        if mesh is not None:
            centre = (row["centre_x_m"], row["centre_y_m"], row["centre_z_m"])
            count = mesh.vertex_count
            found[row["id"]] = corners(mesh.vertices, mesh.triangles, count, centre)
    return found
