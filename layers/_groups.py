"""The groups under which a map lists its layers."""

from layers._layer import Group, Words

BASE = Group("base", Words("底图", "Base"))
GRID = Group("grid", Words("网格", "Management grid"))
BUILDINGS = Group("buildings", Words("建筑", "Buildings"))
ROADS = Group("roads", Words("道路", "Roads"))
PIPELINES = Group("pipelines", Words("地下管线", "Pipelines"))
WATERLOGGING = Group("waterlogging", Words("内涝", "Waterlogging"))
EMERGENCY = Group("emergency", Words("应急", "Emergency"))
ANALYSES = Group("analysis", Words("分析", "Analyses"))
QUALITY = Group("quality", Words("数据质量", "Quality of the data"))
