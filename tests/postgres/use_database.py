"""A process that uses the embedded PostgreSQL of a folder until its input ends, or removes it.

usage: use_database.py use|remove FOLDER [ACCOUNT]. It prints the database's address, or why there is none. With ACCOUNT, root
becomes that account first and is a plain user from then on; all is imported before: the account need not reach the code.
"""

import os
import pwd
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import app.postgres.embedded as embedded
from app.errors import Misconfigured
from app.postgres.binaries import copy_binaries, find_binaries
from app.postgres.folders import make_shared_folder


def become(name: str) -> None:
    """Gives up being root for good. The programs are root's copy: the account may be unable to reach the installed ones."""
    binaries = copy_binaries(find_binaries(), make_shared_folder())
    embedded.find_binaries = lambda: binaries  # type: ignore[attr-defined]
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(action: str, folder: str, *account: str) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # the tests may have been started with one ignored
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for name in account:
        become(name)
    try:
        if action == "remove":
            return embedded.remove_embedded(Path(folder))
        with embedded.embedded_postgres(Path(folder)) as url:
            print(url, flush=True)
            sys.stdin.read()
    except Misconfigured as refusal:
        print(refusal.message, flush=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
