"""What analyses found (分析结果): rings, routes, affected things; one run by ``run_id``."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import by_zoom
from layers._common import with_file
from layers._groups import ANALYSES
from twin.model.analysis import AnalysisFeature

ROLES = {
    "incident": Words("事故点", "Incident"),
    "ring": Words("影响范围", "Ring of impact"),
    "building": Words("受影响建筑", "Affected building"),
    "facility": Words("受影响设施", "Affected facility"),
    "route": Words("救援路线", "Route"),
    "closed_edge": Words("封闭路段", "Closed road"),
    "resource": Words("派遣力量", "Team sent"),
    "grid_cell": Words("受影响网格", "Affected cell"),
    "space": Words("房间", "Space"),
    "element": Words("建筑构件", "Building element"),
    "section": Words("剖切面", "Section"),
    "finding": Words("检查发现", "Finding"),
    "profile": Words("纵断面路径", "Route of a profile"),
    "section_line": Words("横断面线", "Line of a cross-section"),
    "pipe": Words("管线", "Pipe"),
}
_FIRE = "#d9261c"
_ROUTE = "#1668c7"
_CLOSED = "#b3161b"
_FINDING = "#c2410c"
_PROFILE = "#6d28d9"


def _is(*roles: str) -> list[object]:
    return ["in", ["get", "role"], ["literal", list(roles)]]


LAYER = Layer(
    id="analysis_feature",
    title=Words("分析结果", "Analysis results"),
    description=Words(
        "影响范围、救援路线等分析结果，按 run_id 查询。",
        "Rings, routes and affected things that analyses made; ask for one run by run_id.",
    ),
    group=ANALYSES,
    geometry="mixed",
    table=AnalysisFeature,
    fields=with_file(
        Field("run_id", Words("分析编号", "Run"), "uuid", in_tiles=True),
        Field("analysis", Words("分析", "Analysis"), "string", in_tiles=True),
        Field("role", Words("角色", "Role"), "string", in_tiles=True, codes=ROLES),
        attrs_in_tiles=True,
    ),
    order=80,
    minzoom=0,
    maxzoom=17,
    visible=False,
    style=(
        {
            "id": "analysis_feature-ring",
            "type": "fill",
            "filter": _is("ring"),
            "paint": {"fill-color": _FIRE, "fill-opacity": 0.12},
        },
        {
            "id": "analysis_feature-ring-line",
            "type": "line",
            "filter": _is("ring"),
            "paint": {"line-color": _FIRE, "line-width": 1.6, "line-dasharray": [3, 1.5]},
        },
        {
            "id": "analysis_feature-area",
            "type": "fill",
            "filter": [
                "all",
                _is("building", "grid_cell", "element", "section"),
                ["==", ["geometry-type"], "Polygon"],
            ],
            "paint": {"fill-color": "#f2694c", "fill-opacity": 0.65},
        },
        {
            "id": "analysis_feature-closed",
            "type": "line",
            "filter": _is("closed_edge"),
            "paint": {
                "line-color": _CLOSED,
                "line-width": by_zoom(12, 1.5, 18, 8),
                "line-dasharray": [1, 0.8],
            },
        },
        {
            "id": "analysis_feature-route-casing",
            "type": "line",
            "filter": _is("route"),
            "layout": {"line-cap": "round", "line-join": "round"},
            "paint": {"line-color": "#ffffff", "line-width": by_zoom(11, 4, 18, 14)},
        },
        {
            "id": "analysis_feature-route",
            "type": "line",
            "filter": _is("route"),
            "layout": {"line-cap": "round", "line-join": "round"},
            "paint": {"line-color": _ROUTE, "line-width": by_zoom(11, 2.4, 18, 9)},
        },
        {
            "id": "analysis_feature-finding-line",
            "type": "line",
            "filter": ["all", _is("finding"), ["!=", ["geometry-type"], "Point"]],
            "layout": {"line-cap": "round"},
            "paint": {"line-color": _FINDING, "line-width": by_zoom(12, 2, 20, 6)},
        },
        {
            "id": "analysis_feature-profile",
            "type": "line",
            "filter": ["all", _is("profile", "section_line"), ["!=", ["geometry-type"], "Point"]],
            "paint": {
                "line-color": _PROFILE,
                "line-width": by_zoom(12, 2.5, 20, 6),
                "line-dasharray": [2, 1],
            },
        },
        {
            "id": "analysis_feature-finding",
            "type": "circle",
            "filter": ["all", _is("finding", "pipe"), ["==", ["geometry-type"], "Point"]],
            "paint": {
                "circle-color": ["case", _is("pipe"), _PROFILE, _FINDING],
                "circle-radius": by_zoom(10, 2.5, 18, 6),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 1,
            },
        },
        {
            "id": "analysis_feature-point",
            "type": "circle",
            "filter": [
                "all",
                _is("incident", "facility", "resource"),
                ["==", ["geometry-type"], "Point"],
            ],
            "paint": {
                "circle-color": ["case", _is("resource"), _ROUTE, _FIRE],
                "circle-radius": ["case", _is("incident"), 8, 5],
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 2,
            },
        },
    ),
    legend=(
        Drawn(_FIRE, ROLES["ring"], "fill"),
        Drawn(_ROUTE, ROLES["route"], "line"),
        Drawn(_CLOSED, ROLES["closed_edge"], "line"),
        Drawn(_FIRE, ROLES["incident"], "circle"),
        Drawn(_FINDING, ROLES["finding"], "circle"),
        Drawn(_PROFILE, ROLES["profile"], "line"),
    ),
    merged_by=("run_id", "role"),
)
