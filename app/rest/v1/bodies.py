"""Request bodies of the v1 API: JSON and forms by their content type, with LoopBack's limits."""

import zlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from app.errors import Malformed
from app.http.bodies import DEEPEST, TooLarge, WrongType, parse_json, read_bytes
from app.rest.v1.brackets import TooManyBrackets, TooManyParameters, read_parameters
from app.rest.v1.errors import NOT_A_STRING, NOT_AN_OBJECT, too_deep

RECORD_CAP = 100 * 1024
"""The most bytes of a body with one record. A list of records may be as large as the service allows."""
TOO_LARGE = "request entity too large"

CHARSETS = ("utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be")
ENCODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS | 32}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Body:
    """`value` is the parsed body, None without one, and `data` its bytes. An `unread` body has an unknown type."""

    value: Any
    data: bytes
    unread: bool = False

    def object(self) -> dict[str, Any]:
        """The object in the body, empty without a body. Raises Malformed for any other value."""
        if self.value is None and not self.data:
            return {}
        if not isinstance(self.value, dict):
            raise Malformed(NOT_AN_OBJECT)
        return self.value

    def lax_object(self) -> dict[str, Any]:
        """The object in the body; null and an unknown type are also an empty object. Raises Malformed."""
        return self.object() if self.value is not None else {}

    def require_type(self) -> None:
        """Raises WrongType for a body of an unknown type, which would otherwise be lost."""
        if self.unread:
            raise WrongType(f"The Content-Type of the body must be {JSON} or {FORM}.")

    def text(self, name: str) -> str | None:
        """A text member; None when it is absent, null or empty. Raises Malformed."""
        value = self.object().get(name)
        if value is not None and not isinstance(value, str):
            raise Malformed(NOT_A_STRING, name)
        return value or None


async def read_body(request: Request, cap: int) -> Body:
    """The body. Raises TooLarge, NotJson, TooDeep, Malformed, and WrongType for a charset or an encoding."""
    try:
        data = await read_bytes(request, cap)
    except TooLarge as error:
        raise TooLarge(TOO_LARGE) from error
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if not data or kind not in (JSON, FORM):
        return Body(None, b"", unread=bool(data))
    charset = read_charset(parameters, kind)
    text = decode(inflate(data, request.headers.get("content-encoding", "identity").lower(), cap), charset)
    if len(text) > RECORD_CAP and not (kind == JSON and text.lstrip()[:1] == b"["):
        raise TooLarge(TOO_LARGE)
    return Body(_parse_form(text) if kind == FORM else parse_json(text) if text else None, text)


def inflate(data: bytes, encoding: str, cap: int) -> bytes:
    """The bytes before compression. Raises TooLarge when they would be over the cap."""
    if encoding == "identity":
        return data
    if encoding not in ENCODINGS:
        raise WrongType(f'unsupported content encoding "{encoding}"')
    unpacker = zlib.decompressobj(ENCODINGS[encoding])
    try:
        unpacked = unpacker.decompress(data, cap + 1)
    except zlib.error as error:
        raise Malformed("The body must be compressed as its Content-Encoding says.") from error
    if len(unpacked) > cap:
        raise TooLarge(TOO_LARGE)
    if not unpacker.eof:
        raise Malformed("The compressed body is incomplete.")
    return unpacked


def read_charset(parameters: str, kind: str) -> str:
    """The charset that a content type names. Raises WrongType for a charset outside Unicode; a form must be UTF-8."""
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower() or charset
    if charset != "utf-8" and (kind == FORM or charset not in CHARSETS):
        raise WrongType(f'unsupported charset "{charset.upper()}"')
    return charset


def decode(data: bytes, charset: str) -> bytes:
    """The body in UTF-8."""
    if charset == "utf-8":
        return data
    try:
        return data.decode(charset).encode()
    except ValueError as error:
        raise Malformed(f"The body must be valid {charset.upper()}.") from error


def _parse_form(text: bytes) -> dict[str, Any]:
    try:
        return dict(read_parameters(text.decode("latin-1"), DEEPEST))
    except TooManyParameters as error:
        raise TooLarge("too many parameters") from error
    except TooManyBrackets as error:
        raise too_deep(DEEPEST) from error
