"""Which coding a client takes (RFC 9110, 12.5.3)."""

from functools import lru_cache

from tiles.codings import CODINGS, GZIP

PLAIN = ""
"""No coding at all."""


@lru_cache(maxsize=1024)
def chosen(accepted: str) -> str | None:
    """Return the coding to answer in; None if the client takes none that there is.

    What the client likes better comes first; of equals the smaller one.  Who takes anything gets
    gzip, which all can read.

    Parameters
    ----------
    accepted : str
        The client's ``Accept-Encoding``; nothing if it sent none.

    Examples
    --------
    >>> chosen("gzip, deflate, br, zstd"), chosen("br;q=1, gzip;q=0.5"), chosen("*")
    ('zstd', 'gzip', 'gzip')
    >>> chosen("gzip;q=0, br"), chosen(""), chosen("gzip;q=0.5, identity")
    ('', '', '')
    >>> chosen("identity;q=0, br") is None
    True
    """
    liked = _likings(accepted)
    anything = liked.get("*", 0.0)
    best, choice = 0.0, None
    for coding in CODINGS:
        weight = liked.get(coding, anything if coding == GZIP else 0.0)
        if weight > best:
            best, choice = weight, coding
    # What is not named is taken all the same, but liked least.
    plain = liked.get("identity", anything if "*" in liked else 1e-9)
    return PLAIN if plain > best else choice


def _likings(accepted: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weight = 1.0
        for each in parameters:
            if each.replace(" ", "").startswith("q="):
                weight = _weight(each.partition("=")[2].strip())
        if name:
            found[name.removeprefix("x-") if name == "x-gzip" else name] = weight
    return found


def _weight(word: str) -> float:
    try:
        weight = float(word)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
