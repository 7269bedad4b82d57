"""The documents about former states of the city."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from api.links import GEOJSON, JSON, Link, address, base, link
from api.query_words import write_cursor
from layers import Layer
from layers.differences import Difference, Differences
from layers.filter import Selection
from twin.history import Moment, State

_LASTING = "public, max-age=86400, immutable"
"""A moment that is past never changes; what a layer shows of it may, with the next version."""


def told(known: Moment | None) -> dict[str, Any]:
    """Return what an answer says about its moment: nothing of now."""
    if known is None:
        return {}
    moment = {"seq": known.seq, "at": _time(known.at), "final": known.final, "known": known.known}
    return {"asOf": moment}


def pinned(known: Moment | None) -> dict[str, str | None]:
    """Return the parameters of further pages: all of them are of the commit of the first."""
    return {} if known is None else {"asOf": f"seq:{known.seq}"}


def then(known: Moment | None, **more: str) -> str:
    """Return the query of an address that stays at a moment, ``?`` before it; nothing of now.

    >>> then(Moment(7, None, True), f="html"), then(None)
    ('?asOf=seq:7&f=html', '')
    """
    asked = urlencode({**pinned(known), **more}, safe=":")
    return f"?{asked}" if asked else ""


def lasting(*known: Moment | None) -> dict[str, str]:
    """Return the headers of an answer that may be kept, because its moments are final."""
    final = all(each is not None and each.final for each in known)
    return {"Cache-Control": _LASTING} if final else {}


def moment_of(selection: Selection) -> Moment | None:
    """Return the moment that a selection was brought to by `layers.past.at_moment`."""
    return selection.as_of if isinstance(selection.as_of, Moment) else None


def timeline(request: Request, layer: Layer, found: Sequence[State]) -> dict[str, Any]:
    """Return all states of a feature, oldest first."""
    return {
        "layer": layer.id,
        "id": found[0].id,
        "uid": found[0].values["uid"],
        "states": [_state(layer, each) for each in found],
        "links": _links(request, layer, found[0].id),
    }


def changes(
    request: Request, layer: Layer, found: Differences, since: Moment, until: Moment
) -> dict[str, Any]:
    """Return a page of differences as a GeoJSON feature collection."""
    links = [
        link(address(request), "self", GEOJSON, "This page"),
        link(f"{base(request)}/collections/{layer.id}", "collection", JSON, "The layer"),
    ]
    if found.last is not None:
        moments = {"from": f"seq:{since.seq}", "to": f"seq:{until.seq}"}
        following = address(request, cursor=write_cursor(found.last), **moments)
        links.append(link(following, "next", GEOJSON, "The next page"))
    return {
        "type": "FeatureCollection",
        "features": [_difference(each) for each in found.found],
        "numberReturned": len(found.found),
        "from": told(since)["asOf"],
        "to": told(until)["asOf"],
        "links": links,
    }


def _difference(each: Difference) -> dict[str, Any]:
    fields = {
        name: {"before": before, "after": after} for name, (before, after) in each.fields.items()
    }
    return {
        "type": "Feature",
        "id": each.id,
        "geometry": each.after or each.before,
        "properties": {
            "uid": each.uid,
            "change": each.change,
            "fields": fields,
            "moved": each.moved,
        },
        **({"geometryBefore": each.before} if each.moved and each.before and each.after else {}),
    }


def _state(layer: Layer, state: State) -> dict[str, Any]:
    known = set(layer.by_name)
    return {
        "seq": state.seq,
        "since": _time(state.since),
        "actor": state.actor,
        "load_id": state.load_id,
        "until_seq": state.until_seq,
        "until": _time(state.until),
        "ended_by": state.ended_by,
        "deleted": state.deleted,
        "changed": state.changed,
        "properties": {name: value for name, value in state.values.items() if name in known},
        "geometry": state.geometry,
    }


def _links(request: Request, layer: Layer, feature_id: int) -> list[Link]:
    collection = f"{base(request)}/collections/{layer.id}"
    return [
        link(address(request), "self", JSON, "The states of this feature"),
        link(f"{collection}/items/{feature_id}", "canonical", JSON, "This feature"),
        link(collection, "collection", JSON, "The layer"),
    ]


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
