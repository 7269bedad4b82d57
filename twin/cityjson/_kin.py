"""Parents and children of city objects: what is part of what, and whether that can be."""

from __future__ import annotations

from twin.errors import InvalidInputError

_SHOWN = 6


def check_kin(parents: dict[str, list[str]], children: dict[str, list[str]]) -> list[str]:
    """Return what is odd about the kinship of objects.

    Parameters
    ----------
    parents, children : dict of str to list of str
        Of each object, by name.

    Raises
    ------
    InvalidInputError
        If an object is its own ancestor; the message names the ring.

    Examples
    --------
    >>> check_kin({"part": ["house"], "house": []}, {"house": ["part", "shed"], "part": []})
    ['1 children are not in the file: shed']
    >>> check_kin({"a": ["b"], "b": ["a"]}, {})
    Traceback (most recent call last):
        ...
    twin.errors.InvalidInputError: objects are part of themselves: 'a' -> 'b' -> 'a'
    """
    done: set[str] = set()
    for begin in parents:
        path: dict[str, None] = {}
        stack = [(begin, iter(parents[begin]))] if begin not in done else []
        if stack:
            path[begin] = None
        while stack:
            name, rest = stack[-1]
            above = next((one for one in rest if one in parents and one not in done), None)
            if above is None:
                stack.pop()
                path.pop(name)
                done.add(name)
            elif above in path:
                ring = [*list(path)[list(path).index(above) :], above]
                shown = ring if len(ring) <= _SHOWN else [*ring[: _SHOWN - 1], "…", above]
                raise InvalidInputError(
                    f"objects are part of themselves: {' -> '.join(map(repr, shown))}"
                )
            else:
                path[above] = None
                stack.append((above, iter(parents[above])))
    return [*_missing("parents", parents), *_missing("children", children)]


def _missing(word: str, kin: dict[str, list[str]]) -> list[str]:
    absent = [name for several in kin.values() for name in several if name not in kin]
    if not absent:
        return []
    shown = ", ".join(absent[:3]) + (", …" if len(absent) > 3 else "")
    return [f"{len(absent):,} {word} are not in the file: {shown}"]
