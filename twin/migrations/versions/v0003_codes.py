"""Located things carry their BeiDou grid code and their cell, kept by the database."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

_CARRIERS = (
    "grid_cell",
    "region",
    "building",
    "pipe_node",
    "pipe_segment",
    "waterlogging_point",
    "road_node",
    "road_edge",
    "facility",
    "resource",
)

# What is known already gets its codes without a word in the history: nothing in the city changed.
_FILL = """
    ALTER TABLE twin.{table} DISABLE TRIGGER USER;
    UPDATE twin.{table} AS t
    SET    bd_code = twin.bd_code_at(twin.representative(geom)),
           cell_id = coalesce({cell}, cell_id);
    ALTER TABLE twin.{table} ENABLE TRIGGER USER;
"""


def upgrade() -> None:
    """Add functions and triggers, and give codes to what is there."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    run = connection.execute
    run((Path(__file__).parent / "0003_codes.sql").read_text())
    for table in _CARRIERS:
        cell = "code" if table == "grid_cell" else "twin.cell_at(twin.representative(geom))"
        run(_FILL.format(table=table, cell=cell))
    for table in _CARRIERS:
        run(f"CALL twin.carry_codes('{table}')")
