"""A small town in CityJSON, made by hand: every number in it can be checked on paper."""

from __future__ import annotations

import copy
from typing import Any

ZERO = (460_000, 2_580_000, 0)
"""Where its vertices count from, in EPSG:4548, inside the tests' Shantou."""

Document = dict[str, Any]

_CUBE = [
    (0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0),
    (0, 0, 10), (10, 0, 10), (10, 10, 10), (0, 10, 10),
]  # fmt: skip
CUBE_FACES = [
    [[0, 3, 2, 1]], [[4, 5, 6, 7]],
    [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]],
]  # fmt: skip
"""Floor, roof, walls, all looking outward."""
SEMANTICS = {
    "surfaces": [
        {"type": "GroundSurface"},
        {"type": "RoofSurface", "slope": 0.0},
        {"type": "WallSurface"},
    ],
    "values": [[0, 1, 2, 2, 2, None]],
}
HOLLOW = [(2, 2, 2), (4, 2, 2), (4, 4, 2), (2, 4, 2), (2, 2, 4), (4, 2, 4), (4, 4, 4), (2, 4, 4)]
PATCH = [(20, 0, 1), (30, 0, 1), (30, 10, 1), (20, 10, 1),
         (22, 2, 1), (22, 4, 1), (24, 4, 1), (24, 2, 1)]  # fmt: skip
"""A square of 10 m with a square hole of 2 m."""
VERTICES = [*_CUBE, *HOLLOW, *PATCH, (40, 5, 0), (40, 5, 9)]


def town() -> Document:
    """Return a house of one cube, a park with a pond cut out, and a lamp at a point."""
    return copy.deepcopy(
        {
            "type": "CityJSON",
            "version": "2.0",
            "transform": {"scale": [0.001] * 3, "translate": list(ZERO)},
            "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4548"},
            "CityObjects": {
                "house": {
                    "type": "Building",
                    "attributes": {"name": "老屋", "storeysAboveGround": 3, "年代": "清"},
                    "geometry": [
                        {
                            "type": "Solid", "lod": "2.2", "boundaries": [CUBE_FACES],
                            "semantics": SEMANTICS,
                        },
                        {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]},
                    ],
                },
                "park": {
                    "type": "PlantCover",
                    "geometry": [
                        {
                            "type": "MultiSurface", "lod": "1",
                            "boundaries": [[[16, 17, 18, 19], [20, 21, 22, 23]]],
                        }
                    ],
                },
                "lamp": {
                    "type": "CityFurniture",
                    "geometry": [{"type": "MultiPoint", "lod": "0", "boundaries": [24]}],
                },
            },
            "vertices": [[1000 * v for v in vertex] for vertex in VERTICES],
        }
    )  # fmt: skip


def hollow(document: Document) -> Document:
    """Put a hollow of 2 m into the house's solid; its faces look into it."""
    inner = [[[8 + v for v in reversed(ring)] for ring in face] for face in CUBE_FACES]
    geometry = document["CityObjects"]["house"]["geometry"][0]
    geometry["boundaries"] = [CUBE_FACES, inner]
    geometry["semantics"] = None
    return document


def as_sequence(document: Document) -> list[Document]:
    """Return a document as the lines of a CityJSONSeq, an object a line."""
    head = document | {"CityObjects": {}, "vertices": []}
    features = [
        {
            "type": "CityJSONFeature", "id": name, "CityObjects": {name: one},
            "vertices": document["vertices"],
        }
        for name, one in document["CityObjects"].items()
    ]  # fmt: skip
    return [head, *features]
