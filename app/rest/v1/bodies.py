"""Request bodies of the v1 API: JSON and forms by their content type, with LoopBack's limits."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from app.errors import Malformed
from app.http.bodies import DEEPEST, Admit, TooLarge, WrongType, parse_json, read_bytes
from app.http.encodings import UnknownCharset, UnknownEncoding, read_text
from app.http.headers import read_header
from app.rest.v1.brackets import TooManyBrackets, TooManyParameters, read_parameters
from app.rest.v1.errors import NOT_A_STRING, NOT_AN_OBJECT, too_deep

RECORD_CAP = 100 * 1024
"""The most bytes of a body with one record. A list of records may be as large as the service allows."""
TOO_LARGE = "request entity too large"

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Body:
    """`value` is the parsed body, None if the body is `empty`. An `unread` body has an unknown type."""

    value: Any
    empty: bool = True
    unread: bool = False

    def object(self) -> dict[str, Any]:
        """The object in the body, empty without a body. Raises Malformed for any other value."""
        if self.empty:
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


async def read_body(request: Request, cap: int, admit: Admit | None = None) -> Body:
    """The body. `admit` is awaited before more than 4 KB are read or unpacked.

    Raises TooLarge, NotJson, TooDeep, BrokenBody, Malformed, and WrongType for a charset or an encoding."""
    kind = read_header(request.scope, b"content-type").partition(";")[0].strip().lower()
    try:
        if kind not in (JSON, FORM):
            return Body(None, unread=bool(await read_bytes(request, cap, admit)))
        text = await read_text(request, cap, admit)
    except TooLarge as error:
        raise TooLarge(TOO_LARGE) from error
    except UnknownEncoding as error:
        raise WrongType(f'unsupported content encoding "{error.received}"') from error
    except UnknownCharset as error:
        raise WrongType(f'unsupported charset "{error.received.upper()}"') from error
    if len(text) > RECORD_CAP and not (kind == JSON and text.lstrip()[:1] == b"["):
        raise TooLarge(TOO_LARGE)
    if not text:
        return Body(None)
    return Body(_parse_form(text) if kind == FORM else parse_json(text), empty=False)


def _parse_form(text: bytes) -> dict[str, Any]:
    try:
        return dict(read_parameters(text.decode("latin-1"), DEEPEST))
    except TooManyParameters as error:
        raise TooLarge("too many parameters") from error
    except TooManyBrackets as error:
        raise too_deep(DEEPEST) from error
