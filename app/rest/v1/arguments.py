"""Arguments: a query parameter becomes an object or a text, as LoopBack's remoting layer reads it."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import Malformed
from app.http.bodies import NotJson, TooDeep, parse_json
from app.query.values import check_text
from app.rest.v1.brackets import Value, read_parameters
from app.rest.v1.errors import NOT_A_STRING, NOT_AN_OBJECT, refuse_depth, refuse_missing

DEEPEST_QUERY, MOST_BRACKETS = 12, 20

Parameters = Mapping[str, Value]


def read_query(query: str, *names: str) -> Parameters:
    """The parameters of these names. Raises Malformed for over 1,000 parameters, or over 20 brackets."""
    return read_parameters(query, MOST_BRACKETS, frozenset(names)) if query else {}


def object_argument(parameters: Parameters, name: str) -> Mapping[str, Any] | None:
    """An object, in brackets or as JSON; None when it is absent, empty or null."""
    given = parameters.get(name)
    if given is None or given == "" or given == "null":
        return None
    if isinstance(given, str):
        return _parse_object(given.strip(), name)
    if isinstance(given, Mapping):
        return given
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
    """For the JSON that the quick parser does not take: very deep, or with half of a surrogate pair."""
    try:
        parsed: Mapping[str, Any] = parse_json(text.encode("utf-8", "surrogatepass"))
    except TooDeep as error:
        raise refuse_depth(DEEPEST_QUERY) from error
    except NotJson as error:
        raise Malformed("Cannot parse JSON-encoded object value.", name) from error
    return parsed


def text_argument(parameters: Parameters, name: str) -> str | None:
    """A text; None when it is absent or empty. Raises Malformed."""
    given = parameters.get(name)
    if given is not None and not isinstance(given, str):
        raise Malformed(NOT_A_STRING, name)
    return check_text(given, name) if given else None


def required_text(parameters: Parameters, name: str) -> str:
    given = text_argument(parameters, name)
    if given is None:
        raise refuse_missing(name)
    return given
