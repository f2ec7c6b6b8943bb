"""Content-Encoding and charset: every API reads a compressed body, and a body in any form of Unicode."""

import zlib

from starlette.requests import Request

from app.http.bodies import UNAUTHENTICATED_CAP, Admit, TooLarge, WrongType, read_bytes
from app.http.errors import HttpError
from app.http.headers import read_header, read_lines

GZIP = zlib.MAX_WBITS | 16
ENCODINGS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": zlib.MAX_WBITS}
UTF_8 = ("utf-8", "utf8")
CHARSETS = ("utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be")
MOST_MEMBERS = 100
"""A gzip stream may have several members, one after the other."""


class UnknownEncoding(WrongType):
    """The service does not read the Content-Encoding of the body. `received` is its value."""

    def __init__(self, received: str) -> None:
        super().__init__(f"The Content-Encoding of the body must be one of {', '.join(ENCODINGS)}; got {received}.")
        self.received = received


class UnknownCharset(WrongType):
    """The service does not read the charset of the body. `received` is its name."""

    def __init__(self, received: str) -> None:
        super().__init__(f"The charset of the body must be utf-8, utf-16 or utf-32; got {received}.")
        self.received = received


class BrokenBody(HttpError):
    """The body is not what its Content-Encoding or its charset says."""


async def read_text(request: Request, cap: int, admit: Admit | None = None) -> bytes:
    """The body in UTF-8, without its compression. `admit` is awaited before more than 4 KB are read or unpacked.

    Raises TooLarge for over `cap` bytes, compressed or not, NotJson, UnknownEncoding, UnknownCharset and BrokenBody.
    """
    charset = read_charset(read_header(request.scope, b"content-type"))
    encoding = read_encoding(request)
    data = await read_bytes(request, cap, admit)
    if not encoding and charset == "utf-8":
        return data
    if encoding and admit is not None:
        try:
            return decode(inflate(data, encoding, min(cap, UNAUTHENTICATED_CAP)), charset)
        except TooLarge:
            await admit()
    return decode(inflate(data, encoding, cap), charset)


def read_encoding(request: Request) -> str:
    """The Content-Encoding in lower case; empty for a body that is not compressed. Raises UnknownEncoding."""
    lines = read_lines(request.scope, b"content-encoding")
    encoding = ", ".join(lines).strip().lower() if lines else ""
    if encoding in ("", "identity"):
        return ""
    if encoding not in ENCODINGS:
        raise UnknownEncoding(encoding)
    return encoding


def read_charset(content_type: str) -> str:
    """The charset of a Content-Type. Raises UnknownCharset for a charset outside Unicode."""
    charset = ""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').strip().lower()
    if not charset or charset in UTF_8:
        return "utf-8"
    if charset not in CHARSETS:
        raise UnknownCharset(charset)
    return charset


def inflate(data: bytes, encoding: str, cap: int) -> bytes:
    """The bytes before compression. Unpacking stops above the cap. Raises TooLarge and BrokenBody."""
    if not encoding:
        return data
    parts: list[bytes] = []
    left = cap
    for _ in range(MOST_MEMBERS):
        part, data = _inflate_member(data, encoding, left)
        left -= len(part)
        parts.append(part)
        if not data:
            return b"".join(parts)
        if encoding == "deflate":
            break
    raise BrokenBody("The compressed body must end with its last block.")


def _inflate_member(data: bytes, encoding: str, left: int) -> tuple[bytes, bytes]:
    """The bytes of one compressed stream, at most `left`, and the data behind it."""
    unpacker = zlib.decompressobj(ENCODINGS[encoding])
    try:
        unpacked = unpacker.decompress(data, left + 1)
    except zlib.error as error:
        raise BrokenBody("The body must be compressed as its Content-Encoding says.") from error
    if len(unpacked) > left:
        raise TooLarge("The body is too large after its compression is undone.")
    if not unpacker.eof:
        raise BrokenBody("The compressed body is incomplete.")
    return unpacked, unpacker.unused_data


def decode(data: bytes, charset: str) -> bytes:
    """The body in UTF-8. A body in UTF-8 is returned unchanged. Raises BrokenBody."""
    if charset == "utf-8":
        return data
    try:
        return data.decode(charset).encode()
    except ValueError as error:
        raise BrokenBody(f"The body must be valid {charset.upper()}.") from error
