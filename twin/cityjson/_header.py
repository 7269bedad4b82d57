"""What a CityJSON file says of itself: version, transform, frame, templates."""

from __future__ import annotations

import math
import re
import reprlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvalidInputError

VERSIONS = ("1.0", "1.1", "2.0")
_OLD_NAMES = (
    re.compile(r"gml/srs/epsg\.xml#(\d+)$", re.I),
    re.compile(r"^urn:EPSG:\w*CRS:(\d+)$", re.I),
    re.compile(r"^epsg[:/ ]+(\d+)$", re.I),
)
_LONGEST = 80

Floats = NDArray[np.float64]


@dataclass
class Header:
    """What holds for a whole file.

    Attributes
    ----------
    version : str
        As the file says it, such as "1.1.3".
    scale, translate : ndarray of float, shape (3,)
        A vertex is its whole numbers times scale plus translate, in the file's frame.
    crs : str or None
        Its frame as PROJ takes it; None where it does not say.
    crs_found : str or None
        The same as the file spells it.
    templates : list of dict
        Geometry templates; their vertices are ``template_vertices``, shape (n, 3).
    """

    version: str
    scale: Floats
    translate: Floats
    crs: str | None = None
    crs_found: str | None = None
    templates: list[dict[str, Any]] = field(default_factory=list)
    template_vertices: Floats = field(default_factory=lambda: np.empty((0, 3)))
    notes: list[str] = field(default_factory=list)

    def real(self, vertices: Floats) -> Floats:
        """Return vertices, shape (n, 3), in units of the file's frame."""
        return vertices * self.scale + self.translate


def header(members: dict[str, Any]) -> Header:
    """Return what the members of a CityJSON object, the vertices and objects aside, say.

    Raises
    ------
    InvalidInputError
        If it is no CityJSON, of another version, or its transform cannot be used.

    Examples
    --------
    >>> found = header({"type": "CityJSON", "version": "1.0",
    ...                 "metadata": {"referenceSystem": "urn:ogc:def:crs:EPSG::7415"}})
    >>> found.crs, found.scale.tolist()
    ('urn:ogc:def:crs:EPSG::7415', [1.0, 1.0, 1.0])
    """
    kind, version = members.get("type"), members.get("version")
    if kind != "CityJSON":
        raise InvalidInputError(f"it is no CityJSON: its type is {_shown(kind)}, not 'CityJSON'")
    if not isinstance(version, str) or ".".join(version.split(".")[:2]) not in VERSIONS:
        raise InvalidInputError(
            f"it is CityJSON of version {_shown(version)}; {', '.join(VERSIONS)} can be read "
            "(cjio FILE upgrade turns older ones into them)"
        )
    scale, translate = _transform(members.get("transform"))
    spelled = _reference_system(members.get("metadata"))
    templates, corners = _templates(members.get("geometry-templates"))
    found = Header(version, scale, translate, crs_name(spelled), spelled, templates, corners)
    if "transform" not in members and not version.startswith("1.0"):
        found.notes.append(f"it has no transform, which version {version} asks for: taken as none")
    beside = sorted(name for name in members if name.startswith("+"))
    if beside:
        found.notes.append(f"members of the file beside its objects are left out: {beside}")
    return found


def crs_name(spelled: str | None) -> str | None:
    """Return a frame's name as PROJ takes it.

    >>> crs_name("http://www.opengis.net/gml/srs/epsg.xml#7415")
    'EPSG:7415'
    >>> crs_name("https://www.opengis.net/def/crs-compound?"
    ...          "1=http://www.opengis.net/def/crs/EPSG/0/28992&"
    ...          "2=http://www.opengis.net/def/crs/EPSG/0/5709")
    'EPSG:28992+5709'
    """
    if spelled is None:
        return None
    for pattern in _OLD_NAMES:
        found = pattern.search(spelled.strip())
        if found:
            return f"EPSG:{found[1]}"
    parts = urlsplit(spelled)
    if parts.path.endswith("/crs-compound"):
        codes = [
            re.search(r"/EPSG/[^/]*/(\d+)$", value) for key, value in sorted(parse_qsl(parts.query))
        ]
        if len(codes) == 2 and all(codes):
            return "EPSG:" + "+".join(code[1] for code in codes if code)
    return spelled.strip()


def whole_vertices(told: Any, whose: str) -> Floats:
    """Return vertices as told, shape (n, 3), each three finite numbers.

    Raises
    ------
    InvalidInputError
        If they are anything else; ``whose`` names them.
    """
    try:
        found = np.asarray(told, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        found = np.empty(0)
    if isinstance(told, list) and not told:
        return np.empty((0, 3))
    if found.ndim != 2 or found.shape[1] != 3 or isinstance(told, str):
        raise InvalidInputError(f"the vertices of {whose} are not lists of three numbers each")
    if not np.isfinite(found).all():
        raise InvalidInputError(f"the vertices of {whose} are not all numbers (NaN, infinity)")
    return found


def _transform(told: Any) -> tuple[Floats, Floats]:
    if told is None:
        return np.ones(3), np.zeros(3)
    found = []
    for name in ("scale", "translate"):
        value = told.get(name) if isinstance(told, dict) else None
        good = (
            isinstance(value, list)
            and len(value) == 3
            and all(isinstance(v, int | float) and math.isfinite(v) for v in value)
        )
        if not good:
            raise InvalidInputError(f"its transform has no {name} of three numbers: {_shown(told)}")
        found.append(np.array(value, np.float64))
    if (found[0] == 0).any():
        raise InvalidInputError(
            f"its transform makes all vertices one: scale {_shown(told['scale'])}"
        )
    return found[0], found[1]


def _reference_system(metadata: Any) -> str | None:
    if not isinstance(metadata, dict):
        return None
    told = metadata.get("referenceSystem")
    if told is None and isinstance(metadata.get("crs"), dict):
        told = metadata["crs"].get("epsg")
    if isinstance(told, int) and not isinstance(told, bool):
        return f"EPSG:{told}"
    if isinstance(told, str) and told.strip() and told.strip().lower() != "none":
        return told.strip()
    return None


def _templates(told: Any) -> tuple[list[dict[str, Any]], Floats]:
    if not isinstance(told, dict):
        return [], np.empty((0, 3))
    templates = told.get("templates")
    if not isinstance(templates, list) or not all(isinstance(one, dict) for one in templates):
        raise InvalidInputError("its geometry-templates have no list of templates")
    return templates, whole_vertices(told.get("vertices-templates", []), "the templates")


def _shown(value: Any) -> str:
    # A file may nest deeper than a plain repr dares to go.
    words = reprlib.repr(value)
    return words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
