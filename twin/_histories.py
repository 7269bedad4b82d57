"""Put away what has been written into the histories, part by part."""

from contextlib import suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

LARGE_BYTES = 256 * 2**20
"""The part that is being written is closed beyond this: about a million buildings."""

_LARGE = text("""
    -- Tables whose history's open part is large.
    SELECT name FROM twin.feed_layer
    WHERE  pg_relation_size(to_regclass(format('twin.%I', name || '_history_default'))) > :bytes
    ORDER  BY id
""")


def seal_histories(engine: Engine, *, larger_than_bytes: int = LARGE_BYTES) -> list[str]:
    """Give what the open parts of histories hold a partition of its own, where it is large.

    Nothing depends on it but speed, so whoever is at work goes first: a history that is not free
    within two seconds is left for the next time.

    Returns
    -------
    list of str
        The layers whose history was closed.
    """
    with engine.connect() as connection:
        names = connection.scalars(_LARGE, {"bytes": larger_than_bytes}).all()
    done = []
    for name in names:
        with suppress(OperationalError), engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            given = {"name": name, "bytes": larger_than_bytes}
            if connection.scalar(text("SELECT twin.seal_history(:name, :bytes)"), given):
                done.append(str(name))
    return done
