"""Where files are read and written: paths, stdin and stdout."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from app.errors import Malformed


def open_records(path: Path) -> BinaryIO:
    """A file of records, or stdin for `-`; what cannot be read twice, such as a pipe, is put aside first, on the disk."""
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as given:
            if given is not sys.stdin.buffer and given.seekable():
                return path.open("rb")
            kept = TemporaryFile()  # noqa: SIM115
            shutil.copyfileobj(given, kept)
            return kept
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Stdout, or a file that is there when it is whole, for its owner alone."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = path.with_name(f"{path.name}.part")
    try:
        with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise Malformed(f"{path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
