"""How many bytes of a tile each field takes."""

from collections.abc import Iterator

_VARINT, _BYTES = 0, 2


def field_bytes(tile: bytes) -> tuple[dict[str, int], int]:
    """Return the bytes of each field in the tile of one layer, and those of the geometry.

    A field's bytes are its name, the tags that say which value a feature has, and the values that
    it is the first to use.  They are those that leaving it out saves before compression.

    Parameters
    ----------
    tile : bytes
        What `tiles.engine.encode` returns.

    Examples
    --------
    >>> field_bytes(b"")
    ({}, 0)
    """
    names: list[bytes] = []
    sizes: list[int] = []
    tags: list[bytes] = []
    geometry = 0
    for _, layer in _messages(tile):
        for number, value in _messages(layer):
            if number == 2:
                for inner, part in _messages(value):
                    if inner == 2:
                        tags.append(part)
                    elif inner == 4:
                        geometry += len(part)
            elif number == 3:
                names.append(value)
            elif number == 4:
                sizes.append(len(value) + 2)
    costs = [len(name) + 2 for name in names]
    owned = [False] * len(sizes)
    for packed in tags:
        _charge(packed, costs, sizes, owned)
    told = {name.decode(): cost for name, cost in zip(names, costs, strict=True)}
    return told, geometry


def _charge(packed: bytes, costs: list[int], sizes: list[int], owned: list[bool]) -> None:
    """Add what a feature's tags take to the fields they are of."""
    at, end = 0, len(packed)
    while at < end:
        begin = at
        key, at = _varint(packed, at)
        value, at = _varint(packed, at)
        costs[key] += at - begin
        if not owned[value]:
            owned[value] = True
            costs[key] += sizes[value]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and content of the fields that have a length."""
    at = 0
    while at < len(data):
        word, at = _varint(data, at)
        value, at = _varint(data, at)
        if word & 7 == _BYTES:
            yield word >> 3, data[at : at + value]
            at += value
