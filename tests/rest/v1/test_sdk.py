"""The whole way of an unmodified SDK, over a real server: from signing up to deleting a client."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from app.accounts.service import verify_account
from tests.conftest import Service
from tests.rest.v1.sign_up import EMAIL, PASSWORD


@pytest.fixture
async def address(service: Service) -> AsyncIterator[str]:
    """The service on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[opened]))
        yield f"http://127.0.0.1:{opened.getsockname()[1]}/v1"
        server.should_exit = True
        await serving


class Sdk:
    """Sends what the SDKs send, lower-case paths below /v1, and takes nothing but what they can read."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.token = ""

    async def ask(self, method: str, path: str, *, json: Any = None, token: str | None = None) -> Any:
        headers = {"Authorization": self.token if token is None else token, "Accept": "*/*"}
        answer = await self.http.request(method, path, json=json, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert parsedate_to_datetime(answer.headers["date"]).tzinfo is not None
        return answer.json()


async def test_an_unmodified_sdk_goes_all_the_way(address: str, service: Service) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        sdk, given = Sdk(http), {"email": EMAIL, "password": PASSWORD}
        assert await sdk.ask("GET", f"/accounts/is-unique?email={quote(EMAIL)}", token="Bearer junk") == {
            "isUnique": True
        }
        account = await sdk.ask("POST", "/accounts", json=given, token="")
        assert (account["email"], "password" in account) == (EMAIL, False)
        session = await sdk.ask("POST", "/accounts/login", json=given, token="junk")
        assert re.fullmatch("[A-Za-z0-9]{64}", session["id"])
        assert session["userId"] == account["id"]
        sdk.token = session["id"]
        assert await sdk.ask("GET", f"/accounts/{account['id']}") == account

        organizations = f"/accounts/{account['id']}/organizations"
        assert await sdk.ask("GET", f"{organizations}/", json={}) == []
        made = await sdk.ask("POST", organizations, json={"name": "Ana Ltd", "country": "Slovenia", "_defaults": []})
        assert await sdk.ask("GET", f"{organizations}/", json={}) == [made]
        assert await sdk.ask("GET", f"/organizations/{made['id']}") == made
        await verify_account(service.database, EMAIL)
        await go_on_to_clients(sdk, f"/organizations/{made['id']}")

        left = await http.post("/accounts/logout", headers={"Authorization": sdk.token})
        assert (left.status_code, left.content) == (204, b"")
        refused = await http.get(organizations, headers={"Authorization": sdk.token})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "AUTHORIZATION_REQUIRED")


async def go_on_to_clients(sdk: Sdk, organization: str) -> None:
    client = await sdk.ask("POST", f"{organization}/clients", json={"id": "", "name": "Pixel", "city": "Kranj"})
    found = "filter[where][city]=Kranj&filter[where][name][like]=Pix%25&filter[order]=name%20ASC&filter[limit]=5"
    assert await sdk.ask("GET", f"{organization}/clients?{found}", json={}) == [client]
    one = f"/clients/{client['id']}"

    again = await sdk.ask("PUT", one, json={**client, "email": "office@pixel.example"})
    assert {**again, "updatedAt": None} == {**client, "email": "office@pixel.example", "updatedAt": None}
    bare = await sdk.ask("PUT", one, json={"name": "Pixel Studio", "email": "office@pixel.example"})
    assert (bare["organizationId"], bare["createdAt"]) == (client["organizationId"], client["createdAt"])
    assert await sdk.ask("GET", f"{organization}/clients", json={}) == [bare]
    assert await sdk.ask("GET", f"{organization}/search-clients?term=studio", json={}) == [bare]
    assert await sdk.ask("GET", f"{organization}/clients/count") == {"count": 1}

    assert await sdk.ask("POST", f"{one}/send-reminder", json={"l": "sl"}) == {"success": True}
    assert await sdk.ask("DELETE", one) == {"count": 1}
    assert await sdk.ask("GET", f"{organization}/clients") == []
