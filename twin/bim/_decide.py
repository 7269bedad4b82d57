"""Which of a model's georeferences is used.

Nothing is guessed: where none is enough, or two lead to different places, the choice is handed back
with all of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from twin.bim._candidates import candidates, from_place
from twin.bim._georef import (
    Candidate,
    Georeference,
    Place,
    UndecidedPlaceError,
    UnknownPlaceError,
)
from twin.crs import LONLAT, Frame, move_points

_SAME_M, _SAME_HEIGHT_M, _SAME_DEGREES = 2.0, 1.0, 0.5
_UNIT_SLACK = 0.01


def decide(
    facts: dict[str, Any],
    frame: Frame,
    *,
    middle: tuple[float, float],
    unit_m: float,
    place: Place,
    choice: str | None,
    crs: str | None,
) -> Georeference:
    """Return where the model stands.

    Parameters
    ----------
    facts : dict
        What the file says, as ``_facts.georeference`` tells it.
    frame : Frame
        The city's.
    middle : (float, float)
        The middle of the model's geometry, its own coordinates, m.
    unit_m : float
        The project's length unit.
    place : Place
        What the caller says; goes before all that the file says.
    choice : str, optional
        The id of the candidate that the caller chose.
    crs : str, optional
        The frame of map coordinates in the file, where it does not name one.

    Raises
    ------
    ConflictError
        If candidates lead to different places; the message lists them.
    InvalidInputError
        If none is enough, or the one used lies outside the city.
    """
    found = [_located(one, frame, middle) for one in candidates(facts, frame, unit_m, crs, place)]
    levels = tuple(sorted({one.level for one in found} | set(_lesser(facts))))
    known = Georeference(tuple(found), levels, tuple(facts["addresses"]))
    if place.lon is not None:
        given = _located(from_place(facts, frame, place, middle), frame, middle)
        return _checked(replace(known, found=(*known.found, given)), given, frame)
    usable = [one for one in found if one.stand is not None]
    if choice is not None:
        chosen = [one for one in found if one.id == choice]
        if not chosen or chosen[0].stand is None:
            raise _refusal(known, f"there is no usable georeference {choice!r}")
        return _checked(known, chosen[0], frame)
    if not usable:
        raise _refusal(known, "the file does not say well enough where the model stands")
    best = max(usable, key=lambda one: one.level)
    others = [one for one in usable if not _same(one, best)]
    if others:
        raise _refusal(known, "the file says in several ways where the model stands, which differ")
    return _checked(known, best, frame)


def _lesser(facts: dict[str, Any]) -> list[int]:
    """Return the levels that are met without saying where on Earth."""
    found = [10] if facts["addresses"] else []
    placed = facts["placement"]
    if placed is not None and not np.allclose(placed["matrix"], np.eye(4), atol=1e-9):
        found.append(30)
    if any(one["true_north"] or any(one["origin_m"]) for one in facts["contexts"]):
        found.append(40)
    return found


def _located(one: Candidate, frame: Frame, middle: tuple[float, float]) -> Candidate:
    if one.stand is None:
        return one
    x, y = (float(v) for v in one.stand.plan(np.array([middle]))[0])
    lon, lat = move_points(np.array([x]), np.array([y]), frame.name, LONLAT)
    low_x, low_y, high_x, high_y = frame.extent
    inside = low_x <= x <= high_x and low_y <= y <= high_y
    degree = (round(float(lon[0]), 7), round(float(lat[0]), 7))
    sound = all(map(math.isfinite, degree))
    return replace(one, middle_m=(x, y), lonlat=degree if sound else None, inside=inside)


def _same(one: Candidate, other: Candidate) -> bool:
    assert one.stand is not None
    assert other.stand is not None
    assert one.middle_m is not None
    assert other.middle_m is not None
    turned = abs((one.stand.turn_deg - other.stand.turn_deg + 180) % 360 - 180)
    return (
        math.dist(one.middle_m, other.middle_m) <= _SAME_M
        and turned <= _SAME_DEGREES
        and abs(one.stand.lift_m - other.stand.lift_m) <= _SAME_HEIGHT_M
        and abs(one.stand.scale / other.stand.scale - 1) <= _UNIT_SLACK
    )


def _checked(known: Georeference, used: Candidate, frame: Frame) -> Georeference:
    if not used.inside:
        west, south, east, north = (round(side, 4) for side in frame.lonlat_extent())
        raise _refusal(
            known,
            f"{used.id} puts the model at {used.lonlat} (longitude, latitude), outside the city, "
            f"which reaches from {west} to {east} °E and {south} to {north} °N",
        )
    return replace(known, used=used, notes=used.assumed)


def _refusal(known: Georeference, reason: str) -> UnknownPlaceError:
    lines = [f"{reason}. Found:"]
    for one in known.found:
        where = one.why_not or (
            f"middle at {one.lonlat}, turned {_turn(one):.3f}°, lifted {_lift(one):.3f} m"
            + ("" if one.inside else ", outside the city")
        )
        lines.append(f"  {one.id} (LoGeoRef {one.level}): {one.says} – {where}")
    lines += [f"  address (LoGeoRef 10): {text}" for text in known.addresses]
    if not known.found and not known.addresses:
        lines.append("  nothing")
    choices = [one.id for one in known.found if one.stand is not None and one.level]
    ask = "give --place lon,lat,rotation,height"
    within = [one.id for one in known.found if one.id in choices and one.inside]
    lines.append(ask + (f", or choose one with --georef {' | '.join(within)}" if within else ""))
    kind = UndecidedPlaceError if len(choices) > 1 else UnknownPlaceError
    return kind("\n".join(lines), known)


def _turn(one: Candidate) -> float:
    return one.stand.turn_deg if one.stand else math.nan


def _lift(one: Candidate) -> float:
    return one.stand.lift_m if one.stand else math.nan
