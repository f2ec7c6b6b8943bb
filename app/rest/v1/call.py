"""V1Call: one request, and how LoopBack reads its query parameters and its body."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from app.auth import Access, Principal
from app.errors import Malformed
from app.http.bodies import NotJson, TooDeep, TooManyValues, parse_json
from app.idempotency import RequestKey
from app.query.values import check_text
from app.rest.call import Call
from app.rest.v1.bodies import Body, read_body
from app.rest.v1.brackets import Value, read_parameters
from app.rest.v1.errors import NOT_A_STRING, NOT_AN_OBJECT, missing_argument, too_deep

DEEPEST_QUERY, MOST_BRACKETS = 12, 20
SMALL_BODY_CAP = 16 * 1024

Parameters: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class V1Call(Call):
    """A call whose caller is authenticated only when a handler asks for the access."""

    @property
    def id(self) -> str:
        """The id in the path, which may be any text."""
        return self.path_parameters["id"]

    def access(self) -> Awaitable[Access]:
        """The database and the authenticated caller. Raises Unauthenticated."""
        access: Awaitable[Access] = self.request.user.access()
        return access

    def parameters(self, *names: str) -> Parameters:
        """The query parameters of these names. Raises as `parse_query` does."""
        return parse_query(self.query, *names)

    def all_parameters(self) -> Parameters:
        """Every query parameter. Raises as `parse_query` does."""
        return read_parameters(self.query.decode("latin-1"), MOST_BRACKETS)

    def object_parameter(self, name: str) -> Mapping[str, Any] | None:
        """The query parameter of this name as an object; None when it is absent, empty or null. Raises Malformed."""
        return object_argument(self.parameters(name), name)

    async def body(self) -> Body:
        """The body. A caller without a valid token sends at most 4 KB. Raises Unauthenticated for a larger body."""
        return await read_body(self.request, self.services.body_cap, self.access)

    async def small_body(self) -> Body:
        """The body of a sign-up or a login, which needs no token: at most 16 KB."""
        return await read_body(self.request, SMALL_BODY_CAP)

    def key(self, principal: Principal, operation: str, *values: object) -> RequestKey | None:
        """The identity of this request: its Idempotency-Key, the operation, the id and the values; None without a key."""
        text = self.request.headers.get("idempotency-key")
        return None if text is None else RequestKey.of(principal.owner, text, operation, self.id, *values)


def parse_query(query: bytes, *names: str) -> Parameters:
    """The parameters of these names. Raises Malformed for over 1,000 parameters, or over 20 brackets."""
    return read_parameters(query.decode("latin-1"), MOST_BRACKETS, frozenset(names)) if query else {}


def object_argument(parameters: Parameters, name: str) -> Mapping[str, Any] | None:
    """An object, in brackets or as JSON; None when it is absent, empty or null. Raises Malformed."""
    value = parameters.get(name)
    if value is None or value == "" or value == "null":
        return None
    if isinstance(value, str):
        return _parse_object(value.strip(), name)
    if isinstance(value, Mapping):
        return value
    raise Malformed(NOT_AN_OBJECT, name)


def _parse_object(text: str, name: str) -> Mapping[str, Any]:
    if not (text.startswith("{") and text.endswith("}")):
        raise Malformed(NOT_AN_OBJECT, name)
    parsed: Mapping[str, Any]
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = _parse_slowly(text, name)
    return parsed


def _parse_slowly(text: str, name: str) -> Mapping[str, Any]:
    """Parses JSON that orjson rejects: very deep JSON, or half of a surrogate pair."""
    try:
        parsed: Mapping[str, Any] = parse_json(text.encode("utf-8", "surrogatepass"))
    except TooDeep as error:
        raise too_deep(DEEPEST_QUERY) from error
    except (NotJson, TooManyValues) as error:
        raise Malformed("Cannot parse JSON-encoded object value.", name) from error
    return parsed


def text_argument(parameters: Parameters, name: str) -> str | None:
    """A text; None when it is absent or empty. Raises Malformed."""
    value = parameters.get(name)
    if value is not None and not isinstance(value, str):
        raise Malformed(NOT_A_STRING, name)
    return check_text(value, name) if value else None


def required_text(parameters: Parameters, name: str) -> str:
    text = text_argument(parameters, name)
    if text is None:
        raise missing_argument(name)
    return text
