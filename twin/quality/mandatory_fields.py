"""Rows without a field that they must have."""

from twin.quality._obligations import missing, obligations
from twin.quality._rule import Rule
from twin.words import Words

_TABLES = tuple(
    table
    for table, asked in obligations().tables.items()
    if any(each.kind != "O" for each in asked)
)

RULE = Rule(
    id="mandatory-fields",
    title=Words("必填字段缺失", "Mandatory fields missing"),
    asks=Words(
        "每条记录都有必填字段（M）；满足条件时有条件必填字段（C）。",
        "Every row has its mandatory fields (M), and the conditional ones (C) where they apply.",
    ),
    tables=_TABLES,
    severity="warning",
    source=obligations().source,
    status="unverified",
    says=Words("缺少 {value:.0f} 个必填字段：{fields}", "{value:.0f} fields are missing: {fields}"),
    check={table: missing(table) for table in _TABLES},
)
