"""Encodings of text files: that of the byte order mark, otherwise UTF-8 if the whole file is UTF-8, otherwise one of Windows."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from app.errors import Malformed

CHUNK = 1024 * 1024
SAMPLE = 4096
RARE = 20
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
BOM = codecs.BOM_UTF8
WESTERN, CENTRAL = "cp1252", "cp1250"
"""Windows-1252, which holds Latin-1 except for its control characters, and Windows-1250 of Central Europe."""
CARONS = "ŠŽšž".encode(CENTRAL)
"""Letters with the same bytes in both. Texts with them are most likely in a language that needs Windows-1250."""

SPREADSHEET = "Open it in your spreadsheet software and save it as CSV"
FOREIGN = (
    (b"PK\x03\x04", f"a spreadsheet such as .xlsx or .ods, or an archive. {SPREADSHEET}"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"a spreadsheet in the old format .xls. {SPREADSHEET}"),
    (b"%PDF-", "a PDF. Export the table as CSV"),
    (b"\x1f\x8b", "compressed with gzip. Decompress it first"),
)
"""The first bytes of files that are not text, and their description."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding by its name in Python. `mark` is the byte order mark. `assumed` is true if nothing in the file shows it."""

    name: str
    mark: bytes = b""
    assumed: bool = False


def reject_foreign(file: BinaryIO) -> None:
    """Raises Malformed for a spreadsheet, a PDF and the like."""
    start = _read_start(file)
    for signature, description in FOREIGN:
        if start.startswith(signature):
            raise Malformed(f"The file is not text but {description}.")


def find_encoding(file: BinaryIO, chosen: str | None = None) -> Encoding:
    """The encoding of a seekable file. Reads all of it. Raises Malformed if the file does not have the `chosen` one."""
    start = _read_start(file)
    mark, marked = next(((mark, name) for mark, name in MARKS if start.startswith(mark)), (b"", None))
    if chosen is not None:
        return _check_chosen(file, chosen, mark, marked)
    if marked is not None:
        _require(file, Encoding(marked, mark))
        return Encoding(marked, mark)
    for name in (_find_unmarked(start), "utf-8"):
        if name is not None and _find_wrong_line(file, Encoding(name)) is None:
            return Encoding(name)
    for name in (CENTRAL, WESTERN) if _has_carons(file) else (WESTERN,):
        if _find_wrong_line(file, Encoding(name)) is None:
            return Encoding(name, assumed=True)
    raise Malformed("The encoding of the file is not UTF-8, UTF-16 or Windows-1252. Name it with --encoding.")


def _has_carons(file: BinaryIO) -> bool:
    file.seek(0)
    while data := file.read(CHUNK):
        if data.translate(None, CARONS) != data:
            return True
    return False


def _read_start(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(SAMPLE)


def _check_chosen(file: BinaryIO, chosen: str, mark: bytes, marked: str | None) -> Encoding:
    try:
        name = codecs.lookup(chosen).name
        "".encode(name)
    except (LookupError, ValueError, UnicodeError) as error:
        raise Malformed(
            f"{chosen!r:.60} is not an encoding. Examples are utf-8, utf-16, windows-1250, windows-1252 and iso-8859-2."
        ) from error
    if marked is not None and marked.startswith(name.removesuffix("-sig")):
        name = marked
    else:
        mark = b""
    encoding = Encoding(name, mark)
    _require(file, encoding)
    return encoding


def _require(file: BinaryIO, encoding: Encoding) -> None:
    line = _find_wrong_line(file, encoding)
    if line is not None:
        raise Malformed(
            f"Line {line} of the file is not {encoding.name}. Name the encoding of the file with --encoding."
        )


def _find_unmarked(start: bytes) -> str | None:
    """UTF-16 without a mark: in a text of mostly Latin letters, every other byte is zero."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 4 and min(even, odd) * RARE < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _find_wrong_line(file: BinaryIO, encoding: Encoding) -> int | None:
    """The number of the first line that is not in an encoding; None if the whole file is."""
    file.seek(len(encoding.mark))
    decoder = codecs.getincrementaldecoder(encoding.name)()
    line = 1
    while True:
        data = file.read(CHUNK)
        try:
            line += decoder.decode(data, final=not data).count("\n")
        except UnicodeDecodeError as error:
            return line + error.object[: error.start].decode(encoding.name, "ignore").count("\n")
        if not data:
            return None
