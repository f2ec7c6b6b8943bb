"""RequestBuilder: requests to the three APIs with an access token."""

from dataclasses import dataclass

import orjson

from benchmarks.load import HttpRequest

ORGANIZATION = f"{5:024x}"
"""The organization of the requests."""


@dataclass(frozen=True)
class RequestBuilder:
    """Builds requests to the three APIs with an access token. Those to the Customers API name the organization."""

    token: str
    organization: str = ORGANIZATION

    def v1(self, path: str, body: object = None) -> HttpRequest:
        return self._build(path, body, {})

    def customers(self, path: str, body: object = None) -> HttpRequest:
        return self._build(path, body, {"x-entity-id": f"ent_{self.organization}"})

    def graphql(self, query: str, variables: dict[str, object] | None = None) -> HttpRequest:
        return self._build("/graphql", {"query": query, **({"variables": variables} if variables else {})}, {})

    def _build(self, path: str, body: object, headers: dict[str, str]) -> HttpRequest:
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        if body is None:
            return HttpRequest(path=path, headers=headers)
        return HttpRequest(
            path=path,
            method="POST",
            headers={**headers, "Content-Type": "application/json"},
            body=orjson.dumps(body),
        )
