"""A service with the demo, for test suites outside of Python."""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.postgres.embedded import remove_embedded

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serve_demo(**settings: str) -> Iterator[dict[str, str]]:
    """Serves the embedded demo on a free port of this machine until the end of the block. `settings` are added.

    Yields the environment for a suite: CLIENTELE_URL, CLIENTELE_TOKEN (may read and write), CLIENTELE_PYTHON.
    """
    with tempfile.TemporaryDirectory(prefix="clientele-service-") as folder:
        environment = {**os.environ, **settings, "CLIENTELE_DATA_DIR": folder}
        environment.pop("DATABASE_URL", None)
        serving = [sys.executable, "-m", "app", "serve", "--port", "0"]
        service = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            output = _read_start(service)
            yield {
                **environment,
                "CLIENTELE_URL": output["GraphiQL"].removesuffix("/graphql"),
                "CLIENTELE_TOKEN": output["Token"],
                "CLIENTELE_PYTHON": sys.executable,
            }
        finally:
            service.terminate()
            service.wait(30)
            remove_embedded(Path(folder))


def _read_start(service: "subprocess.Popen[str]") -> Mapping[str, str]:
    """Returns the output at the start, up to the token: the rest of each line by its first word."""
    assert service.stdout is not None
    output: dict[str, str] = {}
    for line in service.stdout:
        name, _, value = line.strip().partition(" ")
        output[name] = value.strip()
        if name == "Token":
            return output
    raise RuntimeError("The service ended before it was ready")


def install_packages(folder: Path) -> None:
    """Installs the packages of a folder's lock file. Raises CalledProcessError when npm fails."""
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)


def install_programs(folder: Path, lock: Path) -> Path:
    """Installs the Python packages of a lock file into a new environment. Returns the folder of their programs."""
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [folder / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*pip, "-r", lock], check=True)
    return folder / "bin"
