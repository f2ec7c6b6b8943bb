"""The texts of errors in the OpenAPI documents are those that the service sends. The ids are those of the examples."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from app.auth import Scope
from app.rest.customers.operations.samples import CUSTOMER_ID, ENTITY_ID
from app.rest.v1.operations.samples import (
    ACCOUNT_ID,
    CLIENT_ID,
    LOGIN,
    NEW_ACCOUNT,
    ORGANIZATION_ID,
    PASSWORDS,
    TOKEN_ID,
)
from tests.conftest import Service
from tests.openapi_documents import JSON, operations, read_document, resolve

OTHER_CLIENT, OTHER_ORGANIZATION = "5a3683ea12d5a67dd0ef2f4d", "5a3683ea12d5a67dd0ef2f4b"
CLIENTS, ORGANIZATION = "/v1/organizations/OWN/clients", f"/v1/organizations/{ORGANIZATION_ID}"
CLIENT, CUSTOMER = f"/v1/clients/{CLIENT_ID}", f"/customers/{CUSTOMER_ID}"
TEXT = {"content-type": "text/plain"}
JSON_TYPE = {"content-type": JSON}


@dataclass(frozen=True)
class Mistake:
    """A request and the operation whose document explains it. OWN in the path is an organization, or a client, of the caller."""

    operation: str
    status: int
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    token: str = "own"


V1 = [
    Mistake("createClient", 401, "POST", CLIENTS, {"json": {}}, ""),
    Mistake("createClient", 404, "POST", f"{ORGANIZATION}/clients", {"json": {"name": "Ana"}}),
    Mistake("createClient", 400, "POST", CLIENTS, {"content": '{"name":', "headers": JSON_TYPE}),
    Mistake("createClient", 400, "POST", CLIENTS, {"json": [5]}),
    Mistake("createClient", 400, "POST", CLIENTS, {"json": [{}] * 1001}),
    Mistake("createClient", 400, "POST", CLIENTS, {"json": {"name": "Ana"}, "headers": {"idempotency-key": "x" * 256}}),
    Mistake("createClient", 413, "POST", CLIENTS, {"json": {"name": "x" * 110_000}}),
    Mistake("createClient", 413, "POST", CLIENTS, {"json": [0] * 50_001}),
    Mistake(
        "createClient",
        415,
        "POST",
        CLIENTS,
        {"content": "{}", "headers": {"content-type": f"{JSON}; charset=iso-8859-1"}},
    ),
    Mistake(
        "createClient", 415, "POST", CLIENTS, {"content": "{}", "headers": {**JSON_TYPE, "content-encoding": "br"}}
    ),
    Mistake("createClient", 422, "POST", CLIENTS, {"json": {}}),
    Mistake("createClient", 422, "POST", CLIENTS, {"json": [{"name": "Ana"}, {}]}),
    Mistake("findClients", 400, "GET", CLIENTS, {"params": {"filter": "[]"}}),
    Mistake("findClients", 400, "GET", CLIENTS, {"params": {"filter": '{"limit":"abc"}'}}),
    Mistake("findClients", 400, "GET", CLIENTS, {"params": {"filter": '{"where":{"colour":"red"}}'}}),
    Mistake("searchClients", 400, "GET", f"{CLIENTS}/search"),
    Mistake("searchClients", 400, "GET", f"{CLIENTS}/search", {"params": {"term": "a", "type": "neither"}}),
    Mistake("getClient", 404, "GET", CLIENT),
    Mistake("replaceClient", 404, "PUT", CLIENT, {"json": {"name": "Ana"}}),
    Mistake("replaceClient", 400, "PUT", CLIENT, {"json": {"name": "Ana", "id": OTHER_CLIENT}}),
    Mistake("replaceClient", 412, "PUT", "/v1/clients/OWN", {"json": {"name": "Ana"}, "headers": {"if-match": '"7"'}}),
    Mistake("updateClient", 404, "PATCH", CLIENT, {"json": {}}),
    Mistake("updateClient", 415, "PATCH", CLIENT, {"content": "{}", "headers": TEXT}),
    Mistake("deleteClient", 412, "DELETE", CLIENT, {"headers": {"if-match": '"1"'}}),
    Mistake("sendReminder", 422, "POST", "/v1/clients/OWN/send-reminder", {"json": {}}),
    Mistake("sendReminder", 422, "POST", "/v1/clients/OWN/send-reminder", {"json": {"mail": "office@studio.example"}}),
    Mistake("createAccount", 422, "POST", "/v1/accounts", {"json": {**NEW_ACCOUNT, "password": "short"}}),
    Mistake("login", 401, "POST", "/v1/accounts/login", {"json": dict(LOGIN)}),
    Mistake("login", 400, "POST", "/v1/accounts/login", {"json": {}}),
    Mistake("login", 422, "POST", "/v1/accounts/login", {"json": {**LOGIN, "ttl": "soon"}}),
    Mistake("logout", 401, "POST", "/v1/accounts/logout", {}, ""),
    Mistake("changePassword", 400, "POST", "/v1/accounts/change-password", {"json": {}}),
    Mistake("changePassword", 400, "POST", "/v1/accounts/change-password", {"json": dict(PASSWORDS)}),
    Mistake("getAccount", 404, "GET", f"/v1/accounts/{ACCOUNT_ID}"),
    Mistake("isEmailUnique", 400, "GET", "/v1/accounts/is-unique", {}, ""),
    Mistake("findAccessTokens", 404, "GET", f"/v1/accounts/{ACCOUNT_ID}/accesstokens"),
    Mistake("deleteAccessToken", 404, "DELETE", f"/v1/accounts/OWN_ACCOUNT/accesstokens/{TOKEN_ID}"),
    Mistake("createOrganization", 422, "POST", "/v1/accounts/OWN_ACCOUNT/organizations", {"json": {}}),
    Mistake("getOrganization", 404, "GET", ORGANIZATION),
    Mistake("updateOrganization", 404, "PATCH", ORGANIZATION, {"json": {"id": OTHER_ORGANIZATION}}),
]
CUSTOMERS = [
    Mistake("listCustomers", 401, "GET", "/customers", {}, ""),
    Mistake("listCustomers", 401, "GET", "/customers", {}, "unknown"),
    Mistake("listCustomers", 404, "GET", "/customers", {"headers": {"x-entity-id": ENTITY_ID}}),
    Mistake("listCustomers", 400, "GET", "/customers", {"headers": {"x-entity-id": ENTITY_ID, "entity_id": "ent_1"}}),
    Mistake("listCustomers", 400, "GET", "/customers", {"params": {"page": 2}}),
    Mistake("listCustomers", 400, "GET", "/customers", {"params": {"next_cursor": "x"}}),
    Mistake("listCustomers", 400, "GET", "/customers", {"params": {"query": '{"colour":"red"}'}}),
    Mistake("listEntities", 400, "GET", "/entities", {"params": {"page": 2}}),
    Mistake("listEntities", 400, "GET", "/entities", {"params": {"limit": 0}}),
    Mistake("getEntity", 404, "GET", f"/entities/{ENTITY_ID}"),
    Mistake("createCustomer", 403, "POST", "/customers", {"json": {"name": "Ana"}}, "read"),
    Mistake("createCustomer", 400, "POST", "/customers", {"content": '{"name":', "headers": JSON_TYPE}),
    Mistake("createCustomer", 413, "POST", "/customers", {"json": [0] * 50_001}),
    Mistake("createCustomer", 413, "POST", "/customers", {"content": b" " * 1_000_001}),
    Mistake("createCustomer", 415, "POST", "/customers", {"content": "{}", "headers": TEXT}),
    Mistake(
        "createCustomer",
        415,
        "POST",
        "/customers",
        {"content": "{}", "headers": {"content-type": f"{JSON}; charset=iso-8859-1"}},
    ),
    Mistake("createCustomer", 415, "POST", "/customers", {"content": "{}", "headers": {"content-encoding": "br"}}),
    Mistake("createCustomer", 422, "POST", "/customers", {"json": {}}),
    Mistake("createCustomer", 422, "POST", "/customers", {"json": []}),
    Mistake("createCustomer", 422, "POST", "/customers", {"json": {"name": "Ana", "id": CUSTOMER_ID}}),
    Mistake("getCustomer", 404, "GET", CUSTOMER),
    Mistake("getCustomer", 404, "GET", "/customers/%zz"),
    Mistake("updateCustomer", 412, "PATCH", "/customers/OWN", {"json": {}, "headers": {"if-match": '"7"'}}),
    Mistake("checkCustomerVat", 422, "POST", "/customers/OWN/vies-check"),
]


def documented_bodies(api: str, mistake: Mistake) -> list[Any]:
    """The bodies of the examples for the operation and the status."""
    document = read_document(api)
    (operation,) = (each for _, _, each in operations(document) if each["operationId"] == mistake.operation)
    examples = resolve(document, operation["responses"][str(mistake.status)])["content"][JSON]["examples"]
    return [example["value"] for example in examples.values()]


def without_request_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


async def find_mistakes(service: Service, api: str, mistakes: list[Mistake]) -> list[str]:
    """The mistakes whose answers the document does not show."""
    account = (await service.http.get("/v1/accounts/authorized")).json()["id"]
    made = await service.http.post(f"/v1/organizations/{service.organization}/clients", json={"name": "Ana"})
    client = made.json()["id"]
    read_only = await service.make_token(scope=Scope.READ, account_email=service.email)
    tokens = {"own": service.token, "read": read_only, "unknown": "unknown", "": None}
    own = {"/organizations/OWN": service.organization, "/clients/OWN": client, "/customers/OWN": f"cust_{client}"}
    wrong = []
    for mistake in mistakes:
        path = mistake.path.replace("OWN_ACCOUNT", account)
        for place, id_ in own.items():
            path = path.replace(place, place.replace("OWN", id_))
        async with service.client(tokens[mistake.token]) as http:
            answer = await http.request(mistake.method, path, **mistake.options)
        bodies = [without_request_id(body) for body in documented_bodies(api, mistake)]
        if answer.status_code != mistake.status or without_request_id(answer.json()) not in bodies:
            wrong.append(f"{mistake.operation} {mistake.status}: {answer.status_code} {answer.text}")
    return wrong


@pytest.mark.parametrize(("api", "mistakes"), [("v1", V1), ("customers", CUSTOMERS)], ids=["v1", "customers"])
async def test_an_error_is_one_that_the_document_shows(service: Service, api: str, mistakes: list[Mistake]) -> None:
    assert await find_mistakes(service, api, mistakes) == []
