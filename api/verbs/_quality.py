"""What ``citytwin load`` and ``citytwin report quality`` say of the data's quality."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from api import html
from api.progress import bar
from api.quality_page import STANDINGS, what
from api.settings import Settings
from api.verbs._verb import database
from twin.database import open_city
from twin.errors import InvalidInputError
from twin.quality import check, one_run, overview, rules

_RULES_SHOWN = 6
_MAIN = "import sys; from api.cli import main; sys.exit(main())"


def arguments(parser: ArgumentParser) -> None:
    """Add what a report on quality is asked."""
    parser.add_argument("--layer", help="only this layer")
    parser.add_argument("--load", type=int, metavar="N", help="only what this load wrote")
    parser.add_argument(
        "--rule", action="append", metavar="ID", help="only this rule; may be given again"
    )
    parser.add_argument(
        "--last", action="store_true", help="tell of the latest run, and do not look again"
    )
    parser.add_argument("--json", action="store_true", help="write the report as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page")


def run(given: Namespace, settings: Settings) -> int:
    """Look at the data, and tell what was found."""
    if given.layer and given.load is not None:
        raise InvalidInputError("give --layer or --load, not both")
    if given.last and given.rule:
        raise InvalidInputError("--rule says what to look for; --last does not look")
    with database(settings) as engine:
        number = None
        if not given.last:
            with bar() as progress:
                number = check(
                    engine,
                    layer=given.layer,
                    load_id=given.load,
                    only=given.rule,
                    data_dir=settings.data_dir,
                    progress=progress,
                ).id
        with Session(engine) as session:
            city = open_city(session)
            found = (
                overview(session, layer=given.layer, load_id=given.load)
                if number is None
                else one_run(session, number)
            )
            page = html.quality(settings.public_url or "", city, found) if given.html else None
    if page is not None:
        given.html.write_text(page, encoding="utf-8")
    if given.json:
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    elif page is None:
        _show(found)
    return 0


def in_background(settings: Settings, load_id: int) -> None:
    """Let a process of its own look at a load; what it finds is told by the next report."""
    environment = dict(os.environ)
    environment["TWIN_DATA_DIR"] = str(settings.data_dir)
    subprocess.Popen(
        [sys.executable, "-c", _MAIN, "report", "quality", "--load", str(load_id)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def lines(quality: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield what a load's report says of quality, in short."""
    if quality is None:
        return
    if "later" in quality:
        number = quality["later"]
        yield (
            "quality",
            f"being looked at in the background: citytwin report quality --load {number} --last",
        )
        return
    if "failed" in quality:
        yield "quality", f"could not be looked at: {quality['failed']}; the load stands"
        return
    severe = ", ".join(f"{number:,} {name}" for name, number in quality["by_severity"].items())
    yield (
        "quality",
        f"{quality['found']:,} findings in {quality['rows']:,} rows"
        + (f" ({severe})" if severe else "")
        + f", run {quality['run']}, {quality['seconds']:.2f} s",
    )
    found = list(quality["by_rule"].items())
    for rule, number in found[:_RULES_SHOWN]:
        title = rules()[rule].title
        yield "finding", f"{number:,}  {title.zh} {title.en} ({rule})"
    if len(found) > _RULES_SHOWN:
        yield "finding", f"… and of {len(found) - _RULES_SHOWN} more rules"
    for table, fields in quality["incomplete"].items():
        named = ", ".join(f"{name} {percent:g} %" for name, percent in fields.items())
        yield "incomplete", f"{table}: {named}"
    for rule, why in quality["not_asked"].items():
        yield "not asked", f"{rule}: {why}"


def _show(found: Mapping[str, Any]) -> None:
    console = Console(soft_wrap=True)
    if found["run"] is None:
        console.print("nobody looked at the data yet: citytwin report quality", markup=False)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("looked at", what(found["run"]).en)
    for name, value in lines(found["summary"]):
        table.add_row(name, value)
    broken = found["summary"]["by_rule"]
    unread = [
        rule["id"]
        for rule in found["rules"]
        if rule["status"] == "unverified" and rule["id"] in broken
    ]
    if unread:
        table.add_row("note", f"the source of {', '.join(unread)}: {STANDINGS['unverified'].en}")
    console.print(table, markup=False)
