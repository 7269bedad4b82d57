"""How a thing is called, where the record of it comes from, and whose it is."""

from layers import Words
from layers.file._section import Content, Fact, Section, fact
from layers.file._subject import Subject

_SHOWN = (
    "name",
    "uid",
    "class_code",
    "state",
    "owner",
    "manager",
    "maintainer",
    "valid_from",
    "valid_to",
    "accuracy_class",
    "visibility",
    "source",
    "source_id",
    "recorded_at",
)


def _ask(subject: Subject) -> Content:
    own = (
        Fact(subject.layer.by_name[name], subject.values[name])
        for name in _SHOWN
        if subject.values.get(name) is not None
    )
    number = fact("id", "库内编号", "Number in this database", subject.id)
    return Content((number, *own))


SECTION = Section("identity", Words("身份与权属", "Identity and ownership"), 10, _ask)
