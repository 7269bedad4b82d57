"""Potential impact radius of a ruptured gas transmission pipe, and the rings about it."""

import math
from dataclasses import dataclass

from layers import Words
from twin.errors import InvalidInputError
from twin.units import METRES_PER_FOOT, METRES_PER_INCH, PASCALS_PER_PSI

COEFFICIENT_FT_PER_IN_ROOT_PSI = 0.69
"""The factor of 49 CFR 192.903 for natural gas."""

REFERENCE_FLUX_KW_PER_M2 = 15.77
"""Heat flux at the potential impact radius: 5 000 BTU/(h·ft²)."""

RING_FLUXES_KW_PER_M2 = (37.5, REFERENCE_FLUX_KW_PER_M2, 12.5, 4.0)

LEAST_PRESSURE_PA = 400_000.0
LEAST_DIAMETER_M = 0.1


@dataclass(frozen=True)
class Flame:
    """What the coefficient 0.69 was derived from (C-FER, GRI-00/0189)."""

    decay: float = 0.33
    """λ: the outflow a short time after the rupture, as a share of the initial one."""
    efficiency: float = 0.35
    """η: share of the heat of combustion that is set free."""
    emissivity: float = 0.2
    """χ: share of that heat that is radiated."""
    discharge: float = 0.62
    """Cd: discharge coefficient of the open pipe."""
    heat_of_combustion_j_per_kg: float = 50e6
    ratio_of_heats: float = 1.306
    """γ = cp/cv of methane."""
    temperature_k: float = 288.0
    molar_mass_kg_per_mol: float = 0.016043
    flux_kw_per_m2: float = REFERENCE_FLUX_KW_PER_M2


def potential_impact_radius_m(pressure_pa: float, diameter_m: float) -> float:
    """Return the radius within which a ruptured natural gas pipe endangers people.

    r [ft] = 0.69 √(p [psi] · d² [in]), the heat flux of 15.77 kW/m² of a burning full-bore rupture.

    Parameters
    ----------
    pressure_pa : float
        Operating pressure, gauge, Pa; positive.
    diameter_m : float
        Diameter of the pipe, m; positive.

    Raises
    ------
    InvalidInputError
        If a value is not a positive number.

    Notes
    -----
    Holds for natural gas and full-bore rupture of transmission pipe; not for leaks, distribution
    pipe or other gases: see `out_of_range`.

    References
    ----------
    .. [1] 49 CFR 192.903, "Potential impact radius"; ASME B31.8S, section 3.
    .. [2] Stephens, M. J. (2000). A model for sizing high consequence areas associated with natural
       gas pipelines. C-FER Technologies, GRI-00/0189.

    Examples
    --------
    30 inches at 1 000 psi, the example of ASME B31.8S, 654.6 ft:

    >>> from twin.units import inches, pounds_per_square_inch
    >>> r_m = potential_impact_radius_m(pounds_per_square_inch(1000), inches(30))
    >>> round(r_m, 1), round(r_m / METRES_PER_FOOT, 1)
    (199.5, 654.6)
    """
    _require_positive(pressure_pa=pressure_pa, diameter_m=diameter_m)
    inches, psi = diameter_m / METRES_PER_INCH, pressure_pa / PASCALS_PER_PSI
    return COEFFICIENT_FT_PER_IN_ROOT_PSI * math.sqrt(psi) * inches * METRES_PER_FOOT


def ring_radius_m(radius_m: float, flux_kw_per_m2: float) -> float:
    """Return where another heat flux is met, given the potential impact radius.

    The flame is a point source far from the ground's obstacles, so the flux falls with the square
    of the distance: r · √(15.77 / I).

    >>> round(ring_radius_m(199.5, 4.0))
    396
    """
    _require_positive(radius_m=radius_m, flux_kw_per_m2=flux_kw_per_m2)
    return radius_m * math.sqrt(REFERENCE_FLUX_KW_PER_M2 / flux_kw_per_m2)


def derived_radius_m(pressure_pa: float, diameter_m: float, flame: Flame = Flame()) -> float:
    """Return the radius from the physics behind the coefficient, without its rounding.

    r² = η·χ·λ·Cd·Hc·φ·p·d² / (8·a₀·I), with φ = γ(2/(γ+1))^((γ+1)/(2(γ-1))) and the speed of
    sound a₀ = √(γRT/m).  It is 0.6 % below the published formula, whose factor was rounded; it
    shows what the factor is made of, and is not used for answers.

    Examples
    --------
    >>> from twin.units import inches, pounds_per_square_inch
    >>> r_m = derived_radius_m(pounds_per_square_inch(1000), inches(30))
    >>> round(r_m / METRES_PER_FOOT, 1)
    650.5
    """
    _require_positive(pressure_pa=pressure_pa, diameter_m=diameter_m)
    heat_w = (
        flame.efficiency
        * flame.emissivity
        * flame.decay
        * flame.discharge
        * flame.heat_of_combustion_j_per_kg
        * choked_flow_factor(flame.ratio_of_heats)
        * pressure_pa
        * diameter_m**2
        / speed_of_sound_m_per_s(flame)
    )
    return math.sqrt(heat_w / (8 * flame.flux_kw_per_m2 * 1000))


def choked_flow_factor(ratio_of_heats: float) -> float:
    """Return φ, the dimensionless flow of a gas that leaves at the speed of sound.

    >>> round(choked_flow_factor(1.306), 4)
    0.7638
    """
    g = ratio_of_heats
    return float(g * (2 / (g + 1)) ** ((g + 1) / (2 * (g - 1))))


def speed_of_sound_m_per_s(flame: Flame) -> float:
    """Return the speed of sound in the gas.

    >>> round(speed_of_sound_m_per_s(Flame()), 1)
    441.5
    """
    gas_constant = 8.314462618
    return math.sqrt(
        flame.ratio_of_heats * gas_constant * flame.temperature_k / flame.molar_mass_kg_per_mol
    )


def out_of_range(pressure_pa: float, diameter_m: float, gas: str) -> list[Words]:
    """Return why the formula was not made for this pipe; empty if it was.

    >>> out_of_range(4.0e6, 0.5, "natural")
    []
    >>> out_of_range(2.0e5, 0.5, "natural")[0].en
    'pressure 0.2 MPa is below 0.4 MPa: a distribution pipe, which leaks rather than ruptures'
    """
    violated = []
    if gas != "natural":
        violated.append(
            Words(
                f"介质为 {gas}；系数 0.69 只对天然气推导",
                f"the gas is {gas}; the factor 0.69 was derived for natural gas only",
            )
        )
    if pressure_pa < LEAST_PRESSURE_PA:
        low, least = f"{pressure_pa / 1e6:g} MPa", f"{LEAST_PRESSURE_PA / 1e6:g} MPa"
        violated.append(
            Words(
                f"压力 {low} 低于 {least}：属配气管道，多为泄漏而非全断面破裂",
                f"pressure {low} is below {least}: a distribution pipe, which leaks rather than "
                "ruptures",
            )
        )
    if diameter_m < LEAST_DIAMETER_M:
        violated.append(
            Words(
                f"管径 {diameter_m:g} m 小于 {LEAST_DIAMETER_M:g} m：不是输气管道",
                f"diameter {diameter_m:g} m is below {LEAST_DIAMETER_M:g} m: not a transmission "
                "pipe",
            )
        )
    return violated


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InvalidInputError(f"{name} must be a positive number, not {value!r}")
