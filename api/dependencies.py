"""Turn parts of a request into domain values."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import orjson
from fastapi import Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from analysis import Analysis, analyses
from api.negotiate import F
from api.pushed import read_position
from api.query_words import DEFAULT_LIMIT, limit, others, read_cursor, require_known, single, yes
from api.weights import Asked, asked_of
from layers import Layer, layer_named
from layers.file import DISTANCE_M
from layers.filter import (
    Period,
    Selection,
    parse_as_of,
    parse_box,
    parse_names,
    parse_period,
    parse_values,
    queryable,
)
from tiles.grid import WEB_MERCATOR, Tile, TileGrid, grid_named, parse_tile
from twin.caller import Caller
from twin.changes import Position
from twin.crs import LonLatBox
from twin.database import City, open_city
from twin.errors import InvalidInputError, NotFoundError
from twin.history import AsOf

AS_OF = "asOf"
"""The query parameter that names a moment of knowing."""


class Items(NamedTuple):
    """What a request for items asks."""

    selection: Selection
    after: int | None
    limit: int
    counted: bool
    names: tuple[str, ...] | None


class AskedFeature(NamedTuple):
    """What a request for one feature, or for its file, asks."""

    as_of: AsOf | None
    period: Period | None
    """It must have held in the world at some time of it."""
    distance_m: float
    """How far "around" reaches in its file."""


class Between(NamedTuple):
    """What a request for differences asks: from one moment to another, or to now."""

    since: AsOf
    until: AsOf | None
    box: LonLatBox | None
    after: int | None
    limit: int


class Place(NamedTuple):
    """A tile on a grid."""

    grid: TileGrid
    tile: Tile


class AskedQuality(NamedTuple):
    """Whose quality is asked for; None for the latest run of all."""

    layer: str | None
    load_id: int | None


class NamedGrid(NamedTuple):
    """A grid as it was called: by its id, or by an alias."""

    name: str
    grid: TileGrid


async def _city(request: Request) -> AsyncIterator[City]:
    """Yield the city for reading: each statement stands alone, and has a time limit."""
    state = request.app.state
    session = state.readers()
    caller = getattr(request.state, "caller", None) or Caller()
    try:
        with caller.asking(session):
            # The city's frame never changes, so it is read from the database once.
            if state.city is None:
                state.city = await run_in_threadpool(open_city, session)
            yield replace(state.city, session=session)
    finally:
        session.close()


def _working_city(request: Request) -> Iterator[City]:
    """Yield the city for an analysis, which commits what it found."""
    with request.app.state.workers() as session:
        yield open_city(session, data_dir=request.app.state.settings.data_dir)


async def _layer(layer_id: Annotated[str, Path()]) -> Layer:
    return layer_named(layer_id)


async def _layer_list(layer_ids: Annotated[str, Path()]) -> tuple[Layer, ...]:
    found = tuple(layer_named(name) for name in layer_ids.split(","))
    if len(set(found)) != len(found):
        raise InvalidInputError(f"{layer_ids!r} names a layer twice")
    return found


async def _analysis(process_id: Annotated[str, Path()]) -> Analysis:
    found = analyses()
    if process_id not in found:
        raise NotFoundError(f"there is no analysis {process_id!r}; there are {', '.join(found)}")
    return found[process_id]


async def _items(request: Request, layer: Annotated[Layer, Depends(_layer)]) -> Items:
    return read_items(request, layer)


def read_items(request: Request, layer: Layer) -> Items:
    """Return what a request for items asks.

    Raises
    ------
    InvalidInputError
        If it asks for something that there is not.
    """
    own = ("bbox", "datetime", AS_OF, "limit", "cursor", "count", "properties", F)
    require_known(request, (*own, *queryable(layer)))
    given = {name: single(request, name) for name in own}
    box, heights_m = parse_box(given["bbox"]) if given["bbox"] is not None else (None, None)
    period = parse_period(given["datetime"]) if given["datetime"] is not None else None
    values = parse_values(layer, others(request, own))
    return Items(
        Selection(box, heights_m, period, values, as_of_word(given[AS_OF])),
        None if given["cursor"] is None else read_cursor(given["cursor"]),
        limit(given["limit"]),
        yes(given["count"], "count"),
        None if given["properties"] is None else parse_names(layer, given["properties"]),
    )


async def _tile_filters(
    request: Request, found: Annotated[tuple[Layer, ...], Depends(_layer_list)]
) -> Selection:
    return _filters(request, found)


async def _own_tile_filters(
    request: Request, layer: Annotated[Layer, Depends(_layer)]
) -> Selection:
    return _filters(request, (layer,))


def _filters(request: Request, found: tuple[Layer, ...]) -> Selection:
    shared = [
        name for name in queryable(found[0]) if all(name in queryable(each) for each in found)
    ]
    # The edition is part of an address for the sake of those who keep what they got; see TileJSON.
    own = ("datetime", AS_OF, "v")
    require_known(request, (*own, *shared))
    at = single(request, "datetime")
    given = others(request, own)
    for each in found:
        values = parse_values(each, given)
    period = None if at is None else parse_period(at)
    return Selection(period=period, values=values, as_of=as_of_word(single(request, AS_OF)))


async def _place(
    z: Annotated[str, Path()], x: Annotated[str, Path()], y: Annotated[str, Path()]
) -> Place:
    return Place(WEB_MERCATOR, parse_tile(z, x, _plain(y)))


async def _grid(
    grid_id: Annotated[str, Path()], city: Annotated[City, Depends(_city)]
) -> NamedGrid:
    return NamedGrid(grid_id, grid_named(grid_id, city.frame))


async def _place_on_grid(
    named: Annotated[NamedGrid, Depends(_grid)],
    z: Annotated[str, Path()],
    x: Annotated[str, Path()],
    y: Annotated[str, Path()],
) -> Place:
    # Rows stand last in some addresses, columns in others.
    tile = parse_tile(z, _plain(x), _plain(y), named.grid, name=named.name)
    return Place(named.grid, tile)


def _plain(word: str) -> str:
    return word.removesuffix(".mvt").removesuffix(".pbf")


async def _inputs(request: Request) -> dict[str, Any]:
    """Return the inputs of an execution request (OGC API - Processes, 7.11)."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"the body is not JSON: {error}") from None
    inputs = body.get("inputs", {}) if isinstance(body, dict) else None
    if not isinstance(inputs, dict):
        raise InvalidInputError('the body must be an object {"inputs": {…}}')
    return inputs


async def _run_id(job_id: Annotated[str, Path()]) -> UUID:
    try:
        return UUID(job_id)
    except ValueError:
        raise NotFoundError(f"there is no run {job_id!r}") from None


async def _one(request: Request) -> AskedFeature:
    return _asked_feature(request, ())


async def _file(request: Request) -> AskedFeature:
    return _asked_feature(request, ("distance",))


def _asked_feature(request: Request, more: tuple[str, ...]) -> AskedFeature:
    require_known(request, (*more, "datetime", AS_OF, F))
    at = single(request, "datetime")
    period = None if at is None else parse_period(at)
    return AskedFeature(as_of_word(single(request, AS_OF)), period, _distance(request))


async def _style_as_of(request: Request) -> AsOf | None:
    require_known(request, (AS_OF,))
    return as_of_word(single(request, AS_OF))


async def _span(request: Request) -> Between:
    require_known(request, ("from", "to", "v"))
    return Between(*_moments(request), None, None, DEFAULT_LIMIT)


def _moments(request: Request) -> tuple[AsOf, AsOf | None]:
    since, until = single(request, "from"), single(request, "to")
    if since is None:
        raise InvalidInputError("from is missing: the moment since which changes are asked for")
    return (
        parse_as_of(since, name="from"),
        None if until is None else parse_as_of(until, name="to"),
    )


async def _between(request: Request) -> Between:
    own = ("from", "to", "bbox", "limit", "cursor", F)
    require_known(request, own)
    given = {name: single(request, name) for name in own}
    since, until = _moments(request)
    box, heights_m = parse_box(given["bbox"]) if given["bbox"] is not None else (None, None)
    if heights_m is not None:
        raise InvalidInputError("bbox of changes is west,south,east,north, without heights")
    return Between(
        since,
        until,
        box,
        None if given["cursor"] is None else read_cursor(given["cursor"]),
        limit(given["limit"]),
    )


def as_of_word(word: str | None) -> AsOf | None:
    """Return the moment that a request asks about, if it names one."""
    return None if word is None else parse_as_of(word)


async def _only_format(request: Request) -> None:
    require_known(request, (F,))


async def _nothing(request: Request) -> None:
    require_known(request, ())


async def _last_event(request: Request) -> Position | None:
    word = request.headers.get("last-event-id")
    return None if word is None else read_position(word)


async def _report(request: Request) -> Asked:
    require_known(request, ("layers", "zooms", F))
    return asked_of(single(request, "layers"), single(request, "zooms"))


async def _quality(request: Request) -> AskedQuality:
    require_known(request, ("layer", "load", F))
    layer, load = single(request, "layer"), single(request, "load")
    return AskedQuality(
        None if layer is None else layer_named(layer).id, None if load is None else _number(load)
    )


async def _run_number(run: Annotated[str, Path()]) -> int:
    return _number(run)


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise NotFoundError(f"there is no number {word[:40]!r}; loads and runs have whole numbers")
    return int(word)


async def _job_limit(request: Request) -> int:
    require_known(request, ("limit", F))
    return limit(single(request, "limit"))


def _distance(request: Request) -> float:
    word = single(request, "distance")
    if word is None:
        return DISTANCE_M
    try:
        return float(word)
    except ValueError:
        raise InvalidInputError(f"distance is a number of metres, not {word!r}") from None


CityParam = Annotated[City, Depends(_city)]
WorkingCityParam = Annotated[City, Depends(_working_city)]
LayerParam = Annotated[Layer, Depends(_layer)]
LayersParam = Annotated[tuple[Layer, ...], Depends(_layer_list)]
AnalysisParam = Annotated[Analysis, Depends(_analysis)]
ItemsParam = Annotated[Items, Depends(_items)]
PlaceParam = Annotated[Place, Depends(_place)]
PlaceOnGridParam = Annotated[Place, Depends(_place_on_grid)]
GridParam = Annotated[NamedGrid, Depends(_grid)]
OwnTileFiltersParam = Annotated[Selection, Depends(_own_tile_filters)]
TileFiltersParam = Annotated[Selection, Depends(_tile_filters)]
InputsParam = Annotated[dict[str, Any], Depends(_inputs)]
RunIdParam = Annotated[UUID, Depends(_run_id)]
JobLimitParam = Annotated[int, Depends(_job_limit)]
LastEventParam = Annotated[Position | None, Depends(_last_event)]
ReportParam = Annotated[Asked, Depends(_report)]
QualityParam = Annotated[AskedQuality, Depends(_quality)]
RunNumberParam = Annotated[int, Depends(_run_number)]
OneParam = Annotated[AskedFeature, Depends(_one)]
FileParam = Annotated[AskedFeature, Depends(_file)]
StyleAsOfParam = Annotated[AsOf | None, Depends(_style_as_of)]
SpanParam = Annotated[Between, Depends(_span)]
BetweenParam = Annotated[Between, Depends(_between)]
OnlyFormat = Depends(_only_format)
Nothing = Depends(_nothing)
