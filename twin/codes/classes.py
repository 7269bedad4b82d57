"""What the classes of components and events are called: a table of data, ``classes.tsv``.

Every row says whether its name was read in the standard's text.  None was yet.
"""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Theme = Literal["component", "event"]
THEMES: dict[str, Theme] = {"component": "component", "event": "event"}
"""What has classes, by the name of its layer."""


class ClassName(NamedTuple):
    """What one class is called."""

    theme: str
    """component or event."""
    major: str
    """Two digits, 大类."""
    minor: str
    """Two digits, 小类; empty for the major class itself."""
    zh: str
    en: str
    status: str
    """``unverified``: from memory and secondary sources; ``verified``: from the standard's text."""


@cache
def class_names(theme: Theme) -> dict[str, ClassName]:
    """Return the classes of components or events by their digits: major, or major and minor.

    >>> class_names("component")["0104"].zh, class_names("event")["05"].en
    ('雨水箅子', 'Emergencies')
    """
    lines = (Path(__file__).parent / "classes.tsv").read_text(encoding="utf-8").splitlines()
    rows = (ClassName(*line.split("\t")) for line in lines[1:])
    return {row.major + row.minor: row for row in rows if row.theme == theme}


def majors(theme: Theme) -> dict[str, str]:
    """Return the Chinese names of the major classes by their two digits.

    >>> majors("component")["04"]
    '园林绿化'
    """
    return {key: row.zh for key, row in class_names(theme).items() if not row.minor}
