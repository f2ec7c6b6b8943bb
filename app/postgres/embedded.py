"""The embedded PostgreSQL of the default set-up: the first process starts it and the last process stops it."""

import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType

from app.errors import Misconfigured
from app.postgres.binaries import copy_binaries, find_binaries
from app.postgres.cluster import Cluster
from app.postgres.folders import Lock, find_data_directory, locked, make_shared_folder, open_lock, remove_data_directory
from app.postgres.os_user import OsUser, choose_os_user
from app.postgres.server import Server
from app.postgres.watcher import kept_running

RESTORING = "restoring"
"""The folder in the data directory in which a database is restored."""
TERMINATION = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def embedded_postgres(
    data_dir: Path,
    os_user: str | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    keep_running: bool = False,
) -> Iterator[str]:
    """Yields the libpq address of the database that belongs to `data_dir`; it is valid inside the block.

    Blocks of several processes may overlap. A terminating signal ends the block first, as SystemExit. A killed process
    leaves its server running, and the next block joins it. `os_user` runs PostgreSQL when this process is root; None
    means CLIENTELE_DATABASE_ACCOUNT, else `nobody`. `settings` are PostgreSQL's own; they apply only when this block
    starts the server. With `keep_running`, a server that dies is started again; when that fails, the process gets SIGTERM.
    Raises Misconfigured when PostgreSQL cannot start, at first or again.
    """
    with _exiting_on_signals():
        with _explaining_errors():
            cluster = find_cluster(data_dir, os_user)
        with open_lock(cluster.directory.users_lock) as users:
            try:
                with _explaining_errors(), locked(cluster.directory.start_lock):
                    alone = users.is_alone()
                    cluster.ensure_created()
                    Server(cluster, settings or {}).ensure_running(alone)
                    users.share()
                with kept_running(Server(cluster, settings or {})) if keep_running else nullcontext():
                    yield cluster.url
            finally:
                with locked(cluster.directory.start_lock):
                    if users.is_alone():
                        Server(cluster).stop()


def find_cluster(data_dir: Path, os_user: str | None = None) -> Cluster:
    """Returns the cluster that belongs to `data_dir`, created or not, with programs that its user can run."""
    user, binaries = choose_os_user(os_user), find_binaries()
    if user.drop_privileges:
        binaries = copy_binaries(binaries, make_shared_folder())
    return Cluster(find_data_directory(data_dir, user), user, binaries)


def remove_embedded(data_dir: Path, os_user: str | None = None) -> None:
    """Deletes the database of `data_dir` with all its data. Raises Misconfigured while a process uses it."""
    cluster = find_cluster(data_dir, os_user)
    with locked(cluster.directory.start_lock), open_lock(cluster.directory.users_lock) as users:
        _require_alone(users, data_dir)
        Server(cluster).stop()
        remove_data_directory(data_dir, cluster.directory)


@contextmanager
def replacing_embedded(data_dir: Path, os_user: str | None = None) -> Iterator[Cluster]:
    """Yields a new, running cluster. It takes the place of the cluster of `data_dir` when the block ends without an error.

    Nobody else can use the database meanwhile. Raises Misconfigured while a process uses it.
    """
    with _exiting_on_signals():
        with _explaining_errors():
            cluster = find_cluster(data_dir, os_user)
        with locked(cluster.directory.start_lock), open_lock(cluster.directory.users_lock) as users:
            _require_alone(users, data_dir)
            with _temporary_cluster(cluster, data_dir / RESTORING) as new:
                yield new
                Server(new).stop()
                Server(cluster).stop()
                cluster.replace_with(new)


@contextmanager
def _temporary_cluster(cluster: Cluster, data_dir: Path) -> Iterator[Cluster]:
    """A running cluster in another data directory, with the password of `cluster`. It is deleted at the end."""
    _remove_temporary(data_dir, cluster.os_user)
    directory = find_data_directory(data_dir, cluster.os_user)
    new = replace(cluster, directory=replace(directory, password=cluster.directory.password))
    try:
        with _explaining_errors():
            new.ensure_created()
            Server(new).ensure_running(alone=True)
        yield new
    finally:
        Server(new).stop()
        _remove_temporary(data_dir, cluster.os_user)


def _remove_temporary(data_dir: Path, os_user: OsUser) -> None:
    if data_dir.exists():
        remove_data_directory(data_dir, find_data_directory(data_dir, os_user))
        shutil.rmtree(data_dir)


def _require_alone(users: Lock, data_dir: Path) -> None:
    if not users.is_alone():
        raise Misconfigured(f"The database of {data_dir} is in use. Stop the processes that use it first.")


@contextmanager
def _explaining_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"The embedded PostgreSQL cannot start: {error}. Correct this, or set DATABASE_URL."
        ) from error


@contextmanager
def _exiting_on_signals() -> Iterator[None]:
    """Ends the block as SystemExit on a terminating signal, unless the signal is already handled or ignored."""
    replaced = []
    if threading.current_thread() is threading.main_thread():
        replaced = [number for number in TERMINATION if signal.getsignal(number) is signal.SIG_DFL]
    for number in replaced:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
