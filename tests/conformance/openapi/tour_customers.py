"""The tour through the Customers API with the client that openapi-python-client makes of the OpenAPI document."""

# mypy: ignore-errors
import json
import os

from clientele_customers_api_client import AuthenticatedClient
from clientele_customers_api_client.api.customers import (
    check_customer_vat,
    create_customer,
    delete_customer,
    get_customer,
    list_customers,
    permanent_delete_customer,
    restore_customer,
    update_customer,
)
from clientele_customers_api_client.api.entities import get_entity, list_entities
from clientele_customers_api_client.models import CustomerChanges, NewCustomer


def main() -> None:
    client = AuthenticatedClient(
        os.environ["CLIENTELE_URL"], os.environ["CLIENTELE_TOKEN"], raise_on_unexpected_status=True
    )
    entity = list_entities.sync(client=client, limit=1).data[0].id
    assert get_entity.sync(entity, client=client).id == entity

    body = NewCustomer(name="Minimal Customer", tax_number="SI12345679")
    key = f"tour-{os.getpid()}"
    made = create_customer.sync_detailed(client=client, body=body, x_entity_id=entity, idempotency_key=key)
    assert made.status_code == 201
    assert made.parsed.entity_id == entity
    again = create_customer.sync(client=client, body=body, x_entity_id=entity, idempotency_key=key)
    assert again.id == made.parsed.id
    id_ = made.parsed.id

    query = json.dumps({"id": {"in": [id_]}, "name": {"contains": "MINIMAL"}})
    listed = list_customers.sync(client=client, query=query, order_by="-created_at", limit=2)
    assert [each.id for each in listed.data] == [id_]
    assert (listed.pagination.total, listed.pagination.next_cursor) == (1, None)
    first = list_customers.sync(client=client, limit=1, include_total_count=False)
    second = list_customers.sync(client=client, limit=1, next_cursor=first.pagination.next_cursor)
    assert first.pagination.total == -1
    assert first.data[0].id != second.data[0].id

    tag = made.headers["etag"]
    assert update_customer.sync(id_, client=client, body=CustomerChanges(city="Bled"), if_match=tag).city == "Bled"
    stale = update_customer.sync(id_, client=client, body=CustomerChanges(city="Graz"), if_match=tag)
    assert stale.code == "precondition_failed"
    invalid = update_customer.sync(id_, client=client, body=CustomerChanges(name=" "))
    assert invalid.cause["name"] == {"_errors": ["Required"]}
    assert list_customers.sync(client=client, query='{"colour": 1}').code == "bad_request"
    assert check_customer_vat.sync(id_, client=client).valid in (True, False)

    assert delete_customer.sync(id_, client=client).deleted_at is not None
    assert get_customer.sync(id_, client=client).code == "not_found"
    assert restore_customer.sync(id_, client=client).deleted_at is None
    assert permanent_delete_customer.sync(id_, client=client).id == id_
    assert get_customer.sync_detailed(id_, client=client).status_code == 404


if __name__ == "__main__":
    main()
    print("openapi-python-client: the tour through the Customers API succeeded")
