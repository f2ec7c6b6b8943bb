"""Access tokens are hidden in the log and in errors, in every spelling, and in linear time."""

import json
import logging
import time
from base64 import b64encode
from urllib.parse import quote

import pytest
from graphql import GraphQLError

from app.errors import Invalid, Malformed, Problem, Stale
from app.graphql.schema.user_errors import user_errors
from app.graphql.server.errors import format_error
from app.http.redaction import HIDDEN, hide_tokens
from app.server.logs import TokenFormatter
from tests.conftest import Service

SECRET = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKl"
TOKENS = (
    f"sk_live_{SECRET}",
    f"sk_sandbox_{SECRET}",
    f"ek_live_{SECRET}",
    f"ek_sandbox_{SECRET}",
    SECRET + SECRET[:16],
)


def encode(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


SPELLINGS = (
    str,
    encode,
    lambda token: encode(encode(token)),
    lambda token: encode(token[:20]) + token[20:],
    lambda token: token[:20] + encode(token[20:]),
    lambda token: token.replace("_", "%5F").replace("A", "%41"),
    lambda token: f"x%00{token}",
    lambda token: f"{token}%00",
    str.lower,
    lambda token: token[:40] if "_" in token else token,
)
PLACES = (
    "{}",
    "GET /v1/clients/{}?x=1 HTTP/1.1",
    "/x?access_token={}",
    "/x?access_token%00={}",
    "/x?;access_token={}",
    "/x?a=1;access%5Ftoken={}&b=2",
    "/v1/accounts/me/accesstokens/{}",
    "/%2e%2e/{}/",
    'Traceback: File "x.py", ValueError: {!r}',
    '{{"message":"could not find a model with id {}","code":"X"}}',
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_token_is_hidden_in_every_spelling_and_place(place: str, spell: object) -> None:
    assert callable(spell)
    for token in TOKENS:
        hidden = hide_tokens(place.format(spell(token)))
        assert HIDDEN in hidden
        for part in (token[8:20], token[-12:], encode(token[8:20]), encode(token[-12:])):
            assert part.lower() not in hidden.lower()
        if place.startswith('{{"'):
            json.loads(hidden)


def test_a_token_in_base64_is_hidden() -> None:
    for token in TOKENS[:4]:
        assert hide_tokens(f"Bearer {b64encode(token.encode()).decode()}") == f"Bearer {HIDDEN}"


@pytest.mark.parametrize(
    "text",
    [
        "GET /v1/clients/0190a1b2c3d4e5f60718293a?filter=%7B%22limit%22%3A3%7D HTTP/1.1",
        "task_live sk_test sk-live-x skill_live",
        "a" * 59,
        "a" * 73,
        "100 % of the clients",
        quote("žluťoučký kůň"),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert hide_tokens(text) == text


@pytest.mark.parametrize(
    "part",
    ["?", "&", "?x", "=", "%", "%2", "%25", "a", "sk_", "sk_live_", "c2tf", "/accesstokens/", ";", "_%", "?a=%2"],
)
def test_the_time_is_linear(part: str) -> None:
    """Half a megabyte takes far less than the minutes of a quadratic search."""
    began = time.monotonic()
    hide_tokens(part * (500_000 // len(part)))
    assert time.monotonic() - began < 10


def test_messages_arguments_and_tracebacks_of_the_log_hide_tokens() -> None:
    formatter = TokenFormatter("%(message)s")
    try:
        raise ValueError(TOKENS[0])
    except ValueError as error:
        information = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x", 1, f"{TOKENS[1]} %s", ({"id": TOKENS[2]},), information)
    text = formatter.format(record)
    assert SECRET not in text
    assert "Traceback" in text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/{}"),
        ("GET", "/v1/clients/{}/x"),
        ("GET", "/v1/clients/{}"),
        ("GET", "/nothing/{}?access_token%00={}"),
        ("GET", "/nothing?;access_token={}"),
        ("GET", "/customers/{}"),
        ("GET", "/customers?order_by={}"),
        ("GET", '/v1/clients/count?where={{"{}":1}}'),
        ("GET", '/v1/Organizations/{}/clients?filter={{"where":{{"id":{{"{}":1}}}}}}'),
    ],
)
@pytest.mark.parametrize("spell", [str, encode])
async def test_errors_do_not_repeat_tokens(shared_service: Service, method: str, path: str, spell: object) -> None:
    assert callable(spell)
    for token in TOKENS:
        spelt = spell(token)
        answer = await shared_service.http.request(method, path.format(*[spelt] * path.count("{}")))
        assert answer.status_code >= 400
        assert token not in answer.text
        assert spelt.lower() not in answer.text.lower()
        answer.json()


async def test_errors_about_values_do_not_repeat_tokens(shared_service: Service) -> None:
    for token in TOKENS:
        body = {"name": "x", "email": token, "vat": [token], token: {"x": token}}
        for path in (f"/v1/Organizations/{shared_service.organization}/clients", "/customers"):
            answer = await shared_service.http.post(path, json=body)
            assert token[:24].removeprefix("sk_live_") not in answer.text
            assert token not in answer.text


async def test_a_request_id_with_a_token_is_not_repeated(
    shared_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    for token in TOKENS:
        for path in ("/customers/x", "/v1/clients/x", "/graphql", "/healthz"):
            answer = await shared_service.http.get(path, headers={"X-Request-Id": token})
            assert answer.headers["x-request-id"].startswith("req_")
            assert token not in answer.text
    assert SECRET not in caplog.text


def test_errors_of_graphql_do_not_repeat_tokens() -> None:
    """The schema lets no caller name a field, so these errors are made here."""
    for token in TOKENS:
        errors = (
            Malformed(f"got {token}", token),
            Invalid([Problem(token, "length", token)]),
            Stale(f"got {token}", token),
        )
        for error in errors:
            assert token not in str(user_errors(error, ["input"]))
            assert token not in str(format_error(GraphQLError("x", original_error=error), "req_x"))
