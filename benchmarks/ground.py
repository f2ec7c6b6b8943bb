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


@contextmanager
def server(application: str, url: str, *options: str) -> Iterator[tuple[int, int]]:
    """Runs uvicorn. Yields its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--no-access-log", *options]
    process = subprocess.Popen(  # noqa: S603 - the command is the benchmark's own
        [*command, "--log-level", "warning"], env={**os.environ, **HIGH_RATES, "DATABASE_URL": url}, cwd=ROOT
    )
    try:
        asyncio.run(_wait(port))
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


async def _wait(port: int) -> None:
    for _ in range(300):
        try:
            await send_request(port, HttpRequest(path="/"))
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError(f"No server answers on port {port}")
