"""The system user that PostgreSQL runs as, and what that user can reach."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import ConflictError, UnavailableError


@dataclass(frozen=True)
class Account:
    """A system user; ``change`` says whether it is another one than ourselves."""

    name: str
    uid: int
    gid: int
    change: bool

    def popen(self) -> dict[str, Any]:
        """Return the arguments of `subprocess.Popen` that change to this user."""
        if not self.change:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a short program as this user, ``given`` as its input."""
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            cwd="/",
            umask=0o077,
            env=clean_environment(environment),
            **self.popen(),
        )

    def require_access(self, folder: Path) -> None:
        """Raise unless this user can enter the folder, really tried as this user.

        Raises
        ------
        UnavailableError
            Naming the first folder on the way that is closed.
        """
        path = [str(part) for part in (*reversed(folder.parents), folder)]
        script = 'for d in "$@"; do cd "$d" 2>/dev/null || { printf %s "$d"; exit 1; }; done'
        tried = self.run(["/bin/sh", "-c", script, "sh", *path])
        if tried.returncode != 0:
            closed = tried.stdout
            raise UnavailableError(
                f"PostgreSQL runs as user {self.name}, since it refuses root, and {closed} is "
                f"closed to that user: put the data somewhere else with TWIN_DATA_DIR, for example "
                f"/var/lib/citytwin, or open the folder with: chmod o+x {closed}"
            )

    def give(self, path: Path) -> None:
        """Make this user the owner of a file or folder of ours."""
        if self.change:
            os.chown(path, self.uid, self.gid)


def server_account(data: Path) -> Account:
    """Return who runs the server: ourselves, or for root the data's owner, postgres or nobody.

    Raises
    ------
    ConflictError
        If the data belong to somebody else and we are not root.
    UnavailableError
        If no fit user exists.
    """
    mine = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if mine != 0:
        if owner is not None and owner != mine:
            raise ConflictError(f"the cluster in {data} is of user {owner}, not of user {mine}")
        return _account(mine, change=False)
    if owner:
        return _account(owner, change=True)
    for name in ("postgres", "nobody"):
        try:
            uid = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        return _account(uid, change=True)
    raise UnavailableError(
        "PostgreSQL refuses to run as root, and the system has neither a user postgres nor nobody"
    )


def _account(uid: int, *, change: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise UnavailableError(
            f"user {uid} has no entry in /etc/passwd, without which PostgreSQL does not run"
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid, change)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the server's environment: nothing of the caller's.

    ``PGPORT``, ``PGDATA`` or ``PROJ_LIB`` of somebody's shell would lead it astray.
    """
    return {"PATH": os.defpath, "LC_ALL": "C", **(extra or {})}


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; those that root makes stay open to the server's user."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot make the folder {folder}: {error.strerror}") from error
    if os.geteuid() == 0:
        for part in missing:
            part.chmod(0o755)
