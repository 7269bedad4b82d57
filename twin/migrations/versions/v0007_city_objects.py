"""City objects, their geometries at each level of detail, and their meshes."""

from pathlib import Path

from alembic import context, op

revision = "0007"
down_revision = "0006"

_FOLLOWED = ("city_object", "city_geometry")


def upgrade() -> None:
    """Create the tables and put them under the feed."""
    srid = int(context.config.attributes["srid"])
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    sql = (Path(__file__).parent / "0007_city_objects.sql").read_text().replace("{srid}", str(srid))
    connection.execute(sql)
    for table in _FOLLOWED:
        connection.execute(f"CALL twin.follow('{table}')")
