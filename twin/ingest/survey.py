"""Surveys of underground pipelines as they are delivered in China: tables XXPoint and XXLine.

XX are the letters of a kind: JS, YS, WS, RQ, DL, TX, RL …; the tables come as CSV, Excel, DBF,
Shapefile or GeoPackage, all of one survey in one load.  Lines name the points at their ends by
物探点号; what every column may be called stands in ``_fields.py`` (``SURVEY_POINT``,
``SURVEY_LINE``, ``PIPE_NODE``, ``PIPE_SEGMENT``).
"""

from __future__ import annotations

from pathlib import Path

from twin.ingest import giswater
from twin.ingest._features import Network, NetworkRequest, Reader
from twin.ingest._survey_lines import segments_of
from twin.ingest._survey_points import nodes_of
from twin.ingest._survey_tables import ACCESS, BOOKS, TEXTS, read_tables, told_apart


def claims(path: Path) -> bool:
    """Return whether a file may hold tables of a survey: a GeoPackage of Giswater does not."""
    return not giswater.claims(path)


def read_network(request: NetworkRequest) -> Network:
    """Return the network of a survey's tables.

    Raises
    ------
    InvalidInputError
        If points or lines are missing among the tables, their kind is not said, or their places
        fit the city in no order of X and Y, or in both.
    """
    points, lines, notes = told_apart(read_tables(request), request.mapping)
    nodes = nodes_of(points, request)
    segments, levels = segments_of(lines, nodes, request)
    said = [note for one in (*points, *lines) for note in one.notes]
    return Network(
        nodes.features(levels, [*notes, *said]),
        segments,
        took=frozenset({"easting", "northing", "x", "y", "lon", "lat"}),
    )


READER = Reader(
    id="pipe-survey",
    title={"zh": "地下管线普查成果表", "en": "tables of a pipeline survey"},
    suffixes=(*TEXTS, *BOOKS, *ACCESS, ".dbf", ".shp", ".gpkg"),
    network=read_network,
    claims=claims,
)
