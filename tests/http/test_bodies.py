"""Bodies that never end: every API answers 400, and nothing is logged as an internal error."""

import logging

import pytest
from starlette.types import Message, Scope

from tests.conftest import Service


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/customers"),
        ("PATCH", "/customers/cust_x"),
        ("POST", "/v1/organizations/x/clients"),
        ("POST", "/graphql"),
    ],
)
async def test_a_caller_that_leaves_within_its_body_is_rejected(
    shared_service: Service, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    arriving: list[Message] = [
        {"type": "http.request", "body": b'{"na', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = {"authorization": f"Bearer {shared_service.token}", "content-type": "application/json"}
    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "root_path": ""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    with caplog.at_level(logging.WARNING):
        await shared_service.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert caplog.records == []
