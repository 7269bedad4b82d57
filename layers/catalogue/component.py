"""Components of city management (城市部件): covers, lamps, trees, and who looks after them."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import by_zoom, match_any
from layers._classes import kind_field
from layers._common import with_file
from layers._groups import GRID
from twin.model.components import Component

_COVERS = tuple(f"01{number:02d}" for number in (*range(1, 4), *range(5, 13), 14))
_GULLY, _LAMPS, _TREES = ("0104",), ("0118", "0119", "0120"), ("0401", "0402")
_COLOURS = {
    "cover": "#6b7780",
    "gully": "#2d7fa3",
    "lamp": "#d9a514",
    "tree": "#3f9a54",
    "other": "#a06a9c",
}

LAYER = Layer(
    id="component",
    title=Words("城市部件", "City components"),
    description=Words(
        "井盖、雨水箅子、路灯、行道树等城市管理部件及其编码和权属（GB/T 30428）。",
        "Manhole covers, gratings, lamps, trees: their codes, and whose they are (GB/T 30428).",
    ),
    group=GRID,
    geometry="point",
    table=Component,
    fields=with_file(
        kind_field("component"),
        Field("code", Words("部件标识码", "Component code"), "string"),
        Field("address", Words("位置描述", "Place"), "string"),
    ),
    order=46,
    minzoom=13,
    maxzoom=16,
    visible=False,
    style=(
        {
            "id": "component-dot",
            "type": "circle",
            "paint": {
                "circle-color": match_any(
                    "kind",
                    (
                        (_COVERS, _COLOURS["cover"]),
                        (_GULLY, _COLOURS["gully"]),
                        (_LAMPS, _COLOURS["lamp"]),
                        (_TREES, _COLOURS["tree"]),
                    ),
                    _COLOURS["other"],
                ),
                "circle-radius": by_zoom(13, 1, 16, 3, 19, 7),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": by_zoom(14, 0, 16, 1),
            },
        },
    ),
    legend=(
        Drawn(_COLOURS["cover"], Words("井盖", "Manhole covers"), "circle"),
        Drawn(_COLOURS["gully"], Words("雨水箅子", "Gully gratings"), "circle"),
        Drawn(_COLOURS["lamp"], Words("路灯", "Lamps"), "circle"),
        Drawn(_COLOURS["tree"], Words("树木", "Trees"), "circle"),
        Drawn(_COLOURS["other"], Words("其他部件", "Other components"), "circle"),
    ),
    merged_by=("kind",),
)
