"""What a rule finds, gathered in the database: the rows, and what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
import psycopg
import shapely
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.database import City
from twin.errors import HouseRuleError
from twin.quality._rule import Finding, Rule
from twin.quality._scope import Scope
from twin.words import Words

MOST_KEPT = 10_000
"""So many findings of a rule are kept; all of them are counted."""

_COLUMNS = (
    "layer", "feature_id", "other_layer", "other_id", "part", "place", "value", "limit_value",
    "about",
)  # fmt: skip

_TABLES = """
    CREATE TEMP TABLE IF NOT EXISTS quality_found (
        n bigint GENERATED ALWAYS AS IDENTITY,
        layer text NOT NULL,
        feature_id bigint NOT NULL,
        other_layer text,
        other_id bigint,
        part text,
        place geometry,
        value double precision,
        limit_value double precision,
        about jsonb
    ) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS quality_said (
        n bigint, message_zh text, message_en text
    ) ON COMMIT DROP;
    TRUNCATE quality_found, quality_said;
"""

# A pair is one finding, whichever of the two was looked at first.
_ORDERED = text("""
    UPDATE quality_found SET feature_id = other_id, other_id = feature_id
    WHERE  other_layer = layer AND other_id < feature_id
""")

_REPEATED = text("""
    DELETE FROM quality_found AS later USING quality_found AS earlier
    WHERE  later.other_id IS NOT NULL AND earlier.n < later.n
    AND    earlier.layer = later.layer AND earlier.feature_id = later.feature_id
    AND    earlier.other_layer = later.other_layer AND earlier.other_id = later.other_id
    AND    earlier.part IS NOT DISTINCT FROM later.part
""")

_COUNT = text("SELECT count(*), count(other_id) FROM quality_found")

# Numbers were given in the order of the features, so that the same ones are kept next time.
_SURPLUS = text("""
    DELETE FROM quality_found
    WHERE  n > (SELECT n FROM quality_found ORDER BY n OFFSET :most - 1 LIMIT 1)
""")

_TO_SAY = text("""
    SELECT n, layer, feature_id, other_layer, other_id, part, value, limit_value, about
    FROM   quality_found
""")


class Gathered(NamedTuple):
    """How much a rule found, and how much of it is kept."""

    found: int
    kept: int


def gather(city: City, scope: Scope, rule: Rule) -> Gathered:
    """Ask a rule, and leave what it finds in the temporary tables, words and all."""
    session = city.session
    driver = _driver(session)
    driver.execute(_TABLES)
    if callable(rule.check):
        found = _take(driver, city, rule.check(city, scope))
    else:
        found = 0
        for table in rule.tables:
            if table in scope.tables:
                said = rule.check if isinstance(rule.check, str) else rule.check[table]
                found += _ask(session, scope, rule, said, table)
    written, pairs = session.execute(_COUNT).one()
    if pairs:
        session.execute(_ORDERED)
        found -= session.execute(_REPEATED).rowcount  # type: ignore[attr-defined]
    if written > MOST_KEPT:
        session.execute(_SURPLUS, {"most": MOST_KEPT})
    if written:
        _say(session, rule)
    return Gathered(found, min(found, MOST_KEPT))


def _ask(session: Session, scope: Scope, rule: Rule, statement: str, table: str) -> int:
    """Run a rule's statement on one table, and return how many rows break it."""
    asked = (
        statement.replace("{layer}", table)
        .replace("{rows}", scope.rows(table))
        .replace("{all_rows}", scope.rows(table, removed=True))
    )
    values = {**scope.values, **rule.values, "layer_asked": table}
    named = list(session.execute(text(_NAMES.replace("ASKED", asked)), values).keys())
    unknown = set(named) - set(_COLUMNS[1:])
    if unknown or "feature_id" not in named:
        raise HouseRuleError(f"rule {rule.id!r} selects {named}; possible are {_COLUMNS[1:]}")
    given = ", ".join(named)
    put = _PUT.replace("GIVEN", given).replace("ASKED", asked)
    written = session.execute(text(put), {**values, "enough": MOST_KEPT + 1}).rowcount  # type: ignore[attr-defined]
    if written <= MOST_KEPT:
        return int(written)
    # Counting is cheaper than writing what nobody will see.
    return int(session.execute(text(_NUMBER.replace("ASKED", asked)), values).scalar_one())


_NAMES = "SELECT * FROM (ASKED) AS asked LIMIT 0"
_PUT = """
    INSERT INTO quality_found (layer, GIVEN)
    SELECT CAST(:layer_asked AS text), GIVEN FROM (ASKED) AS asked
    ORDER  BY feature_id LIMIT :enough
"""
_NUMBER = "SELECT count(*) FROM (ASKED) AS asked"


def _take(driver: psycopg.Connection[Any], city: City, findings: Iterable[Finding]) -> int:
    """Put a function's findings into the table, and return how many they are."""
    rows = [
        (
            each.layer, each.feature_id, each.other_layer, each.other_id, each.part,
            None if each.place is None
            else shapely.to_wkb(
                shapely.set_srid(each.place, city.frame.srid), hex=True, include_srid=True
            ),
            each.value, each.limit_value,
            None if each.about is None else orjson.dumps(dict(each.about)).decode(),
        )
        for each in findings
    ]  # fmt: skip
    _copy(driver, "quality_found", _COLUMNS, rows)
    return len(rows)


def _say(session: Session, rule: Rule) -> None:
    """Put the rule's words about each finding beside it."""
    rows = [
        (row["n"], *(words.format_map(_known(dict(row), rule)) for words in rule.says))
        for row in session.execute(_TO_SAY).mappings()
    ]
    _copy(_driver(session), "quality_said", ("n", "message_zh", "message_en"), rows)


def _known(row: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    """Return what a rule's words may speak of."""
    said = rule.why.get(row["part"], Words("", ""))
    own = {"limit": row["limit_value"], "why": said}
    return {**rule.values, **row, **own, **(row["about"] or {})}


def _copy(
    driver: psycopg.Connection[Any],
    table: str,
    columns: Iterable[str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    put = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(put) as to:
        for row in rows:
            to.write_row(row)


def _driver(session: Session) -> psycopg.Connection[Any]:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
