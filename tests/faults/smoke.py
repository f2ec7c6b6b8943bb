"""Uses each API of a running service once: smoke.py ADDRESS TOKEN. It needs nothing but Python.

The token can write in an organization. The run adds a client, reads it through every API, changes and deletes it. With
`--proxy`, any TLS certificate is accepted, and health is not public.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

NAME = "Smoke & Søn"
QUERY = "query Start { viewer { scopes organizations { id name } } clients(first: 3) { totalCount nodes { id name version } } }"
CREATE = """
  mutation Create($input: CreateClientInput!, $organization: ID!) {
    createClient(input: $input, organizationId: $organization) { client { id name } userErrors { message } }
  }
"""
FIND = 'query Find { clients(first: 5, search: "Smoke & Søn") { nodes { id name history(first: 5) { totalCount } } } }'


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def lower(headers: Message) -> dict[str, str]:
    """The headers by their names in lower case."""
    return {name.lower(): text for name, text in headers.items()}


@dataclass(frozen=True)
class Service:
    address: str
    token: str
    proxied: bool = False

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, method=method)  # noqa: S310 - the caller's address
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        context = ssl._create_unverified_context() if self.proxied else None  # noqa: S323 - the certificate of a test
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as response:  # noqa: S310
                return Answer(response.status, lower(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, lower(error.headers), error.read().decode())

    def execute(self, query: str, **variables: object) -> Any:
        answer = self.ask("POST", "/graphql", {"query": query, "variables": variables})
        assert answer.status == 200, answer
        assert "errors" not in answer.json, answer
        return answer.json["data"]


def check_health(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        answer = service.ask("GET", path)
        assert answer.status == (404 if service.proxied else 200), (path, answer)


def check_graphql(service: Service) -> str:
    """Creates a client. Returns its id as the Customers API spells it."""
    started = service.execute(QUERY)
    organization = started["viewer"]["organizations"][0]["id"]
    made = service.execute(CREATE, input={"name": NAME}, organization=organization)["createClient"]
    assert not made["userErrors"], made
    (found,) = (node for node in service.execute(FIND)["clients"]["nodes"] if node["id"] == made["client"]["id"])
    assert found["history"]["totalCount"] == 1, found
    newest = service.ask("GET", "/customers?limit=1&order_by=-created_at").json["data"][0]
    return str(newest["id"])


def check_rest(service: Service, customer: str) -> None:
    shown = service.ask("GET", f"/customers/{customer}")
    assert (shown.status, shown.json["name"]) == (200, NAME), shown
    client = f"/v1/clients/{customer.removeprefix('cust_')}"
    assert service.ask("GET", client).json["name"] == NAME
    changed = service.ask("PUT", client, {"name": NAME, "city": "Ljubljana"})
    assert (changed.status, changed.json["city"]) == (200, "Ljubljana"), changed
    assert service.ask("DELETE", f"/customers/{customer}").status in {200, 204}
    assert service.ask("GET", client).status == 404


def check_strangers(service: Service) -> None:
    answer = Service(service.address, "unknown", service.proxied).ask("GET", "/customers")
    assert answer.status == 401, answer


def main(address: str, token: str, *options: str) -> None:
    service = Service(address.rstrip("/"), token, proxied="--proxy" in options)
    check_health(service)
    check_rest(service, check_graphql(service))
    check_strangers(service)
    print(f"Every API of {address} works", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
