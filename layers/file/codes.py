"""The codes of a thing taken apart, and who answers for the cell that it lies in."""

from layers import Words
from layers.file._section import Content, Fact, Ref, Row, Section, Table, column, fact
from layers.file._subject import Subject
from twin.codes import parse_component, parse_event, parse_grid_cell
from twin.codes.beidou import decode
from twin.codes.classes import THEMES, Theme, class_names
from twin.errors import InvalidInputError

_UNVERIFIED = Words(
    "分类名称凭记忆录入，尚未与标准原文核对。",
    "The names of the classes are from memory and not yet checked against the standard's text.",
)
_LEVELS = {
    "province": Words("省级", "Province"),
    "city": Words("市级", "City"),
    "county": Words("区县", "County"),
    "street": Words("街道（镇）", "Street or town"),
    "community": Words("社区（村）", "Community"),
}


def _ask(subject: Subject) -> Content:
    theme = THEMES.get(subject.layer.id)
    classes = _classes(theme, subject.values.get("class_code")) if theme else ()
    tables = tuple(table for table in (_regions(subject), _beidou(subject)) if table.rows)
    notes = (_UNVERIFIED,) if classes else ()
    return Content((*classes, *_cell(subject)), tables, notes=notes)


def _classes(theme: Theme, code: str | None) -> tuple[Fact, ...]:
    """Return what a class code names; nothing where it is a code of the city's own."""
    try:
        read = (parse_component if theme == "component" else parse_event)(code)
    except InvalidInputError:
        return ()
    known = class_names(theme)
    parts = []
    for name, zh, en, key in (
        ("class_major", "大类", "Major class", read.major),
        ("class_minor", "小类", "Minor class", read.major + read.minor),
    ):
        row = known.get(key)
        said = f"{key[-2:]} {row.zh} {row.en}" if row else key[-2:]
        parts.append(fact(name, zh, en, said))
    return (fact("class_county", "区县代码", "County", read.county), *parts)


def _cell(subject: Subject) -> tuple[Fact, ...]:
    cell, code = subject.cell, subject.values.get("cell_id")
    if code is None:
        return ()
    ref = None if cell is None else Ref("grid_cell", cell["id"], cell["name"])
    found = [fact("cell", "单元网格", "Management grid cell", code, ref=ref)]
    try:
        parts = parse_grid_cell(code)
    except InvalidInputError:
        pass  # a city outside China, with cells of its own
    else:
        found.append(fact("cell_sequence", "网格序号", "Number in its community", parts.sequence))
    if cell is not None:
        found += [
            fact(name, zh, en, cell[name])
            for name, zh, en in (
                ("responsible_person", "网格责任人", "Responsible for the cell"),
                ("responsible_phone", "责任人电话", "Telephone"),
            )
            if cell[name] is not None
        ]
    return tuple(found)


def _regions(subject: Subject) -> Table:
    columns = (
        column("level", "级别", "Level", codes=_LEVELS),
        column("name", "名称", "Name"),
        column("code", "区划代码", "Region code"),
    )
    rows = [
        Row((row["level"], row["name"], row["code"]), Ref("region", row["id"], row["name"]))
        for row in reversed(subject.regions)
    ]
    return Table("regions", Words("所属行政区划", "Regions"), columns, rows)


def _beidou(subject: Subject) -> Table:
    columns = (
        column("level", "级别", "Level", "integer"),
        column("code", "编码", "Code"),
        column("size", "格网大小", "Size of the cell"),
    )
    code = subject.values.get("bd_code")
    rows = []
    if code is not None:
        cell = decode(code)
        for level in range(cell.level, 0, -1):
            each = cell.parent(level) if level < cell.level else cell
            rows.append(Row((level, each.code, _SIZES[level])))
    return Table("beidou", Words("北斗网格码", "BeiDou grid code"), columns, rows)


_SIZES = {
    1: "6° × 4°",
    2: "30′ × 30′",
    3: "15′ × 10′",
    4: "1′ × 1′",
    5: "4″ × 4″",
    6: "2″ × 2″",
    7: "1/4″",
    8: "1/32″",
}

SECTION = Section("codes", Words("编码与网格", "Codes and cell"), 30, _ask)
