"""A level section through a building (水平剖切)."""

from typing import Any, Self
from uuid import UUID

import shapely
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import text

from analysis._bim import AS_MODELLED, PAGE, VERSION, FeatureId, meshes, named
from analysis._meshes import section
from analysis._process import Analysis, Feature, Given, Inputs, Model, Outputs, Text
from twin.database import City

_BUILDING = text("""
    SELECT id, name FROM twin.building
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_STOREY = text("""
    SELECT storey.id, storey.name, storey.floor_z_m, storey.building_id
    FROM   twin.storey
    WHERE  storey.id = CAST(:id AS bigint) OR storey.uid = CAST(:uid AS uuid)
""")

_CUT = text("""
    SELECT   element.id, element.uid, element.source_id AS guid, element.name, element.ifc_class,
             element.mesh, element.centre_x_m, element.centre_y_m, element.centre_z_m
    FROM     twin.element
    WHERE    element.building_id = :building
    AND      element.z_min_m < :z_m AND element.z_max_m > :z_m
    AND      element.mesh IS NOT NULL
    AND      element.ifc_class <> 'IfcOpeningElement'
    ORDER BY element.ifc_class, element.id
""")

_AREAS = ("Polygon", "MultiPolygon")


class SectionInputs(Inputs):
    """Which building or storey, and how high."""

    building_id: FeatureId | None = None
    z_m: float | None = Field(default=None, description="height, m, the city's datum")
    storey_id: FeatureId | None = None
    above_floor_m: float = Field(default=1.0, ge=-10, le=100, description="m above its floor")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.storey_id is None) == (self.building_id is None):
            raise ValueError("give one of building_id and storey_id")
        if (self.building_id is None) != (self.z_m is None):
            raise ValueError("z_m goes with building_id; a storey has above_floor_m")
        return self


class CutElement(BaseModel):
    """An element that the plane cuts."""

    id: int
    uid: UUID
    guid: str | None
    name: str | None
    ifc_class: str
    area_m2: float = Field(description="of the cut; 0 where it does not close")
    closed: bool


class SectionOutputs(Outputs):
    """What a level plane cuts of a building."""

    building_id: int | None
    z_m: float
    area_m2: float
    elements: list[CutElement]


def run(city: City, inputs: SectionInputs) -> SectionOutputs:
    """Return what a level plane cuts of a building's elements.

    Raises
    ------
    NotFoundError
        If there is no such building or storey.
    """
    if inputs.storey_id is not None:
        storey = named(city, _STOREY, "storey", inputs.storey_id)
        building, z_m = storey["building_id"], storey["floor_z_m"] + inputs.above_floor_m
    else:
        assert inputs.building_id is not None
        assert inputs.z_m is not None
        building = named(city, _BUILDING, "building", inputs.building_id)["id"]
        z_m = inputs.z_m
    values = {"building": building, "z_m": z_m}
    rows = [dict(row) for row in city.session.execute(_CUT, values).mappings()]
    held = meshes(city, rows)
    cuts = [(row, section(held[row["id"]], z_m)) for row in rows if row["id"] in held]
    seen = [(row, cut) for row, cut in cuts if not cut.is_empty]
    outputs = SectionOutputs(
        model=_MODEL,
        inputs=_given(inputs),
        building_id=building,
        z_m=z_m,
        area_m2=float(sum(cut.area for _, cut in seen)),
        elements=[
            CutElement.model_validate(
                {**row, "area_m2": cut.area, "closed": cut.geom_type in _AREAS}
            )
            for row, cut in seen
        ],
    )
    return outputs.draw([_drawn(row, cut, z_m) for row, cut in seen])


def _drawn(row: dict[str, Any], cut: shapely.Geometry, z_m: float) -> Feature:
    wkb = bytes(shapely.to_wkb(cut))
    return Feature("section", wkb, row["name"], row["ifc_class"], {"id": row["id"], "z_m": z_m})


def _given(inputs: SectionInputs) -> dict[str, Given]:
    return {
        "building_id": Given(value=inputs.building_id),
        "z_m": Given(value=inputs.z_m, unit="m"),
        "storey_id": Given(value=inputs.storey_id),
        "above_floor_m": Given(value=inputs.above_floor_m, unit="m"),
    }


_MODEL = Model(
    name="triangle meshes cut by a level plane",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_MODELLED,
)

ANALYSIS = Analysis(
    id="building-section",
    title=Text(zh="水平剖切", en="Section of a building"),
    description=Text(
        zh="在给定高程或楼面以上给定高度水平剖切建筑构件。",
        en="What a level plane cuts of a building: at a height, or above a storey's floor.",
    ),
    inputs=SectionInputs,
    outputs=SectionOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
