"""The groups under which a map lists its layers."""

from layers._layer import Words

BASE = Words("底图", "Base")
GRID = Words("网格", "Management grid")
BUILDINGS = Words("建筑", "Buildings")
ROADS = Words("道路", "Roads")
PIPELINES = Words("地下管线", "Pipelines")
FLOODING = Words("内涝", "Waterlogging")
EMERGENCY = Words("应急", "Emergency")
ANALYSES = Words("分析", "Analyses")
