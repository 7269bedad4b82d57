import pytest

from tiles.grid import Tile, lonlat_box, parse_tile
from twin.errors import InvalidInputError, NotFoundError


def test_the_first_level_is_the_whole_mercator_square() -> None:
    assert lonlat_box(Tile(0, 0, 0)) == pytest.approx((-180, -85.0511287798, 180, 85.0511287798))


def test_rows_count_from_the_north() -> None:
    assert lonlat_box(Tile(1, 0, 0)).south == pytest.approx(0)
    assert lonlat_box(Tile(1, 0, 1)).north == pytest.approx(0)


def test_neighbours_share_their_rim_and_overlap_by_their_margin() -> None:
    left, right = lonlat_box(Tile(14, 100, 50)), lonlat_box(Tile(14, 101, 50))
    assert left.east == right.west
    wide = lonlat_box(Tile(14, 100, 50), margin=1 / 64)
    assert wide.east - left.east == pytest.approx((right.east - right.west) / 64)


def test_the_margin_ends_at_the_antimeridian() -> None:
    assert lonlat_box(Tile(3, 7, 0), margin=0.1).east == 180


@pytest.mark.parametrize(
    "address", [("0", "0", "0"), ("24", "16777215", "0"), ("14", "0", "16383")]
)
def test_addresses_of_the_grid_are_read(address: tuple[str, str, str]) -> None:
    assert parse_tile(*address) == tuple(map(int, address))


@pytest.mark.parametrize(
    "address",
    [("a", "0", "0"), ("1", "0.5", "0"), ("1", "", "0"), ("1", "0", "0x1"), ("٣", "0", "0")],
)
def test_what_is_no_number_is_refused(address: tuple[str, str, str]) -> None:
    with pytest.raises(InvalidInputError, match="whole numbers"):
        parse_tile(*address)


@pytest.mark.parametrize(
    "address",
    [
        ("25", "0", "0"),
        ("-1", "0", "0"),
        ("3", "8", "0"),
        ("3", "0", "-1"),
        ("14", "2147483647", "2147483647"),
        ("9" * 5000, "0", "0"),
        ("3", "9" * 5000, "0"),
    ],
)
def test_what_lies_off_the_grid_is_not_there(address: tuple[str, str, str]) -> None:
    with pytest.raises(NotFoundError):
        parse_tile(*address)
