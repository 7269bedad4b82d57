"""Limits of the process that reads foreign models: memory, time, files, no network, no programs.

A process sets them on itself before it opens the file, and cannot take them back.  Linux only: the
network is closed by a system call filter (seccomp), which needs no rights.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import signal
import struct
from dataclasses import asdict, dataclass
from typing import Self

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_FILTER_MODE = 2
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
"""Verdicts of a filter: allow; refuse with EPERM; end the process."""

_CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    # socket, connect, accept, sendto, sendmsg, bind, listen, socketpair, execve, ptrace, execveat,
    # accept4, sendmmsg, io_uring_setup
    "x86_64": (0xC000003E, (41, 42, 43, 44, 46, 49, 50, 53, 59, 101, 322, 288, 307, 425)),
    "aarch64": (0xC00000B7, (198, 203, 202, 206, 211, 200, 201, 199, 221, 117, 281, 242, 269, 425)),
}
_X32 = 0x40000000


@dataclass(frozen=True)
class Limits:
    """How much a foreign file may cost.

    Attributes
    ----------
    memory_bytes : int
        Address space of the process.
    cpu_s, wall_s : int
        Seconds of computing, and by the clock.
    output_bytes : int
        The largest file it may write.
    """

    memory_bytes: int = 4 * 2**30
    cpu_s: int = 1_800
    wall_s: int = 3_600
    output_bytes: int = 4 * 2**30

    def as_dict(self) -> dict[str, int]:
        """Return the limits as JSON holds them."""
        return asdict(self)

    @classmethod
    def of(cls, words: dict[str, int]) -> Self:
        """Return limits from what `as_dict` wrote."""
        return cls(**words)


def lock_in(limits: Limits) -> None:
    """Put this process under limits, for good.

    Raises
    ------
    OSError
        If the system does not let the network be closed; nothing foreign may be read then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    for which, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.output_bytes, limits.output_bytes),
        # The first limit asks politely (SIGXCPU), the second does not.
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 5),
    ):
        # What is tighter already stays so: it cannot be loosened.
        given = resource.getrlimit(which)[1]
        most = hard if given == resource.RLIM_INFINITY else min(hard, given)
        resource.setrlimit(which, (min(soft, most), most))
    _close_network(libc)


def _close_network(libc: ctypes.CDLL) -> None:
    machine = platform.machine()
    if machine not in _CALLS:
        raise OSError(f"no way is known to close the network on {machine}")
    architecture, forbidden = _CALLS[machine]
    program = _program(architecture, forbidden)
    code = ctypes.create_string_buffer(program, len(program))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    whole = Filter(len(program) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or (
        libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(whole), 0, 0) != 0
    ):
        raise OSError(ctypes.get_errno(), "the system does not let the network be closed")


def _program(architecture: int, forbidden: tuple[int, ...]) -> bytes:
    """Return a classic BPF program: refuse the forbidden calls, and end calls of another kind."""

    def step(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    count = len(forbidden)
    steps = [
        step(load, 0, 0, 4),
        step(equal, 1, 0, architecture),
        step(end, 0, 0, _KILL),
        step(load, 0, 0, 0),
        step(at_least, count + 1, 0, _X32),
        *(step(equal, count - place, 0, call) for place, call in enumerate(forbidden)),
        step(end, 0, 0, _ALLOW),
        step(end, 0, 0, _DENY),
    ]
    return b"".join(steps)
