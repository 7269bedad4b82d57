"""The elements of a storey (楼层构件)."""

from sqlalchemy import text

from analysis._bim import AS_MODELLED, PAGE, VERSION, ElementFound, FeatureId, named
from analysis._process import Analysis, Feature, Given, Inputs, Model, Outputs, Text
from twin.database import City

_STOREY = text("""
    SELECT id, name, floor_z_m, height_m FROM twin.storey
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_ELEMENTS = text("""
    SELECT   element.id, element.uid, element.source_id AS guid, element.name, element.ifc_class,
             element.type_name, element.material, element.storey_id, element.z_min_m,
             element.z_max_m, ST_AsBinary(element.geom) AS wkb
    FROM     twin.element
    WHERE    element.storey_id = :storey
    AND      (CAST(:class AS text) IS NULL OR element.ifc_class = :class)
    ORDER BY element.ifc_class, element.id
""")


class StoreyInputs(Inputs):
    """Which storey, and which class of elements if not all."""

    storey_id: FeatureId
    ifc_class: str | None = None


class StoreyOutputs(Outputs):
    """What is in the storey."""

    storey: str | None
    floor_z_m: float
    height_m: float | None
    by_class: dict[str, int]
    elements: list[ElementFound]


def run(city: City, inputs: StoreyInputs) -> StoreyOutputs:
    """Return the elements that the model places in a storey, by class.

    Raises
    ------
    NotFoundError
        If there is no such storey.
    """
    storey = named(city, _STOREY, "storey", inputs.storey_id)
    values = {"storey": storey["id"], "class": inputs.ifc_class}
    rows = city.session.execute(_ELEMENTS, values).mappings().all()
    found = [ElementFound.model_validate(row) for row in rows]
    by_class: dict[str, int] = {}
    for each in found:
        by_class[each.ifc_class] = by_class.get(each.ifc_class, 0) + 1
    outputs = StoreyOutputs(
        model=_MODEL,
        inputs={
            "storey_id": Given(value=inputs.storey_id),
            "ifc_class": Given(value=inputs.ifc_class),
        },
        storey=storey["name"],
        floor_z_m=storey["floor_z_m"],
        height_m=storey["height_m"],
        by_class=by_class,
        elements=found,
    )
    return outputs.draw(
        [
            Feature("element", bytes(row["wkb"]), row["name"], row["ifc_class"], {"id": row["id"]})
            for row in rows
        ]
    )


_MODEL = Model(
    name="containment in the model (IfcRelContainedInSpatialStructure, IfcRelAggregates)",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_MODELLED,
)

ANALYSIS = Analysis(
    id="storey-elements",
    title=Text(zh="楼层构件", en="Elements of a storey"),
    description=Text(
        zh="列出一个楼层的全部构件，可按类别筛选。",
        en="All building elements of one storey, or those of one class.",
    ),
    inputs=StoreyInputs,
    outputs=StoreyOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
