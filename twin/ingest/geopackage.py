"""GeoPackage (``.gpkg``): a file of one or more layers; name one as ``FILE.gpkg#layer``."""

from twin.ingest._features import Reader
from twin.ingest._ogr import open_features

READER = Reader(
    id="geopackage",
    title={"zh": "GeoPackage 数据库", "en": "GeoPackage"},
    suffixes=(".gpkg",),
    features=open_features,
)
