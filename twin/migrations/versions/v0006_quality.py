"""What rules find in the data: findings as a layer, and the runs that looked."""

from pathlib import Path

from alembic import context, op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables and put the findings under the feed."""
    srid = int(context.config.attributes["srid"])
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    sql = (Path(__file__).parent / "0006_quality.sql").read_text().replace("{srid}", str(srid))
    connection.execute(sql)
    # The feed alone: a finding takes the codes of its feature.
    connection.execute("CALL twin.log_changes('quality_finding')")
