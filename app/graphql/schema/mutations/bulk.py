"""Bulk mutations: up to 1,000 records in one request, with a result for each row."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson
import strawberry
from strawberry import field
from strawberry.types import get_object_definition

from app.clients.batches import Batch, BatchOptions, ChangeBatch, CreateBatch, Results, write_batch
from app.clients.upserts import UpsertBatch
from app.errors import Invalid, Problem
from app.graphql.execution.context import Info, require_written_organization
from app.graphql.schema.mutations.face_plans import FacePlans
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import RecordMutations, request_key
from app.graphql.schema.mutations.rows import (
    Body,
    Rows,
    read_changed_rows,
    read_new_rows,
    read_upserted_rows,
    row_errors,
)
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError, UserErrorCode, attempt
from app.idempotency import StoredResponse
from app.records.turns import in_turns

MOST_ROWS = 1000
RESULTS = "A result for each row, in the order of the input. Empty if the whole request is rejected."


@strawberry.enum(description="The treatment of valid rows when other rows are invalid.")
class ErrorPolicy(Enum):
    REJECT_ALL = strawberry.enum_value("REJECT_ALL", description="No row is written.")
    REJECT_FAILED = strawberry.enum_value("REJECT_FAILED", description="The valid rows are written.")


@strawberry.type
class RowResult:
    index: int = field(description="The index of the row in the input, from 0.")
    client: Client | None = field(
        default=None, description="The client after the mutation. Null if the row was not written."
    )
    customer: Customer | None = field(
        default=None,
        description="The same record with the field names of the Customers API. Null if the row was not written.",
    )
    user_errors: list[UserError] = field(description="The errors of this row. Empty if the row is valid.")


@strawberry.type
class UpsertResult(RowResult):
    created: bool = field(default=False, description="True if the record was created.")


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """The arguments of a bulk mutation."""

    organization_id: str | None
    rows: Sequence[Body]
    policy: ErrorPolicy
    validate_only: bool
    key: str | None


ReadRows = Callable[[Info, RecordMutations, str, Sequence[Body]], Awaitable[Rows[Any]]]
MakeBatch = Callable[[str, Mapping[int, Any]], Batch]


async def _read_new(info: Info, mutations: RecordMutations, organization: str, bodies: Sequence[Body]) -> Rows[Any]:
    return await read_new_rows(mutations, bodies)


async def _read_changed(info: Info, mutations: RecordMutations, organization: str, bodies: Sequence[Body]) -> Rows[Any]:
    return await read_changed_rows(info.context.access.narrow(organization), mutations, bodies)


async def _read_upserted(
    info: Info, mutations: RecordMutations, organization: str, bodies: Sequence[Body]
) -> Rows[Any]:
    return await read_upserted_rows(info.context.access, mutations, organization, bodies)


def _change(organization: str, rows: Mapping[int, Any]) -> Batch:
    return ChangeBatch(organization, list(rows.values()))


@dataclass(frozen=True, slots=True)
class BulkMutation:
    """A bulk mutation: `read` reads its rows, and `make` makes the batch of the valid ones."""

    name: str
    read: ReadRows
    make: MakeBatch

    async def run(self, info: Info, mutations: RecordMutations, request: BulkRequest, types: "BulkTypes") -> Any:
        """The payload. Each row counts as a write. Raises TooMany."""
        info.context.principal.meter.count_writes(min(len(request.rows), MOST_ROWS) - 1)
        results, errors = await attempt(self._run(info, mutations, request, types), [])
        if results is None:
            return types.payload(results=[], user_errors=errors)
        return types.payload(results=results, user_errors=[error for row in results for error in row.user_errors])

    async def _run(
        self, info: Info, mutations: RecordMutations, request: BulkRequest, types: "BulkTypes"
    ) -> list[RowResult]:
        if len(request.rows) > MOST_ROWS:
            message = f"must hold at most {MOST_ROWS} rows; got {len(request.rows)}"
            raise Invalid([Problem("input", "length", message)])
        plan = mutations.plan(info, (_name(types.payload), "results"), holder=_name(types.result))
        rows, stored = await self.write(info, mutations, request, plan)
        written = {index: row.json for index, row in stored.items() if row.json is not None}
        faces = dict(zip(written, await plan.read_all(info, [*written.values()], request.key), strict=True))
        return [
            _make_result(types.result, index, rows, stored, faces) async for index in in_turns(range(len(request.rows)))
        ]

    async def write(
        self, info: Info, mutations: RecordMutations, request: BulkRequest, plan: FacePlans
    ) -> tuple[Rows[Any], Mapping[int, "StoredRow"]]:
        """The rows as they are read, and the results of the valid ones."""
        organization = require_written_organization(info, request.organization_id)
        info.context.access.require_write()
        rows = await self.read(info, mutations, organization, request.rows)
        rejected = request.policy is ErrorPolicy.REJECT_ALL and bool(rows.errors) and not request.validate_only
        if not rows.valid or rejected:
            return rows, {}
        parts = (f"{self.name} {mutations.face.name}", organization, request.policy.name, request.rows)
        options = BatchOptions(
            plan.rendered,
            keep_valid=request.policy is ErrorPolicy.REJECT_FAILED,
            dry_run=request.validate_only,
            key=request_key(info, request.key, *parts, selection=plan.rendered),
        )
        batch = self.make(organization, rows.valid)
        response = await write_batch(info.context.access, batch, options, store_results)
        info.context.forget_loaded()
        return rows, read_results(response)


@dataclass(frozen=True, slots=True)
class BulkTypes:
    """The payload of a bulk mutation, and the type of its `results`."""

    payload: type[Any]
    result: type[RowResult]


def _name(type_: type[Any]) -> str:
    return get_object_definition(type_, strict=True).name


def _make_result(
    result: type[RowResult],
    index: int,
    rows: Rows[Any],
    stored: Mapping[int, "StoredRow"],
    faces: Mapping[int, Mapping[str, Any]],
) -> RowResult:
    row = stored.get(index)
    made = result(index=index, user_errors=rows.errors.get(index) or (list(row.errors) if row else []))
    if row is not None and index in faces:
        made.__dict__.update(faces[index])
        if isinstance(made, UpsertResult):
            made.created = row.created
    return made


CREATE = BulkMutation("create many", _read_new, CreateBatch)
CHANGE = BulkMutation("change many", _read_changed, _change)
UPSERT = BulkMutation("upsert many", _read_upserted, UpsertBatch)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """The result of a written or a failed row, as a repeated request finds it."""

    json: str | None
    created: bool
    errors: Sequence[UserError]


def store_results(results: Results) -> StoredResponse:
    """The results of rows. The id of each client is stored, whatever the selection shows, so that erasing it finds it."""
    rows = {
        str(index): [
            result.client_id,
            result.record and result.record.json,
            result.created,
            [_store_error(error) for error in row_errors(index, result.error)],
        ]
        for index, result in results.items()
    }
    return StoredResponse(200, orjson.dumps(rows))


def _store_error(error: UserError) -> list[Any]:
    return [error.field, error.message, error.code.name, error.allowed_values]


def read_results(response: StoredResponse) -> dict[int, StoredRow]:
    return {
        int(index): StoredRow(json, created, [_read_error(*error) for error in errors])
        for index, (_, json, created, errors) in orjson.loads(response.body).items()
    }


def _read_error(path: list[str], message: str, code: str, allowed: list[str] | None) -> UserError:
    return UserError(field=path, message=message, code=UserErrorCode[code], allowed_values=allowed)


@strawberry.type(description="The result of one row of `createClients`.")
class CreateClientsResult(RowResult):
    pass


@strawberry.type(description="The result of `createClients`. `userErrors` holds the errors of all rows.")
class CreateClientsPayload(Payload):
    results: list[CreateClientsResult] = field(description=RESULTS)


@strawberry.type(description="The result of one row of `createCustomers`.")
class CreateCustomersResult(RowResult):
    pass


@strawberry.type(description="The result of `createCustomers`. `userErrors` holds the errors of all rows.")
class CreateCustomersPayload(Payload):
    results: list[CreateCustomersResult] = field(description=RESULTS)


@strawberry.type(description="The result of one row of `updateClients`.")
class UpdateClientsResult(RowResult):
    pass


@strawberry.type(description="The result of `updateClients`. `userErrors` holds the errors of all rows.")
class UpdateClientsPayload(Payload):
    results: list[UpdateClientsResult] = field(description=RESULTS)


@strawberry.type(description="The result of one row of `updateCustomers`.")
class UpdateCustomersResult(RowResult):
    pass


@strawberry.type(description="The result of `updateCustomers`. `userErrors` holds the errors of all rows.")
class UpdateCustomersPayload(Payload):
    results: list[UpdateCustomersResult] = field(description=RESULTS)


@strawberry.type(description="The result of one row of `upsertClients`.")
class UpsertClientsResult(UpsertResult):
    pass


@strawberry.type(description="The result of `upsertClients`. `userErrors` holds the errors of all rows.")
class UpsertClientsPayload(Payload):
    results: list[UpsertClientsResult] = field(description=RESULTS)


@strawberry.type(description="The result of one row of `upsertCustomers`.")
class UpsertCustomersResult(UpsertResult):
    pass


@strawberry.type(description="The result of `upsertCustomers`. `userErrors` holds the errors of all rows.")
class UpsertCustomersPayload(Payload):
    results: list[UpsertCustomersResult] = field(description=RESULTS)
