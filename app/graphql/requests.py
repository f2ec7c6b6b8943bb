"""Requests: what a GraphQL request asks, read from a JSON body or a query string; every transport takes the same members."""

from dataclasses import dataclass
from typing import Any

from app.bodies import NotJson, TooDeep, parse_json
from app.graphql.failures import Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """A well-formed GraphQL request."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


def read_parameters(parameters: dict[str, str]) -> Asked:
    """A request from the query string, where variables and extensions are JSON texts."""
    body: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if body.get(name):
            try:
                body[name] = parse_json(body[name].encode("utf-8", "surrogateescape"))
            except (NotJson, TooDeep) as refusal:
                raise Refused(400, f"{name} is not valid JSON", "BAD_REQUEST") from refusal
        else:
            body.pop(name, None)
    body["operationName"] = body.get("operationName") or None
    return read_request(body)


def read_request(body: object) -> Asked:
    """A request from its JSON. Raises Refused (400) for one that is not well-formed."""
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object", "BAD_REQUEST")
    query, name = body.get("query"), body.get("operationName")
    variables, extensions = body.get("variables"), body.get("extensions")
    if not isinstance(query, str) or not query:
        raise Refused(400, "`query` must be a GraphQL document", "BAD_REQUEST")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "`operationName` must be a string", "BAD_REQUEST")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise Refused(400, f"`{key}` must be an object", "BAD_REQUEST")
    return Asked(query, name or None, variables or {})
