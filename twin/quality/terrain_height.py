"""Ground levels that do not fit the terrain."""

from collections.abc import Iterator

import numpy as np
from sqlalchemy import text

from twin.database import City
from twin.errors import NotFoundError
from twin.quality._rule import Finding, Parameter, Rule
from twin.quality._scope import Scope
from twin.raster import find, sample_city
from twin.words import Words

_MOST_M = 5.0
_COLUMNS = {
    "building": "ground_z_m",
    "waterlogging_point": "low_z_m",
    "pipe_node": "ground_z_m",
}
"""What each table calls the level of the ground."""

_LEVELS = """
    SELECT id, COLUMN AS z_m, ST_X(point) AS x_m, ST_Y(point) AS y_m
    FROM   ROWS AS t, twin.representative(t.geom) AS point
    WHERE  COLUMN IS NOT NULL AND point IS NOT NULL
    ORDER  BY id
"""


def check(city: City, scope: Scope) -> Iterator[Finding]:
    """Yield the rows whose ground level is further from the terrain than the limit."""
    if city.data_dir is None:
        raise NotFoundError("nobody said where the city's rasters are")
    terrain = find(city.session, city.data_dir, "terrain")
    for table in sorted(set(_COLUMNS) & set(scope.tables)):
        asked = _LEVELS.replace("COLUMN", _COLUMNS[table]).replace("ROWS", scope.rows(table))
        rows = city.session.execute(text(asked), scope.values).all()
        if not rows:
            continue
        ids, z_m, x_m, y_m = (np.array(column) for column in zip(*rows, strict=True))
        ground_m = sample_city(terrain, city.frame, x_m, y_m)
        apart_m = z_m - ground_m
        for at in np.flatnonzero(np.abs(apart_m) > _MOST_M):
            yield Finding(
                table,
                int(ids[at]),
                value=round(float(apart_m[at]), 3),
                limit_value=_MOST_M,
                about={
                    "level_m": float(z_m[at]),
                    "terrain_m": round(float(ground_m[at]), 3),
                    "terrain": terrain.name,
                },
            )


RULE = Rule(
    id="terrain-height",
    title=Words("地面高程与地形不符", "Ground level does not fit the terrain"),
    asks=Words(
        "地面高程与地形相差不超过限值：更大的差多半是高程基准不同。",
        "Ground levels are near the terrain: more than the limit is most likely another datum.",
    ),
    tables=tuple(_COLUMNS),
    severity="warning",
    source="Plausibility against the newest terrain; limit ours, above the errors of a 1″ DEM",
    status="own",
    says=Words(
        "地面高程 {level_m:.2f} m，地形 {terrain_m:.2f} m，相差 {value:+.2f} m（限值 {limit:g}）",
        "level {level_m:.2f} m, terrain {terrain_m:.2f} m: {value:+.2f} m (limit {limit:g} m)",
    ),
    unit="m",
    parameters=(Parameter("most_m", _MOST_M, "m", Words("允许的差", "Greatest difference")),),
    check=check,
)
