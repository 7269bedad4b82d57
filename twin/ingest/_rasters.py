"""Rasters into the city: checked, voids made voids, kept as COG, registered."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from twin.crs import parse_crs, successor
from twin.errors import InvalidInputError
from twin.ingest._features import Reader
from twin.ingest._job import Job
from twin.ingest._ogr import unreadable
from twin.units import METRES_PER_FOOT

_VOIDS = (-32768.0, -32767.0, -9999.0, -3.4028234663852886e38)
"""Numbers that stand for no value in files that do not say so."""
_DEEPEST_M = 30.0
_UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": METRES_PER_FOOT}
_OPTIONS = ("valid_from", "valid_to", "unit")
_MERGE = """
    INSERT INTO twin.raster AS r
        (kind, name, source, path, crs, width, height, voids, valid_from, valid_to)
    VALUES (%(kind)s, %(name)s, %(source)s, %(path)s, %(crs)s, %(width)s, %(height)s, %(voids)s,
            %(valid_from)s, %(valid_to)s)
    ON CONFLICT (name) DO UPDATE
        SET kind = excluded.kind, source = excluded.source, path = excluded.path,
            crs = excluded.crs, width = excluded.width, height = excluded.height,
            voids = excluded.voids, valid_from = excluded.valid_from,
            valid_to = excluded.valid_to, recorded_at = now()
        WHERE (r.kind, r.path, r.crs, r.valid_from, r.valid_to)
              IS DISTINCT FROM (excluded.kind, excluded.path, excluded.crs, excluded.valid_from,
                                excluded.valid_to)
    RETURNING xmax = 0
"""


@dataclass(frozen=True)
class _Made:
    path: Path
    width: int
    height: int
    voids: int


def rasters_into_city(job: Job) -> None:
    """Keep every file of a job as a raster of the city; one of the same name is replaced."""
    options = {key: job.mapping[key].removeprefix("=") for key in job.mapping}
    unknown = set(options) - set(_OPTIONS)
    if unknown or options.get("unit", "m") not in _UNITS:
        raise InvalidInputError(
            f"a raster takes --map valid_from==TIME, valid_to==TIME and unit=={'|'.join(_UNITS)}, "
            f"not {', '.join(sorted(unknown)) or options['unit']}"
        )
    if job.datum is not None:
        raise InvalidInputError("a raster cannot be freed of a map datum: its cells would bend")
    for path, _, reader in job.files:
        name = path.name.split(".", 1)[0] if len(job.files) > 1 else job.source
        _one(job, path, reader, name, options)


def _one(job: Job, path: Path, reader: Reader, name: str, options: dict[str, str]) -> None:
    if reader.raster is None:
        raise InvalidInputError(f"{path.name} holds features, not a raster of {job.layer}")
    job.tally.rows_read += 1
    job.progress("reading", 0, 1)
    try:
        with rasterio.open(reader.raster(path)) as raster:
            crs = _frame(job, raster)
            _require_overlap(job, raster, crs)
            made = _make(job, raster, crs, name, _UNITS[options.get("unit", "m")])
    except RasterioError as error:
        raise unreadable(path, error) from error
    old = job.connection.execute(
        "SELECT path FROM twin.raster WHERE name = %s FOR UPDATE", [name]
    ).fetchone()
    row = job.connection.execute(
        _MERGE,
        {
            "kind": job.layer,
            "name": name,
            "source": path.name,
            "path": str(made.path.relative_to(job.data_dir)),
            "crs": crs,
            "width": made.width,
            "height": made.height,
            "voids": made.voids,
            "valid_from": options.get("valid_from"),
            "valid_to": options.get("valid_to"),
        },
    ).fetchone()
    if row is None:
        job.tally.unchanged += 1
    elif row[0]:
        job.tally.loaded += 1
    else:
        job.tally.updated += 1
    if old is not None and job.data_dir / old[0] != made.path:
        job.old_files.append(job.data_dir / old[0])


def _frame(job: Job, raster: Any) -> str:
    stated = job.crs or (raster.crs.to_wkt() if raster.crs else None)
    if stated is None:
        raise InvalidInputError(
            "the raster does not say which coordinate frame it is in; give --crs EPSG:…"
        )
    crs = parse_crs(stated)
    if raster.crs:
        found = parse_crs(raster.crs.to_wkt())
        job.crs_found = f"EPSG:{found.to_epsg(70)}" if found.to_epsg(70) else found.name
    heir = successor(crs)
    if heir is not None:
        job.tally.note(f"{crs.name} is deprecated; read as its successor {heir.name}")
        crs = heir
    code = crs.to_epsg(70)
    job.crs_used = f"EPSG:{code}" if code else crs.name
    return f"EPSG:{code}" if code else crs.to_wkt()


def _require_overlap(job: Job, raster: Any, crs: str) -> None:
    extent = job.frame.extent
    box = transform_bounds(crs, job.frame.name, *raster.bounds)
    if not (
        np.isfinite(box).all()
        and box[0] < extent.max_x_m
        and box[2] > extent.min_x_m
        and box[1] < extent.max_y_m
        and box[3] > extent.min_y_m
    ):
        raise InvalidInputError(
            f"the raster lies outside the city: {_shown(raster.bounds)} in {job.crs_used} is "
            f"{_shown(box)} in {job.frame.name}, and the city reaches {_shown(extent)}"
        )


def _make(job: Job, raster: Any, crs: str, name: str, factor: float) -> _Made:
    """Write the raster as a COG of 32-bit floats whose voids are NaN; its name tells its content.

    A load that fails must not have touched the file in use: a new content is a new file.
    """
    if raster.count > 1:
        job.tally.note(f"{raster.count} bands: the first is taken")
    folder = job.data_dir / "rasters"
    folder.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "width": raster.width,
        "height": raster.height, "crs": crs, "transform": raster.transform, "nodata": np.nan,
        "tiled": True, "blockxsize": 256, "blockysize": 256, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    digest, voids = hashlib.sha256(f"{crs}{raster.transform}".encode()), 0
    with tempfile.TemporaryDirectory(dir=folder, prefix=".load-") as workplace:
        plain, packed = Path(workplace) / "plain.tif", Path(workplace) / "cog.tif"
        with rasterio.open(plain, "w", **profile) as out:
            windows = [part for _, part in out.block_windows(1)]
            for number, part in enumerate(windows):
                cells = _cells(job, raster, part, factor)
                voids += int(np.isnan(cells).sum())
                digest.update(cells.tobytes())
                out.write(cells, 1, window=part)
                job.progress("reading", number + 1, len(windows))
        if voids == raster.width * raster.height:
            raise InvalidInputError("the raster has no value in any cell")
        made = folder / f"{_file_name(name)}-{digest.hexdigest()[:12]}.tif"
        if not made.exists():
            rasterio.shutil.copy(
                plain, packed, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES",
                OVERVIEW_RESAMPLING="NEAREST",
            )  # fmt: skip
            packed.rename(made)
            job.new_files.append(made)
    return _Made(made, raster.width, raster.height, voids)


def _cells(job: Job, raster: Any, part: Any, factor: float) -> NDArray[np.float32]:
    masked = raster.read(1, window=part, masked=True)
    raw = masked.data.astype(np.float64)
    stated = np.ma.getmaskarray(masked) | ~np.isfinite(raw)
    void = stated | np.isin(raw, _VOIDS)
    repaired = job.tally.repaired
    for value in np.unique(raw[void]):
        known = "no value" if not np.isfinite(value) else f"{value:g}"
        repaired[f"void ({known})"] += int(np.sum(void & ((raw == value) | ~np.isfinite(raw))))
    raw *= factor
    if job.layer == "depth":
        below = ~void & (raw < 0)
        if below.any():
            repaired["negative depth made void"] += int(below.sum())
            void |= below
        if (raw[~void] > _DEEPEST_M).any():
            job.tally.note(f"some depths are over {_DEEPEST_M:g} m: is the unit the metre?")
    raw[void] = np.nan
    return np.asarray(raw, np.float32)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)[:80] or "raster"


def _shown(box: Any) -> str:
    return "(" + ", ".join(f"{value:.7g}" for value in box) + ")"
