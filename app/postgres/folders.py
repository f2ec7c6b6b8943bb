"""Folders and lock files of the embedded PostgreSQL, which no other user of the system can access.

A plain user's cluster lies in the data folder. PostgreSQL's user may be unable to open root's data folder, so root's
clusters lie in /var/lib/clientele, and the file postgres.place in the data folder names the cluster. A moved data folder
keeps its data; a copied one names the same data. Existing folders keep their modes and owners.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.errors import Misconfigured
from app.postgres.os_user import OsUser

SHARED = Path("/var/lib/clientele")
"""Root's clusters and programs."""
LINK = "postgres.place"
"""The file in root's data folder that names the folder of its cluster."""


@dataclass(frozen=True)
class DataDirectory:
    """The paths of one cluster: `home` holds its data, log and locks; `sockets` is the private folder of its socket."""

    home: Path
    sockets: Path
    password: str

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def start_lock(self) -> Path:
        """The lock file that is held exclusively while the server is started or stopped."""
        return self.home / "postgres.lock"

    @property
    def users_lock(self) -> Path:
        """The lock file that every process using the server holds as shared."""
        return self.home / "postgres.users"


def find_data_directory(data_dir: Path, os_user: OsUser) -> DataDirectory:
    """Returns the directory that belongs to `data_dir`, creating it if needed. Raises Misconfigured for another user's."""
    _make_folder(data_dir, 0o700)
    data_dir = data_dir.resolve()
    with locked(data_dir / "postgres.lock"):
        home = _shared_home(data_dir) if os_user.drop_privileges else _own_home(data_dir)
        return _describe_directory(home, _password(data_dir, home), os_user)


def find_home(data_dir: Path) -> Path:
    """Returns the folder with the existing cluster of `data_dir`; see the top of this module."""
    link = data_dir / LINK
    return Path(link.read_text(encoding="utf-8")) if link.exists() else data_dir


def find_cluster_folder(data_dir: Path, url: str) -> Path | None:
    """Returns the folder of the embedded database of `data_dir`, if `url` is its address. It creates nothing."""
    try:
        password = (data_dir / "postgres.password").read_text(encoding="utf-8")
        if f":{password}@/" not in url:
            return None
        return find_home(data_dir)
    except OSError:
        return None


def remove_data_directory(data_dir: Path, directory: DataDirectory) -> None:
    """Deletes the cluster of `data_dir` with all its data and files. The caller holds its locks."""
    shutil.rmtree(directory.sockets, ignore_errors=True)
    shutil.rmtree(directory.cluster, ignore_errors=True)
    if directory.home != data_dir.resolve():
        shutil.rmtree(directory.home)
    for path in data_dir.glob("postgres.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_socket_folder(directory: DataDirectory, os_user: OsUser) -> None:
    """Creates the socket folder unless it exists. Raises Misconfigured when another user owns the path."""
    directory.sockets.mkdir(mode=0o700, exist_ok=True)
    if os_user.drop_privileges:
        os_user.own(directory.sockets)
    status = directory.sockets.lstat()
    if status.st_uid != os_user.uid or status.st_mode & 0o077 or directory.sockets.is_symlink():
        raise Misconfigured(
            f"{directory.sockets} is not a private folder of the user {os_user.name}. Remove it and start again."
        )


def make_shared_folder() -> Path:
    """Creates SHARED unless it exists. Raises Misconfigured unless only root may write to it."""
    _make_folder(SHARED, 0o755)
    status = SHARED.lstat()
    if status.st_uid != 0 or status.st_mode & 0o022 or SHARED.is_symlink():
        raise Misconfigured(
            f"{SHARED} is not a folder that only root may write to. Change its owner or mode, or remove it."
        )
    return SHARED


def _own_home(data_dir: Path) -> Path:
    if (data_dir / LINK).exists():
        raise Misconfigured(
            f"The database of {data_dir} was created by root. Start as root, or set CLIENTELE_DATA_DIR to another folder."
        )
    return data_dir


def _shared_home(data_dir: Path) -> Path:
    if (data_dir / "postgres").exists():
        raise Misconfigured(
            f"The database in {data_dir} was created by the user {(data_dir / 'postgres').owner()}. "
            "Start as that user, or set CLIENTELE_DATA_DIR to another folder."
        )
    link, shared = data_dir / LINK, make_shared_folder()
    if not link.exists():
        home = Path(tempfile.mkdtemp(prefix="", dir=shared))
        home.chmod(0o711)
        _write(link, str(home))
    home = Path(link.read_text(encoding="utf-8"))
    if home.parent != shared or not re.fullmatch(r"\w+", home.name) or not home.is_dir():
        raise Misconfigured(
            f"{home} does not exist, but holds the data of {data_dir}. Restore it, or remove {link} to start without data."
        )
    return home


def _password(data_dir: Path, home: Path) -> str:
    path = data_dir / "postgres.password"
    if not path.exists():
        if (home / "postgres").exists():
            raise Misconfigured(f"The password of the database in {home} is missing. Restore {path}.")
        _write(path, secrets.token_hex(24))
    return path.read_text(encoding="utf-8")


def _describe_directory(home: Path, password: str, os_user: OsUser) -> DataDirectory:
    """Returns the directory. A plain user's socket lies in /tmp, because its path is limited to 107 bytes.

    The name of its folder is secret, so that no other user can take it, and differs in a copy of the data folder.
    """
    if os_user.drop_privileges:
        return DataDirectory(home, home / "socket", password)
    status = home.stat()
    secret = hashlib.sha256(f"{password} {status.st_dev} {status.st_ino}".encode()).hexdigest()
    return DataDirectory(home, Path("/tmp", f"clientele-{secret[:16]}"), password)  # noqa: S108 - the name is secret, and the folder belongs to one user


def _make_folder(path: Path, mode: int) -> None:
    """Creates the folder atomically and with this mode, regardless of the umask. An existing folder is not changed."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".clientele-", dir=path.parent))
    making.chmod(mode)
    try:
        making.rename(path)
    except OSError:
        making.rmdir()
        if not path.is_dir():
            raise


def _write(path: Path, text: str) -> None:
    """Writes a private file atomically."""
    making = path.with_name(f"{path.name}.new")
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    making.rename(path)


@dataclass(frozen=True)
class Lock:
    """An open lock file. The kernel releases the lock of a killed process."""

    descriptor: int

    def hold(self) -> None:
        """Holds the lock exclusively, once no other process holds it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def share(self) -> None:
        """Holds the lock as shared, once no other process holds it exclusively."""
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def is_alone(self) -> bool:
        """Tells whether no other process holds the lock; if so, holds it exclusively."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def open_lock(path: Path) -> Iterator[Lock]:
    """Opens the lock file, creating it if needed, without holding the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield Lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock exclusively in the block."""
    with open_lock(path) as lock:
        lock.hold()
        yield
