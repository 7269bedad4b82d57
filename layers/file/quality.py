"""What rules found about the data of a thing: which are broken, and by how much."""

from functools import cache

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, or_

from layers import Words, layer_named
from layers.file._listing import listed
from layers.file._section import Content, Section
from layers.file._subject import Subject

_SHOWN = (
    "severity",
    "message_zh",
    "message_en",
    "value",
    "limit_value",
    "unit",
    "other_layer",
    "other_id",
)
_WITHOUT = ("quality_finding", "analysis_feature")


def _ask(subject: Subject) -> Content:
    if subject.layer.id in _WITHOUT:
        return Content()
    values = {"about": subject.layer.id, "number": subject.id}
    finding = layer_named("quality_finding")
    return Content(tables=(listed(subject, finding, _SHOWN, _about(), values),))


@cache
def _about() -> ColumnElement[bool]:
    """Return whether a finding names the thing, as the first or the second of the two."""
    finding = layer_named("quality_finding")
    about, number = bindparam("about", type_=Text), bindparam("number", type_=BigInteger)
    return or_(
        *(
            (finding.column(layer) == about) & (finding.column(feature) == number)
            for layer, feature in (("layer", "feature_id"), ("other_layer", "other_id"))
        )
    )


SECTION = Section("quality", Words("数据质量", "Quality of its data"), 65, _ask)
