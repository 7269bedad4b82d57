"""What a rule found becomes the findings of the city, as a change set: the same keep their id."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.model.base import VISIBILITIES
from twin.quality._rule import Rule
from twin.quality._scope import Scope

_TABLE = text("""
    CREATE TEMP TABLE IF NOT EXISTS quality_staged (
        source_id text PRIMARY KEY,
        layer text, feature_id bigint, other_layer text, other_id bigint, part text,
        feature_uid uuid, value double precision, limit_value double precision,
        message_zh text, message_en text, about jsonb, geom geometry,
        bd_code text, cell_id text, owner text, manager text, maintainer text, visibility text
    ) ON COMMIT DROP
""")

# What the feature knows of its place and its people holds for the finding, too.
_STAGE = """
    INSERT INTO quality_staged
    SELECT concat_ws('/', f.layer, f.feature_id, f.other_layer, f.other_id, f.part),
           f.layer, f.feature_id, f.other_layer, f.other_id, f.part,
           t.uid, f.value, f.limit_value, s.message_zh, s.message_en, f.about,
           coalesce(f.place, ST_Force2D(t.geom)),
           t.bd_code, t.cell_id, t.owner, t.manager, t.maintainer, t.visibility
    FROM   quality_found AS f
    JOIN   quality_said AS s USING (n)
    JOIN   twin.TABLE AS t ON t.id = f.feature_id
    WHERE  f.layer = 'TABLE'
"""

# A finding shows no more than either of its features does.
_HIDE = """
    UPDATE quality_staged AS s SET visibility = o.visibility
    FROM   twin.TABLE AS o
    WHERE  s.other_layer = 'TABLE' AND o.id = s.other_id
    AND    array_position(:visibilities, o.visibility)
           > array_position(:visibilities, s.visibility)
"""

_LAYERS = text("SELECT DISTINCT layer, other_layer FROM quality_staged_layers")

_GONE_OF_TABLE = """
    -- Former findings of the rule about rows that were looked at now, and were not found again;
    -- and those about features that are no more.
    DELETE FROM twin.quality_finding AS f
    WHERE  f.source = :source AND f.COLUMN_layer = 'TABLE'
    AND    NOT EXISTS (SELECT FROM quality_staged AS s WHERE s.source_id = f.source_id)
    AND    NOT EXISTS (SELECT FROM twin.TABLE AS t WHERE t.id = f.COLUMN_id AND KEPT)
"""

_GONE = text("""
    DELETE FROM twin.quality_finding AS f
    WHERE  f.source = :source
    AND    NOT EXISTS (SELECT FROM quality_staged AS s WHERE s.source_id = f.source_id)
""")

_CHANGED = text("""
    UPDATE twin.quality_finding AS f
    SET    name = :name, severity = :severity, unit = :unit, found_by = :run,
           feature_uid = s.feature_uid, value = s.value, limit_value = s.limit_value,
           message_zh = s.message_zh, message_en = s.message_en,
           attrs = coalesce(s.about, '{}'), geom = s.geom, bd_code = s.bd_code,
           cell_id = s.cell_id, owner = s.owner, manager = s.manager,
           maintainer = s.maintainer, visibility = s.visibility
    FROM   quality_staged AS s
    WHERE  f.source = :source AND f.source_id = s.source_id
    AND    (f.name, f.severity, f.unit, f.feature_uid, f.value, f.limit_value, f.message_zh,
            f.message_en, f.attrs, ST_AsBinary(f.geom), f.bd_code, f.cell_id, f.owner, f.manager,
            f.maintainer, f.visibility)
           IS DISTINCT FROM
           (CAST(:name AS text), CAST(:severity AS text), CAST(:unit AS text), s.feature_uid,
            s.value, s.limit_value, s.message_zh, s.message_en, coalesce(s.about, '{}'),
            ST_AsBinary(s.geom), s.bd_code, s.cell_id, s.owner, s.manager, s.maintainer,
            s.visibility)
""")

_NEW = text("""
    INSERT INTO twin.quality_finding (
        source, source_id, name, rule, severity, unit, found_by, layer, feature_id, feature_uid,
        other_layer, other_id, part, value, limit_value, message_zh, message_en, attrs, geom,
        bd_code, cell_id, owner, manager, maintainer, visibility
    )
    SELECT :source, s.source_id, :name, :rule, :severity, :unit, :run, s.layer, s.feature_id,
           s.feature_uid, s.other_layer, s.other_id, s.part, s.value, s.limit_value, s.message_zh,
           s.message_en, coalesce(s.about, '{}'), s.geom, s.bd_code, s.cell_id, s.owner, s.manager,
           s.maintainer, s.visibility
    FROM   quality_staged AS s
    WHERE  NOT EXISTS (
               SELECT FROM twin.quality_finding AS f
               WHERE  f.source = :source AND f.source_id = s.source_id
           )
    ORDER  BY s.layer, s.feature_id
""")


class Stored(NamedTuple):
    """What became of a rule's findings."""

    new: int
    changed: int
    unchanged: int
    gone: int


def store(session: Session, scope: Scope, rule: Rule, run_id: int) -> Stored:
    """Write what was gathered of a rule; former findings about the same rows that stay keep their
    id, those not found again go into the history."""  # noqa: D205, D209
    values = {
        "source": source_of(rule.id),
        "rule": rule.id,
        "name": rule.title.zh,
        "severity": rule.severity,
        "unit": rule.unit,
        "run": run_id,
        **scope.values,
    }
    staged = _stage(session)
    gone = _remove(session, scope, rule, values)
    changed = session.execute(_CHANGED, values).rowcount if staged else 0  # type: ignore[attr-defined]
    new = session.execute(_NEW, values).rowcount if staged else 0  # type: ignore[attr-defined]
    return Stored(new, changed, staged - new - changed, gone)


def source_of(rule_id: str) -> str:
    """Return the word that a rule's findings carry as their source."""
    return f"quality/{rule_id}"


def _stage(session: Session) -> int:
    """Bring what was gathered together with its features; return how much that is."""
    session.execute(_TABLE)
    session.execute(text("TRUNCATE quality_staged"))
    pairs = session.execute(text("SELECT DISTINCT layer, other_layer FROM quality_found")).all()
    staged = 0
    for layer in {layer for layer, _ in pairs}:
        staged += session.execute(text(_STAGE.replace("TABLE", layer))).rowcount  # type: ignore[attr-defined]
    for other in {other for _, other in pairs if other is not None}:
        session.execute(text(_HIDE.replace("TABLE", other)), {"visibilities": list(VISIBILITIES)})
    return staged


def _remove(session: Session, scope: Scope, rule: Rule, values: dict[str, object]) -> int:
    """Take away former findings that were looked for and not found."""
    if scope.kind == "city":
        return int(session.execute(_GONE, values).rowcount)  # type: ignore[attr-defined]
    gone = 0
    for table in set(rule.tables) & set(scope.tables):
        # Of a load, what other loads wrote was not looked at.
        kept = "t.load_id IS DISTINCT FROM :load_id" if scope.of_load(table) else "false"
        for column in ("", "other_"):
            statement = (
                _GONE_OF_TABLE.replace("TABLE", table)
                .replace("COLUMN_layer", f"{column}layer")
                .replace("COLUMN_id", f"{column}id" if column else "feature_id")
                .replace("KEPT", kept)
            )
            gone += int(session.execute(text(statement), values).rowcount)  # type: ignore[attr-defined]
    return gone
