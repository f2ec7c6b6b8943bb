"""The embedded PostgreSQL of the default set-up: started by whoever comes first, stopped by whoever leaves last."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from app.errors import Misconfigured
from app.postgres.binaries import copy_binaries, find_binaries
from app.postgres.cluster import Cluster
from app.postgres.folders import find_place, make_shared_folder, remove_place
from app.postgres.lock import locked, open_lock
from app.postgres.os_user import choose_account
from app.postgres.server import Server

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def embedded_postgres(
    data_dir: Path, account: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The libpq address of the database that belongs to `data_dir`, good for the length of the block.

    Blocks of several processes may overlap. A signal that ends the process ends the block first, as SystemExit. A
    process that is killed leaves its server running, and the next block joins it. `account` runs PostgreSQL where this
    process is root; None means CLIENTELE_DATABASE_ACCOUNT, else `nobody`. Raises Misconfigured when it cannot start.
    `settings` are PostgreSQL's own; they hold if this block is the one that starts it.
    """
    with _ended_by_signals():
        with _said_plainly():
            cluster = find_cluster(data_dir, account)
        with open_lock(cluster.place.users_lock) as users:
            try:
                with _said_plainly(), locked(cluster.place.start_lock):
                    alone = users.is_alone()
                    cluster.ensure_made()
                    Server(cluster, settings or {}).ensure_running(alone)
                    users.share()
                yield cluster.url
            finally:
                with locked(cluster.place.start_lock):
                    if users.is_alone():
                        Server(cluster).stop()


def find_cluster(data_dir: Path, account: str | None = None) -> Cluster:
    """The cluster that belongs to `data_dir`, made or not, with the programs that its account can run."""
    runner, binaries = choose_account(account), find_binaries()
    if runner.lent:
        binaries = copy_binaries(binaries, make_shared_folder())
    return Cluster(find_place(data_dir, runner), runner, binaries)


def remove_embedded(data_dir: Path, account: str | None = None) -> None:
    """Deletes the database of `data_dir` with all its data. Raises Misconfigured while a process uses it."""
    cluster = find_cluster(data_dir, account)
    with locked(cluster.place.start_lock), open_lock(cluster.place.users_lock) as users:
        if not users.is_alone():
            raise Misconfigured(f"The database of {data_dir} is in use")
        Server(cluster).stop()
        remove_place(data_dir, cluster.place)


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(f"The embedded PostgreSQL cannot start: {error}; or set DATABASE_URL") from error


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A signal that would end the process at once ends the block instead; one handled or ignored stays so."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
