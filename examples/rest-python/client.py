"""A client of both REST APIs, to copy: it authenticates, waits and repeats when it must, and raises ApiError for every error."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

ATTEMPTS = 5
PASSING = frozenset({429, 500, 502, 503, 504})
"""The statuses after which a request is worth another attempt."""


class ApiError(Exception):
    """An error of either API. `code` is for programs; `fields` has the messages of each field of a body."""

    def __init__(self, response: httpx.Response) -> None:
        body = response.json()
        error = body.get("error", body)
        super().__init__(f"{response.status_code}: {error['message']}")
        self.status: int = response.status_code
        self.code: str = error.get("code") or error.get("name", "")
        self.request_id = response.headers["x-request-id"]
        cause = {name: value["_errors"] for name, value in error.get("cause", {}).items() if name != "_errors"}
        self.fields: Mapping[str, list[str]] = cause or error.get("details", {}).get("messages", {})


class Service:
    """The service at an address. `organization` is the id of the organization, with or without `ent_`."""

    def __init__(self, address: str, token: str) -> None:
        self.http = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request, and repeats it after passing errors. A POST has a key, so a repeat does nothing twice."""
        headers = {**options.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        for attempt in range(1, ATTEMPTS + 1):
            pause = 2.0**attempt
            try:
                response = self.http.request(method, path, headers=headers, **options)
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if response.status_code not in PASSING or attempt == ATTEMPTS:
                    break
                pause = float(response.headers.get("retry-after", pause))
            time.sleep(pause)
        if response.is_error:
            raise ApiError(response)
        return response

    def list_customers(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every customer, page by page. `parameters` are those of the list, such as `query` as JSON."""
        cursor = None
        while True:
            page = self.send("GET", "/customers", params={**parameters, **({"next_cursor": cursor} if cursor else {})})
            yield from page.json()["data"]
            cursor = page.json()["pagination"]["next_cursor"]
            if cursor is None:
                return

    def list_clients(self, organization: str, where: Mapping[str, Any], size: int = 100) -> Iterator[dict[str, Any]]:
        """Every client that meets the conditions, page by page. Each page begins after the last id of the one before."""
        last = ""
        while True:
            conditions = [where, {"id": {"gt": last}}] if last else [where]
            filter_ = {"where": {"and": conditions}, "order": "id ASC", "limit": size}
            path = f"/v1/organizations/{organization.removeprefix('ent_')}/clients"
            rows = self.send("GET", path, params={"filter": json.dumps(filter_)}).json()
            yield from rows
            if len(rows) < size:
                return
            last = rows[-1]["id"]
