"""Place: where the embedded PostgreSQL keeps its things, none of them in reach of other accounts.

A plain user's cluster lies in the data folder. Root's data folder may lie where PostgreSQL's account cannot look, so
root's clusters lie in /var/lib/clientele, and a file in the data folder names the one that belongs to it: a moved data
folder keeps its data, and a copied one names the same data. No folder that was there changes its mode or its owner.
"""

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.errors import Misconfigured
from app.postgres.lock import locked
from app.postgres.os_user import OsUser

SHARED = Path("/var/lib/clientele")
"""Root's clusters and programs."""


@dataclass(frozen=True)
class Place:
    """`home` holds the cluster, its log and its locks; `sockets` is the short path of its socket's private folder."""

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
        """Held alone while the server is started or stopped."""
        return self.home / "postgres.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that uses the server."""
        return self.home / "postgres.users"


def find_place(data_dir: Path, account: OsUser) -> Place:
    """The place that belongs to `data_dir`, made if there is none. Raises Misconfigured if it is another account's."""
    _make_folder(data_dir, 0o700)
    data_dir = data_dir.resolve()
    with locked(data_dir / "postgres.lock"):
        home = _shared_home(data_dir) if account.lent else _own_home(data_dir)
        return _place_in(home, _password(data_dir, home), account)


def remove_place(data_dir: Path, place: Place) -> None:
    """Deletes the cluster of `data_dir` with all its data, and what else was made for it. The caller holds its locks."""
    shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(place.cluster, ignore_errors=True)
    if place.home != data_dir.resolve():
        shutil.rmtree(place.home)
    for path in data_dir.glob("postgres.*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def make_socket_folder(place: Place, account: OsUser) -> None:
    """Makes the folder again if something cleaned it away. Raises Misconfigured when somebody else took the path."""
    place.sockets.mkdir(mode=0o700, exist_ok=True)
    if account.lent:
        account.own(place.sockets)
    found = place.sockets.lstat()
    if found.st_uid != account.uid or found.st_mode & 0o077 or place.sockets.is_symlink():
        raise Misconfigured(f"{place.sockets} is not a private folder of {account.name}; remove it")


def make_shared_folder() -> Path:
    """SHARED, which only root may write."""
    _make_folder(SHARED, 0o755)
    found = SHARED.lstat()
    if found.st_uid != 0 or found.st_mode & 0o022 or SHARED.is_symlink():
        raise Misconfigured(f"{SHARED} must be a folder that only root may write")
    return SHARED


def _own_home(data_dir: Path) -> Path:
    if (data_dir / "postgres.place").exists():
        raise Misconfigured(f"The database of {data_dir} was made by root; start as root, or set CLIENTELE_DATA_DIR")
    return data_dir


def _shared_home(data_dir: Path) -> Path:
    if (data_dir / "postgres").exists():
        raise Misconfigured(
            f"The database in {data_dir} was made by the account {(data_dir / 'postgres').owner()}; "
            "start as that account, or set CLIENTELE_DATA_DIR"
        )
    note, shared = data_dir / "postgres.place", make_shared_folder()
    if not note.exists():
        home = Path(tempfile.mkdtemp(prefix="", dir=shared))
        home.chmod(0o711)
        _write(note, str(home))
    home = Path(note.read_text(encoding="utf-8"))
    if home.parent != shared or not re.fullmatch(r"\w+", home.name) or not home.is_dir():
        raise Misconfigured(f"{home}, which holds the data of {data_dir}, is gone; remove {note} to start with no data")
    return home


def _password(data_dir: Path, home: Path) -> str:
    path = data_dir / "postgres.password"
    if not path.exists():
        if (home / "postgres").exists():
            raise Misconfigured(f"The password of the database in {home} is gone; bring {path} back")
        _write(path, secrets.token_hex(24))
    return path.read_text(encoding="utf-8")


def _place_in(home: Path, password: str, account: OsUser) -> Place:
    """A plain user's socket lies in /tmp: its path has 107 bytes at most, and the data folder's may be longer.

    Its name is a secret of this folder: nobody takes it first, and a copy of the folder has another.
    """
    if account.lent:
        return Place(home, home / "socket", password)
    found = home.stat()
    secret = hashlib.sha256(f"{password} {found.st_dev} {found.st_ino}".encode()).hexdigest()
    return Place(home, Path("/tmp", f"clientele-{secret[:16]}"), password)  # noqa: S108


def _make_folder(path: Path, mode: int) -> None:
    """Makes the folder with this mode whatever the umask is, whole or not; leaves one that is there as it is."""
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
    """Writes a private file, whole or not."""
    making = path.with_name(f"{path.name}.new")
    making.unlink(missing_ok=True)
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    making.rename(path)
