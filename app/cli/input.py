"""Input: stdin, which can be closed."""

import sys
from typing import BinaryIO

import typer

from app.errors import Malformed

CLOSED = "stdin is closed. Open it, or run the command in a terminal."


def stdin() -> BinaryIO:
    """Stdin for bytes. Raises Malformed if it is closed."""
    if sys.stdin is None:
        raise Malformed(CLOSED)
    return sys.stdin.buffer


def read_line() -> str:
    """The first line of stdin. Raises Malformed if stdin is closed, or is not text in its encoding."""
    if sys.stdin is None:
        raise Malformed(CLOSED)
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"stdin is not text in {error.encoding}.") from error


def is_terminal() -> bool:
    """Tells whether somebody can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def confirm(act: str, question: str, *, yes: bool) -> None:
    """Asks the operator before an `act`, such as "erase", unless `yes`.

    Raises Malformed without a terminal, and Abort for any answer but yes.
    """
    if yes:
        return
    if not is_terminal():
        raise Malformed(f"Add --yes to {act} without a question. Without it, run the command in a terminal.")
    typer.confirm(question, abort=True, err=True)
