"""What a column of a file may be called, and what it then means: the one table of names.

A name in a file is compared without case, spaces, underscores, hyphens and colons.  Where several
columns of a file could be the same field, the first in the order below is taken and the others are
kept in ``attrs``.  ``--map field=column`` overrules this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.ingest import _words as words
from twin.units import METRES_PER_FOOT

_MM, _CM, _KPA, _MPA, _BAR, _KV = 1e-3, 1e-2, 1e3, 1e6, 1e5, 1e3


@dataclass(frozen=True)
class Field:
    """A column of a table: its type, the names it goes by in files, and what it may hold."""

    column: str
    type: str
    """PostgreSQL's name of the type."""
    aliases: tuple[str, ...] = ()
    """Names whose numbers are in the column's own unit."""
    scaled: Mapping[str, float] = field(default_factory=dict)
    """Names whose numbers are in another unit, and the factor into the column's own."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What words in files mean, compared without case."""
    closed: tuple[str, ...] = ()
    """The only values there are; empty: any."""
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    """Whether `low` itself is too low.  `high` itself is too high only with `below_high`."""
    below_high: bool = False
    required: bool = False
    default: str | float | None = None
    """Written where the file says nothing and the column may not be empty."""


def normal(name: str) -> str:
    """Return a name as it is compared.

    >>> normal("Building:Levels") == normal("building_levels")
    True
    """
    return "".join(letter for letter in name.casefold() if letter not in " _-:.")


def _numbers(column: str, aliases: tuple[str, ...], **more: object) -> Field:
    return Field(column, "double precision", aliases, **more)  # type: ignore[arg-type]


def _text(column: str, *aliases: str) -> Field:
    return Field(column, "text", aliases)


_YEAR = Field(
    "built_year",
    "integer",
    ("built_year", "year_built", "builtdate", "built", "start_date", "建成年份", "建设年代",
     "建设年份", "竣工年份", "mdate"),
    low=-3000,
    high=2200,
)  # fmt: skip

_KIND = Field(
    "kind",
    "text",
    ("kind", "pipe_kind", "管线类型", "管线种类", "种类", "管类"),
    words=words.PIPE_KINDS,
    closed=words.PIPE_KIND_VALUES,
    required=True,
)

_ELEVATION_REFERENCE = Field(
    "elevation_reference",
    "text",
    ("elevation_reference", "elev_ref", "管高位置", "高程位置"),
    words=words.ELEVATION_REFERENCES,
    closed=("top", "invert", "centre", "unknown"),
    default="unknown",
)

COMMON: tuple[Field, ...] = (
    Field(
        "source_id",
        "text",
        ("source_id", "osm_id", "full_id", "@id", "id", "objectid", "gid", "global_id", "编号",
         "标识码", "唯一标识", "要素编号", "exp_no", "物探点号", "管点编号", "管线编号", "bsm",
         "案件编号", "事件编号", "任务号", "部件标识码", "objid", "fid", "ogc_fid"),
        required=True,
    ),
    _text("name", "name", "name:zh", "名称", "道路名称", "建筑名称", "楼名", "mc", "street_name",
          "nom", "label", "部件名称", "objname", "案件标题", "事件标题"),
    _text("class_code", "class_code", "分类代码", "要素代码", "部件代码", "部件分类代码",
          "事件代码", "事件分类代码"),
    _text("cell_id", "cell_id", "单元网格编码", "所属网格", "所在单元网格", "bgid"),
    _text("owner", "owner", "ownercat_id", "权属单位", "权属", "belong", "产权单位",
          "权属单位名称", "deptname2"),
    _text("manager", "manager", "管理单位", "主管部门", "operator", "主管部门名称", "deptname1"),
    _text("maintainer", "maintainer", "养护单位", "维护单位", "养护单位名称", "deptname3"),
    Field(
        "state",
        "text",
        ("state", "status_code", "状态", "使用状态", "部件状态", "objstate"),
        words=words.STATES,
        closed=words.STATE_VALUES,
        default="in_service",
    ),
    _text("accuracy_class", "accuracy_class", "精度等级", "accuracy"),
    Field("visibility", "text", ("visibility", "可见范围"),
          closed=("public", "internal", "restricted"), default="public"),
)  # fmt: skip

BUILDING: tuple[Field, ...] = (
    Field(
        "use",
        "text",
        ("use", "kind_detail", "building:use", "building", "用途", "建筑用途", "房屋用途",
         "建筑功能", "landuse_kind"),
        words=words.BUILDING_USES,
    ),
    _text("address", "address", "addr:full", "地址", "门牌", "详细地址"),
    _numbers(
        "height_m",
        ("height_m", "height", "building:height", "est_height", "高度", "建筑高度", "楼高",
         "bldg_height"),
        scaled={"height_ft": METRES_PER_FOOT, "height_cm": _CM},
        low=0, high=1000, below_high=True,
    ),
    _numbers("ground_z_m", ("ground_z_m", "ground_elev", "地面高程", "基底高程"),
             scaled={"groundelev_ft": METRES_PER_FOOT}),
    Field("storeys", "integer",
          ("storeys", "levels", "building:levels", "floors", "num_floors", "stories", "层数",
           "楼层", "地上层数", "floor", "cs"),
          low=0, high=250),
    Field("storeys_below", "integer",
          ("storeys_below", "building:levels:underground", "地下层数"), low=0, high=20),
    Field("residents_day", "integer", ("residents_day", "白天人数", "日间人口"), low=0),
    Field("residents_night", "integer",
          ("residents_night", "residents", "population", "人口", "居住人数", "常住人口",
           "夜间人口"),
          low=0),
    _YEAR,
)  # fmt: skip

REGION: tuple[Field, ...] = (
    Field("level", "text", ("level", "级别", "行政级别"), words=words.REGION_LEVELS,
          closed=("province", "city", "county", "street", "community"), required=True),
    _text("code", "code", "adcode", "行政区划代码", "区划代码", "xzqdm"),
    Field("population", "integer", ("population", "人口", "常住人口", "户籍人口"), low=0),
)  # fmt: skip

GRID_CELL: tuple[Field, ...] = (
    _text("code", "code", "网格编码", "网格代码", "单元网格代码", "grid_code"),
    _text("responsible_person", "responsible_person", "网格员", "责任人", "负责人"),
    _text("responsible_phone", "responsible_phone", "联系电话", "责任人电话", "电话"),
    Field("population", "integer", ("population", "人口", "常住人口"), low=0),
    Field("flood_prone", "boolean", ("flood_prone", "易涝", "是否易涝")),
)

PIPE_NODE: tuple[Field, ...] = (
    _KIND,
    _text("feature", "feature", "特征", "node_type"),
    Field("appurtenance", "text",
          ("appurtenance", "附属物", "subsid", "node_type"),
          words=words.APPURTENANCES, closed=words.APPURTENANCE_VALUES),
    Field("valve_state", "text", ("valve_state", "阀门状态", "closed"),
          words=words.VALVE_STATES, closed=("open", "closed")),
    Field("operable", "boolean", ("operable", "可操作", "是否可操作")),
    _numbers("ground_z_m",
             ("ground_z_m", "top_elev", "high", "地面高程", "ground_elev", "rim_elev")),
    _numbers("invert_z_m", ("invert_z_m", "invert_elev", "井底高程", "管底高程", "invert")),
    _numbers("depth_m", ("depth_m", "depth", "ymax", "埋深", "井深", "well_deep", "welldepth"),
             scaled={"depth_cm": _CM}),
    _numbers("z_m", ("z_m", "管点高程", "管线点高程")),
    _ELEVATION_REFERENCE,
)  # fmt: skip

PIPE_SEGMENT: tuple[Field, ...] = (
    _KIND,
    _text("from_node", "from_node", "node_1", "start_node", "s_point", "起点",
          "起点点号", "起点编号", "起点物探点号", "起始点号", "qddh", "from_node_id"),
    _text("to_node", "to_node", "node_2", "end_node", "e_point", "止点", "终点",
          "终点点号", "终点编号", "止点编号", "止点点号", "终点物探点号", "终止点号", "连接点号",
          "zddh", "to_node_id"),
    Field("device", "text", ("device",), closed=words.DEVICE_VALUES),
    Field("valve_state", "text", ("valve_state", "启闭状态"),
          words=words.VALVE_STATES, closed=("open", "closed")),
    Field("flow_dir", "integer", ("flow_dir",), low=-1, high=1),
    _text("material", "material", "matcat_id", "管材", "材质", "材料"),
    _text("size_text", "size_text"),
    Field("n_ducts", "integer", ("n_ducts", "totalhole", "总孔数", "孔数"),
          low=0, above_low=True),
    Field("used_ducts", "integer",
          ("used_ducts", "usedhole", "已用孔数", "占用孔数"), low=0),
    Field("cables", "integer",
          ("cables", "cabnum", "cable_num", "电缆条数", "电缆根数", "光缆条数", "电缆数"), low=0),
    _text("embed", "embed", "embed_type", "埋设方式", "埋设类型", "敷设方式"),
    _text("pressure_class", "pressure_class", "压力级别", "压力等级", "压力类型"),
    Field("shape", "text", ("shape", "断面形状", "断面类型"), words=words.PIPE_SHAPES),
    _numbers("width_m", ("width_m", "diameter_m", "width", "diam_m", "geom1"),
             scaled={"diameter_mm": _MM, "dn": _MM, "diameter": _MM, "管径": _MM, "管径mm": _MM,
                     "d_s": _MM, "管线规格": _MM, "断面尺寸": _MM, "dint": _MM, "width_mm": _MM},
             low=0, high=20, above_low=True, below_high=True),
    _numbers("height_m", ("height_m", "geom2"), scaled={"height_mm": _MM},
             low=0, high=20, above_low=True, below_high=True),
    _numbers("pressure_pa", ("pressure_pa", "pressure"),
             scaled={"pressure_kpa": _KPA, "pressure_mpa": _MPA, "压力mpa": _MPA, "压力kpa": _KPA,
                     "设计压力": _MPA, "运行压力": _MPA, "pressure_bar": _BAR},
             low=0),
    _numbers("voltage_v", ("voltage_v", "voltage"),
             scaled={"voltage_kv": _KV, "电压kv": _KV, "电压": _KV}),
    _numbers("depth_from_m", ("depth_from_m", "y1", "s_deep", "起点埋深"), scaled={"depth1": 1.0}),
    _numbers("depth_to_m", ("depth_to_m", "y2", "e_deep", "终点埋深", "止点埋深"),
             scaled={"depth2": 1.0}),
    _numbers("z_from_m", ("z_from_m", "elev1", "s_h", "起点高程", "起点管底高程")),
    _numbers("z_to_m", ("z_to_m", "elev2", "e_h", "终点高程", "止点高程", "终点管底高程")),
    _ELEVATION_REFERENCE,
    _YEAR,
)  # fmt: skip

SURVEY_POINT: tuple[Field, ...] = (
    _text("number", "exp_no", "物探点号", "管点编号", "管线点号", "点号", "wtdh"),
    _text("map_number", "map_no", "图上点号", "ts_dh"),
    _numbers("easting", ("easting", "东坐标", "横坐标", "东坐标y", "横坐标y", "y_east")),
    _numbers("northing", ("northing", "北坐标", "纵坐标", "北坐标x", "纵坐标x", "x_north")),
    _numbers("x", ("x", "x坐标", "坐标x", "x_coor", "coord_x", "zbx")),
    _numbers("y", ("y", "y坐标", "坐标y", "y_coor", "coord_y", "zby")),
    _numbers("lon", ("lon", "lng", "longitude", "经度")),
    _numbers("lat", ("lat", "latitude", "纬度")),
    _numbers("ground", ("high", "ground_z_m", "地面高程", "surf_h", "ground_h", "h", "dmgc")),
    _numbers("well_depth", ("well_deep", "well_depth", "井深", "井底深")),
)  # fmt: skip
"""What only tables of surveyed points have: their number, and where they are."""

SURVEY_LINE: tuple[Field, ...] = (
    _text("number", "line_no", "lno", "管线编号", "管段编号", "管线段编号", "gxbh", "编号"),
    _text("size", "d_s", "管径", "管径mm", "管线规格", "断面尺寸", "管径或断面尺寸", "规格",
          "断面规格", "管径断面", "dn", "gj"),
    _text("pressure", "pressure", "压力", "压力值", "压力级别", "压力等级"),
    _text("voltage", "voltage", "电压", "电压值", "电压等级"),
    _text("flow", "flowdir", "流向", "flowdirection"),
    _numbers("depth_from", ("s_deep", "depth_from_m", "起点埋深", "起点管顶埋深", "qdms")),
    _numbers("depth_to", ("e_deep", "depth_to_m", "终点埋深", "止点埋深", "终点管顶埋深",
                          "zdms")),
    _numbers("z_from", ("s_h", "z_from_m", "起点高程", "起点管高", "起点管线高程", "qdgc")),
    _numbers("z_to", ("e_h", "z_to_m", "终点高程", "止点高程", "终点管高", "终点管线高程",
                      "zdgc")),
)  # fmt: skip
"""What tables of surveyed lines write in a way of their own: sizes, pressures, voltages, depths."""

ROAD: tuple[Field, ...] = (
    Field("road_class", "text",
          ("road_class", "highway", "fclass", "type", "class", "道路等级", "道路类型", "等级"),
          words=words.ROAD_CLASSES, default="unclassified"),
    _text("oneway", "oneway", "单行", "单向"),
    _text("junction", "junction"),
    Field("speed_m_per_s", "double precision", ("speed_m_per_s",),
          low=0, high=60, above_low=True, below_high=True),
    _text("maxspeed", "maxspeed", "speed_limit", "speed", "限速"),
    _text("layer", "layer", "deck_level", "层级"),
    _text("bridge", "bridge", "桥梁", "桥"),
    _text("tunnel", "tunnel", "隧道"),
    Field("lanes", "integer", ("lanes", "车道数", "车道")),
    _numbers("width_m", ("width_m", "width", "宽度", "路宽")),
)  # fmt: skip

WATERLOGGING_POINT: tuple[Field, ...] = (
    _text("kind", "kind", "type", "类型", "积水点类型"),
    _numbers("low_z_m", ("low_z_m", "low_z", "最低点高程", "路面高程")),
    _text("pump", "pump", "泵站"),
    _numbers("reach_m", ("reach_m", "影响范围", "reach"), low=0, high=2000, above_low=True,
             default=60.0),
)  # fmt: skip

FACILITY: tuple[Field, ...] = (
    Field("kind", "text",
          ("kind", "facility", "amenity", "emergency", "fclass", "type", "类型", "设施类型"),
          words=words.FACILITY_KINDS, required=True),
    _text("address", "address", "addr:full", "地址"),
    _text("phone", "phone", "contact:phone", "电话", "联系电话"),
    Field("capacity", "integer",
          ("capacity", "beds", "capacity:beds", "床位", "床位数", "容量", "容纳人数"), low=0),
)  # fmt: skip

RESOURCE: tuple[Field, ...] = (
    Field("kind", "text", ("kind", "type", "类型", "力量类型"), words=words.RESOURCE_KINDS,
          required=True),
    Field("vehicle_class", "text",
          ("vehicle_class", "车辆类别", "kind", "type", "类型", "力量类型"),
          words=words.RESOURCE_KINDS, required=True),
    Field("status", "text", ("status", "当前状态"), words=words.RESOURCE_STATUSES,
          closed=("free", "busy", "off_duty"), default="free"),
    Field("crew", "integer", ("crew", "人数", "随车人数"), low=0),
    _numbers("pump_m3_per_s", ("pump_m3_per_s",),
             scaled={"pump_m3_per_h": 1 / 3600, "排水能力": 1 / 3600}, low=0),
    _text("phone", "phone", "电话", "联系电话"),
)  # fmt: skip

COMPONENT: tuple[Field, ...] = (
    _text("code", "code", "部件标识码", "部件编码", "部件编号", "标识码", "objid"),
    _text("address", "address", "位置描述", "地址", "objpos"),
)

EVENT: tuple[Field, ...] = (
    _text("code", "code", "案件编号", "事件编号", "事件编码", "任务号"),
    Field("channel", "text", ("channel", "问题来源", "来源", "事件来源", "上报来源"),
          words=words.EVENT_CHANNELS, closed=words.CHANNEL_VALUES, default="other"),
    Field("status", "text", ("status", "当前阶段", "案件状态", "事件状态", "办理状态", "阶段"),
          words=words.EVENT_STATUSES, closed=words.EVENT_STATUS_VALUES, default="reported"),
    _text("description", "description", "问题描述", "事件描述", "描述"),
    _text("address", "address", "位置描述", "事发位置", "地址"),
    _text("reporter", "reporter", "上报人", "举报人", "监督员"),
    _text("handler", "handler", "处置单位", "处置部门", "承办单位"),
    _text("component", "component", "component_code", "部件标识码", "相关部件", "objid"),
    Field("reported_at", "timestamp with time zone", ("reported_at", "上报时间", "发生时间"),
          required=True),
    *(Field(f"{status}_at", "timestamp with time zone", (f"{status}_at", f"{word}时间"))
      for status, word in (("accepted", "立案"), ("dispatched", "派遣"), ("handled", "处置"),
                           ("checked", "核查"), ("closed", "结案"))),
)  # fmt: skip

FIELDS: dict[str, tuple[Field, ...]] = {
    "building": (*COMMON, *BUILDING),
    "region": (*COMMON, *REGION),
    "grid_cell": (*COMMON, *GRID_CELL),
    "pipe_node": (*COMMON, *PIPE_NODE),
    "pipe_segment": (*COMMON, *PIPE_SEGMENT),
    "road": (*COMMON, *ROAD),
    "waterlogging_point": (*COMMON, *WATERLOGGING_POINT),
    "facility": (*COMMON, *FACILITY),
    "resource": (*COMMON, *RESOURCE),
    "component": (*COMMON, *COMPONENT),
    "event": (*COMMON, *EVENT),
    "reading": (
        Field("point", "text",
              ("point", "point_id", "source_id", "station", "sensor", "积水点", "监测点",
               "监测点编号"),
              required=True),
        Field("at", "timestamp with time zone",
              ("at", "time", "timestamp", "datetime", "value_date", "时间", "监测时间"),
              required=True),
        _numbers("depth_m", ("depth_m", "depth"),
                 scaled={"depth_cm": _CM, "积水深度cm": _CM, "积水深度": _CM, "depth_mm": _MM},
                 low=0, high=30, below_high=True),
        Field("quality", "text", ("quality", "质量"), closed=("good", "suspect", "missing"),
              default="good"),
    ),
}  # fmt: skip
