"""Credentials: the access tokens in a request, and the hash by which a token is stored."""

import hashlib
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from starlette.datastructures import QueryParams
from starlette.types import Scope

MOST_TOKENS = 10
"""The most tokens of one request that are looked up."""


def hash_token(text: str) -> bytes:
    """The hash that is stored instead of a token. A token has over 200 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def find_tokens(scope: Scope) -> tuple[str, ...]:
    """The tokens in `Authorization`, in `X-Access-Token` and in `?access_token=`, in this order, at most 10.

    Authorization is the token itself, Bearer with the token or its base64, or Basic with the token as the password.
    """
    authorization: list[str | None] = []
    tokens: list[str | None] = []
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization.append(read_authorization(value.decode("latin-1")))
        elif name == b"x-access-token":
            tokens.append(value.decode("latin-1"))
    if scope["query_string"] and names_token(scope["query_string"]):
        tokens += QueryParams(scope["query_string"]).getlist("access_token")
    return tuple(dict.fromkeys(filter(None, (*authorization, *tokens))))[:MOST_TOKENS]


def names_token(query: bytes) -> bool:
    """True if a query string has the parameter access_token, percent-encoded or not."""
    return any(unquote_to_bytes(pair.partition(b"=")[0]) == b"access_token" for pair in query.split(b"&"))


def read_authorization(header: str) -> str | None:
    """The token in the value of an Authorization header."""
    scheme, _, rest = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return _decode_bearer(rest.strip()) or None
        case "basic":
            return _password(rest.strip())
    return header.strip() or None


def _decode_bearer(token: str) -> str:
    """The token. Clients of LoopBack send it as base64; if it decodes to printable ASCII, that is the token."""
    if "_" in token:
        return token
    try:
        text = b64decode(token, validate=True).decode("ascii")
    except ValueError:
        return token
    return text if text and text.isprintable() else token


def _password(credentials: str) -> str | None:
    try:
        user, _, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return None
    return password or user or None
