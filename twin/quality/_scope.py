"""What a run looks at: the whole city, one layer, or what one load wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.errors import NotFoundError
from twin.model import located_tables

_READINGS = "reading"
_ROWS = "(SELECT * FROM twin.TABLE WHERE WANTED)"

_LOAD = text("""
    -- The load, and the tables that it changed, from the change feed.
    SELECT load.layer,
           ARRAY(
               SELECT DISTINCT feed_layer.name
               FROM   twin.change_set AS s
               JOIN   twin.change ON change.change_set_id = s.id
               JOIN   twin.feed_layer ON feed_layer.id = change.layer
               WHERE  s.load_id = load.id
           ) AS tables
    FROM   twin.load
    WHERE  load.id = :load_id
""")

NOT_JUDGED = ("analysis_feature", "quality_finding")
"""What was worked out from the data is no data."""


@dataclass(frozen=True)
class Scope:
    """What a run looks at."""

    kind: Literal["city", "layer", "load"]
    tables: tuple[str, ...]
    """The tables whose rows are looked at."""
    layer: str | None = None
    """The one layer, or the word under which the load came (``road``, ``bim``)."""
    load_id: int | None = None

    def rows(self, table: str, *, removed: bool = False) -> str:
        """Return the SQL for a table's rows in scope, with ``:load_id`` to bind if it is a load.

        Parameters
        ----------
        table : str
            One of the model's tables.
        removed : bool
            Whether rows of things that are no more count.

        Examples
        --------
        >>> Scope("city", ("building",)).rows("building", removed=True)
        'twin.building'
        >>> Scope("load", ("building",), "building", 7).rows("building")
        "(SELECT * FROM twin.building WHERE load_id = :load_id AND state <> 'removed')"
        """
        wanted = []
        if self.of_load(table):
            wanted.append("load_id = :load_id")
        if not removed:
            wanted.append("state <> 'removed'")
        if not wanted:
            return f"twin.{table}"
        return _ROWS.replace("TABLE", table).replace("WANTED", " AND ".join(wanted))

    def of_load(self, table: str) -> bool:
        """Return whether only rows of one load are meant: readings leave their points' rows be."""
        return self.kind == "load" and self.layer != _READINGS and table in self.tables

    @property
    def values(self) -> dict[str, Any]:
        """What `rows` needs bound."""
        return {} if self.load_id is None else {"load_id": self.load_id}


def judged_tables() -> tuple[str, ...]:
    """Return the tables that rules may judge."""
    return tuple(name for name in located_tables() if name not in NOT_JUDGED)


def scope_of(session: Session, *, layer: str | None = None, load_id: int | None = None) -> Scope:
    """Return the scope of a load, of a layer, or of the whole city.

    Raises
    ------
    NotFoundError
        If there is no such load or layer.
    """
    if load_id is not None:
        found = session.execute(_LOAD, {"load_id": load_id}).one_or_none()
        if found is None:
            raise NotFoundError(f"there is no load {load_id}")
        tables = tuple(sorted(set(found.tables) & set(judged_tables())))
        return Scope("load", tables, found.layer, load_id)
    if layer is None:
        return Scope("city", judged_tables())
    if layer not in judged_tables():
        raise NotFoundError(
            f"there is no layer {layer!r} to judge; there are {', '.join(judged_tables())}"
        )
    return Scope("layer", (layer,), layer)
