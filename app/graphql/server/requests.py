"""Requests: JSON and query strings become GraphQLRequests."""

import re
from typing import Any

from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import RequestError
from app.graphql.server.prepared import GraphQLRequest
from app.http.bodies import NotJson, TooDeep, TooManyValues, parse_json

SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def read_parameters(parameters: dict[str, str]) -> GraphQLRequest:
    """A request from a query string, in which variables and extensions are JSON. Raises RequestError for any other."""
    body: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if body.get(name):
            try:
                body[name] = parse_json(body[name].encode("utf-8", "surrogateescape"))
            except (NotJson, TooDeep, TooManyValues) as error:
                raise RequestError(ErrorCode.INVALID_JSON, f"`{name}` is not valid JSON.") from error
        else:
            body.pop(name, None)
    body["operationName"] = body.get("operationName") or None
    return read_request(body)


def read_request(body: object) -> GraphQLRequest:
    """A request from its JSON. Raises RequestError for a request that is not well-formed."""
    if isinstance(body, list):
        message = (
            "A list of requests is not supported. Send each request by itself, or several fields in one operation."
        )
        raise RequestError(ErrorCode.BATCHING_NOT_SUPPORTED, message)
    if not isinstance(body, dict):
        raise _invalid("The request must be a JSON object.")
    name, variables = body.get("operationName"), body.get("variables")
    if name is not None and not isinstance(name, str):
        raise _invalid("`operationName` must be a string.")
    for key in ("variables", "extensions"):
        if body.get(key) is not None and not isinstance(body[key], dict):
            raise _invalid(f"`{key}` must be a JSON object.")
    return GraphQLRequest(*_read_document(body), name or None, variables or {})


def _read_document(body: dict[str, Any]) -> tuple[str | None, str | None]:
    """The text and the id of the document. At least one of them is there."""
    query, document_id = body.get("query"), body.get("documentId")
    if query is not None and not isinstance(query, str):
        raise _invalid("`query` must be a string with a GraphQL document.")
    if document_id is not None and (not isinstance(document_id, str) or not document_id):
        raise _invalid("`documentId` must be a string with the id of a trusted document.")
    if query and document_id:
        raise _invalid("Send either `query` or `documentId`, not both.")
    chosen = document_id or _read_hash((body.get("extensions") or {}).get("persistedQuery"))
    if query == "" and chosen is None:
        raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, "Syntax Error: The document in `query` is empty.")
    if query is None and chosen is None:
        message = "The request has no document. Send its text in `query`, or a trusted document's `documentId`."
        raise RequestError(ErrorCode.MISSING_QUERY, message)
    return query or None, chosen


def _read_hash(persisted: Any) -> str | None:
    """The hash in Apollo's `persistedQuery`, in lower case; None without one."""
    if persisted is None:
        return None
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256) or persisted.get("version", 1) != 1:
        raise _invalid("`extensions.persistedQuery` needs version 1, and a `sha256Hash` of 64 hex digits.")
    return sha256.lower()


def _invalid(message: str) -> RequestError:
    return RequestError(ErrorCode.INVALID_REQUEST, message)
