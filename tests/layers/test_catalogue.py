import re
from itertools import pairwise

import pytest

from layers import Drawn, Field, Group, Layer, Words, layer_named, layers
from twin.database import City
from twin.errors import HouseRuleError, NotFoundError
from twin.model import located_tables
from twin.model.buildings import Building

ALL = pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)


def test_every_located_table_is_a_layer() -> None:
    assert set(layers()) == set(located_tables())


def test_layers_come_in_the_order_a_map_draws_them() -> None:
    orders = [layer.order for layer in layers().values()]
    assert all(low < high for low, high in pairwise(orders))
    assert next(iter(layers())) == "region"


def test_an_unknown_layer_names_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"'dragons'.*building"):
        layer_named("dragons")


@ALL
def test_words_are_chinese_and_english(layer: Layer) -> None:
    said = [layer.title, layer.description, layer.group.title]
    said += [entry.title for entry in layer.fields]
    said += [label for entry in layer.fields for label in entry.codes.values()]
    said += [drawn.label for drawn in layer.legend]
    for words in said:
        assert re.search("[一-鿿]", words.zh), words
        assert re.fullmatch(r"[\x20-\x7e]+", words.en), words


@ALL
def test_every_field_can_be_selected(city: City, layer: Layer) -> None:
    from layers import query

    page = query.page(city, layer, limit=1)
    assert page.fields == layer.fields
    assert all(len(row) >= 2 + len(layer.fields) for row in page.rows)


@ALL
def test_every_field_with_a_dimension_has_a_unit(layer: Layer) -> None:
    units = {"_m": "m", "_pa": "Pa", "_v": "V", "_m_per_s": "m/s", "_m3_per_s": "m³/s"}
    for entry in layer.fields:
        for ending, unit in units.items():
            longer = [other for other in units if len(other) > len(ending)]
            if entry.name.endswith(ending) and not entry.name.endswith(tuple(longer)):
                assert entry.unit == unit, entry.name


@ALL
def test_styles_use_only_fields_that_tiles_carry(layer: Layer) -> None:
    carried = {entry.name for entry in layer.fields if entry.in_tiles}
    used = set(re.findall(r"\['get', '(\w+)'\]", str(layer.style)))
    assert used <= carried


@ALL
def test_styles_are_layers_without_a_source(layer: Layer) -> None:
    names = [part["id"] for part in layer.style]
    assert len(set(names)) == len(names)
    for part in layer.style:
        assert part["id"].startswith(f"{layer.id}-")
        assert part["type"] in ("fill", "line", "circle", "fill-extrusion")
        assert not {"source", "source-layer"} & set(part)
        # Text and icons would need glyphs and sprites from somewhere.
        assert not re.search("text-|icon-|http", str(part))


@ALL
def test_zooms_and_legends_are_sound(layer: Layer) -> None:
    assert 0 <= layer.minzoom <= layer.maxzoom <= 18
    assert layer.legend
    assert all(re.fullmatch("#[0-9a-f]{6}", drawn.colour) for drawn in layer.legend)


def _layer(id: str = "building", fields: tuple[Field, ...] = ()) -> Layer:
    words = Words("楼", "x")
    return Layer(
        id, words, words, Group("x", words), "polygon", Building, fields, 1, 0, 16, True, (),
        (Drawn("#000000", words, "fill"),),
    )  # fmt: skip


def test_a_layer_is_called_after_its_table() -> None:
    with pytest.raises(HouseRuleError, match="building"):
        _layer("house")


def test_a_layer_names_a_field_once() -> None:
    twice = Field("name", Words("名称", "Name"), "string")
    with pytest.raises(HouseRuleError, match="twice"):
        _layer(fields=(twice, twice))
