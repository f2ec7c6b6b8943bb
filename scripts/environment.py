"""Creates `.venv` from a lock file: `environment.py make LOCK`. `environment.py check LOCK` exits with 0 if it is complete.

A stamp in `.venv` for each lock file holds the file's checksum and the path of the checkout, which must not move. The
stamps are deleted before an installation and written after it, so that an interrupted installation starts again.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"

INCLUDES = {"requirements.lock": (), "requirements-dev.lock": ("requirements.lock",)}
"""Each lock file, and the lock files whose packages it includes."""

BUILD_LOCK = "requirements-build.lock"
"""The packages that build this one. They are installed for the build only."""

PIP_SOURCES = re.compile(
    "CERT|CLIENT_CERT|PROXY|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CACHE_DIR|NO_CACHE_DIR|"
    "CONFIG_FILE|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|KEYRING_PROVIDER"
)
"""The PIP_… variables of the user that apply: where pip finds packages, not what it installs or where."""
PIP_SETTINGS = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_USER": "0",
}


def is_complete(lock: str) -> bool:
    """Tells whether `.venv` is complete for the lock file. The Python of `.venv` must run this."""
    return Path(sys.prefix) == FOLDER and bool(find_spec("app")) and _has_stamp(lock)


def make(lock: str) -> None:
    """Creates `.venv`, or adds the packages of `lock` to one that is complete for an included lock file."""
    with _exclusive():
        if _succeeds("check", lock):
            return
        print(f"Installing {lock} into .venv: this happens once and takes about a minute", file=sys.stderr)
        if not any(_succeeds("check", included) for included in INCLUDES[lock]):
            _run(sys.executable, "-I", "-m", "venv", "--clear", FOLDER)
        for name in INCLUDES:
            _stamp(name).unlink(missing_ok=True)
        _install("--require-hashes", "-r", ROOT / lock)
        with TemporaryDirectory(prefix="clientele-build-") as tools:
            _install("--target", tools, "--require-hashes", "-r", ROOT / BUILD_LOCK)
            _install("--no-deps", "--no-build-isolation", "-e", ROOT, PYTHONPATH=tools)
        for name in (*INCLUDES[lock], lock):
            _stamp(name).write_text(_stamp_text(name), encoding="utf-8")


def _stamp(lock: str) -> Path:
    return FOLDER / f"{lock}.installed"


def _stamp_text(lock: str) -> str:
    return f"{hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()} {ROOT}\n"


def _has_stamp(lock: str) -> bool:
    return _stamp(lock).is_file() and _stamp(lock).read_text(encoding="utf-8") == _stamp_text(lock)


def _succeeds(*arguments: str) -> bool:
    command: list[str | Path] = [PYTHON, "-I", __file__, *arguments]
    return PYTHON.exists() and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0  # noqa: S603 - the command is the script's own


def _install(*options: str | Path, **variables: str) -> None:
    _run(PYTHON, "-I", "-m", "pip", "install", "--quiet", *options, **variables)


def _run(*command: str | Path, **variables: str) -> None:
    kept = {name: text for name, text in os.environ.items() if name[:4] != "PIP_" or PIP_SOURCES.fullmatch(name[4:])}
    subprocess.run(command, check=True, env={**kept, **PIP_SETTINGS, **variables})  # noqa: S603 - the command is the script's own


@contextmanager
def _exclusive() -> Iterator[None]:
    """Lets one process work at a time; another one waits."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(action: str, lock: str) -> int:
    if action == "check":
        return 0 if is_complete(lock) else 1
    try:
        make(lock)
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:
        print(f"Installing {lock} failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
