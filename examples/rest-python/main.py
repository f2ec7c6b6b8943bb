"""Reads pages, creates, changes and deletes a record, and handles an error of each kind, with each of the REST APIs."""

import json
import os
import uuid
from itertools import islice
from typing import Any

from client import ApiError, Service

service = Service(os.environ["SERVICE_URL"], os.environ["SERVICE_TOKEN"])


def find_error(method: str, path: str, **options: Any) -> ApiError:
    """The error that a request must end with."""
    try:
        service.send(method, path, **options)
    except ApiError as error:
        return error
    raise AssertionError(f"{method} {path} must fail")


def use_customers() -> None:
    customers = list(islice(service.list_customers(limit=5, order_by="name"), 10))
    assert len({customer["id"] for customer in customers}) == 10
    query = json.dumps({"country": {"startsWith": "slo"}})
    assert all(
        customer["country"].lower().startswith("slo") for customer in service.list_customers(query=query, limit=100)
    )
    print("Two pages have no row in common.")

    error = find_error("POST", "/customers", json={"name": "", "contact_type": "friend"})
    assert (error.status, error.code) == (422, "validation_error")
    assert set(error.fields) == {"name", "contact_type"}

    # A request that is sent again with its key is done once.
    request = {"json": {"name": "Python Ltd", "city": "Celje"}, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    created = service.send("POST", "/customers", **request)
    assert service.send("POST", "/customers", **request).json() == created.json()

    # A stale change is an error: read the record again, and decide what to write.
    path, version = f"/customers/{created.json()['id']}", {"If-Match": created.headers["etag"]}
    assert service.send("PATCH", path, json={"city": "Koper"}, headers=version).json()["city"] == "Koper"
    error = find_error("PATCH", path, json={"city": "Kranj"}, headers=version)
    assert (error.status, error.code) == (412, "precondition_failed")
    print("A customer was created once and changed once.")

    service.send("DELETE", path)
    assert service.send("POST", f"{path}/restore").json()["deleted_at"] is None
    service.send("DELETE", f"{path}/permanent")
    print("A customer was deleted, restored, and deleted for good.")


def use_v1() -> None:
    account = service.send("GET", "/v1/accounts/authorized").json()["id"]
    organization = service.send("GET", f"/v1/accounts/{account}/organizations").json()[0]["id"]
    clients = list(islice(service.list_clients(organization, {"country": {"neq": None}}, size=5), 10))
    assert len({client["id"] for client in clients}) == 10
    print("Two pages have no row in common.")

    path = f"/v1/organizations/{organization}/clients"
    error = find_error("POST", path, json={"name": ""})
    assert (error.status, error.code) == (422, "ValidationError")
    assert error.fields == {"name": ["can't be blank"]}

    request = {"json": {"name": "Python v1 Ltd", "city": "Celje"}, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    created = service.send("POST", path, **request)
    assert service.send("POST", path, **request).json() == created.json()

    path, version = f"/v1/clients/{created.json()['id']}", {"If-Match": created.headers["etag"]}
    assert service.send("PATCH", path, json={"city": "Koper"}, headers=version).json()["city"] == "Koper"
    assert find_error("PATCH", path, json={"city": "Kranj"}, headers=version).status == 412
    assert service.send("DELETE", path).json() == {"count": 1}
    print("A client was created once, changed once, and deleted.")


use_customers()
use_v1()
