"""Settings of one process, read once from the environment by whoever starts it.

They live on the top floor so that no lower room can reach them: what a lower room needs to know
is handed to it as an argument.
"""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The checkout; the map page and the demo city are made from its folders."""


def _data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/citytwin")
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "citytwin"


class Settings(BaseSettings):
    """Everything that may differ between two deployments, each as ``TWIN_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="TWIN_", frozen=True, env_ignore_empty=True)

    database_url: str | None = None
    """A PostGIS of one's own; without it the private one in the data directory is used."""
    data_dir: Path = Field(default_factory=_data_dir)
    database: str = "city"
    """Name of the database in the private PostGIS; one city is one database."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    pg_bin: Path | None = None
    """Where PostgreSQL's programs are, if not where they are looked for."""
    real_data: Path = ROOT.parent / "shared" / "data"
    """Real cities for the tests and the tutorial."""
    public_url: str | None = None
    """The address that clients know the service by, if a proxy stands before it."""
    pool_size: int = Field(default=8, ge=1, le=100)
    """Connections to the database that are kept; twice as many at the most."""
    statement_timeout_s: float = Field(default=30.0, gt=0)
    """After this long a question of a map or a table is cancelled; an analysis is not."""
    body_limit_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    """The largest request that is read."""
    tile_memory_bytes: int = Field(default=256 * 1024 * 1024, ge=0)
    """How much memory a process spends on tiles that are ready to be sent."""
    client_requests: int = Field(default=64, ge=0)
    """Requests of one client that may be in work at once; 0 for any number."""
    connections: int = Field(default=16_384, ge=8)
    """Connections that a process keeps open, if the system lets it have so many files."""
    access_log: str | None = None
    """A file that a line is written to for each request, or ``-`` for the standard output."""
    bim_memory_bytes: int = Field(default=4 * 1024**3, ge=256 * 1024**2)
    """How much memory reading a building model may take."""
    bim_time_s: int = Field(default=1800, ge=10)
    """How many seconds of computing reading a model may take; twice as many by the clock."""
    web_dist: Path = ROOT / "web" / "dist"
    """The built map page."""

    @property
    def archives(self) -> Path:
        """The folder of the archives that are offered."""
        return self.data_dir / "archives"
