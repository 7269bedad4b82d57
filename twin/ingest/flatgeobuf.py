"""FlatGeobuf (``.fgb``): one layer in a packed binary file."""

from twin.ingest._features import Reader
from twin.ingest._ogr import open_features

READER = Reader(
    id="flatgeobuf",
    title={"zh": "FlatGeobuf", "en": "FlatGeobuf"},
    suffixes=(".fgb",),
    features=open_features,
)
