"""Compile the kernels ahead of the first request."""

import tempfile
from pathlib import Path

import numpy as np

from tiles._covered import Window, covered
from tiles._repair import repair
from tiles._world import world_of
from tiles.columns import Columns, write_columns
from tiles.engine import encode
from tiles.feature_rows import write_texts
from tiles.features import Texts
from tiles.grid import Tile
from tiles.limits import Limit, Limits
from twin.changes import START
from twin.crs import CityBox, Frame, LonLatBox

_FRAME = Frame(4548, CityBox(466_000.0, 2_583_000.0, 468_000.0, 2_585_000.0))
_ONE_POINT = bytes.fromhex("0101000000" + "00000000607e1c41" + "0000000044b64341")
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)


def warm() -> None:
    """Compile every kernel that makes, edits and draws columns, or load it compiled.

    Takes a minute once, at set-up; the machine code is then kept, and a process needs about a
    second.  Where it is kept says `twin.jit.compiled`.
    """
    with tempfile.TemporaryDirectory() as folder:
        facts = {"layer": "warm", "minzoom": 0, "srid": 4548, "kinds": [0], "names": ["name"]}
        rows = _rows(1, 2)
        data = np.frombuffer(rows, np.uint8)
        write_columns(Path(folder), data, world_of(_FRAME), facts | {"position": list(START)})
        columns = Columns.open(Path(folder))
        columns.apply([1], _rows(1), START)
        for most in (2, 0):
            encode(columns, Tile(0, 0, 0), limits=Limits((Limit(0, most, 1, 8),)))
        _warm_rest(columns)
        _warm_texts(Path(folder), rows)


def _warm_rest(columns: Columns) -> None:
    """Call what only some polygons need, and what looks for the tiles that hold something."""
    state = columns.snapshot
    scratch, window = columns.borrow(state), columns.world.window(Tile(0, 0, 0), state.edit)
    for features in (state.base, state.tail):
        repair(features, 0, window, scratch)
    list(covered([(columns, state)], 0, Window(0, 0, 0, 0)))


def _warm_texts(folder: Path, rows: bytes) -> None:
    write_texts(folder, np.frombuffer(rows, np.uint8), {"position": list(START)})
    texts = Texts.open(folder)
    texts.apply([1], _rows(1), START)
    texts.page([LonLatBox(-180.0, -90.0, 180.0, 90.0)]).written(b"", b"")
    # A box that the point's own box, being rounded outwards, sticks out of.
    x, y = np.frombuffer(_ONE_POINT[5:], "<f8").tolist()
    texts.page([LonLatBox(x, y, x, y)])
    texts.near(np.zeros((1, 4)))


def _rows(*ids: int) -> bytes:
    """Return a binary COPY of points."""
    out = bytearray(_HEAD)
    for id in ids:
        out += (4).to_bytes(2, "big")
        for field in (
            id.to_bytes(8, "big"),
            (1).to_bytes(4, "big"),
            _ONE_POINT,
            b"name",
        ):
            out += len(field).to_bytes(4, "big") + field
    return bytes(out + b"\xff\xff")
