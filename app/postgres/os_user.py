"""OsUser: the user of the operating system that runs PostgreSQL. It cannot run as root, so root runs it as a plain user."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.errors import Misconfigured

SETTING = "CLIENTELE_DATABASE_ACCOUNT"
DEFAULT = "nobody"

KEPT_MEMORY = "4194304"
"""The bytes of free memory that a process of PostgreSQL keeps. By default, glibc returns the memory of a page as one text to
the system after each statement, and the page faults of the next one take some 100 µs."""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C",
    "TZ": "UTC",
    "MALLOC_TRIM_THRESHOLD_": KEPT_MEMORY,
    "MALLOC_MMAP_THRESHOLD_": KEPT_MEMORY,
}
"""The complete environment of PostgreSQL's programs: without PG… and LD_… variables, with English messages."""


@dataclass(frozen=True)
class OsUser:
    """A user of the system. With `drop_privileges`, this process is root and runs programs as this plain user."""

    name: str
    uid: int
    gid: int
    drop_privileges: bool

    def own(self, path: Path) -> None:
        """Makes the user the owner of a new file or folder."""
        if self.drop_privileges:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(
        self, command: Sequence[str | Path], standard_input: str = "", variables: Mapping[str, str] | None = None
    ) -> str:
        """Runs a program and returns its standard output. Raises Misconfigured with the last lines when it fails."""
        process = self.spawn(command, subprocess.PIPE, subprocess.PIPE, variables)
        with process:
            output, errors = process.communicate(standard_input.encode())
        if process.returncode:
            lines = (errors or output).decode(errors="replace").strip().splitlines()
            raise Misconfigured("\n".join([f"{Path(command[0]).name} failed:", *lines[-12:]]))
        return output.decode(errors="replace")

    def spawn(
        self,
        command: Sequence[str | Path],
        stdin: int,
        output: int | IO[bytes],
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Starts a program as the user, in a session of its own, so that Ctrl-C in a terminal does not reach it."""
        return subprocess.Popen(  # noqa: S603 - the command is the service's own
            command,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.PIPE if output == subprocess.PIPE else subprocess.STDOUT,
            cwd="/",
            env={**ENVIRONMENT, **(variables or {})},
            umask=0o077,
            start_new_session=True,
            user=self.uid if self.drop_privileges else None,
            group=self.gid if self.drop_privileges else None,
            extra_groups=[] if self.drop_privileges else None,
        )


def choose_os_user(name: str | None = None) -> OsUser:
    """Returns the current user, or for root the plain user `name` (None: CLIENTELE_DATABASE_ACCOUNT, else `nobody`).

    Raises Misconfigured when `name` does not exist or is root.
    """
    if os.geteuid() != 0:
        return OsUser(_name_of(os.geteuid()), os.geteuid(), os.getegid(), drop_privileges=False)
    name = name or os.environ.get(SETTING, "").strip() or DEFAULT
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Misconfigured(
            f"{SETTING}: the user {name!r} does not exist. Set it to an existing user that is not root.", SETTING
        ) from None
    if entry.pw_uid == 0:
        raise Misconfigured(
            f"{SETTING}: PostgreSQL cannot run as {name!r}, which is root. Set it to an existing user that is not root.",
            SETTING,
        )
    return OsUser(name, entry.pw_uid, entry.pw_gid, drop_privileges=True)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
