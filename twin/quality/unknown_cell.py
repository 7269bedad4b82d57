"""Things that name a management grid cell which there is not."""

from twin.quality._rule import Rule
from twin.quality._scope import judged_tables
from twin.words import Words

RULE = Rule(
    id="unknown-cell",
    title=Words("所属网格不存在", "Cell that there is not"),
    asks=Words(
        "要素所记的网格编码是城市已有的网格。", "The cell that a thing names is one of the city's."
    ),
    tables=tuple(table for table in judged_tables() if table != "grid_cell"),
    severity="warning",
    source="GB/T 30428: things belong to cells; where a city has cells, the database keeps them",
    status="unverified",
    says=Words("网格 {cell} 不存在", "there is no cell {cell}"),
    check="""
        SELECT t.id AS feature_id, jsonb_build_object('cell', t.cell_id) AS about
        FROM   {rows} AS t
        WHERE  t.cell_id IS NOT NULL
        AND    NOT EXISTS (SELECT FROM twin.grid_cell AS g WHERE g.code = t.cell_id)
        AND    EXISTS (SELECT FROM twin.grid_cell WHERE code IS NOT NULL)
    """,
)
