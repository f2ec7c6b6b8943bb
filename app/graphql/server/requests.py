"""Requests: what a GraphQL request asks, read from a JSON body or a query string; every transport takes the same members."""

import re
from dataclasses import dataclass
from typing import Any

from app.graphql.server.errors import Refused
from app.http.bodies import NotJson, TooDeep, parse_json

HASH = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A well-formed GraphQL request. It has a text, an id of a trusted document, or a text and its own SHA-256 as the id."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: dict[str, Any]


def read_parameters(parameters: dict[str, str]) -> GraphQLRequest:
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


def read_request(body: object) -> GraphQLRequest:
    """A request from its JSON. Raises Refused (400) for one that is not well-formed."""
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object", "BAD_REQUEST")
    name, variables = body.get("operationName"), body.get("variables")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "`operationName` must be a string", "BAD_REQUEST")
    for key in ("variables", "extensions"):
        if body.get(key) is not None and not isinstance(body[key], dict):
            raise Refused(400, f"`{key}` must be an object", "BAD_REQUEST")
    return GraphQLRequest(*_read_document(body), name or None, variables or {})


def _read_document(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """The text and the id, at least one of them."""
    query, named = body.get("query"), body.get("documentId")
    if query is not None and not isinstance(query, str):
        raise Refused(400, "`query` must be a GraphQL document", "BAD_REQUEST")
    if named is not None and (not isinstance(named, str) or not named):
        raise Refused(400, "`documentId` must be the id of a trusted document", "BAD_REQUEST")
    if query and named:
        raise Refused(400, "Either `query` or `documentId` says what to run, not both", "BAD_REQUEST")
    chosen = named or _read_hash((body.get("extensions") or {}).get("persistedQuery"))
    if not query and chosen is None:
        raise Refused(400, "`query` must be a GraphQL document", "BAD_REQUEST")
    return query or None, chosen


def _read_hash(persisted: Any) -> str | None:
    """The hash of Apollo's `persistedQuery`, in lower case; None when there is none."""
    if persisted is None:
        return None
    given = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(given, str) or not HASH.fullmatch(given) or persisted.get("version", 1) != 1:
        raise Refused(400, "`extensions.persistedQuery` must have version 1 and a `sha256Hash` in hex", "BAD_REQUEST")
    return given.lower()
