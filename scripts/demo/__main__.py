"""Writes app/demo.jsonl.gz, the clients of the demo: one JSON object of column values per line, oldest first."""

import gzip
import io
from pathlib import Path

import orjson

from scripts.demo.clients import generate_clients

TARGET = Path(__file__).resolve().parents[2] / "app" / "demo.jsonl.gz"


def render_lines() -> bytes:
    """Returns the lines of the file before compression."""
    return b"".join(orjson.dumps(client, option=orjson.OPT_APPEND_NEWLINE) for client in generate_clients())


def compress(lines: bytes) -> bytes:
    """Compresses the lines without a file name or a time, so that the same lines give the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(lines)
    return buffer.getvalue()


if __name__ == "__main__":
    TARGET.write_bytes(compress(render_lines()))
