"""Requests that sign up and log in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.conftest import Service

EMAIL, PASSWORD = "ana@studio.example", "correct horse"


@dataclass(frozen=True)
class Member:
    """An account that has logged in, and a client that sends its token as v1's clients do."""

    id: str
    token: str
    http: httpx.AsyncClient

    def path(self, below: str = "") -> str:
        return f"/v1/accounts/{self.id}{below}"

    async def make_organization(self, **values: Any) -> dict[str, Any]:
        answer = await self.http.post(
            self.path("/organizations"), json={"name": "Ana", "country": "Slovenia", **values}
        )
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made


@asynccontextmanager
async def member(service: Service, email: str = EMAIL) -> AsyncIterator[Member]:
    """Somebody who signs up and logs in."""
    async with service.client(None) as http:
        given = {"email": email, "password": PASSWORD}
        assert (await http.post("/v1/accounts", json=given)).status_code == 200
        answer = await http.post("/v1/accounts/login", json=given)
        assert answer.status_code == 200, answer.text
        http.headers["Authorization"] = answer.json()["id"]
        yield Member(answer.json()["userId"], answer.json()["id"], http)
