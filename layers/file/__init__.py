"""One element, one file (一要素一档案): all that is known of one thing.

A section of the file is one module here, found by `discover`; each asks what it has to tell in one
statement, or two, that use indexes.
"""

from functools import cache
from typing import NamedTuple

from layers import Layer
from layers.file._section import (
    Content,
    Curve,
    Drawing,
    Fact,
    Mark,
    Ref,
    Row,
    Section,
    Shape,
    Table,
    column,
    fact,
)
from layers.file._subject import Place, Subject, subject_of
from twin.database import City
from twin.discover import discover
from twin.errors import InvalidInputError
from twin.history import Moment

__all__ = [
    "DISTANCE_M",
    "Content",
    "Curve",
    "Drawing",
    "ElementFile",
    "Fact",
    "Mark",
    "Place",
    "Ref",
    "Row",
    "Section",
    "Shape",
    "Subject",
    "Table",
    "column",
    "fact",
    "file_of",
    "sections",
]

DISTANCE_M = 100.0
"""How far "around" reaches if nobody says."""
_FARTHEST_M = 1000.0


class ElementFile(NamedTuple):
    """The file of one thing: what it is, and each section that has something to say."""

    subject: Subject
    chapters: tuple[tuple[Section, Content], ...]


@cache
def sections() -> tuple[Section, ...]:
    """Return every section there is, in the order of the page.

    >>> sections()[0].id
    'place'
    """
    found = discover("layers.file", "SECTION", Section)
    return tuple(sorted(found.values(), key=lambda section: section.order))


def file_of(
    city: City,
    layer: Layer,
    key: str,
    *,
    distance_m: float = DISTANCE_M,
    known: Moment | None = None,
) -> ElementFile:
    """Return the file of a feature.

    Parameters
    ----------
    city : City
        The open city.
    layer : Layer
        What kind of thing it is.
    key : str
        Its ``id`` or ``uid``.
    distance_m : float
        How far "around" reaches, above 0 and up to 1000 m, in the plane.
    known : Moment, optional
        The file as it could have been written then: states, readings and events of that time.

    Raises
    ------
    NotFoundError
        If the layer has, or had, no such feature.
    InvalidInputError
        If the distance is out of range.
    """
    if not 0 < distance_m <= _FARTHEST_M:
        raise InvalidInputError(
            f"distance is above 0 and at most {_FARTHEST_M:g} m, not {distance_m:g}"
        )
    subject = subject_of(city, layer, key, distance_m, known)
    told = (
        (section, section.ask(subject))
        for section in sections()
        if section.layers is None or layer.id in section.layers
    )
    return ElementFile(subject, tuple((section, content) for section, content in told if content))
