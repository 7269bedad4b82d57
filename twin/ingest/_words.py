"""What words in files mean in the model's own words, Chinese and English."""

from twin.model.base import STATES as STATE_VALUES
from twin.model.components import CHANNELS as CHANNEL_VALUES
from twin.model.components import EVENT_STATUSES as EVENT_STATUS_VALUES
from twin.model.pipelines import APPURTENANCES as APPURTENANCE_VALUES
from twin.model.pipelines import DEVICES as DEVICE_VALUES
from twin.model.pipelines import PIPE_KINDS as PIPE_KIND_VALUES

__all__ = [
    "APPURTENANCE_VALUES",
    "CHANNEL_VALUES",
    "DEVICE_VALUES",
    "EVENT_STATUS_VALUES",
    "PIPE_KIND_VALUES",
    "STATE_VALUES",
]


def _table(**meanings: str) -> dict[str, str]:
    """Return a dictionary from each word to its meaning; words of one meaning are set apart by |.

    >>> _table(water="给水|js")["js"]
    'water'
    """
    return {
        word.casefold(): meaning for meaning, words in meanings.items() for word in words.split("|")
    }


TRUE = frozenset({"yes", "true", "t", "y", "1", "是", "有", "on"})
FALSE = frozenset({"no", "false", "f", "n", "0", "否", "无", "off"})

STATES = _table(
    in_service="在用|正常|使用中|完好|1|on service|operative|existing",
    out_of_service="停用|废弃|报废|破损|丢失|损坏|0|obsolete|abandoned|disused",
    planned="规划|设计|拟建|2|planified|proposed",
    under_construction="在建|施工中|construction",
    removed="拆除|已拆除|demolished|razed",
)

PIPE_KINDS = _table(
    water="给水|供水|自来水|js|water supply|ws",
    sewer="污水|ws污水|排水|ps|sewage|sanitary|wastewater",
    storm="雨水|ys|stormwater|drainage",
    combined="雨污合流|合流|hs",
    gas="燃气|天然气|rq|tr|mq",
    power="电力|dl|gd|electric|electricity",
    telecom="通讯|通信|电信|tx|dx|communication",
    heat="热力|供热|rl|heating",
    industrial="工业|gy|oil|industry",
)

SURVEY_KINDS = _table(
    water="js|zs|xf|给水|上水|自来水|供水|中水|再生水|消防水",
    storm="ys|雨水",
    sewer="ws|ps|污水|排水|下水",
    combined="hs|hl|雨污合流|合流",
    gas="rq|tr|mq|yh|燃气|天然气|煤气|液化气",
    power="dl|gd|ld|dc|电力|供电|路灯|电车",
    telecom="tx|dx|lt|yd|ds|xh|jk|gb|jx|通信|通讯|电信|联通|移动|有线电视|电视|信号|监控|广播|军用",
    heat="rl|rs|zq|热力|热水|蒸汽|供热",
    industrial="gy|sy|yq|gyy|工业|石油|油气|氢气|氧气|乙炔",
)
"""Kinds by the letters before 物探点号 and in tables' names; WS is foul sewage here."""

_BARE_NODES = (
    "junction|virtual_node|netinit|netelement|change|registered_change|t|x|curve|adaptation|"
    "endline|reduction|weir|bypass_register|register|filter|flexunion|junction_chngmat|highpoint|"
    "三通|四通|五通|弯头|变径|变材|直线点|转折点|起点|终点|预留口|探测点|出地|入地"
)
"""Nodes of these kinds carry nothing: their feature says what they are."""

APPURTENANCES = dict.fromkeys(_BARE_NODES.split("|"), "") | _table(
    valve="阀门|阀门井|阀|shutoff_valve|gate_valve|check_valve|air_valve|pr_reduc_valve|"
    "fl_contr_valve|green_valve|outfall_valve|throttle_valve|pr_break_valve|pr_susta_valve",
    hydrant="消火栓|消防栓|fire_hydrant",
    manhole="检查井|人孔|窨井|检修井|污水井|雨水井|circ_manhole|rect_manhole|chamber|jump",
    gully="雨水篦|雨水箅|雨水口|netgully|inlet",
    regulator="调压箱|调压站|调压器",
    pump="泵站|水泵|pump_station|pumping_station",
    tank="水池|水塔|storage|sewer_storage|expantank|owerflow_storage",
    source="水源|水厂|reservoir|wtp|waterwell",
    outfall="排放口|出水口|排水口|out_manhole",
    other="netsamplepoint|water_connection|wwtp|其他",
    substation="变电站|配电站|开关站",
    transformer="变压器|箱变",
    meter="计量表|水表|flowmeter|pressure_meter",
)

ELEVATION_REFERENCES = _table(
    top="管顶|外顶|顶|crown", invert="管底|内底|底|沟底|bottom", centre="管中心|中心|center|axis"
)

VALVE_STATES = _table(open="开|开启|常开|false|0|no", closed="关|关闭|常闭|true|1|yes")

PIPE_SHAPES = _table(
    circular="圆形|圆|force_main|circ",
    rectangular="矩形|方形|方沟|rect_closed|rect_open|rect",
    egg="蛋形|卵形",
    duct="管块|管沟|管组",
)

BUILDING_USES = _table(
    residential="住宅|居住|居民楼|apartments|house|detached|terrace|semidetached_house|dormitory|"
    "bungalow|residential building",
    commercial="商业|商铺|商店|retail|shop|supermarket|mall|restaurant",
    office="办公|写字楼|办公楼",
    industrial="工业|厂房|仓库|warehouse|factory|manufacture",
    school="学校|教学楼|university|college|kindergarten",
    hospital="医院|clinic|医疗",
    public="公共|公建|行政办公|government|civic|townhall|library|museum",
    hotel="酒店|宾馆|旅馆",
    religious="宗教|church|mosque|temple|cathedral|chapel|place_of_worship|synagogue",
)

REGION_LEVELS = _table(
    province="省|省级", city="市|市级|地级", county="区县|县|区|县级|district",
    street="街道|乡镇|镇|乡|乡级|township|subdistrict", community="社区|村|居委会|村级|village",
)  # fmt: skip

ROAD_CLASSES = _table(
    motorway="高速公路|高速", trunk="快速路|城市快速路|国道", primary="主干路|主干道|省道",
    secondary="次干路|次干道|县道", tertiary="支路|乡道", residential="街巷|小区道路|居住区道路",
    service="内部道路|服务道路",
)  # fmt: skip

ROAD_SPEEDS_KM_PER_H = {
    # Free flow in a city where nothing is signed: below the design speeds of CJJ 37.
    "motorway": 90.0, "motorway_link": 50.0, "trunk": 70.0, "trunk_link": 45.0, "primary": 50.0,
    "primary_link": 40.0, "secondary": 45.0, "secondary_link": 35.0, "tertiary": 40.0,
    "tertiary_link": 30.0, "unclassified": 30.0, "road": 30.0, "residential": 30.0,
    "living_street": 10.0, "service": 15.0, "track": 15.0, "busway": 40.0, "rest_area": 15.0,
    "services": 15.0, "escape": 15.0, "motorway_junction": 50.0,
}  # fmt: skip

_FOR_FEET = "footway path steps pedestrian cycleway bridleway corridor elevator platform trail"
_NOT_YET = "crossing construction proposed raceway bus_stop via_ferrata abandoned razed planned"

NO_CARRIAGEWAY = frozenset(f"{_FOR_FEET} {_NOT_YET}".split())
"""Ways that no vehicle drives on, or not yet."""

FACILITY_KINDS = _table(
    hospital="医院|综合医院|三甲医院",
    clinic="诊所|卫生院|社区卫生服务中心|doctors|health_post",
    shelter="避难所|应急避难场所|避灾点|assembly_point|emergency_shelter",
    fire_station="消防站|消防队|消防救援站",
    police="派出所|公安局|警察局|police_station",
    school="学校|小学|中学|college|university",
    kindergarten="幼儿园|托儿所|childcare",
    nursing_home="养老院|敬老院|social_facility",
    pumping_station="泵站|排涝泵站|pump_station",
    substation="变电站",
    gas_station="加油站|fuel",
)

RESOURCE_KINDS = _table(
    fire_engine="消防车|水罐车", pump_truck="排涝车|抽水车|龙吸水|泵车", ambulance="救护车|急救车",
    boat="冲锋舟|皮划艇|救援艇", crew="抢险队|救援队|班组", car="轿车|小汽车|指挥车",
    lorry="卡车|货车|抢修车", bus="客车|大巴",
)  # fmt: skip

RESOURCE_STATUSES = _table(
    free="空闲|待命|available|idle", busy="出动|执行任务|忙|dispatched", off_duty="停用|休班|维修"
)

EVENT_CHANNELS = _table(
    patrol="巡查|巡查上报|监督员上报|网格员上报|监督员|网格员",
    hotline="热线|12345|市民热线|电话|公众电话",
    sensor="传感器|物联网|物联感知|自动监测|iot", camera="视频|视频监控|视频上报|摄像头",
    public="公众|市民|公众上报|微信|app", other="其他|领导交办|媒体",
)  # fmt: skip

EVENT_STATUSES = _table(
    reported="上报|已上报|待受理|待立案|new|open", accepted="立案|已立案|受理|已受理|待派遣",
    dispatched="派遣|已派遣|处置中|处理中|待处置|assigned|in progress",
    handled="处置|已处置|已处理|待核查|done|resolved", checked="核查|已核查|待结案|verified",
    closed="结案|已结案|办结|已办结|归档",
)  # fmt: skip
