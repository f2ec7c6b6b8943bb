"""Uses the embedded PostgreSQL of a data folder until standard input ends, or removes it.

usage: use_database.py use|remove FOLDER [USER]. It prints the address of the database, or an error. With USER, root first
becomes that plain user. Everything is imported before that, because USER may be unable to read the code.
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
    """Gives up the rights of root, after copying the programs, because the user may be unable to read the installed ones."""
    binaries = copy_binaries(find_binaries(), make_shared_folder())
    embedded.find_binaries = lambda: binaries  # type: ignore[attr-defined]
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(action: str, folder: str, *os_user: str) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # the tests may have been started with one ignored
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for name in os_user:
        become(name)
    try:
        if action == "remove":
            return embedded.remove_embedded(Path(folder))
        with embedded.embedded_postgres(Path(folder)) as url:
            print(url, flush=True)
            sys.stdin.read()
    except Misconfigured as error:
        print(error.message, flush=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
