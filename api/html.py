"""Pages for people, made on the server from ``api/templates``; they load nothing from elsewhere."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from api import quality_page
from api.element_file import file_address, map_address
from api.links import Link
from api.past import then
from api.plots import HIGH, WIDE, plan, plot
from layers import Field, Layer, layers
from layers.file import ElementFile, Ref
from layers.query import Page
from twin.database import City
from twin.history import Moment

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*Z")
"""A time as layers write it: RFC 3339, UTC."""


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("api"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def landing(base: str, city: City, counts: Mapping[str, int]) -> str:
    """Return the front page: the way to the map, and the layers."""
    return _made(
        "landing",
        base,
        city,
        srid=city.frame.srid,
        datum=city.vertical_datum,
        total=sum(counts.values()),
        layers=[(layer, counts[layer.id]) for layer in layers().values() if counts[layer.id]],
    )


def collections(base: str, city: City, counts: Mapping[str, int]) -> str:
    """Return the page that lists the layers by group."""
    groups = [
        (group, [(layer, counts[layer.id]) for layer in members])
        for group, members in groupby(layers().values(), key=lambda layer: layer.group)
    ]
    return _made("collections", base, city, groups=groups)


def collection(base: str, city: City, layer: Layer, count: int) -> str:
    """Return the page of one layer: what it is, and what its fields mean."""
    return _made("collection", base, city, layer=layer, count=count)


def items(
    base: str,
    city: City,
    found: Page,
    matched: int | None,
    *,
    json: str,
    following: str | None,
    known: Moment | None,
) -> str:
    """Return a table of features, as they are or as they were known."""
    chosen = [
        i
        for i, entry in enumerate(found.fields)
        if entry.in_tiles or entry.name in ("address", "owner", "phone", "state")
    ]
    fields = found.fields
    rows = [(row[0], [(fields[i], row[i + 2]) for i in chosen]) for row in found.rows]
    return _made(
        "items",
        base,
        city,
        layer=found.layer,
        fields=[fields[i] for i in chosen],
        rows=rows,
        matched=matched,
        json=json,
        next=following,
        known=known,
    )


def item(base: str, city: City, found: Page, *, json: str, known: Moment | None) -> str:
    """Return the page of one feature, as it is or as it was known."""
    layer = found.layer
    number, geometry, *values = found.rows[0]
    named = list(zip(found.fields, values, strict=True))
    name = next((value for entry, value in named if entry.name == "name" and value), str(number))
    return _made(
        "item",
        base,
        city,
        layer=layer,
        number=number,
        name=name,
        values=named,
        geometry=geometry,
        json=json,
        file=file_address(base, Ref(layer.id, number, name), known, f="html"),
        known=known,
    )


def element_file(base: str, city: City, found: ElementFile, links: list[Link]) -> str:
    """Return the file of one feature on one page."""
    subject = found.subject
    return _made(
        "element_file",
        base,
        city,
        layer=subject.layer,
        number=subject.id,
        name=subject.name or f"{subject.layer.title.zh} {subject.id}",
        chapters=found.chapters,
        distance_m=subject.distance_m,
        links=links,
        map=map_address(base, subject) if subject.place else None,
        told=_told,
        made_at=_utc(datetime.now(UTC)),
        file_of=partial(file_address, base, known=subject.known, f="html"),
        json=links[0]["href"],
        known=subject.known,
        plot=plot,
        plan=plan,
        size=(WIDE, HIGH),
    )


def tile_report(base: str, city: City, found: Mapping[str, Any]) -> str:
    """Return the page on what tiles weigh."""
    known = layers()
    rows = [(known[row["layer"]], row) for row in found["tiles"]]
    return _made(
        "tile_report",
        base,
        city,
        rows=rows,
        heavy=found["heavy_bytes"],
        without=found["without_columns"],
    )


def quality(base: str, city: City, found: Mapping[str, Any]) -> str:
    """Return the page on the quality of the data."""
    return _made("quality", base, city, **quality_page.told(found))


def message(base: str, **words: str) -> str:
    """Return a page that says one thing: ``zh``, ``en``, ``detail_zh`` and ``detail_en``."""
    return _templates().get_template("message.html").render(base=base, city="", **words)


def _told(entry: Field, value: Any) -> str:
    """Return a value as a sheet of paper holds it: measures to three decimals."""
    if isinstance(value, float) and entry.unit != "°":
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return _shown(entry, value)


def _made(
    template: str, base: str, city: City, *, known: Moment | None = None, **values: Any
) -> str:
    made = _templates().get_template(f"{template}.html")
    return made.render(
        base=base,
        city=city.name,
        shown=_shown,
        known=known,
        utc=_utc,
        html=then(known, f="html"),
        **values,
    )


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _shown(entry: Field, value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == "{}":
        return ""
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    meaning = entry.codes.get(str(value))
    if meaning is not None:
        return f"{meaning.zh} {meaning.en}"
    if isinstance(value, datetime):
        return _utc(value)
    if entry.type == "date-time" and _WRITTEN.fullmatch(str(value)):
        return f"{value[:10]} {value[11:16]} UTC"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
