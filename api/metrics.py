"""What the service counts, and how Prometheus reads it (text format 0.0.4)."""

import json
import mmap
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UPTO_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_KINDS = frozenset(
    (
        *("archives", "collections", "events", "jobs", "layers", "map"),
        *("metrics", "processes", "styles", "tiles"),
    )
)
_ROW_BYTES = 32 * 1024

Samples = dict[str, float]
"""Values by name and labels, as they are written: ``name{label="value"}``."""

_ABOUT = {
    "citytwin_requests_total": ("counter", "Requests answered."),
    "citytwin_response_bytes_total": ("counter", "Bytes of bodies sent."),
    "citytwin_request_seconds": ("histogram", "Time of requests not answered from memory."),
    "citytwin_tiles_from_memory_total": ("counter", "Tiles and 304s answered from memory."),
    "citytwin_tiles_made_total": ("counter", "Tiles made and kept."),
    "citytwin_tiles_dropped_total": ("counter", "Kept tiles dropped because the city changed."),
    "citytwin_tiles_given_up_total": ("counter", "Kept tiles given up for want of memory."),
    "citytwin_tiles_kept": ("gauge", "Tiles kept now."),
    "citytwin_tile_memory_bytes": ("gauge", "Memory of the tiles kept now."),
    "citytwin_connections": ("gauge", "Connections open now."),
    "citytwin_requests_in_work": ("gauge", "Requests in work now."),
    "citytwin_refused_total": ("counter", "Requests and connections refused, by reason."),
    "citytwin_left_total": ("counter", "Clients that left before their answer."),
    "citytwin_log_lines_lost_total": ("counter", "Lines of the access log that were not written."),
    "citytwin_processes": ("gauge", "Processes that are counted here."),
}


class Metrics:
    """Counters of one process; used by its event loop alone."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._bytes: Counter[str] = Counter()
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self.refused: Counter[str] = Counter()
        self.left = 0

    def answered(self, path: str, status: int, size: int, took_s: float) -> None:
        """Count a request."""
        kind = kind_of(path)
        self._requests[kind, status] += 1
        self._bytes[kind] += size
        times = self._times.setdefault(kind, [0] * (len(_UPTO_S) + 1))
        times[bisect_left(_UPTO_S, took_s)] += 1
        self._seconds[kind] = self._seconds.get(kind, 0.0) + took_s

    def hot(self, statuses: Mapping[int, int], size: int) -> Samples:
        """Return the samples of tiles answered from memory, in the same families as the others."""
        found: Samples = {}
        for status, number in statuses.items():
            found[_named("citytwin_requests_total", kind="tiles", status=status)] = number
        found[_named("citytwin_response_bytes_total", kind="tiles")] = size
        found["citytwin_tiles_from_memory_total"] = sum(statuses.values())
        return found

    def samples(self) -> Samples:
        """Return everything that was counted."""
        found: Samples = {"citytwin_left_total": self.left, "citytwin_processes": 1}
        for (kind, status), number in self._requests.items():
            found[_named("citytwin_requests_total", kind=kind, status=status)] = number
        for kind, size in self._bytes.items():
            found[_named("citytwin_response_bytes_total", kind=kind)] = size
        for reason, number in self.refused.items():
            found[_named("citytwin_refused_total", reason=reason)] = number
        for kind, times in self._times.items():
            below = 0
            for upto, number in zip((*_UPTO_S, "+Inf"), times, strict=True):
                below += number
                found[_named("citytwin_request_seconds_bucket", kind=kind, le=upto)] = below
            found[_named("citytwin_request_seconds_sum", kind=kind)] = self._seconds[kind]
            found[_named("citytwin_request_seconds_count", kind=kind)] = below
        return found


class Slate:
    """Samples of several processes side by side, in memory that they share.

    Made by the process that starts the others; each writes its own row, all read all.

    Examples
    --------
    >>> slate = Slate(2)
    >>> slate.write(0, {"citytwin_left_total": 1.0})
    >>> slate.rows(but=1)
    [{'citytwin_left_total': 1.0}]
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._memory = mmap.mmap(-1, rows * _ROW_BYTES)

    def write(self, row: int, samples: Samples) -> None:
        """Write a row.  A reader may meet it half written, and passes it over then."""
        text = json.dumps(samples, separators=(",", ":")).encode()
        if len(text) < _ROW_BYTES:
            at = row * _ROW_BYTES
            self._memory[at : at + len(text) + 1] = text + b"\0"

    def rows(self, *, but: int) -> list[Samples]:
        """Return the rows that were written, but for one."""
        return [self.row(row) for row in range(self._rows) if row != but]

    def row(self, row: int) -> Samples:
        """Return one row; nothing if it was never written."""
        at = row * _ROW_BYTES
        text = self._memory[at : at + _ROW_BYTES].partition(b"\0")[0]
        try:
            found: Samples = json.loads(text) if text else {}
        except ValueError:
            return {}
        return found


def summed(rows: Iterable[Samples]) -> Samples:
    """Return the sums of samples.

    >>> summed([{"a": 1.0}, {"a": 2.0, "b": 1.0}])
    {'a': 3.0, 'b': 1.0}
    """
    total: Samples = {}
    for row in rows:
        for name, value in row.items():
            total[name] = total.get(name, 0) + value
    return total


def lasting(samples: Samples) -> Samples:
    """Return what a process that takes another's place goes on with: what only ever grows."""
    return {name: value for name, value in samples.items() if _ABOUT[_family(name)][0] != "gauge"}


def text_of(samples: Samples) -> str:
    """Return samples as Prometheus reads them, each family with its kind and what it is."""
    families: dict[str, list[str]] = {name: [] for name in _ABOUT}
    for name, value in samples.items():
        families[_family(name)].append(f"{name} {value:.10g}")
    lines: list[str] = []
    for name, found in families.items():
        if found:
            kind, help_ = _ABOUT[name]
            lines += [f"# HELP {name} {help_}", f"# TYPE {name} {kind}", *found]
    return "\n".join(lines) + "\n"


def kind_of(path: str) -> str:
    """Return which part of the service an address belongs to; there are only a few.

    >>> kind_of("/tiles/building/1/0/0"), kind_of("/"), kind_of("/nonsense")
    ('tiles', 'other', 'other')
    """
    first = path[1:].partition("/")[0]
    return first if first in _KINDS else "other"


def _family(name: str) -> str:
    family = name.partition("{")[0]
    for ending in ("_bucket", "_sum", "_count"):
        if (found := family.removesuffix(ending)) in _ABOUT:
            return found
    return family


def _named(name: str, **labels: object) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
