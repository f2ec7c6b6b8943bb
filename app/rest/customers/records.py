"""One customer: created, read, changed, deleted, restored, erased, its tax number checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from app.clients.erasure import erase_client
from app.clients.faces import CUSTOMER
from app.clients.record import CUSTOMER_RULES
from app.clients.repository import RenderedRecord
from app.clients.service import add_clients, change_client, get_client, remove_client, restore_client
from app.clients.vat_checks import check_tax_number
from app.errors import Invalid, Problem
from app.idempotency import StoredResponse
from app.query.sql.render import Selection
from app.records.bodies import read_body
from app.rest.customers import errors as answers
from app.rest.customers.call import Call
from app.rest.preconditions import etag, expected_versions, holds_already

SELECTION: Selection = tuple(CUSTOMER.fields.items())
FIRST_VERSION = 1


async def create_customer(call: Call) -> Response:
    entity = call.entity()
    data, body = await call.read_object()
    check_no_id(body)
    values = read_body(CUSTOMER, body, CUSTOMER_RULES, "create")
    key = call.request_key(entity, data)
    made = await add_clients(call.access, entity, [values], SELECTION, key=key, answer=_created)
    return Response(made.body, made.status, {"etag": etag(FIRST_VERSION)}, answers.JSON)


def check_no_id(body: Mapping[str, Any]) -> None:
    """Ids are given by the service: raises Invalid for one that a caller made up, other than null and ""."""
    if body.get("id") not in (None, ""):
        raise Invalid([Problem("id", "absence", "The id is given by the service", body["id"])])


def _created(added: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(201, added[0].json.encode())


async def get_customer(call: Call) -> Response:
    found = await get_client(call.scoped(), call.customer_id, SELECTION)
    if holds_already(call.request, found.version):
        return Response(status_code=304, headers={"etag": etag(found.version)})
    return answers.record(found)


async def update_customer(call: Call) -> Response:
    access, customer = call.scoped(), call.customer_id
    _, body = await call.read_object()
    values = read_body(CUSTOMER, body, CUSTOMER_RULES, "update")
    changed = await change_client(
        access,
        customer,
        values,
        SELECTION,
        expected=expected_versions(call.request),
        merge_metadata=body.get("metadata") is not None,
    )
    return answers.record(changed)


async def restore_customer(call: Call) -> Response:
    expected = expected_versions(call.request)
    restored = await restore_client(call.scoped(), call.customer_id, SELECTION, expected=expected)
    return answers.record(restored)


async def erase_customer(call: Call) -> Response:
    """The answer shows the customer for the last time; it has no entity tag, for there is no entity."""
    expected = expected_versions(call.request)
    erased = await erase_client(call.scoped(), call.customer_id, SELECTION, expected=expected)
    return Response(erased.json.encode(), media_type=answers.JSON)


async def delete_customer(call: Call) -> Response:
    expected = expected_versions(call.request)
    removed = await remove_client(call.scoped(), call.customer_id, SELECTION, expected=expected)
    return answers.record(removed)


async def check_customer(call: Call) -> Response:
    """Checks the tax number; the answer is what the customer's `vies` holds from now on."""
    expected = expected_versions(call.request)
    access, customer = call.scoped(), call.customer_id
    check, version = await check_tax_number(access, call.vies, customer, expected=expected)
    return Response(orjson.dumps(check), 200, {"etag": etag(version)}, answers.JSON)
