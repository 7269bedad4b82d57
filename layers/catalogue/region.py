"""Regions of administration (行政区划)."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import LAND, by_zoom, match
from layers._common import with_file
from layers._groups import BASE
from twin.model.city import Region

LEVELS = {
    "province": Words("省级", "Province"),
    "city": Words("市级", "City"),
    "county": Words("区县", "County"),
    "street": Words("街道（镇）", "Street or town"),
    "community": Words("社区（村）", "Community"),
}
_RIM = "#b9a58f"

LAYER = Layer(
    id="region",
    title=Words("行政区划", "Regions"),
    description=Words(
        "省、市、区县、街道、社区五级行政区划。",
        "Regions of administration, from province to community.",
    ),
    group=BASE,
    geometry="polygon",
    table=Region,
    fields=with_file(
        Field("level", Words("级别", "Level"), "string", in_tiles=True, codes=LEVELS),
        Field("code", Words("区划代码", "Region code"), "string", in_tiles=True),
        Field("parent_id", Words("上级区划", "Parent region"), "integer"),
        Field("population", Words("户籍人口", "Registered residents"), "integer", "persons"),
    ),
    order=0,
    minzoom=0,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "region-land",
            "type": "fill",
            "paint": {"fill-color": LAND, "fill-antialias": False},
        },
        {
            "id": "region-rim-glow",
            "type": "line",
            "filter": ["in", ["get", "level"], ["literal", ["province", "city", "county"]]],
            "layout": {"line-join": "round"},
            "paint": {
                "line-color": "#d9cbb9",
                "line-width": by_zoom(8, 3, 16, 12),
                "line-opacity": 0.45,
                "line-blur": by_zoom(8, 1, 16, 6),
            },
        },
        {
            "id": "region-rim",
            "type": "line",
            "layout": {"line-join": "round"},
            "paint": {
                "line-color": _RIM,
                "line-width": by_zoom(
                    8,
                    match("level", {"province": 1.6, "city": 1.4, "county": 1.0}, 0.3),
                    15,
                    match("level", {"province": 3, "city": 3, "county": 2.4, "street": 1.6}, 1.0),
                ),
                "line-dasharray": [4, 2, 1, 2],
                "line-opacity": 0.8,
            },
        },
    ),
    legend=(Drawn(_RIM, Words("区划界线", "Boundary"), "line"),),
    merged_by=("level",),
)
