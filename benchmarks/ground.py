"""The ground of a benchmark: an empty database, and a server process over it."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.postgres.embedded import embedded_postgres, remove_embedded
from benchmarks.load import HttpRequest, send_request

ROOT = Path(__file__).resolve().parent.parent
HIGH_RATES = {
    f"CLIENTELE_{of}_{kind}": "1000000000" if kind == "BYTES" else "1000000"
    for of in ("TOKEN", "ACCOUNT")
    for kind in ("REQUESTS", "WRITES", "BYTES")
}
"""Settings for more requests than a benchmark sends. The limits still count."""


@contextmanager
def fresh_database(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yields the address of a new embedded database with these settings of PostgreSQL; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="clientele-bench-") as folder:
        with embedded_postgres(Path(folder), settings=settings) as url:
            yield url
        remove_embedded(Path(folder))


def find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def bare_handler(url: str) -> Iterator[tuple[int, int]]:
    """Runs the bare handler in uvicorn. Yields its port and its process id."""
    port = find_port()
    command = ["-m", "uvicorn", "benchmarks.bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    with running([sys.executable, *command], {"DATABASE_URL": url}, port) as process:
        yield port, process


@contextmanager
def service(url: str, settings: Mapping[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """Runs the service as an operator does, in one process, with its log in a file. Yields its port and its process id."""
    port = find_port()
    with tempfile.TemporaryDirectory(prefix="clientele-bench-") as folder:
        own = {**HIGH_RATES, "DATABASE_URL": url, "CLIENTELE_DATA_DIR": folder, **(settings or {})}
        command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
        with (Path(folder) / "log").open("w") as log, running(command, own, port, log=log.fileno()) as process:
            yield port, process


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], port: int, *, folder: Path = ROOT, log: int | None = None
) -> Iterator[int]:
    """Runs a server in `folder` until the end of the block, and waits until it answers. Yields its process id.

    Its output goes to the file `log`, or only its errors to stderr.
    """
    process = subprocess.Popen(  # noqa: S603 - the command is the benchmark's own
        command,
        env={**os.environ, **environment},
        cwd=folder,
        stdout=subprocess.DEVNULL if log is None else log,
        stderr=log,
    )
    try:
        asyncio.run(_wait(process, port))
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


async def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            await send_request(port, HttpRequest(path="/"))
        except (OSError, EOFError, ValueError):
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError(f"No server answers on port {port}")
