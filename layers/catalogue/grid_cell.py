"""Management grid cells (单元网格)."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import by_zoom
from layers._common import with_file
from layers._groups import GRID
from twin.model.grid import GridCell

_LINE = "#8b7fb5"
_FLOOD_PRONE = "#4f86c6"

LAYER = Layer(
    id="grid_cell",
    title=Words("单元网格", "Management grid cells"),
    description=Words(
        "城市管理单元网格及其责任人（GB/T 30428）。",
        "Cells of the city management grid, and the person who answers for each (GB/T 30428).",
    ),
    group=GRID,
    geometry="polygon",
    table=GridCell,
    fields=with_file(
        Field("code", Words("网格编码", "Cell code"), "string", in_tiles=True),
        Field("region_id", Words("所属社区", "Community"), "integer"),
        Field("responsible_person", Words("网格员", "Responsible person"), "string", in_tiles=True),
        Field("responsible_phone", Words("联系电话", "Telephone"), "string"),
        Field("population", Words("人口", "Residents"), "integer", "persons", in_tiles=True),
        Field("flood_prone", Words("易涝", "Flood-prone"), "boolean", in_tiles=True),
    ),
    order=10,
    minzoom=11,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "grid_cell-fill",
            "type": "fill",
            "paint": {
                "fill-color": ["case", ["==", ["get", "flood_prone"], True], _FLOOD_PRONE, _LINE],
                # Nearly nothing, but something: a click inside a cell must find it.
                "fill-opacity": ["case", ["==", ["get", "flood_prone"], True], 0.10, 0.01],
            },
        },
        {
            "id": "grid_cell-outline",
            "type": "line",
            "layout": {"line-join": "round"},
            "paint": {
                "line-color": _LINE,
                "line-width": by_zoom(11, 0.3, 14, 0.7, 18, 1.6),
                "line-opacity": by_zoom(11, 0.35, 15, 0.7, base=1),
            },
        },
    ),
    legend=(
        Drawn(_LINE, Words("网格界线", "Cell"), "line"),
        Drawn(_FLOOD_PRONE, Words("易涝网格", "Flood-prone cell"), "fill"),
    ),
    merged_by=("flood_prone",),
)
