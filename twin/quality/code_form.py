"""Codes of regions, cells and components that are none."""

from collections.abc import Callable, Iterator

from sqlalchemy import text

from twin.codes import parse_component, parse_grid_cell, parse_region
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.quality._rule import Finding, Rule
from twin.quality._scope import Scope
from twin.words import Words
from twin.zones import is_cgcs2000

_READ: dict[str, Callable[[object], object]] = {
    "region": parse_region,
    "grid_cell": parse_grid_cell,
    "component": parse_component,
}

_CODES = "SELECT id, code FROM ROWS AS t WHERE code IS NOT NULL ORDER BY id"


def check(city: City, scope: Scope) -> Iterator[Finding]:
    """Yield the rows whose code cannot be read, with the reason."""
    if not is_cgcs2000(city.frame.srid):
        raise NotFoundError(
            "the city is not in a frame of CGCS2000: its codes are not those of GB/T"
        )
    for table in sorted(set(_READ) & set(scope.tables)):
        asked = text(_CODES.replace("ROWS", scope.rows(table)))
        for row in city.session.execute(asked, scope.values):
            try:
                _READ[table](row.code)
            except InvalidInputError as error:
                yield Finding(table, row.id, about={"code": row.code, "reason": str(error)})


RULE = Rule(
    id="code-form",
    title=Words("编码不合规", "Code that is none"),
    asks=Words(
        "区划编码 6/9/12 位，网格编码 15 位（旧版 14 位），部件编码 16 位，各段有效。",
        "Regions have 6, 9 or 12 digits, cells 15 (older: 14), components 16; every part exists.",
    ),
    tables=tuple(_READ),
    severity="error",
    source="GB/T 30428, CJ/T 213 (cells); GB/T 2260, GB/T 10114 (regions); see methods/codes.md",
    status="unverified",
    says=Words("编码 {code} 不合规（{reason}）", "{reason}"),
    check=check,
)
