import math

import pytest

from analysis import _gas_pipe as gas_pipe
from twin.errors import InvalidInputError
from twin.units import METRES_PER_FOOT, inches, millimetres, pounds_per_square_inch


@pytest.mark.parametrize(
    ("diameter_in", "pressure_psi", "radius_ft"),
    [(30, 1000, 654.6), (36, 1480, 955.0), (36, 970, 773.6)],
    ids=["ASME B31.8S", "ASME, 36 in", "Edison 1994"],
)
def test_radius_of_published_pipes(
    diameter_in: float, pressure_psi: float, radius_ft: float
) -> None:
    radius_m = gas_pipe.potential_impact_radius_m(
        pounds_per_square_inch(pressure_psi), inches(diameter_in)
    )
    assert radius_m / METRES_PER_FOOT == pytest.approx(radius_ft, abs=0.7)


@pytest.mark.parametrize(
    ("outside_mm", "pressure_mpa", "radius_m"),
    [(1016.0, 4.0, 202.6), (508.0, 1.6, 64.1), (219.1, 0.4, 13.8)],
    ids=["DN1000", "DN500", "DN200"],
)
def test_radius_in_metres(outside_mm: float, pressure_mpa: float, radius_m: float) -> None:
    found = gas_pipe.potential_impact_radius_m(pressure_mpa * 1e6, millimetres(outside_mm))
    assert found == pytest.approx(radius_m, abs=0.05)


@pytest.mark.parametrize(
    ("flux", "radius_m"), [(37.5, 129), (15.77, 200), (12.5, 224), (5, 354), (4, 396)]
)
def test_rings_of_the_published_pipe(flux: float, radius_m: float) -> None:
    best_m = gas_pipe.potential_impact_radius_m(pounds_per_square_inch(1000), inches(30))
    assert gas_pipe.ring_radius_m(best_m, flux) == pytest.approx(radius_m, abs=0.6)


def test_the_coefficient_follows_from_the_physics_within_a_hundredth() -> None:
    p, d = pounds_per_square_inch(1000), inches(30)
    ratio = gas_pipe.derived_radius_m(p, d) / gas_pipe.potential_impact_radius_m(p, d)
    assert ratio == pytest.approx(1 - 0.006, abs=0.001)


def test_radius_grows_with_the_diameter_and_the_root_of_the_pressure() -> None:
    r = gas_pipe.potential_impact_radius_m
    assert r(4e6, 1.0) == pytest.approx(2 * r(4e6, 0.5))
    assert r(4e6, 1.0) == pytest.approx(2 * r(1e6, 1.0))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_refuses_what_is_no_pipe(bad: float) -> None:
    with pytest.raises(InvalidInputError, match="pressure_pa must be a positive number"):
        gas_pipe.potential_impact_radius_m(bad, 0.5)
    with pytest.raises(InvalidInputError, match="diameter_m must be a positive number"):
        gas_pipe.potential_impact_radius_m(4e6, bad)


def test_flags_every_way_of_leaving_its_range() -> None:
    assert gas_pipe.out_of_range(4e6, 0.5, "natural") == []
    assert len(gas_pipe.out_of_range(2e5, 0.05, "lpg")) == 3
    assert gas_pipe.out_of_range(400_000.0, 0.1, "natural") == []
