"""Every example request of the OpenAPI documents, sent to the application: it succeeds as the document says."""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest

from app.accounts.service import verify_account
from app.rest.customers.operations.samples import ENTITY_ID
from app.rest.v1.operations.samples import LOGIN, NEW_ACCOUNT
from tests.conftest import Service
from tests.openapi_documents import JSON, Document, find_errors, operations, parameters, read_document, resolve

LAST = ("logout", "changePassword", "deleteOrganization", "deleteAccount")
"""The operations that take the token or the records of the others away, in this order."""
TAX_NUMBER = "SI12345679"


async def find_records(http: httpx.AsyncClient, account: str) -> dict[str, str]:
    """New records for one request: the ids by the segments of paths before them."""
    made = await http.post(f"/v1/accounts/{account}/organizations", json={"name": "Example", "country": "Slovenia"})
    organization = made.json()["id"]
    values = {"name": "Example", "taxNumber": TAX_NUMBER}
    client = (await http.post(f"/v1/organizations/{organization}/clients", json=values)).json()["id"]
    token = (await http.post(f"/v1/accounts/{account}/accesstokens", json={})).json()["id"]
    return {
        "accounts": account,
        "organizations": organization,
        "clients": client,
        "accesstokens": token,
        "customers": f"cust_{client}",
        "entities": f"ent_{organization}",
    }


async def find_webhook(http: httpx.AsyncClient, organization: str) -> dict[str, str]:
    """A new webhook with a delivery for one request, as `find_records`."""
    values = {"url": "https://receiver.example/", "events": ["*"]}
    webhook = (await http.post(f"/v1/organizations/{organization}/webhooks", json=values)).json()["id"]
    delivery = (await http.post(f"/v1/webhooks/{webhook}/test")).json()["id"]
    return {"webhooks": webhook, "deliveries": delivery}


def make_path(pattern: str, records: Mapping[str, str]) -> str:
    segments = pattern.split("/")
    filled = (
        records[before] if segment.startswith("{") else segment
        for before, segment in zip(["", *segments], segments, strict=False)
    )
    return "/".join(filled)


def make_request(
    document: Document, method: str, path: str, operation: Mapping[str, Any], records: Mapping[str, str]
) -> httpx.Request:
    """The request of the examples. Ids are those of the records, and an idempotency key is used once."""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    for parameter in parameters(document, operation):
        if "example" in parameter and parameter["in"] != "path":
            value = parameter["example"]
            value = str(value).lower() if isinstance(value, bool) else str(value)
            (query if parameter["in"] == "query" else headers)[parameter["name"]] = value
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] += operation["operationId"]
    if headers.get("x-entity-id") == ENTITY_ID:
        headers["x-entity-id"] = records["entities"]
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    content = orjson.dumps(body["example"]) if "example" in body else None
    return httpx.Request(
        method,
        f"http://service{make_path(path, records)}",
        params=query,
        headers={**headers, **({"content-type": JSON} if content else {})},
        content=content,
    )


def check_answer(document: Document, operation: Mapping[str, Any], answer: httpx.Response) -> None:
    """The answer has the first documented status and headers, and a body that fits its schema."""
    id_ = operation["operationId"]
    documented = resolve(document, operation["responses"][min(operation["responses"])])
    assert answer.status_code == int(min(operation["responses"])), (id_, answer.text)
    limits = {"RateLimit", "RateLimit-Policy"}
    missing = {name for name in documented["headers"] if name.lower() not in answer.headers} - limits
    assert not missing, (id_, missing)
    if "content" in documented:
        assert find_errors(document, documented["content"][JSON]["schema"], answer.json()) == [], id_
    else:
        assert answer.content == b""


def without_version(document: Document, operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The operation without the parameter If-Match, for a record that has another version than that of the example."""
    kept = [each for each in parameters(document, operation) if each["name"] != "If-Match"]
    return {**operation, "parameters": kept}


async def sign_up(service: Service) -> tuple[str, str]:
    """The account of the examples and a token of it. Each is made by an example request."""
    async with service.client(None) as http:
        account = (await http.post("/v1/accounts", json=dict(NEW_ACCOUNT))).json()
        token = (await http.post("/v1/accounts/login", json=dict(LOGIN))).json()["id"]
    await verify_account(service.database, account["email"])
    return account["id"], token


@pytest.mark.parametrize("api", ["v1", "customers"])
async def test_every_example_request_succeeds(service: Service, api: str) -> None:
    document = read_document(api)
    account, token = await sign_up(service)
    ordered = sorted(
        operations(document),
        key=lambda each: LAST.index(each[2]["operationId"]) if each[2]["operationId"] in LAST else -1,
    )
    async with service.client(token) as http:
        for method, path, operation in ordered:
            id_ = operation["operationId"]
            if id_ in ("createAccount", "logout"):
                continue
            records = await find_records(http, account)
            if "/webhooks" in path:
                records |= await find_webhook(http, records["organizations"])
            if id_ == "restoreCustomer":
                await http.delete(f"/customers/{records['customers']}", headers={"x-entity-id": records["entities"]})
                operation = dict(without_version(document, operation))
            request = make_request(document, method, path, operation, records)
            request.headers["Authorization"] = f"Bearer {token}"
            check_answer(document, operation, await http.send(request))


@pytest.mark.parametrize("id_", ["createAccount", "logout"])
async def test_the_examples_that_begin_and_end_a_login_succeed(service: Service, id_: str) -> None:
    document = read_document("v1")
    method, path, operation = next(each for each in operations(document) if each[2]["operationId"] == id_)
    request = make_request(document, method, path, operation, {})
    if id_ == "logout":
        request.headers["Authorization"] = service.token
    async with service.client(None) as http:
        check_answer(document, operation, await http.send(request))
