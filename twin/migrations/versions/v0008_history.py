"""History as of any moment: who wrote each state, when commits were, partitioned histories."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Tell which change sets wrote each state, and bring every history into one form."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((Path(__file__).parent / "0008_history.sql").read_text())
