"""GeoJSON text sequences (``.geojsonl``, ``.geojsons``, ``.ndjson``): one feature a line."""

from twin.ingest._features import Reader
from twin.ingest._ogr import open_features

READER = Reader(
    id="geojsonseq",
    title={"zh": "GeoJSON 序列", "en": "GeoJSON sequence"},
    suffixes=(".geojsonl", ".geojsons", ".geojsonseq", ".ndjson"),
    features=open_features,
)
