"""Tables of the twin, one file a theme.  Importing this package registers all of them."""

from twin.model import (
    analysis,
    bim,
    buildings,
    city,
    city_objects,
    components,
    facilities,
    feed,
    grid,
    pipelines,
    quality,
    rasters,
    roads,
    waterlogging,
)
from twin.model.base import Base, Located

__all__ = [
    "Base",
    "Located",
    "analysis",
    "bim",
    "buildings",
    "city",
    "city_objects",
    "components",
    "facilities",
    "feed",
    "grid",
    "located_tables",
    "pipelines",
    "quality",
    "rasters",
    "roads",
    "waterlogging",
]


def located_tables() -> dict[str, type[Located]]:
    """Return every table whose rows have a place and a history, by table name.

    >>> sorted(located_tables())[:3]
    ['analysis_feature', 'building', 'city_geometry']
    """
    classes = (mapper.class_ for mapper in Base.registry.mappers)
    found = {str(one.__tablename__): one for one in classes if issubclass(one, Located)}
    return dict(sorted(found.items()))
