"""The documents about former states of the city."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from api.links import JSON, Link, address, base, link
from layers import Layer
from twin.history import State


def timeline(request: Request, layer: Layer, found: Sequence[State]) -> dict[str, Any]:
    """Return all states of a feature, oldest first."""
    return {
        "layer": layer.id,
        "id": found[0].id,
        "uid": found[0].values["uid"],
        "states": [_state(layer, each) for each in found],
        "links": _links(request, layer, found[0].id),
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
