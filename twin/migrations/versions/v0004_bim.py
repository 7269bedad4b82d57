"""What buildings are made of: storeys, spaces, elements, openings, and their meshes."""

from pathlib import Path

from alembic import context, op

revision = "0004"
down_revision = "0003"

_FOLLOWED = ("storey", "space", "element", "opening")


def upgrade() -> None:
    """Create the tables and put them under the feed."""
    srid = int(context.config.attributes["srid"])
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    sql = (Path(__file__).parent / "0004_bim.sql").read_text().replace("{srid}", str(srid))
    connection.execute(sql)
    for table in _FOLLOWED:
        connection.execute(f"CALL twin.follow('{table}')")
