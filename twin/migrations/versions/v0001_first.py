"""The first tables, and the change feed over them."""

from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision = None

_HERE = Path(__file__).parent
_FOLLOWED = (
    "region",
    "grid_cell",
    "building",
    "pipe_node",
    "pipe_segment",
    "waterlogging_point",
    "road_node",
    "road_edge",
    "facility",
    "resource",
    "analysis_feature",
)


def upgrade() -> None:
    """Create every table, put the located ones under the feed, write the usual thresholds."""
    srid = int(context.config.attributes["srid"])
    # The driver's own execute: the text has colons and percent signs that are not parameters.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    run = connection.execute
    run((_HERE / "0001_tables.sql").read_text().replace("{srid}", str(srid)))
    run("CREATE TABLE twin.reading_default PARTITION OF twin.reading DEFAULT")
    run((_HERE / "0001_feed.sql").read_text())
    for table in _FOLLOWED:
        run(f"CALL twin.follow('{table}')")
    run((_HERE / "0001_thresholds.sql").read_text())
