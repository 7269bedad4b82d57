"""Class codes of components and events that no class has."""

from collections.abc import Callable, Iterator

from sqlalchemy import text

from twin.codes import parse_component, parse_event
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.quality._rule import Finding, Rule
from twin.quality._scope import Scope
from twin.words import Words
from twin.zones import is_cgcs2000

_READ: dict[str, Callable[[object], object]] = {
    "component": parse_component,
    "event": parse_event,
    "facility": parse_component,
    "pipe_node": parse_component,
    "waterlogging_point": parse_component,
}

# Few codes stand for many rows.
_CODES = "SELECT DISTINCT class_code FROM ROWS AS t WHERE class_code ~ '^[0-9]{10}([0-9]{6})?$'"
_ROWS = "SELECT id FROM ROWS AS t WHERE class_code = :code ORDER BY id"


def check(city: City, scope: Scope) -> Iterator[Finding]:
    """Yield the rows whose class code looks like one of a component and is none."""
    if not is_cgcs2000(city.frame.srid):
        raise NotFoundError(
            "the city is not in a frame of CGCS2000: its codes are not those of GB/T"
        )
    for table in sorted(set(_READ) & set(scope.tables)):
        rows = scope.rows(table)
        codes = city.session.scalars(text(_CODES.replace("ROWS", rows)), scope.values).all()
        for code in codes:
            reason = _why_none(_READ[table], code)
            if reason is None:
                continue
            values = {**scope.values, "code": code}
            for number in city.session.scalars(text(_ROWS.replace("ROWS", rows)), values):
                yield Finding(table, number, about={"code": code, "reason": reason})


def _why_none(read: Callable[[object], object], code: str) -> str | None:
    try:
        read(code)
    except InvalidInputError as error:
        return str(error)
    return None


RULE = Rule(
    id="class-code",
    title=Words("部件、事件分类编码未知", "Unknown class code"),
    asks=Words(
        "分类编码（10 位或 16 位）的大类、小类存在。",
        "The class in the code of a component or an event (10 or 16 digits) exists.",
    ),
    tables=tuple(_READ),
    severity="warning",
    source="GB/T 30428 components and events, classes from memory [m]; see methods/codes.md",
    status="unverified",
    says=Words("分类编码 {code} 未知（{reason}）", "{reason}"),
    check=check,
)
