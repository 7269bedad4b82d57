"""Many requests from many connections at once (wrk), and what a server spends on them."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._peers import tool
from twin.errors import UnavailableError

_SCRIPT = """
local found, at = {}, 0
init = function(args)
  for line in io.lines("%s") do
    local path, etag = line:match("^(%%S+)%%s*(%%S*)$")
    local headers = {["Accept-Encoding"] = "gzip"}
    if etag ~= "" then headers["If-None-Match"] = etag end
    found[#found + 1] = wrk.format("GET", path, headers)
  end
end
request = function()
  at = at %% #found + 1
  return found[at]
end
"""


@dataclass(frozen=True)
class Load:
    """What a server did under load."""

    per_s: float
    bytes_per_s: float
    cpu_us: float
    """Processor time a request, microseconds, of the server's processes and all they began."""


def load(
    address: str,
    paths: Sequence[str],
    folder: Path,
    *,
    pids: Sequence[int],
    seconds: int,
    connections: int,
    etags: Mapping[str, str] | None = None,
) -> Load:
    """Ask for paths in turn, over and over, as fast as the server answers.

    Raises
    ------
    UnavailableError
        If an answer was an error, or none came.
    """
    listed = folder / "paths"
    listed.write_text("".join(f"{path} {(etags or {}).get(path, '')}\n" for path in paths))
    script = folder / "load.lua"
    script.write_text(_SCRIPT % listed)
    command = [tool("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    before = cpu_s(pids)
    done = subprocess.run(
        [*command, "-s", str(script), address], capture_output=True, text=True, check=True
    ).stdout
    spent_s = cpu_s(pids) - before
    asked = re.search(r"(\d+) requests in", done)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done)
    if asked is None or rate is None or re.search("Non-2xx|Socket errors", done):
        raise UnavailableError(f"{address} did not stand the load: {done}")
    sent = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", done)
    unit = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
    bytes_per_s = float(sent[1]) * unit[sent[2]] if sent else 0.0
    return Load(float(rate[1]), bytes_per_s, spent_s / max(int(asked[1]), 1) * 1e6)


def listening(port: int) -> list[int]:
    """Return the processes that listen on a port of this machine."""
    told = subprocess.run(
        [tool("ss", "iproute2"), "-ltnpH", f"sport = :{port}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted({int(pid) for pid in re.findall(r"pid=(\d+)", told)})


def family(pids: Sequence[int]) -> set[int]:
    """Return some processes and all that descend from them."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            words = _stat(int(folder.name))
            if words:
                parents[int(folder.name)] = int(words[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def memory_mb(pids: Sequence[int]) -> float:
    """Return the memory of processes and their descendants, shared pages counted once in parts."""
    total_kb = 0
    for pid in family(pids):
        try:
            told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", told, re.M)
        total_kb += int(found[1]) if found else 0
    return total_kb / 1024


def cpu_s(pids: Sequence[int]) -> float:
    """Return the processor time of processes and their descendants, living and ended."""
    ticks = 0
    for pid in family(pids):
        words = _stat(pid)
        ticks += sum(map(int, words[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []  # it has ended
