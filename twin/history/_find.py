"""Which number a thing has, or had before it was deleted."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.errors import NotFoundError
from twin.model import located_tables

_LARGEST_ID = 2**63 - 1

_BY_UID = """
    -- The number behind a name that was given once.  What is gone has a state that ended so.
    SELECT id FROM twin.{table} WHERE uid = :uid
    UNION  ALL
    SELECT id FROM twin.{table}_history WHERE uid = :uid AND op = 'D'
    LIMIT  1
"""


def identify(session: Session, layer: str, key: str | int) -> int:
    """Return the number of a thing that is or was there.

    Parameters
    ----------
    session : Session
        A session on the city's database.
    layer : str
        The layer's id, which is its table's name.
    key : str or int
        The thing's ``id``, which is given back without a look, or its ``uid``.

    Raises
    ------
    NotFoundError
        If there is no such layer, it never held such a ``uid``, or the key is neither.
    """
    if layer not in located_tables():
        raise NotFoundError(f"there is no layer {layer!r}; there are {', '.join(located_tables())}")
    word = str(key)
    if word.isascii() and word.isdigit():
        if len(word) <= 19 and int(word) <= _LARGEST_ID:
            return int(word)
        raise never_held(layer, key)
    try:
        uid = UUID(word)
    except ValueError:
        raise never_held(layer, key) from None
    found = session.scalar(text(_BY_UID.format(table=layer)), {"uid": uid})
    if found is None:
        raise never_held(layer, key)
    return int(found)


def never_held(layer: str, key: str | int) -> NotFoundError:
    """Return the error of a thing that never was."""
    return NotFoundError(f"the layer {layer!r} never held a feature {str(key)!r}")
