"""Questions about the inside of a house that is known by hand (tests/twin/bim/_house.py).

The house's zero lies on the city's X, Y below; its axes are the grid's, its floor is at 4 m.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from analysis import analyses, execute
from tests.conftest import SHANTOU
from tests.twin.bim._house import House
from tests.twin.bim._house import text as step_text
from twin.bim import load_model
from twin.bim._georef import convergence_deg
from twin.crs import LONLAT, move_points
from twin.database import City, connect, open_city
from twin.errors import InvalidInputError, NotFoundError

LON, LAT = 116.69, 23.35
X, Y = (float(v[0]) for v in move_points(np.array([LON]), np.array([LAT]), LONLAT, "EPSG:4548"))


@pytest.fixture(scope="module")
def housed(clone: Any, empty_city_template: str, tmp_path_factory: Any) -> Iterator[Engine]:
    path: Path = tmp_path_factory.mktemp("house") / "house.ifc"
    path.write_bytes(step_text(House()))
    with clone(empty_city_template) as url:
        engine = connect(url)
        # The y axis along the grid: its bearing from true north is the grid's convergence.
        bearing = convergence_deg(SHANTOU, LON, LAT)
        load_model(engine, path, place=f"{LON},{LAT},{bearing:.9f},4")
        yield engine
        engine.dispose()


@pytest.fixture
def house(housed: Engine) -> Iterator[City]:
    with Session(housed) as session:
        yield open_city(session)


def ask(city: City, analysis: str, **inputs: Any) -> Any:
    return execute(city, analyses()[analysis], inputs)


def one(city: City, query: str) -> Any:
    return city.session.scalar(text(query))


def pipe(city: City, *points: tuple[float, float, float], **columns: Any) -> int:
    line = ", ".join(f"{X + x} {Y + y} {z}" for x, y, z in points)
    values = {"reference": "centre", "width": None} | columns
    return int(
        city.session.scalar(
            text("""
                INSERT INTO twin.pipe_segment (kind, elevation_reference, width_m, geom)
                VALUES ('water', :reference, :width, ST_GeomFromText(:wkt, 4548)) RETURNING id
            """),
            values | {"wkt": f"LINESTRING Z ({line})"},
        )
    )


def names(outputs: Any) -> list[str]:
    return [each.name for each in outputs.elements]


def test_a_storey_holds_what_the_model_puts_in_it(house: City) -> None:
    storey = one(house, "SELECT uid::text FROM twin.storey WHERE name = 'ground'")
    found = ask(house, "storey-elements", storey_id=storey)
    assert found.by_class == {"IfcDoor": 1, "IfcOpeningElement": 1, "IfcSlab": 1, "IfcWall": 4}
    assert found.floor_z_m == 4.0
    assert found.height_m == 3.0
    walls = ask(house, "storey-elements", storey_id=storey, ifc_class="IfcWall")
    assert set(names(walls)) == {"south", "north", "west", "east"}


def test_a_room_touches_its_walls_its_floor_and_its_ceiling(house: City) -> None:
    space = one(house, "SELECT id FROM twin.space")
    found = ask(house, "space-contacts", space_id=space)
    assert set(names(found)) == {"south", "north", "west", "east", "slab", "roof-slab"}
    assert (found.number, found.use, found.area_m2) == ("101", "客厅", 70.0)
    # The door's leaf ends 5 cm before the room begins.
    assert "前门" in names(ask(house, "space-contacts", space_id=space, gap_m=0.06))
    drawn = one(
        house, f"SELECT count(*) FROM twin.analysis_feature WHERE run_id = '{found.run_id}'"
    )
    assert drawn == 7


@pytest.mark.parametrize(
    ("distance_m", "expected"),
    [
        (0.4, []),
        (0.51, ["slab"]),  # Its underside is at 3.7 m, the pipe at 3.2 m.
        # Walls and the door's leaf begin at 4 m; the south wall's hole is above the pipe.
        (0.81, ["slab", "north", "前门"]),
    ],
)
def test_a_pipe_under_the_house_is_measured_in_three_dimensions(
    house: City, distance_m: float, expected: list[str]
) -> None:
    below = pipe(house, (4.5, -5.0, 3.2), (4.5, 12.0, 3.2))
    found = ask(house, "near-pipe", pipe_id=below, distance_m=distance_m)
    assert set(names(found)) == set(expected)
    assert [each.distance_m for each in found.elements] == pytest.approx(
        [0.5 if name == "slab" else 0.8 for name in names(found)], abs=1e-4
    )


def test_a_pipe_s_width_and_what_its_height_means_count(house: City) -> None:
    points = ((5.0, -5.0, 3.2), (5.0, 12.0, 3.2))
    for reference, away in (("centre", 0.4), ("top", 0.5), ("invert", 0.3)):
        number = pipe(house, *points, reference=reference, width=0.2)
        found = ask(house, "near-pipe", pipe_id=number, distance_m=0.55)
        assert [(each.name, round(each.distance_m, 3)) for each in found.elements] == [
            ("slab", away)
        ]


def test_a_pipe_through_a_wall_or_all_inside_a_slab_touches_it(house: City) -> None:
    through = pipe(house, (2.0, -1.0, 5.0), (2.0, 0.5, 5.0))
    assert names(ask(house, "near-pipe", pipe_id=through, distance_m=0.0)) == ["south"]
    inside = pipe(house, (3.0, 3.0, 3.85), (6.0, 3.0, 3.85))
    found = ask(house, "near-pipe", pipe_id=inside, distance_m=0.01)
    assert [(each.name, each.distance_m) for each in found.elements] == [("slab", 0.0)]


def test_a_pipe_of_unknown_height_is_refused(house: City) -> None:
    number = pipe(house, (0, 0, 0), (1, 0, 0), reference="unknown")
    with pytest.raises(InvalidInputError, match="how high"):
        ask(house, "near-pipe", pipe_id=number)


@pytest.mark.parametrize(
    ("z_m", "area_m2", "cut"),
    [
        # Walls 2·2 + 2·1.52 = 7.04, less the door's hole 0.2, and the leaf 0.09.
        (5.0, 6.93, {"south", "north", "west", "east", "前门"}),
        (6.5, 7.04, {"south", "north", "west", "east"}),  # Above the door.
        (3.8, 80.0, {"slab"}),
        (7.5, 3.0, {"flight"}),
        (20.0, 0.0, set()),
    ],
)
def test_a_section_cuts_what_is_there(
    house: City, z_m: float, area_m2: float, cut: set[str]
) -> None:
    building = one(house, "SELECT id FROM twin.building")
    found = ask(house, "building-section", building_id=building, z_m=z_m)
    assert set(names(found)) == cut
    assert found.area_m2 == pytest.approx(area_m2, abs=0.01)
    assert all(each.closed for each in found.elements)


def test_a_storey_is_cut_a_metre_above_its_floor(house: City) -> None:
    storey = one(house, "SELECT id FROM twin.storey WHERE name = 'ground'")
    found = ask(house, "building-section", storey_id=storey)
    assert found.z_m == 5.0
    assert found.area_m2 == pytest.approx(6.93, abs=0.01)


@pytest.mark.parametrize(
    ("analysis", "inputs"),
    [
        ("storey-elements", {"storey_id": 99}),
        ("space-contacts", {"space_id": "00000000-0000-0000-0000-000000000000"}),
        ("near-pipe", {"pipe_id": 999_999}),
        ("building-section", {"building_id": 99, "z_m": 1}),
    ],
)
def test_what_is_not_there_is_not_found(house: City, analysis: str, inputs: Any) -> None:
    with pytest.raises(NotFoundError):
        ask(house, analysis, **inputs)


@pytest.mark.parametrize(
    "inputs", [{}, {"building_id": 1}, {"building_id": 1, "storey_id": 1, "z_m": 1}, {"z_m": 3}]
)
def test_a_section_is_asked_of_a_building_or_of_a_storey(house: City, inputs: Any) -> None:
    with pytest.raises(InvalidInputError, match="building-section"):
        ask(house, "building-section", **inputs)


def test_an_id_is_a_number_or_a_uid(house: City) -> None:
    with pytest.raises(InvalidInputError, match="UUID"):
        ask(house, "storey-elements", storey_id="x")
