"""What a pipe is beyond its size: device, state, flow, ducts, how it lies, pressure class."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns to the segments and to their history."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((Path(__file__).parent / "0005_pipes.sql").read_text())
