"""A city with a few hand-made things, and a way to ask one rule."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from twin.quality import check

Ask = Callable[..., list[dict[str, Any]]]
Put = Callable[..., int]


@pytest.fixture
def put(engine: Engine) -> Put:
    """Return a function that writes one row and returns its id; ``wkt`` is in metres."""

    def write(table: str, wkt: str, **values: object) -> int:
        names = "".join(f", {name}" for name in values)
        bound = "".join(f", :{name}" for name in values)
        with engine.begin() as connection:
            return int(
                connection.execute(
                    text(
                        f"INSERT INTO twin.{table} (geom{names}) "
                        f"VALUES (ST_GeomFromText(:wkt, 4548){bound}) RETURNING id"
                    ),
                    {"wkt": wkt, **values},
                ).scalar_one()
            )

    return write


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Return a function that asks rules and returns what is found, by feature; none may fail."""

    def run(*only: str, data_dir: Path | None = None, **scope: Any) -> list[dict[str, Any]]:
        report = check(engine, only=only, data_dir=data_dir, **scope)
        for rule, told in report.rules.items():
            assert "failed" not in told, f"{rule}: {told['failed']}"
        return findings(engine, only)

    return run


def findings(engine: Engine, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the present findings of some rules, of all if none is named."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""
                SELECT * FROM twin.quality_finding
                WHERE  :every OR rule = ANY (:only)
                ORDER  BY rule, layer, feature_id, other_id, part
            """),
            {"only": list(only), "every": not only},
        ).mappings()
        return [dict(row) for row in rows]


def square(x_m: float = 0, y_m: float = 0, side_m: float = 10, *, parts: str = "") -> str:
    """Return a square's WKT, its corner so far from (460 000, 2 580 000)."""
    west, south = 460_000 + x_m, 2_580_000 + y_m
    east, north = west + side_m, south + side_m
    return (
        f"MULTIPOLYGON ((({west} {south}, {east} {south}, {east} {north}, {west} {north}, "
        f"{west} {south})){parts})"
    )
