"""A service with the demo in it, for suites that ask it from outside; it ends with the block, whatever happens in it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.postgres.embedded import remove_embedded

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serve_demo(**settings: str) -> Iterator[dict[str, str]]:
    """Serves the embedded demo on a free port of this machine, with more settings if given.

    Gives the environment for a suite: CLIENTELE_URL, CLIENTELE_TOKEN (may read and write), CLIENTELE_PYTHON.
    """
    with tempfile.TemporaryDirectory(prefix="clientele-service-") as folder:
        environment = {**os.environ, **settings, "CLIENTELE_DATA_DIR": folder}
        environment.pop("DATABASE_URL", None)
        serving = [sys.executable, "-m", "app", "serve", "--port", "0"]
        service = subprocess.Popen(serving, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            said = _read_start(service)
            yield {
                **environment,
                "CLIENTELE_URL": said["GraphiQL"].removesuffix("/graphql"),
                "CLIENTELE_TOKEN": said["Token"],
                "CLIENTELE_PYTHON": sys.executable,
            }
        finally:
            service.terminate()
            service.wait(30)
            remove_embedded(Path(folder))


def _read_start(service: "subprocess.Popen[str]") -> Mapping[str, str]:
    """What the service says at its start, by the first word of each line, up to the token."""
    assert service.stdout is not None
    said: dict[str, str] = {}
    for line in service.stdout:
        name, _, value = line.strip().partition(" ")
        said[name] = value.strip()
        if name == "Token":
            return said
    raise RuntimeError("The service ended before it was ready")


def install_packages(folder: Path) -> None:
    """The packages of a folder's lock file. Raises when there is no node, or they cannot be had."""
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
