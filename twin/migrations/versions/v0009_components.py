"""Components and events of city management, and the steps that an event may take."""

from pathlib import Path

from alembic import context, op

revision = "0009"
down_revision = "0008"

_FOLLOWED = ("component", "event")


def upgrade() -> None:
    """Create the tables and put them under the feed."""
    srid = int(context.config.attributes["srid"])
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    sql = (Path(__file__).parent / "0009_components.sql").read_text().replace("{srid}", str(srid))
    connection.execute(sql)
    for table in _FOLLOWED:
        connection.execute(f"CALL twin.follow('{table}')")
