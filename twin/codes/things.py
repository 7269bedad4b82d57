"""Codes of components (城市部件) and events (事件) of city management."""

from collections.abc import Mapping
from typing import NamedTuple

from twin.codes._digits import digits
from twin.codes.classes import majors
from twin.codes.regions import parse_region, require_within
from twin.errors import InvalidInputError

COMPONENT_CLASSES: Mapping[str, str] = majors("component")
"""Major classes; 06 and 21 of older editions are still in use.  From memory, see the docs."""

EVENT_CLASSES: Mapping[str, str] = majors("event")
"""Major classes of events.  From memory, see the docs."""


class ComponentCode(NamedTuple):
    """The parts of a component's code."""

    code: str
    county: str
    """Six digits of GB/T 2260."""
    major: str
    """Two digits, 大类."""
    minor: str
    """Two digits, 小类."""
    sequence: str | None
    """Six digits, the running number; None in a class code (10 digits)."""

    @property
    def class_code(self) -> str:
        """The ten digits of the class: county, major, minor.

        >>> parse_component("4405070102000001").class_code
        '4405070102'
        """
        return self.county + self.major + self.minor


class EventCode(NamedTuple):
    """The parts of an event's code."""

    code: str
    county: str
    """Six digits of GB/T 2260."""
    major: str
    """Two digits, 大类."""
    minor: str
    """Two digits, 小类."""
    sequence: str | None
    """The running number, where the code has one."""


def parse_component(
    code: object,
    *,
    within: str | None = None,
    classes: Mapping[str, str] = COMPONENT_CLASSES,
) -> ComponentCode:
    """Return the parts of a component's code.

    Parameters
    ----------
    code : object
        16 digits as text (6 county + 2 major + 2 minor class + 6 sequence), or the 10 of its class.
    within : str, optional
        The code of a region that it must lie in.
    classes : mapping of str to str
        The major classes there are; a city with classes of its own hands in its own.

    Raises
    ------
    InvalidInputError
        If it is no such code, of an unknown class, or lies elsewhere.

    Examples
    --------
    >>> parse_component("4405070102000001").sequence
    '000001'
    >>> parse_component("4405079902000001")
    Traceback (most recent call last):
        ...
    twin.errors.InvalidInputError: '4405079902000001' is no code of a component: no major class \
has the number 99; there are 01, 02, 03, 04, 05, 06, 21
    """
    word = digits(code, "a component", (10, 16))
    _require_class(word, classes, within, "a component")
    _require_number(word, "a component")
    return ComponentCode(word, word[:6], word[6:8], word[8:10], word[10:] or None)


def parse_event(
    code: object, *, within: str | None = None, classes: Mapping[str, str] = EVENT_CLASSES
) -> EventCode:
    """Return the parts of an event's code.

    Parameters
    ----------
    code : object
        10 digits as text (6 county + 2 major + 2 minor class), or 16 with a running number.
    within : str, optional
        The code of a region that it must lie in.
    classes : mapping of str to str
        The major classes there are.

    Raises
    ------
    InvalidInputError
        If it is no such code, of an unknown class, or lies elsewhere.

    Examples
    --------
    >>> parse_event("4405070401").major
    '04'
    """
    word = digits(code, "an event", (10, 16))
    _require_class(word, classes, within, "an event")
    _require_number(word, "an event")
    return EventCode(word, word[:6], word[6:8], word[8:10], word[10:] or None)


def _require_class(word: str, classes: Mapping[str, str], within: str | None, what: str) -> None:
    county = parse_region(word[:6])
    if county.level == "province":
        raise InvalidInputError(f"{word!r} is no code of {what}: it names a province, no county")
    require_within(word, within, what)
    if word[6:8] not in classes:
        raise InvalidInputError(
            f"{word!r} is no code of {what}: no major class has the number {word[6:8]}; "
            f"there are {', '.join(classes)}"
        )
    if word[8:10] == "00":
        raise InvalidInputError(f"{word!r} is no code of {what}: the minor class begins at 01")


def _require_number(word: str, what: str) -> None:
    if word[10:] == "000000":
        raise InvalidInputError(f"{word!r} is no code of {what}: the running number begins at 1")
