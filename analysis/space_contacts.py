"""What touches a space: walls, slabs, doors, and the spaces next to it (房间邻接)."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import text

from analysis._bim import PAGE, VERSION, ElementFound, FeatureId, named
from analysis._process import Analysis, Feature, Given, Inputs, Model, Outputs, Text
from twin.database import City

_SPACE = text("""
    SELECT id, name, number, use, area_m2, z_min_m, z_max_m, building_id,
           ST_AsBinary(geom) AS wkb
    FROM   twin.space
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_ELEMENTS = text("""
    -- Footprints within the gap of one another, and heights that overlap by no less than it.
    SELECT   element.id, element.uid, element.source_id AS guid, element.name, element.ifc_class,
             element.type_name, element.material, element.storey_id, element.z_min_m,
             element.z_max_m, ST_AsBinary(element.geom) AS wkb
    FROM     twin.space, twin.element
    WHERE    space.id = :space
    AND      ST_DWithin(element.geom, space.geom, :gap_m)
    AND      element.z_min_m <= space.z_max_m + :gap_m
    AND      element.z_max_m >= space.z_min_m - :gap_m
    AND      element.ifc_class <> 'IfcOpeningElement'
    ORDER BY element.ifc_class, element.id
""")

_SPACES = text("""
    SELECT   other.id, other.uid, other.number, other.use, other.area_m2
    FROM     twin.space, twin.space AS other
    WHERE    space.id = :space AND other.id <> space.id
    AND      ST_DWithin(other.geom, space.geom, :gap_m)
    AND      other.z_min_m <= space.z_max_m + :gap_m
    AND      other.z_max_m >= space.z_min_m - :gap_m
    ORDER BY other.id
""")


class ContactInputs(Inputs):
    """Which space, and how wide a gap still counts as touching."""

    space_id: FeatureId
    gap_m: float = Field(default=0.01, ge=0, le=1, description="m; models leave gaps of a few mm")


class SpaceFound(BaseModel):
    """A space beside the one asked for."""

    id: int
    uid: UUID
    number: str | None
    use: str | None
    area_m2: float | None


class ContactOutputs(Outputs):
    """What touches the space."""

    number: str | None
    use: str | None
    area_m2: float | None
    by_class: dict[str, int]
    elements: list[ElementFound]
    spaces: list[SpaceFound]


def run(city: City, inputs: ContactInputs) -> ContactOutputs:
    """Return what touches a space: footprints that meet, and heights that overlap.

    Raises
    ------
    NotFoundError
        If there is no such space.
    """
    space = named(city, _SPACE, "space", inputs.space_id)
    values = {"space": space["id"], "gap_m": inputs.gap_m}
    rows = city.session.execute(_ELEMENTS, values).mappings().all()
    beside = city.session.execute(_SPACES, values).mappings()
    found = [ElementFound.model_validate(row) for row in rows]
    by_class: dict[str, int] = {}
    for each in found:
        by_class[each.ifc_class] = by_class.get(each.ifc_class, 0) + 1
    outputs = ContactOutputs(
        model=_MODEL,
        inputs={
            "space_id": Given(value=inputs.space_id),
            "gap_m": Given(value=inputs.gap_m, unit="m"),
        },
        number=space["number"],
        use=space["use"],
        area_m2=space["area_m2"],
        by_class=by_class,
        elements=found,
        spaces=[SpaceFound.model_validate(row) for row in beside],
    )
    return outputs.draw([_drawn("space", space), *(_drawn("element", dict(row)) for row in rows)])


def _drawn(role: str, row: dict[str, Any]) -> Feature:
    return Feature(role, bytes(row["wkb"]), row["name"], row.get("ifc_class"), {"id": row["id"]})


_MODEL = Model(
    name="footprints within the gap, heights that overlap",
    standard=PAGE,
    version=VERSION,
    uncertainty=Text(
        zh="略宽于真实接触：倾斜或凹形构件按其平面轮廓和高度范围计",
        en="a little more than what really touches: what leans or is hollow counts by its outline "
        "in plan and the heights between which it lies",
    ),
)

ANALYSIS = Analysis(
    id="space-contacts",
    title=Text(zh="房间邻接", en="What touches a space"),
    description=Text(
        zh="与一个房间相接的墙、板、门窗和相邻房间。",
        en="Walls, slabs, doors and neighbouring spaces that touch one space.",
    ),
    inputs=ContactInputs,
    outputs=ContactOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
