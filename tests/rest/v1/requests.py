"""Requests that create and read clients through the v1 API."""

import json
from typing import Any
from urllib.parse import quote

from tests.conftest import Service

NOBODY = "000000000000000000000000"


def clients_path(service: Service, below: str = "") -> str:
    return f"/v1/Organizations/{service.organization}/clients{below}"


def as_filter(filter_: Any) -> str:
    return f"?filter={quote(json.dumps(filter_))}"


async def make(service: Service, **values: Any) -> dict[str, Any]:
    answer = await service.http.post(clients_path(service), json={"name": "Pixel Studio", **values})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def names(service: Service, filter_: Any) -> list[str]:
    answer = await service.http.get(clients_path(service) + as_filter(filter_))
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()]
