"""Cities to draw tiles of: the made one, and two that are as they were found in files."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text

from layers import Layer, layers
from sample_data import make_city
from tests.twin.bim._house import House
from tests.twin.bim._house import text as step_text
from tiles.grid import Tile
from twin import ingest
from twin.bim import load_model
from twin.crs import CityBox, Frame, move_points
from twin.database import connect, create_city

JAKARTA = Frame(32748, CityBox(660_000, 9_270_000, 740_000, 9_350_000))
MANHATTAN = Frame(32618, CityBox(560_000, 4_490_000, 610_000, 4_530_000))
SHANTOU = Frame(4548, CityBox(440_000, 2_560_000, 500_000, 2_610_000))

FILLED = {
    "jakarta": ("building", "road_edge", "grid_cell"),
    "manhattan": ("building",),
    "house": ("storey", "space", "element", "opening"),
}
"""What the cities hold that are not made up."""
ELSEWHERE = {
    "analysis_feature",
    "quality_finding",
    "city_object",
    "city_geometry",
    *FILLED["house"],
}
MADE = sorted(set(layers()) - ELSEWHERE)
"""What the made city holds."""

Clone = AbstractContextManager[str]


def real_data() -> Path:
    """Return the folder of real data, or skip."""
    root = Path(__file__).parents[2]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder ({folder})")
    return folder


def fill_city(name: str, engine: Engine, data_dir: Path, *, buildings: int = 4000) -> None:
    """Make one of the cities in an empty database."""
    if name == "demo":
        make_city.build(engine, data_dir=data_dir, buildings=buildings)
        return
    if name == "house":
        create_city(engine, "汕头", SHANTOU)
        file = data_dir / "house.ifc"
        file.write_bytes(step_text(House()))
        load_model(engine, file)
        return
    folder = real_data()
    if name == "jakarta":
        create_city(engine, "Jakarta", JAKARTA)
        for layer, file in (
            ("building", "jakarta_OSM_building.shp"),
            ("road", "jakarta_roads.shp"),
            ("grid_cell", "rw_jakarta.shp"),
        ):
            ingest.load(engine, layer, [folder / "jakarta_flood" / file], data_dir=data_dir)
        return
    create_city(engine, "Manhattan", MANHATTAN)
    file = folder / "nyc" / "nyc_lower_manhattan.gpkg#buildings"
    ingest.load(engine, "building", [file], data_dir=data_dir)


@contextmanager
def opened(clone: Clone, name: str, data_dir: Path, *, buildings: int = 4000) -> Iterator[Engine]:
    """Return an engine on one of the cities, in a database of its own."""
    if name not in ("demo", "house"):
        real_data()
    with clone as url:
        engine = connect(url)
        try:
            fill_city(name, engine, data_dir, buildings=buildings)
            yield engine
        finally:
            engine.dispose()


def places_of(engine: Engine, layer: Layer, frame: Frame) -> np.ndarray:
    """Return where the features of a layer are, as shares of the world's side, shape (n, 2)."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT ST_X(place), ST_Y(place) FROM (SELECT ST_Centroid(geom) AS place "
                f"FROM twin.{layer.table.__tablename__} WHERE NOT ST_IsEmpty(geom)) AS found"
            )
        ).all()
    if not rows:
        return np.empty((0, 2))
    x, y = np.array(rows, float).T
    across, up = move_points(x, y, frame.name, "EPSG:3857")
    side = 2 * math.pi * 6378137.0
    return np.stack([across / side + 0.5, 0.5 - up / side], axis=1)


def tiles_at(places: np.ndarray, rng: np.random.Generator, zoom: int, count: int) -> list[Tile]:
    """Return tiles at random: half where some feature is, half anywhere around them all.

    Draws that fall on the same tile count once.
    """
    at = places[rng.integers(len(places), size=(count + 1) // 2)]
    low, high = places.min(axis=0), places.max(axis=0)
    anywhere = rng.uniform(low, high, size=(count // 2, 2))
    cells = np.floor(np.concatenate([at, anywhere]) * 2**zoom).astype(int)
    return sorted({Tile(zoom, int(x), int(y)) for x, y in cells})
