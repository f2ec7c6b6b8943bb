"""The mutations that check the tax number of a client or a customer."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import strawberry
from strawberry import field

from app.clients.faces import GRAPHQL_CUSTOMER
from app.clients.vat_checks import check_tax_number
from app.errors import Invalid
from app.graphql.execution.context import Info, read_id
from app.graphql.execution.plans import render_faces
from app.graphql.schema.documents import ViesCheck
from app.graphql.schema.mutations.inputs import ClientId, CustomerId, Expected, IdempotencyKey
from app.graphql.schema.mutations.payloads import RecordPayload
from app.graphql.schema.mutations.records import CLIENTS, CUSTOMERS, RecordMutations, WrittenRecord, request_key
from app.graphql.schema.user_errors import UserError, attempt

CHECK = render_faces({"check": (("vies", GRAPHQL_CUSTOMER.fields["vies"]),)})
DESCRIPTION = (
    "Checks the tax number of a {0}, and stores the result: its form and its check digits, and then the register VIES, if the "
    "operator of the service has set it up. A number that is not valid is a result, not an error."
)


@strawberry.type
class VatCheckPayload(RecordPayload):
    check: ViesCheck | None = field(default=None, description="The result. Null if there is none.")


@strawberry.type(description="The result of `checkClientVat`.")
class CheckClientVatPayload(VatCheckPayload):
    pass


@strawberry.type(description="The result of `checkCustomerVat`.")
class CheckCustomerVatPayload(VatCheckPayload):
    pass


@strawberry.type
class VatMutations:
    @strawberry.mutation(description=DESCRIPTION.format("client"))
    async def check_client_vat(
        self, info: Info, id: ClientId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> CheckClientVatPayload:
        result = await _check(info, CLIENTS, WrittenRecord(id, expected_version, idempotency_key))
        return CheckClientVatPayload(**result.members, user_errors=result.errors)

    @strawberry.mutation(description=DESCRIPTION.format("customer"))
    async def check_customer_vat(
        self, info: Info, id: CustomerId, expected_version: Expected = None, idempotency_key: IdempotencyKey = None
    ) -> CheckCustomerVatPayload:
        result = await _check(info, CUSTOMERS, WrittenRecord(id, expected_version, idempotency_key))
        return CheckCustomerVatPayload(**result.members, user_errors=result.errors)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The record under each face and the check, by the field of the payload, or the errors."""

    members: dict[str, Any]
    errors: list[UserError]


async def _check(info: Info, mutations: RecordMutations, record: WrittenRecord) -> CheckResult:
    row, errors = await attempt(_check_record(info, mutations, record), [])
    if row is None:
        return CheckResult({}, errors)
    info.context.forget_loaded()
    check = orjson.loads(orjson.loads(row)["check"])["vies"]
    (faces,) = await mutations.plan(info).read_all(info, [row], record.key)
    return CheckResult({**faces, "check": ViesCheck.of(check) if check else None}, [])


async def _check_record(info: Info, mutations: RecordMutations, record: WrittenRecord) -> str:
    """The record with its check, as the database renders them. Raises Invalid at the argument `id`."""
    context, bare = info.context, read_id(mutations.face.type_name, record.id)
    selection = (*mutations.plan(info).rendered, *CHECK)
    key = request_key(info, record.key, "check VAT", bare, record.expected, selection=selection)
    try:
        _, written = await check_tax_number(
            context.access, context.vies, bare, selection, expected=record.expected, key=key
        )
    except Invalid as error:
        raise Invalid([replace(problem, field="id") for problem in error.problems]) from error
    return written.json
