"""The links of an EPANET file as a network: only what its topology needs, in the file's units."""

from pathlib import Path

import numpy as np

from twin.topology import KINDS, Network, Nodes, Segments

_NODES = ("JUNCTIONS", "RESERVOIRS", "TANKS")
_ENDS = ("RESERVOIRS", "TANKS")
_LINKS = ("PIPES", "PUMPS", "VALVES")


def sections(path: Path) -> dict[str, list[list[str]]]:
    """Return the words of each line by section, comments left out."""
    found: dict[str, list[list[str]]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split(";", 1)[0].split()
        if words and words[0].startswith("["):
            name = words[0].strip("[]").upper()
        elif words:
            found.setdefault(name, []).append(words)
    return found


def inp_network(path: Path) -> Network:
    """Return the network of an EPANET file; no heights, as nothing says what elevations are of."""
    parts = sections(path)
    names = [words[0] for section in _NODES for words in parts.get(section, [])]
    number = {name: at for at, name in enumerate(names)}
    place = {words[0]: (float(words[1]), float(words[2])) for words in parts["COORDINATES"]}
    bends: dict[str, list[tuple[float, float]]] = {}
    for words in parts.get("VERTICES", []):
        bends.setdefault(words[0], []).append((float(words[1]), float(words[2])))
    links = [words for section in _LINKS for words in parts.get(section, [])]
    pipes = len(parts.get("PIPES", []))
    lines = [[place[a], *bends.get(link, []), place[b]] for link, a, b, *_ in links]
    xy = np.array([each for line in lines for each in line])
    ends = {words[0] for section in _ENDS for words in parts.get(section, [])}
    nothing, many = np.full(len(names), np.nan), np.full(len(links), np.nan)
    water = KINDS.index("water")
    return Network(
        Nodes(
            ids=np.arange(len(names)),
            kind=np.full(len(names), water),
            x=np.array([place[name][0] for name in names]),
            y=np.array([place[name][1] for name in names]),
            ground_z_m=nothing,
            invert_z_m=nothing,
            may_end=np.array([name in ends for name in names], np.bool_),
            outlet=np.zeros(len(names), np.bool_),
        ),
        Segments(
            ids=np.arange(len(links)),
            kind=np.full(len(links), water),
            starts=np.concatenate([[0], np.cumsum([len(line) for line in lines])]),
            x=xy[:, 0].copy(),
            y=xy[:, 1].copy(),
            centre_z_m=np.full(len(xy), np.nan),
            from_node=np.array([number[words[1]] for words in links]),
            to_node=np.array([number[words[2]] for words in links]),
            width_m=many,
            height_m=many,
            conduit=np.zeros(len(links), np.bool_),
            pressure_pa=many,
            voltage_v=many,
            flow=np.zeros(len(links), np.int64),
            device=np.arange(len(links)) >= pipes,
        ),
    )
