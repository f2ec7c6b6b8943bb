"""Makes `.venv` from a lock file: `environment.py make LOCK`; `environment.py check LOCK` tells whether it is complete.

A stamp in `.venv` for each lock file holds the file's checksum and the folder, which must not move. The stamps are taken
away before an installation and written after it: one that was interrupted is begun anew.
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

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"

HOLDS = {"requirements.lock": (), "requirements-dev.lock": ("requirements.lock",)}
"""A lock file, and those that it holds all of."""

PIP_KEEPS = re.compile(
    "CERT|CLIENT_CERT|PROXY|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CACHE_DIR|NO_CACHE_DIR|"
    "CONFIG_FILE|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|KEYRING_PROVIDER"
)
"""Where pip finds packages is the user's to say (PIP_…); what it installs and where is not."""
PIP_SETTINGS = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_USER": "0",
}


def is_complete(lock: str) -> bool:
    """Asked by the Python of `.venv` itself."""
    return Path(sys.prefix) == FOLDER and bool(find_spec("app")) and _has_stamp(lock)


def make(lock: str) -> None:
    """Makes `.venv` anew, or adds to one that is complete without what only `lock` names."""
    with _turn():
        if _asks("check", lock):
            return
        print(f"Installing {lock} into .venv: this is done once and takes about a minute", file=sys.stderr)
        if not any(_asks("check", held) for held in HOLDS[lock]):
            _run(sys.executable, "-I", "-m", "venv", "--clear", FOLDER)
        for name in HOLDS:
            _stamp(name).unlink(missing_ok=True)
        pip = (PYTHON, "-I", "-m", "pip", "install", "--quiet")
        _run(*pip, "--require-hashes", "-r", ROOT / lock)
        _run(*pip, "--no-deps", "--no-build-isolation", "-e", ROOT)
        for name in (*HOLDS[lock], lock):
            _stamp(name).write_text(_mark(name), encoding="utf-8")


def _stamp(lock: str) -> Path:
    return FOLDER / f"{lock}.installed"


def _mark(lock: str) -> str:
    return f"{hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()} {ROOT}\n"


def _has_stamp(lock: str) -> bool:
    return _stamp(lock).is_file() and _stamp(lock).read_text(encoding="utf-8") == _mark(lock)


def _asks(*question: str) -> bool:
    command: list[str | Path] = [PYTHON, "-I", __file__, *question]
    return PYTHON.exists() and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0  # noqa: S603


def _run(*command: str | Path) -> None:
    kept = {name: text for name, text in os.environ.items() if name[:4] != "PIP_" or PIP_KEEPS.fullmatch(name[4:])}
    subprocess.run(command, check=True, env={**kept, **PIP_SETTINGS})  # noqa: S603


@contextmanager
def _turn() -> Iterator[None]:
    """Two scripts at once: one makes it, the other waits."""
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
