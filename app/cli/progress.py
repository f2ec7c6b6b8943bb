"""Progress: a bar on stderr with the number of records, their rate and the time left, if stderr is a terminal."""

import sys
import time
from types import TracebackType

import typer

CLEAR_LINE = "\r\x1b[K"


class Progress:
    """The progress through a file of `size` bytes. Without a terminal it shows nothing."""

    def __init__(self, label: str, size: int) -> None:
        self.shown = sys.stderr.isatty()
        self.label = label
        self.bar = typer.progressbar(length=size, label=label, file=sys.stderr, hidden=not self.shown)
        self.began = time.monotonic()

    def __enter__(self) -> "Progress":
        self.bar.__enter__()
        return self

    def advance(self, position: int, records: int) -> None:
        seconds = max(time.monotonic() - self.began, 1e-3)
        self.bar.label = f"{self.label} {records:,} records, {records / seconds:,.0f}/s"
        self.bar.update(position - self.bar.pos)

    def clear(self) -> None:
        """Makes room for a line of text. The bar is shown again when it advances."""
        if self.shown:
            typer.echo(CLEAR_LINE, err=True, nl=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.__exit__(kind, error, trace)
