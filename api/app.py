"""Build the application.  ``create_app(Settings(…))`` is the only entrance."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import Thread

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from analysis import analyses, warm
from api import errors
from api.access_log import AccessLog
from api.desk import Desk
from api.edge import Edge
from api.feature_answer import ReadyFeatures
from api.limits import most_connections
from api.pushed import Pushed
from api.routes import (
    archives,
    catalogue,
    codes,
    common,
    events,
    features,
    history,
    metrics,
    processes,
    quality,
    site,
    tile_report,
    tiles,
)
from api.settings import Settings
from layers import layers, query
from layers.totals import Totals
from tiles.edition import Editions
from tiles.live import TileEngine
from twin.database import City, connect, open_city
from twin.errors import InvalidInputError, TwinError


def create_app(settings: Settings) -> FastAPI:
    """Return an application that serves the city of ``settings.database_url``.

    Raises
    ------
    InvalidInputError
        If the settings name no database: whoever starts the private one says where it is.
    """
    if settings.database_url is None:
        raise InvalidInputError("TWIN_DATABASE_URL is not set, and no private database was started")
    readers = _reading(settings.database_url, settings)
    workers = connect(settings.database_url, pool_size=max(1, settings.pool_size // 2))
    # A wrong file in a catalogue stops the start, not the first request.
    layers(), analyses()
    engine, desk = _serving(readers, settings.database_url, settings)
    pushed = Pushed()
    engine.follower.listeners.append(pushed.tell)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, object]]:
        warming = Thread(target=_warm, args=(readers, settings.pool_size))
        warming.start()
        desk.open()
        with engine:
            yield {"desk": desk, "pushed": pushed, "app": app}
            desk.close()
        # What is under way there must not lose its database, nor a compiler its interpreter.
        warming.join()
        readers.dispose()
        workers.dispose()

    app = FastAPI(title="citytwin", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.state.readers = sessionmaker(readers)
    app.state.workers = sessionmaker(workers)
    app.state.totals, app.state.editions = Totals(), Editions()
    app.state.city = None
    app.state.tiles, app.state.desk, app.state.pushed = engine, desk, pushed
    # The report's addresses look like those of tiles, and come first.
    first = (common, features, tile_report, tiles, archives, events)
    for module in (*first, history, catalogue, codes, processes, quality, metrics):
        app.include_router(module.router)
    site.install(app, settings.web_dist)
    errors.install(app)
    app.add_middleware(ReadyFeatures)
    app.add_middleware(Edge, router=app.router, body_limit_bytes=settings.body_limit_bytes)
    return app


def _reading(url: str, settings: Settings) -> Engine:
    """Return an engine whose statements stand alone and end in time."""
    timeout_s = settings.statement_timeout_s
    engine = connect(url, pool_size=settings.pool_size, statement_timeout_s=timeout_s)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _serving(readers: Engine, url: str, settings: Settings) -> tuple[TileEngine, Desk]:
    """Return what makes tiles, and what answers ahead of the routes."""
    folder = settings.data_dir / "tiles"
    engine = TileEngine(readers, url, folder, layers(), cache_bytes=settings.tile_memory_bytes)
    desk = Desk(
        engine,
        most_of_one=settings.client_requests,
        most_connections=most_connections(settings.connections),
        log=None if settings.access_log is None else AccessLog(settings.access_log),
    )
    return engine, desk


def _warm(engine: Engine, connections: int) -> None:
    """Use every connection once: the first change of frame on each costs a tenth of a second."""
    sessions = sessionmaker(engine)
    layer = layers()["region"]

    def ask(_: int) -> None:
        with sessions() as session:
            known = open_city(session)
            query.page(City(session, known.frame, known.name), layer, limit=1)

    try:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(ask, range(connections)))
        with sessions() as session:
            warm(open_city(session))
    except (SQLAlchemyError, TwinError):
        # Nothing depends on it: without a city there is nothing to warm, and a database that is
        # down says so to the first request.
        return
