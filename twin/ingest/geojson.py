"""GeoJSON (``.geojson``, ``.json``): a FeatureCollection, degrees unless it names another frame."""

from twin.ingest._features import Reader
from twin.ingest._ogr import open_features

READER = Reader(
    id="geojson",
    title={"zh": "GeoJSON", "en": "GeoJSON"},
    suffixes=(".geojson", ".json"),
    features=open_features,
)
