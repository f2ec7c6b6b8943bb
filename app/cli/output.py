"""Output: the results of commands on stdout."""

import sys
from typing import BinaryIO

from app.errors import Malformed


class OutputClosed(Exception):
    """The reader of stdout has ended, as `head` does. It is not an OSError, which inside a block means the database."""


class Output:
    """Stdout or a file, for bytes. An error of the output is not mistaken for an error of the database."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name

    def write(self, data: bytes) -> None:
        """Raises OutputClosed, and Malformed for a full disk and the like."""
        try:
            self.file.write(data)
        except OSError as error:
            raise explain_output(error, self.name) from error

    def flush(self) -> None:
        """As `write`."""
        try:
            self.file.flush()
        except OSError as error:
            raise explain_output(error, self.name) from error


def stdout() -> Output:
    """Stdout for bytes. Raises Malformed if it is closed from the start."""
    if sys.stdout is None:
        raise Malformed("stdout is closed. Open it, or give a file with --output.")
    return Output(sys.stdout.buffer, "stdout")


def say(text: str) -> None:
    """Prints a line to stdout, at once. Raises OutputClosed, and Malformed for a full disk and the like."""
    try:
        print(text, file=sys.stdout, flush=True)
    except OSError as error:
        raise explain_output(error, "stdout") from error


def explain_output(error: OSError, name: str) -> OutputClosed | Malformed:
    if isinstance(error, BrokenPipeError):
        return OutputClosed()
    return Malformed(f"{name} cannot be written: {error.strerror}")
