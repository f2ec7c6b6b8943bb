"""Bulk creation: many clients in one statement, with a result for each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from strawberry import field

from app.clients.service import add_batch
from app.errors import Invalid, Malformed, Problem
from app.graphql.execution.context import Info, require_written_organization
from app.graphql.schema.mutations.payloads import OTHER_FACE, Payload
from app.graphql.schema.mutations.records import CLIENTS, request_key
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError, attempt, user_errors
from app.records.bodies import Values, read_body
from app.records.turns import in_turns

MOST_ROWS = 1000


@strawberry.enum(description="The treatment of valid rows when other rows are invalid.")
class ErrorPolicy(Enum):
    REJECT_ALL = strawberry.enum_value("REJECT_ALL", description="No row is written.")
    REJECT_FAILED = strawberry.enum_value("REJECT_FAILED", description="The valid rows are written.")


@strawberry.type(description="The result of one row of `createClients`.")
class CreateClientsResult:
    index: int = field(description="The index of the row in the input, from 0.")
    client: Client | None = field(default=None, description="The new client. Null if it was not written.")
    customer: Customer | None = field(default=None, description=f"{OTHER_FACE} Null if it was not written.")
    user_errors: list[UserError] = field(description="The errors of this row. Empty if the row is valid.")


@strawberry.type(description="The result of `createClients`. `userErrors` holds the errors of all rows.")
class CreateClientsPayload(Payload):
    results: list[CreateClientsResult] = field(
        description="A result for each row, in the order of the input. Empty if the whole request is rejected."
    )


@dataclass(frozen=True, slots=True)
class InputRow:
    """A row of the input: its values, or its errors."""

    values: Values
    errors: list[UserError]


async def read_rows(bodies: Sequence[Mapping[str, Any]]) -> list[InputRow]:
    return [_read_row(index, body) async for index, body in in_turns(enumerate(bodies))]


def _read_row(index: int, body: Mapping[str, Any]) -> InputRow:
    try:
        return InputRow(read_body(CLIENTS.face, body, CLIENTS.rules, "create"), [])
    except (Invalid, Malformed) as error:
        return InputRow({}, user_errors(error, ["input", str(index)]))


async def create_clients(
    info: Info, organization_id: str | None, clients: Sequence[Mapping[str, Any]], policy: ErrorPolicy, key: str | None
) -> CreateClientsPayload:
    """Each client counts as a write. Raises TooMany."""
    info.context.principal.meter.count_writes(min(len(clients), MOST_ROWS) - 1)
    payload, errors = await attempt(_create(info, organization_id, clients, policy, key), [])
    return payload or CreateClientsPayload(results=[], user_errors=errors)


async def _create(
    info: Info, organization_id: str | None, clients: Sequence[Mapping[str, Any]], policy: ErrorPolicy, key: str | None
) -> CreateClientsPayload:
    """Raises Invalid for too many rows, and as add_batch."""
    if len(clients) > MOST_ROWS:
        raise Invalid([Problem("input", "length", f"must hold at most {MOST_ROWS} clients; got {len(clients)}")])
    organization = require_written_organization(info, organization_id)
    plan = CLIENTS.plan(info, ("CreateClientsPayload", "results"), holder="CreateClientsResult")
    rows = await read_rows(clients)
    accepted = [row.values for row in rows if not row.errors]
    if policy is ErrorPolicy.REJECT_ALL and len(accepted) < len(rows):
        accepted = []
    request = ("create clients", organization, policy.name, clients, repr(plan.rendered))
    key_of_request = request_key(info, key, *request)
    added = await add_batch(info.context.access, organization, accepted, plan.rendered, key=key_of_request)
    info.context.forget_loaded()
    return _payload(rows, [plan.read(row) for row in added])


def _payload(rows: Sequence[InputRow], added: Sequence[Mapping[str, Any]]) -> CreateClientsPayload:
    records = iter(added)
    results = [
        CreateClientsResult(index=index, user_errors=row.errors, **({} if row.errors else next(records, {})))
        for index, row in enumerate(rows)
    ]
    return CreateClientsPayload(results=results, user_errors=[error for row in rows for error in row.errors])
