"""What a layer needs beyond its columns: heights from attributes, and ties to other layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest._cases import LOOSE, TIED, class_codes
from twin.ingest._fields import normal
from twin.ingest._place import Placed
from twin.ingest._plan import Plan
from twin.ingest._shapes import Shapes
from twin.ingest._target import Target

if TYPE_CHECKING:
    from twin.ingest._job import Job

_DEPTH_TO_INVERT = frozenset(map(normal, ("ymax", "井深", "well_deep", "welldepth")))
_NODE_REACH_M = 0.05
_MUCH = 100

FIELDS_WITHOUT_COLUMN = frozenset(
    {"from_node", "to_node", "z_from_m", "z_to_m", "z_m", "component"}
)
"""Fields of files that tables hold in another way: as references, as heights of the geometry."""


@dataclass(frozen=True)
class Link:
    """Nothing beyond the columns."""

    extra: tuple[tuple[str, str], ...] = ()
    """Columns of the staging table that the rows bring along."""
    derived: tuple[tuple[str, str], ...] = ()
    """Columns of the table that are worked out in the staging table."""

    def columns(self, plan: Plan) -> list[tuple[str, str]]:
        """Return columns of the table that `shape` fills although the file has none like it."""
        return []

    def shape(self, placed: Placed, values: dict[str, pa.Array], plan: Plan) -> Shapes:
        """Return the chunk's geometries with their heights, and fill `columns` into the values."""
        return placed.shapes

    def run(self, target: Target, job: Job) -> None:
        """Work out the derived columns in the staging table."""


class GridCellLink(Link):
    """A cell lies in the smallest region around a point of it."""

    def run(self, target: Target, job: Job) -> None:
        """Find each cell's region."""
        found = target.run("""
            UPDATE load_stage SET region_id = (
                SELECT   region.id FROM twin.region
                WHERE    ST_Covers(region.geom, ST_PointOnSurface(load_stage.geom))
                ORDER BY ST_Area(region.geom), region.id
                LIMIT    1
            )
            WHERE EXISTS (SELECT FROM twin.region)
        """)
        if not found:
            job.tally.note("no regions are loaded yet: cells belong to none; load them again after")
        elsewhere = (
            target.scalar("""
            SELECT string_agg(cell.code, ', ' ORDER BY cell.code)
            FROM   load_stage AS cell JOIN twin.region ON region.id = cell.region_id
            WHERE  region.code ~ '^[0-9]{12}$' AND NOT starts_with(cell.code, region.code)
        """)
            if "code" in dict(target.columns)
            else None
        )
        if elsewhere:
            shown = elsewhere if len(elsewhere) < _MUCH else elsewhere[:_MUCH] + " …"
            job.tally.note(f"cells that lie in another community than their code says: {shown}")


class RegionLink(Link):
    """A region lies in the smallest region of a higher level around a point of it."""

    def run(self, target: Target, job: Job) -> None:
        """Find each region's parent."""
        target.run("""
            UPDATE load_stage SET parent_id = (
                SELECT   region.id FROM twin.region
                WHERE    array_position(levels.names, region.level)
                             < array_position(levels.names, load_stage.level)
                AND      ST_Covers(region.geom, ST_PointOnSurface(load_stage.geom))
                ORDER BY ST_Area(region.geom), region.id
                LIMIT    1
            )
            FROM (
                VALUES (ARRAY['province', 'city', 'county', 'street', 'community'])
            ) AS levels (names)
        """)


class PipeSegmentLink(Link):
    """A segment hangs between two nodes; its heights come from its ends' levels."""

    def columns(self, plan: Plan) -> list[tuple[str, str]]:
        """Return the reference of the heights, where levels are given without one."""
        levels = plan.binding("z_from_m") and plan.binding("z_to_m")
        return [("elevation_reference", "text")] if levels else []

    def shape(self, placed: Placed, values: dict[str, pa.Array], plan: Plan) -> Shapes:
        """Return lines that fall evenly from the level of one end to that of the other."""
        count = len(placed.pick)
        for name in ("from_node", "to_node"):
            values.setdefault(name, pa.nulls(count, pa.string()))
        if not self.columns(plan):
            return placed.shapes
        first, last = (_floats(values[name]) for name in ("z_from_m", "z_to_m"))
        known = np.isfinite(first) & np.isfinite(last)
        _say_reference(values, known, plan)
        line_first = np.zeros(len(placed.shapes))
        line_last = np.zeros(len(placed.shapes))
        line_first[placed.pick] = np.where(known, first, 0.0)
        line_last[placed.pick] = np.where(known, last, 0.0)
        return placed.shapes.lifted(_even_fall(placed.shapes, line_first, line_last))

    def run(self, target: Target, job: Job) -> None:
        """Find the nodes at both ends, by id in the same source, else by place."""
        by_id = by_place = 0
        for reference, column, end in (
            ("from_node", "from_node_id", "ST_StartPoint"),
            ("to_node", "to_node_id", "ST_EndPoint"),
        ):
            by_id += target.run(_BY_ID.replace("{ref}", reference).replace("{column}", column))
            by_place += target.run(
                _BY_PLACE.replace("{column}", column).replace("{end}", end),
                {"reach_m": _NODE_REACH_M},
            )
        loose = target.scalar(
            "SELECT count(*) FILTER (WHERE from_node_id IS NULL)"
            " + count(*) FILTER (WHERE to_node_id IS NULL) FROM load_stage"
        )
        job.tally.note(f"ends joined to nodes: {by_id} by id, {by_place} by place, {loose} loose")


_BY_ID = """
    UPDATE load_stage SET {column} = node.id
    FROM   twin.pipe_node AS node
    WHERE  node.source = load_stage.source AND node.source_id = load_stage.{ref}
"""

_BY_PLACE = """
    UPDATE load_stage SET {column} = near.id
    FROM   load_stage AS s CROSS JOIN LATERAL (
               SELECT   node.id FROM twin.pipe_node AS node
               WHERE    node.kind = s.kind AND ST_DWithin(node.geom, {end}(s.geom), %(reach_m)s)
               ORDER BY node.geom <-> {end}(s.geom), node.id
               LIMIT    1
           ) AS near
    WHERE  load_stage.uid = s.uid AND load_stage.{column} IS NULL
"""


class PipeNodeLink(Link):
    """A node's height is the level given, else its invert, which a manhole's depth gives."""

    def columns(self, plan: Plan) -> list[tuple[str, str]]:
        """Return the invert and its reference, where the file gives levels."""
        found = []
        if plan.binding("invert_z_m") or _depth_is_to_invert(plan):
            found.append(("invert_z_m", "double precision"))
        if found or plan.binding("z_m"):
            found.append(("elevation_reference", "text"))
        return found

    def shape(self, placed: Placed, values: dict[str, pa.Array], plan: Plan) -> Shapes:
        """Return the points at the level that the file gives, else at that of their inverts."""
        columns = dict(self.columns(plan))
        if not columns:
            return placed.shapes
        if "invert_z_m" in columns and plan.binding("invert_z_m") is None:
            values["invert_z_m"] = pc.subtract(values["ground_z_m"], values["depth_m"])
        level = _floats(values["z_m"] if plan.binding("z_m") else values["invert_z_m"])
        known = np.isfinite(level)
        _say_reference(values, known, plan)
        z = np.zeros(len(placed.shapes))
        z[placed.pick] = np.where(known, level, 0.0)
        lengths = np.diff(placed.shapes.starts)
        return replace(placed.shapes, z=np.repeat(z, lengths))


def _say_reference(values: dict[str, pa.Array], known: NDArray[np.bool_], plan: Plan) -> None:
    """Say what levels are of: inverts unless the file says otherwise, of nothing where unknown."""
    if plan.binding("elevation_reference") is None:
        values["elevation_reference"] = pa.array(np.where(known, "invert", "unknown"))
    else:
        said = values["elevation_reference"]
        values["elevation_reference"] = pc.if_else(pa.array(known), said, "unknown")


def _depth_is_to_invert(plan: Plan) -> bool:
    depth, ground = plan.binding("depth_m"), plan.binding("ground_z_m")
    return bool(ground and depth and depth.column and normal(depth.column) in _DEPTH_TO_INVERT)


class ComponentLink(Link):
    """A component's code begins with the code of its class."""

    def columns(self, plan: Plan) -> list[tuple[str, str]]:
        """Return the class code, where the codes themselves say it."""
        return [("class_code", "text")] if plan.binding("code") else []

    def shape(self, placed: Placed, values: dict[str, pa.Array], plan: Plan) -> Shapes:
        """Return the points as they are, and fill in the class codes."""
        if plan.binding("code"):
            values["class_code"] = class_codes(values)
        return placed.shapes


class EventLink(Link):
    """An event may be about a component."""

    def shape(self, placed: Placed, values: dict[str, pa.Array], plan: Plan) -> Shapes:
        """Return the points as they are, and a column for the component's name."""
        values.setdefault("component", pa.nulls(len(placed.pick), pa.string()))
        return placed.shapes

    def run(self, target: Target, job: Job) -> None:
        """Find the components."""
        named = target.run(TIED)
        loose = target.scalar(LOOSE)
        if named:
            job.tally.note(f"events about a component: {named - loose} found, {loose} not found")


def _even_fall(
    shapes: Shapes, first: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return heights of all points, even between the ends' of each line."""
    starts = shapes.starts
    steps = np.hypot(np.diff(shapes.x, prepend=0.0), np.diff(shapes.y, prepend=0.0))
    lengths = np.diff(starts)
    begins = starts[:-1][lengths > 0]
    steps[begins] = 0.0
    along = np.cumsum(steps)
    along -= np.repeat(along[begins], lengths[lengths > 0])
    whole = np.repeat(along[starts[1:][lengths > 0] - 1], lengths[lengths > 0])
    share = np.divide(along, whole, out=np.zeros_like(along), where=whole > 0)
    z: NDArray[np.float64] = np.repeat(first, lengths) + share * np.repeat(last - first, lengths)
    return z


def _floats(values: pa.Array) -> NDArray[np.float64]:
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), float)


NOTHING = Link()
LINKS: dict[str, Link] = {
    "grid_cell": GridCellLink(derived=(("region_id", "bigint"),)),
    "region": RegionLink(derived=(("parent_id", "bigint"),)),
    "pipe_node": PipeNodeLink(),
    "pipe_segment": PipeSegmentLink(
        extra=(("from_node", "text"), ("to_node", "text")),
        derived=(("from_node_id", "bigint"), ("to_node_id", "bigint")),
    ),
    "component": ComponentLink(),
    "event": EventLink(extra=(("component", "text"),), derived=(("component_id", "bigint"),)),
}
