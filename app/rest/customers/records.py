"""The handlers for one customer: create, read, change, delete, restore, erase, and check the tax number."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.clients.country_codes import read_change
from app.clients.faces import CUSTOMER
from app.clients.record import CUSTOMER_RULES
from app.clients.service import add_clients, change_client, erase_client, get_client, remove_client, restore_client
from app.clients.vat_checks import check_tax_number
from app.errors import Invalid, Problem
from app.idempotency import StoredResponse
from app.query.sql.render import Selection
from app.records.bodies import read_body
from app.records.repository import RenderedRecord
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.preconditions import FIRST_VERSION, etag

SELECTION: Selection = tuple(CUSTOMER.fields.items())


def show_record(record: RenderedRecord) -> CustomersResponse:
    """One customer with its entity tag."""
    return CustomersResponse(record.json.encode(), 200, etag(record.version))


async def create_customer(call: CustomersCall) -> CustomersResponse:
    entity = call.entity()
    body = await call.read_object()
    check_no_id(body)
    values = read_body(CUSTOMER, body, CUSTOMER_RULES, "create")
    key = call.request_key("create customer", entity, values)
    created = await add_clients(call.access, entity, [values], SELECTION, key=key, answer=_created)
    return CustomersResponse(created.body, created.status, etag(FIRST_VERSION))


def check_no_id(body: Mapping[str, Any]) -> None:
    """Raises Invalid for an id in the body, unless it is null or empty: the service makes ids."""
    if body.get("id") not in (None, ""):
        raise Invalid([Problem("id", "absence", "The service makes the id; leave it out.", body["id"])])


def _created(added: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(201, added[0].json.encode())


async def get_customer(call: CustomersCall) -> CustomersResponse:
    customer = await get_client(call.scoped(), call.customer_id, SELECTION)
    if call.has_version(customer.version):
        return CustomersResponse(b"", 304, etag(customer.version))
    return show_record(customer)


async def update_customer(call: CustomersCall) -> CustomersResponse:
    access, customer_id = call.scoped(), call.customer_id
    body = await call.read_object()
    values = await read_change(access, customer_id, CUSTOMER, body, CUSTOMER_RULES, "update")
    changed = await change_client(access, customer_id, values, SELECTION, expected=call.expected_versions())
    return show_record(changed)


async def restore_customer(call: CustomersCall) -> CustomersResponse:
    expected = call.expected_versions()
    restored = await restore_client(call.scoped(), call.customer_id, SELECTION, expected=expected)
    return show_record(restored)


async def erase_customer(call: CustomersCall) -> CustomersResponse:
    """The response shows the customer for the last time. It has no entity tag, because the record is gone."""
    expected = call.expected_versions()
    files = call.services.outbox.files
    erased = await erase_client(call.scoped(), call.customer_id, SELECTION, files=files, expected=expected)
    return CustomersResponse(erased.json.encode())


async def delete_customer(call: CustomersCall) -> CustomersResponse:
    expected = call.expected_versions()
    removed = await remove_client(call.scoped(), call.customer_id, SELECTION, expected=expected)
    return show_record(removed)


async def check_customer(call: CustomersCall) -> CustomersResponse:
    """Checks the tax number. The response is the new value of the customer's `vies`."""
    expected = call.expected_versions()
    access, customer_id = call.scoped(), call.customer_id
    check, record = await check_tax_number(access, call.services.vies, customer_id, expected=expected)
    return CustomersResponse(orjson.dumps(check), 200, etag(record.version))
