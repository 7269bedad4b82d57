"""Small networks from a few words, for examples and tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.topology.network import NONE, Floats, Network, Nodes, Segments, centre_z_m, kind_numbers


def network(
    lines: Sequence[str],
    *,
    ends: Sequence[tuple[int, int]] | None = None,
    nodes: Sequence[tuple[float, float]] = (),
    kind: str | Sequence[str] = "water",
    node_kind: str | Sequence[str] | None = None,
    reference: str | Sequence[str] | None = None,
    **columns: Any,
) -> Network:
    """Return a network; ids are 1, 2, 3 … for segments, 101, 102 … for nodes.

    Parameters
    ----------
    lines : sequence of str
        Vertices of each segment: ``"0 0, 10 0"``, or with heights ``"0 0 2, 10 0 1"``.
    ends : sequence of (int, int), optional
        Numbers of the nodes at both ends of each segment, -1 for none.
    nodes : sequence of (float, float)
        Places of the nodes.
    kind, node_kind : str or sequence of str
        One for all, or one each; nodes are of the segments' kind if not said.
    reference : str or sequence of str, optional
        What heights mean; the middle if lines have three numbers, else unknown.
    **columns
        Other columns of `Nodes` and `Segments`: one value for all, or one each.

    Examples
    --------
    >>> two = network(["0 0, 10 0"], nodes=[(0, 0), (10, 0)], ends=[(0, 1)], width_m=0.3)
    >>> two.segments.length_m.tolist(), two.nodes.ids.tolist()
    ([10.0], [101, 102])
    """
    shapes = [shapely.from_wkt(f"LINESTRING ({line})") for line in lines]
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(shapes))]).astype(np.int64)
    places = shapely.get_coordinates(shapes, include_z=True)
    solid = bool(len(lines)) and bool(shapely.has_z(shapes[0]))
    said = reference or ("centre" if solid else "unknown")
    kinds = _each(kind, len(lines))
    node_kinds = _each(node_kind or (kind if isinstance(kind, str) else "water"), len(nodes))
    pairs = np.array(ends if ends is not None else [(NONE, NONE)] * len(lines), np.int64)
    width, height = (_floats(columns, name, len(lines)) for name in ("width_m", "height_m"))
    tall = np.where(np.isnan(height), width, height)
    return Network(
        Nodes(
            ids=np.arange(101, 101 + len(nodes)),
            kind=kind_numbers(node_kinds),
            x=np.array([x for x, _ in nodes], float),
            y=np.array([y for _, y in nodes], float),
            ground_z_m=_floats(columns, "ground_z_m", len(nodes)),
            invert_z_m=_floats(columns, "invert_z_m", len(nodes)),
            may_end=np.array(_each(columns.get("may_end", False), len(nodes)), np.bool_),
            outlet=np.array(_each(columns.get("outlet", False), len(nodes)), np.bool_),
        ),
        Segments(
            ids=np.arange(1, 1 + len(lines)),
            kind=kind_numbers(kinds),
            starts=starts,
            x=places[:, 0],
            y=places[:, 1],
            centre_z_m=centre_z_m(places[:, 2], starts, _each(said, len(lines)), tall),
            from_node=pairs.reshape(-1, 2)[:, 0],
            to_node=pairs.reshape(-1, 2)[:, 1],
            width_m=width,
            height_m=height,
            conduit=np.array(_each(columns.get("conduit", False), len(lines)), np.bool_),
            pressure_pa=_floats(columns, "pressure_pa", len(lines)),
            voltage_v=_floats(columns, "voltage_v", len(lines)),
            flow=np.array(_each(columns.get("flow", 1), len(lines)), np.int64),
            device=np.array(_each(columns.get("device", False), len(lines)), np.bool_),
        ),
    )


def _each(value: Any, count: int) -> list[Any]:
    """Return one value for each, from one for all or one each."""
    return [value] * count if isinstance(value, str | bool | int) else list(value)


def _floats(columns: Mapping[str, Any], name: str, count: int) -> Floats:
    value = columns.get(name, np.nan)
    return np.broadcast_to(np.asarray(value, float), (count,)).copy()
