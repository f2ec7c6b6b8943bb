"""Account: who runs PostgreSQL. It refuses to run as root, so root runs it as a plain account that exists already."""

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

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that a program of PostgreSQL sees: no PG…, no LD_…, and English messages."""


@dataclass(frozen=True)
class OsUser:
    """`lent` is true when this process is root and the account is another one."""

    name: str
    uid: int
    gid: int
    lent: bool

    def own(self, path: Path) -> None:
        """Gives a new file or folder to the account."""
        if self.lent:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: Sequence[str | Path], given: str = "", variables: Mapping[str, str] | None = None) -> str:
        """Runs a program to its end and returns what it printed. Raises Misconfigured with its last lines."""
        process = self.spawn(command, subprocess.PIPE, subprocess.PIPE, variables)
        with process:
            said, complaint = process.communicate(given.encode())
        if process.returncode:
            lines = (complaint or said).decode(errors="replace").strip().splitlines()
            raise Misconfigured("\n".join([f"{Path(command[0]).name} failed:", *lines[-12:]]))
        return said.decode(errors="replace")

    def spawn(
        self,
        command: Sequence[str | Path],
        stdin: int,
        output: int | IO[bytes],
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Starts a program as the account, in a session of its own: a terminal's Ctrl-C does not reach it."""
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.PIPE if output == subprocess.PIPE else subprocess.STDOUT,
            cwd="/",
            env={**ENVIRONMENT, **(variables or {})},
            umask=0o077,
            start_new_session=True,
            user=self.uid if self.lent else None,
            group=self.gid if self.lent else None,
            extra_groups=[] if self.lent else None,
        )


def choose_account(name: str | None = None) -> OsUser:
    """The caller's own account, or for root the plain account `name` (the environment's, else `nobody`)."""
    if os.geteuid() != 0:
        return OsUser(_name_of(os.geteuid()), os.geteuid(), os.getegid(), lent=False)
    name = name or os.environ.get(SETTING, "").strip() or DEFAULT
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise Misconfigured(f"{SETTING}: there is no account {name!r}; name one that exists", SETTING) from None
    if entry.pw_uid == 0:
        raise Misconfigured(f"{SETTING}: PostgreSQL does not run as root; name a plain account", SETTING)
    return OsUser(name, entry.pw_uid, entry.pw_gid, lent=True)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
