"""The tokens in a request: each place and form in which callers send them."""

from base64 import b64encode

import pytest
from starlette.types import Scope

from app.auth import find_tokens

TOKEN = "sk_live_abc"


def make_scope(headers: list[tuple[str, str]], query: str = "") -> Scope:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "headers": raw, "query_string": query.encode(), "path": "/"}


def basic(credentials: str) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


SENT: list[tuple[list[tuple[str, str]], str, list[str]]] = [
    ([("Authorization", TOKEN)], "", [TOKEN]),
    ([("Authorization", f"  {TOKEN} ")], "", [TOKEN]),
    ([("Authorization", f"Bearer {TOKEN}")], "", [TOKEN]),
    ([("authorization", f"bEaReR   {TOKEN} ")], "", [TOKEN]),
    ([("Authorization", basic(f"user:{TOKEN}"))], "", [TOKEN]),
    ([("Authorization", basic(f"user:{TOKEN}:x"))], "", [f"{TOKEN}:x"]),
    ([("Authorization", basic(f"{TOKEN}:"))], "", [TOKEN]),
    ([("Authorization", basic(TOKEN))], "", [TOKEN]),
    ([("X-Access-Token", TOKEN)], "", [TOKEN]),
    ([], f"access_token={TOKEN}", [TOKEN]),
    ([], "access_token=a%2Bb%20c", ["a+b c"]),
    ([("Authorization", TOKEN), ("X-Access-Token", "other")], "access_token=third", [TOKEN, "other", "third"]),
    ([("X-Access-Token", TOKEN)], "access_token=other", [TOKEN, "other"]),
    ([("Authorization", ""), ("X-Access-Token", TOKEN)], "", [TOKEN]),
    ([("X-Access-Token", "")], f"access_token={TOKEN}", [TOKEN]),
    ([("Authorization", f"Token {TOKEN}")], "", [f"Token {TOKEN}"]),
    ([("Authorization", "Bearer")], f"access_token={TOKEN}", [TOKEN]),
    ([("Authorization", "Bearer ")], "", []),
    ([("Authorization", "Basic !!!")], "", []),
    ([("Authorization", "Basic /w==")], "", []),
    ([("Authorization", basic(":"))], "", []),
    ([], "access_token=", []),
    ([], "token=x", []),
    ([("Authorization", "Basic !!!"), ("X-Access-Token", TOKEN)], "", [TOKEN]),
    ([("Authorization", f"Bearer {TOKEN}"), ("X-Access-Token", TOKEN)], f"access_token={TOKEN}", [TOKEN]),
    ([("Authorization", "Bearer a"), ("Authorization", "b")], "access_token=c&access_token=d", ["a", "b", "c", "d"]),
    ([], "&".join(f"access_token={index}" for index in range(99)), [str(index) for index in range(10)]),
    ([], "", []),
]


@pytest.mark.parametrize(("headers", "query", "tokens"), SENT)
def test_tokens_are_found_in_every_allowed_position(
    headers: list[tuple[str, str]], query: str, tokens: list[str]
) -> None:
    assert list(find_tokens(make_scope(headers, query))) == tokens
