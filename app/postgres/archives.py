"""Archives: the database as a file of pg_dump, in its custom format, which pg_restore reads."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from app.errors import Misconfigured
from app.postgres.cluster import NAME, Cluster

CHUNK = 1 << 20
INTERVAL = 0.1
"""Seconds between two looks at the progress."""
OWN_TABLES = ("TABLE public alembic_version", "TABLE public clients")
"""The lines of the contents of an archive by which it is known as one of this service."""
NOT_PRIVILEGED = ("--no-owner", "--no-privileges")


def dump_database(cluster: Cluster, write: Callable[[bytes], object]) -> None:
    """Passes an archive of the running database, in one snapshot, to `write`. Raises Misconfigured when pg_dump fails."""
    options = ["--format=custom", *NOT_PRIVILEGED, *cluster.connection_options(NAME)]
    with _spawn(cluster, ["pg_dump", *options], subprocess.DEVNULL) as process:
        output = _pipe(process.stdout)
        try:
            while chunk := output.read(CHUNK):
                write(chunk)
        except BaseException:
            process.kill()
            raise
        _require_success(process, "pg_dump")


def check_archive(cluster: Cluster, file: BinaryIO, name: str) -> None:
    """Raises Misconfigured for a file that is not an archive of this service, or that a newer PostgreSQL made."""
    with _spawn(cluster, ["pg_restore", "--list"], file.fileno()) as process:
        contents, errors = process.communicate()
    if process.returncode:
        reason = errors.decode(errors="replace").strip().splitlines()
        raise Misconfigured(f"{name} is not a backup of clientele backup: {reason[0] if reason else 'it is empty'}")
    if not all(line in contents.decode(errors="replace") for line in OWN_TABLES):
        raise Misconfigured(f"{name} is not a backup of clientele backup: it has none of its tables")
    file.seek(0)


def restore_database(cluster: Cluster, file: BinaryIO, advance: Callable[[int], object]) -> None:
    """Fills the running, empty database from an archive. `advance` gets the bytes that are read so far, and all of them at the end.

    Raises Misconfigured when pg_restore fails.
    """
    options = ["--exit-on-error", *NOT_PRIVILEGED, *cluster.connection_options(NAME)]
    with _spawn(cluster, ["pg_restore", *options], file.fileno()) as process:
        try:
            while process.poll() is None:
                advance(os.lseek(file.fileno(), 0, os.SEEK_CUR))
                time.sleep(INTERVAL)
        except BaseException:
            process.kill()
            raise
        _require_success(process, "pg_restore")
    advance(os.fstat(file.fileno()).st_size)
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "ANALYZE", *map(str, cluster.connection_options(NAME))]
    cluster.run("psql", *options, password=cluster.directory.password)


def _spawn(cluster: Cluster, command: Sequence[str | Path], stdin: int) -> "subprocess.Popen[bytes]":
    program, *options = command
    password = {"PGPASSWORD": cluster.directory.password}
    return cluster.os_user.spawn([cluster.binaries.program(str(program)), *options], stdin, subprocess.PIPE, password)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - narrows the type
    return stream


def _require_success(process: "subprocess.Popen[bytes]", name: str) -> None:
    lines = _pipe(process.stderr).read().decode(errors="replace").strip().splitlines()
    if process.wait():
        raise Misconfigured(f"{name} failed: {lines[0] if lines else f'exit code {process.returncode}'}")
