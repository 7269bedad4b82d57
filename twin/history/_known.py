"""What was known at a moment, as SQL: the states of a table that had been committed by then.

It is told as PostgreSQL tells it from transaction ids (``docs/decisions/history.md``), and worked
out by the very statement that reads: a commit between two statements could be seen by the second
and be unknown to the first.
"""

from functools import cache

from sqlalchemy import inspect

from twin.model import located_tables


def moment_sql(name: str, seq: str) -> str:
    """Return a common table expression: what tells known states from others at a commit.

    It has one row: ``top``, the last id that was drawn when the commit was made; ``late``, the ids
    that were still being written then; ``low``, the least of both.

    Parameters
    ----------
    name : str
        What the expression is called.
    seq : str
        The SQL of the commit's number.
    """
    # The words are the house's own.
    return f"""{name} AS MATERIALIZED (
        SELECT top, late, least(top, (SELECT min(id) FROM unnest(late) AS id)) AS low
        FROM   (
            SELECT coalesce((
                       SELECT top_id FROM twin.change_set WHERE seq = {seq}
                   ), -1) AS top,
                   ARRAY(
                       SELECT id FROM twin.change_set
                       WHERE  int8range(began_after, seq, '()') @> {seq}
                       AND    seq - began_after > 1
                   ) AS late
        ) AS known
    )"""  # noqa: S608


def known_sql(column: str, name: str) -> str:
    """Return the test whether a change set was known at a moment.

    >>> known_sql("recorded_by", "m").split(" AND ")[0]
    '(recorded_by <= (SELECT top FROM m)'
    """
    late = f"(SELECT late FROM {name})::bigint[]"  # noqa: S608
    return f"({column} <= (SELECT top FROM {name}) AND {column} <> ALL ({late}))"  # noqa: S608


def low_sql(name: str) -> str:
    """Return the least id that a change set can have which was not known at a moment."""
    return f"(SELECT low FROM {name})"  # noqa: S608


@cache
def states_sql(table: str, name: str) -> str:
    """Return a subquery: the rows of a table as they were known at a moment.

    Parameters
    ----------
    table : str
        The table of a layer.
    name : str
        The expression of `moment_sql` for the moment.
    """
    columns = inspect(located_tables()[table]).local_table.columns
    listed = ", ".join(f'"{column.name}"' for column in columns)
    # The range is what the index of the history is of; it holds whatever the tests after it do.
    return f"""(
        SELECT {listed} FROM twin.{table}
        WHERE  {known_sql("recorded_by", name)}
        UNION  ALL
        SELECT {listed} FROM twin.{table}_history
        WHERE  int8range(least(recorded_by, replaced_by), greatest(recorded_by, replaced_by), '[]')
               && int8range({low_sql(name)}, (SELECT top FROM {name}), '[]')
        AND    replaced_by >= {low_sql(name)}
        AND    {known_sql("recorded_by", name)} AND NOT {known_sql("replaced_by", name)}
    )"""  # noqa: S608
