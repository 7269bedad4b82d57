"""What of buildings lies near a pipe, in three dimensions (管线三维邻近)."""

from itertools import pairwise
from typing import Any

import shapely
from pydantic import Field
from sqlalchemy import text

from analysis._bim import AS_MODELLED, PAGE, VERSION, ElementFound, FeatureId, meshes, named
from analysis._meshes import Floats, distance_m, holds
from analysis._process import Analysis, Feature, Given, Inputs, Model, Outputs, Text
from twin.database import City
from twin.errors import InvalidInputError

_PIPE = text("""
    SELECT id, name, kind, width_m, height_m, elevation_reference, ST_AsBinary(geom) AS wkb
    FROM   twin.pipe_segment
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_AROUND = text("""
    -- Elements whose box may be near enough; how near they are, their meshes say.
    SELECT   element.id, element.uid, element.source_id AS guid, element.name, element.ifc_class,
             element.type_name, element.material, element.storey_id, element.z_min_m,
             element.z_max_m, element.mesh, element.is_closed, element.centre_x_m,
             element.centre_y_m, element.centre_z_m, ST_AsBinary(element.geom) AS wkb
    FROM     twin.pipe_segment, twin.element
    WHERE    pipe_segment.id = :pipe
    AND      ST_DWithin(element.geom, ST_Force2D(pipe_segment.geom), :reach_m)
    AND      element.z_min_m <= :top_m + :reach_m
    AND      element.z_max_m >= :bottom_m - :reach_m
    AND      element.mesh IS NOT NULL
    AND      element.ifc_class <> 'IfcOpeningElement'
    ORDER BY element.id
""")


class NearInputs(Inputs):
    """Which pipe, and how near."""

    pipe_id: FeatureId
    distance_m: float = Field(default=1.0, ge=0, le=100, description="m, from the pipe's wall")


class ElementNear(ElementFound):
    """An element, and how far the pipe's wall is from it."""

    distance_m: float


class NearOutputs(Outputs):
    """What lies near the pipe."""

    pipe: str | None
    kind: str
    radius_m: float = Field(description="half the pipe's inner width; 0 where it is unknown")
    elements: list[ElementNear] = Field(description="nearest first")


def run(city: City, inputs: NearInputs) -> NearOutputs:
    """Return the elements within a distance of a pipe's wall, in three dimensions.

    Raises
    ------
    NotFoundError
        If there is no such pipe.
    InvalidInputError
        If it is not known how high the pipe lies.
    """
    pipe = named(city, _PIPE, "pipe", inputs.pipe_id)
    if pipe["elevation_reference"] == "unknown":
        raise InvalidInputError(
            f"it is not known how high pipe {inputs.pipe_id!r} lies (elevation_reference unknown)"
        )
    radius_m = (pipe["width_m"] or 0.0) / 2
    axis = _axis(pipe)
    reach_m = inputs.distance_m + radius_m
    values = {
        "pipe": pipe["id"],
        "reach_m": reach_m,
        "top_m": float(axis[:, 2].max()),
        "bottom_m": float(axis[:, 2].min()),
    }
    rows = [dict(row) for row in city.session.execute(_AROUND, values).mappings()]
    held = meshes(city, rows)
    near = [
        (max(0.0, _away_m(axis, held[row["id"]], row["is_closed"]) - radius_m), row)
        for row in rows
        if row["id"] in held
    ]
    within = [each for each in near if each[0] <= inputs.distance_m]
    within.sort(key=lambda each: (each[0], each[1]["id"]))
    return _answer(inputs, pipe, radius_m, within)


def _axis(pipe: dict[str, Any]) -> Floats:
    """Return the middle of the pipe, shape (n, 3): heights refer to its top, invert or centre."""
    axis: Floats = shapely.get_coordinates(shapely.from_wkb(bytes(pipe["wkb"])), include_z=True)
    half_m = (pipe["height_m"] or pipe["width_m"] or 0.0) / 2
    axis[:, 2] += {"top": -half_m, "invert": half_m}.get(pipe["elevation_reference"], 0.0)
    return axis


def _away_m(axis: Floats, triangles: Floats, is_closed: bool) -> float:
    """Return how far the axis is from a mesh; 0 also where a solid holds it, touched nowhere."""
    if is_closed and holds(axis[0], triangles):
        return 0.0
    return min(distance_m(start, end, triangles) for start, end in pairwise(axis))


def _answer(
    inputs: NearInputs,
    pipe: dict[str, Any],
    radius_m: float,
    within: list[tuple[float, dict[str, Any]]],
) -> NearOutputs:
    outputs = NearOutputs(
        model=_MODEL,
        inputs={
            "pipe_id": Given(value=inputs.pipe_id),
            "distance_m": Given(value=inputs.distance_m, unit="m"),
        },
        pipe=pipe["name"],
        kind=pipe["kind"],
        radius_m=radius_m,
        elements=[ElementNear.model_validate({**row, "distance_m": away}) for away, row in within],
    )
    return outputs.draw(
        [
            Feature(
                "element",
                bytes(row["wkb"]),
                row["name"],
                row["ifc_class"],
                {"id": row["id"], "distance_m": away},
            )
            for away, row in within
        ]
    )


_MODEL = Model(
    name="distance of the pipe's axis to triangle meshes, less half its width",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_MODELLED,
)

ANALYSIS = Analysis(
    id="near-pipe",
    title=Text(zh="管线三维邻近", en="What lies near a pipe"),
    description=Text(
        zh="与一段管线三维距离在给定范围内的建筑构件。",
        en="Building elements within a distance of a pipe, measured in three dimensions.",
    ),
    inputs=NearInputs,
    outputs=NearOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
