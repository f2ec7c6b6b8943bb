"""Installations of the service from a wheel, in an environment of its own and away from the checkout."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLATION, START, END = 240.0, 60.0, 40.0
"""Seconds until a step counts as failed."""
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
"""The variables of the environment that the service sees."""


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the service, and the empty folder in which its commands run."""

    python: Path
    folder: Path

    @property
    def command(self) -> Path:
        return self.python.with_name("clientele")

    def run(self, *arguments: str | Path, status: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs `clientele`. Raises AssertionError for another exit code than `status`."""
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=make_environment(settings),
            capture_output=True,
            text=True,
            timeout=START,
        )
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done

    def pip(self, *arguments: str | Path) -> str:
        """Runs pip in the environment. Returns its output."""
        pip: list[str | Path] = [self.python, "-I", "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(pip, check=True, timeout=INSTALLATION, stdout=subprocess.PIPE, text=True).stdout

    @contextmanager
    def serve(self, *options: str, **settings: str) -> Iterator[tuple[str, str]]:
        """Runs the service on a free port. Yields its address, and the token if it is the demo's."""
        log = self.folder / "service.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [self.command, "serve", "--port", "0", *options],
                cwd=self.folder,
                env=make_environment(settings),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            yield read_start(process, log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(END) == 0, log.read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert "Traceback" not in log.read_text(), log.read_text()


def make_environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {**{name: os.environ[name] for name in KEPT if name in os.environ}, **settings}


def read_start(process: "subprocess.Popen[str]", log: Path) -> tuple[str, str]:
    """Reads what the service prints until it serves. Returns its address and token."""
    assert process.stdout is not None
    address, began = "", time.monotonic()
    for line in process.stdout:
        assert time.monotonic() < began + START, "the service takes too long to start"
        name, _, value = line.strip().partition(" ")
        if name in {"GraphiQL", "GraphQL"}:
            address = value.split()[0].removesuffix("/graphql")
        if name == "Token":
            return address, value.strip()
    raise AssertionError(f"the service ended with status {process.wait(END)}: {log.read_text()}")


def build_wheel(checkout: Path, folder: Path) -> Path:
    """Builds the wheel of a checkout. Returns its file."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, timeout=INSTALLATION, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, lock: Path, folder: Path, extra: str = "embedded") -> Installation:
    """Installs the locked packages and the wheel into a new environment."""
    subprocess.run([Path(sys.base_prefix, "bin", "python3"), "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    work = folder / "work"
    work.mkdir()
    installation = Installation(python, work)
    installation.pip("install", "--quiet", "--require-hashes", "-r", lock)
    installation.pip("install", "--quiet", f"{wheel}[{extra}]")
    return installation


def remove_database(installation: Installation) -> None:
    """Deletes the embedded database of the installation, which can be in another folder."""
    code = "import pathlib, app.postgres.embedded as e; e.remove_embedded(pathlib.Path('.clientele'))"
    subprocess.run([installation.python, "-I", "-c", code], cwd=installation.folder, check=True)
