"""Messages of graphql-transport-ws are read, and the token in connection_init is found."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graphql.server.messages import CloseSocket, Message, find_token, read_message

TOKEN = "sk_0123456789abcdef"
BAD = [
    "",
    "not JSON",
    "123",
    "null",
    '"ping"',
    "[]",
    "{}",
    '{"type": 1}',
    '{"type": null}',
    '{"type": "next", "id": "1", "payload": {}}',
    '{"type": "connection_ack"}',
    '{"type": "error", "id": "1"}',
    '{"type": "PING"}',
    '{"type": "connection_init", "payload": "token"}',
    '{"type": "ping", "payload": []}',
    '{"type": "pong", "payload": 1}',
    '{"type": "subscribe", "payload": {}}',
    '{"type": "subscribe", "id": "", "payload": {}}',
    '{"type": "subscribe", "id": 1, "payload": {}}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": "1", "payload": "{ viewer }"}',
    '{"type": "subscribe", "id": "\\ud800", "payload": {}}',
    json.dumps({"type": "subscribe", "id": "x" * 1001, "payload": {}}),
    '{"type": "complete"}',
    '{"type": "complete", "id": null}',
    '{"type": "ping", "payload": ' + '{"a":' * 40 + "1" + "}" * 40 + "}",
]


@pytest.mark.parametrize("text", BAD)
def test_a_message_that_breaks_the_protocol_closes_the_websocket(text: str) -> None:
    with pytest.raises(CloseSocket) as closing:
        read_message(text)
    assert closing.value.code == 4400
    assert 0 < len(closing.value.reason.encode()) <= 123


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"type": "connection_init"}, Message("connection_init", "", None)),
        ({"type": "connection_init", "payload": {"a": 1}}, Message("connection_init", "", {"a": 1})),
        ({"type": "ping", "payload": {"at": 1}}, Message("ping", "", {"at": 1})),
        ({"type": "pong", "id": "ignored"}, Message("pong", "", None)),
        ({"type": "subscribe", "id": "é", "payload": {"query": 1}}, Message("subscribe", "é", {"query": 1})),
        ({"type": "complete", "id": "1", "payload": "ignored"}, Message("complete", "1", "ignored")),
    ],
)
def test_a_message_is_read(sent: dict[str, Any], message: Message) -> None:
    assert read_message(json.dumps(sent)) == message


@given(st.text())
def test_any_other_text_closes_the_websocket(text: str) -> None:
    with pytest.raises(CloseSocket):
        read_message(text)


@given(st.text(alphabet="aé漢😀"))
def test_a_reason_fits_into_a_close_frame(text: str) -> None:
    reason = CloseSocket(4409, text).reason
    assert len(reason.encode()) <= 120
    assert text.startswith(reason)


@pytest.mark.parametrize(
    ("payload", "token"),
    [
        (None, None),
        ({}, None),
        ({"Authorization": f"Bearer {TOKEN}"}, TOKEN),
        ({"authorization": TOKEN}, TOKEN),
        ({"AUTHORIZATION": f"bearer {TOKEN}"}, TOKEN),
        ({"X-Access-Token": TOKEN}, TOKEN),
        ({"access_token": TOKEN}, TOKEN),
        ({"accessToken": TOKEN}, TOKEN),
        ({"authToken": f"Bearer {TOKEN}"}, TOKEN),
        ({"token": TOKEN}, TOKEN),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, TOKEN),
        ({"Authorization": "Bearer ", "token": TOKEN}, TOKEN),
        ({"Authorization": f"Bearer {TOKEN}", "token": "other"}, TOKEN),
        ({"Authorization": 1, "token": None, "headers": "x"}, None),
        ({"headers": {"headers": {"token": TOKEN}}}, TOKEN),
    ],
)
def test_a_token_is_found_under_every_usual_name(payload: dict[str, Any] | None, token: str | None) -> None:
    assert find_token(payload) == token
