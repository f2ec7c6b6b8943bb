"""A limit of sign-ups that is used up costs no statement for some seconds."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.storage.connection import Connection
from tests.conftest import Service
from tests.rest.v1.sign_up import PASSWORD
from tests.rest.v1.test_errors import error


async def sign_up(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/v1/accounts", json={"email": email, "password": PASSWORD})


async def reject_statement(*_: Any) -> None:
    raise AssertionError("a statement ran")


async def test_a_sign_up_over_a_known_limit_costs_no_statement(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(replace(service.config, source_sign_ups=1), service.database)
    near, far = (httpx.ASGITransport(app, client=(source, 1)) for source in ("192.0.2.1", "192.0.2.2"))
    async with httpx.AsyncClient(transport=near, base_url="http://service") as http:
        answers = [await sign_up(http, f"n{number}@studio.example") for number in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "execute", reject_statement)
            again, invalid = await sign_up(http, "n2@studio.example"), await sign_up(http, "no address")
    assert (again.status_code, error(again)["message"]) == (429, "Too many accounts were created")
    assert 3500 < int(again.headers["retry-after"]) <= 3600
    assert invalid.status_code == 422
    async with httpx.AsyncClient(transport=far, base_url="http://service") as http:
        assert (await sign_up(http, "other@studio.example")).status_code == 200
