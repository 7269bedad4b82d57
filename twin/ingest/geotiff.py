"""GeoTIFF (``.tif``, ``.tiff``): terrain heights or water depths, first band."""

from pathlib import Path

from twin.ingest._features import Reader


def _open(path: Path) -> str:
    return str(path)


READER = Reader(
    id="geotiff",
    title={"zh": "GeoTIFF 栅格", "en": "GeoTIFF raster"},
    suffixes=(".tif", ".tiff"),
    raster=_open,
)
