"""Things whose BeiDou grid code is that of another place."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from twin.codes.beidou import decode
from twin.codes.beidou_many import codes_of
from twin.crs import LONLAT, move_points
from twin.database import City
from twin.errors import InvalidInputError
from twin.quality._rule import Finding, Parameter, Rule
from twin.quality._scope import Scope, judged_tables
from twin.words import Words

_CGCS2000 = "EPSG:4490"
_MOST_M = 2.0

_PLACES = """
    SELECT id, bd_code, ST_X(point), ST_Y(point)
    FROM   ROWS AS t, twin.representative(t.geom) AS point
    WHERE  bd_code IS NOT NULL AND point IS NOT NULL
"""


def check(city: City, scope: Scope) -> Iterator[Finding]:
    """Yield the rows whose code is further from their place than the limit."""
    for table in scope.tables:
        rows = city.session.execute(
            text(_PLACES.replace("ROWS", scope.rows(table))), scope.values
        ).all()
        if not rows:
            continue
        ids, codes, x_m, y_m = (np.array(column) for column in zip(*rows, strict=True))
        lon, lat = move_points(x_m, y_m, city.frame.name, _CGCS2000)
        right = np.array([bytes(one).decode("ascii") for one in codes_of(lon, lat)])
        differ = np.flatnonzero(codes != right)
        for at, apart_m in zip(
            differ, _apart(city, codes[differ], x_m[differ], y_m[differ]), strict=True
        ):
            # On an edge between two cells either is right.
            if not apart_m <= _MOST_M:
                yield Finding(
                    table,
                    int(ids[at]),
                    value=None if np.isnan(apart_m) else round(float(apart_m), 2),
                    limit_value=_MOST_M,
                    about={"code": str(codes[at]), "right": str(right[at])},
                )


def _apart(
    city: City, codes: NDArray[Any], x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far points are from their codes' cells, m, shape (n,); NaN where it is no code."""
    middles = np.array([_middle(str(code)) for code in codes]).reshape(-1, 2)
    known = np.isfinite(middles).all(axis=1)
    apart = np.full(len(codes), np.nan)
    if known.any():
        lon, lat = middles[known].T
        east, north = move_points(lon, lat, LONLAT, city.frame.name)
        apart[known] = np.hypot(east - x_m[known], north - y_m[known])
    return apart


def _middle(code: str) -> tuple[float, float]:
    try:
        bounds = decode(code).bounds
    except InvalidInputError:
        return np.nan, np.nan
    return float(bounds.west + bounds.east) / 2, float(bounds.south + bounds.north) / 2


RULE = Rule(
    id="beidou-code",
    title=Words("北斗网格码与位置不符", "BeiDou code of another place"),
    asks=Words(
        "第 8 级北斗网格码是要素所在网格的编码。",
        "The BeiDou grid code of level 8 is that of the cell which the thing lies in.",
    ),
    tables=judged_tables(),
    severity="error",
    source="GB/T 39409-2020, level 8 (1/32 of a second of arc); see methods/codes.md",
    status="unverified",
    says=Words("北斗码为 {code}，应为 {right}", "its code is {code}, and should be {right}"),
    unit="m",
    parameters=(
        Parameter("most_m", _MOST_M, "m", Words("允许的距离（格网边缘）", "Distance on an edge")),
    ),
    check=check,
    # The database keeps the codes, and loads work them out by the same rules.
    after_load=False,
)
