"""Record mutations: the writes of a record type, from an input to the written record or its errors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import strawberry
from strawberry.types import get_object_definition

from app.auth import Access
from app.clients.country_codes import read_change
from app.clients.record import CLIENT_RULES, GRAPHQL_CUSTOMER_RULES
from app.clients.service import add_clients, change_client
from app.graphql.execution.context import Info, find_plan, read_id, require_written_organization, write_global_id
from app.graphql.execution.loading import Record, python_name
from app.graphql.execution.selections import Step
from app.graphql.schema.mutations.face_plans import FacePlans, plan_faces
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError, attempt
from app.idempotency import RequestKey, StoredResponse
from app.query.sql.render import Selection
from app.records.bodies import Mode, Rules, Values, read_body
from app.records.once import NO_RECORD
from app.records.repository import RenderedRecord


class Add(Protocol):
    """A service function that creates records, once for a key."""

    def __call__(
        self,
        access: Access,
        organization_id: str,
        records: Sequence[Values],
        selection: Selection,
        /,
        *,
        key: RequestKey | None,
        answer: Callable[[Sequence[RenderedRecord]], StoredResponse],
    ) -> Awaitable[StoredResponse]: ...


class Change(Protocol):
    """A service function that writes columns of a record."""

    def __call__(
        self,
        access: Access,
        record_id: str,
        values: Values,
        selection: Selection,
        /,
        *,
        expected: int | None,
        key: RequestKey | None,
    ) -> Awaitable[RenderedRecord]: ...


class Write(Protocol):
    """A service function that deletes, restores or erases a record."""

    def __call__(
        self,
        access: Access,
        record_id: str,
        selection: Selection,
        /,
        *,
        expected: int | None,
        key: RequestKey | None,
    ) -> Awaitable[RenderedRecord]: ...


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """A record that a mutation writes: its id, its expected version, and the idempotency key of the request."""

    id: str
    expected: int | None
    key: str | None


@dataclass(frozen=True, slots=True)
class MutationResult:
    """The written record, or the errors that prevented the write.

    - `faces`: the record under each face, by the field of the payload. Empty if the write failed.
    - `deleted_ids`: the global ids of a deleted record, by the field of the payload.
    """

    faces: Mapping[str, Any]
    errors: list[UserError]
    deleted_ids: Mapping[str, Any] = field(default_factory=dict)


class RecordMutations:
    """The mutations of one type. Each returns expected errors as user errors and raises any other exception.

    `types` are the types of the payload's records: the faces of the same row.
    """

    def __init__(
        self, type_: type[Record], rules: Rules, add: Add, change: Change, types: Sequence[type[Record]] = ()
    ) -> None:
        self.face, self.rules = type_.face, rules
        self.add_records, self.change_record = add, change
        self.types = {python_name(shown.face.type_name): shown for shown in types or (type_,)}

    async def create(
        self, info: Info, organization_id: str | None, fields: Mapping[str, Any], key: str | None
    ) -> MutationResult:
        plan = self.plan(info)
        return await self._attempt(info, plan, self._create(info, plan, organization_id, fields, key), key)

    async def change(self, info: Info, record: WrittenRecord, fields: Mapping[str, Any], mode: Mode) -> MutationResult:
        plan = self.plan(info)
        return await self._attempt(info, plan, self._change(info, plan, record, fields, mode), record.key)

    async def write(self, info: Info, write: Write, name: str, record: WrittenRecord) -> MutationResult:
        """Writes a record by a service function. `name` identifies it in the request of an idempotency key."""
        plan = self.plan(info)
        return await self._attempt(info, plan, self._write(info, plan, write, name, record), record.key)

    async def delete(self, info: Info, write: Write, name: str, record: WrittenRecord) -> MutationResult:
        """As `write`, for a function that deletes or erases. The result has the ids that lists drop."""
        result = await self.write(info, write, name, record)
        if result.errors:
            return result
        bare = read_id(self.face.type_name, record.id)
        ids = {
            f"deleted_{name}_id": strawberry.ID(write_global_id(shown.face.type_name, bare))
            for name, shown in self.types.items()
        }
        return replace(result, deleted_ids=ids)

    def read(self, fields: Mapping[str, Any], mode: Mode) -> Values:
        """The values of an input. Raises Invalid and Malformed."""
        return read_body(self.face, fields, self.rules, mode)

    async def _attempt(self, info: Info, plan: FacePlans, write: Awaitable[str], key: str | None) -> MutationResult:
        """The result of a write that gives the record as the plan renders it."""
        row, errors = await attempt(write, ["input"])
        if row is None:
            return MutationResult({}, errors)
        info.context.forget_loaded()
        if row == NO_RECORD:
            return MutationResult({}, [])
        (faces,) = await plan.read_all(info, [row], key)
        return MutationResult(faces, [])

    def plan(self, info: Info, *steps: Step, holder: str | None = None) -> FacePlans:
        """The plan of a payload's records. Without `holder`, which lies `steps` below it, the payload has their fields."""
        type_name = holder or get_object_definition(info.return_type, strict=True).name
        return find_plan(info, plan_faces, tuple(self.types.items()), steps, type_name)

    async def _create(
        self, info: Info, plan: FacePlans, organization_id: str | None, fields: Mapping[str, Any], key: str | None
    ) -> str:
        body, selection = fields, plan.rendered
        organization = require_written_organization(info, organization_id)
        values = self.read(body, "create")
        request = (f"create {self.face.name}", organization, body)
        response = await self.add_records(
            info.context.access,
            organization,
            [values],
            selection,
            key=request_key(info, key, *request, selection=selection),
            answer=_store_record,
        )
        return response.body.decode()

    async def _change(
        self, info: Info, plan: FacePlans, record: WrittenRecord, fields: Mapping[str, Any], mode: Mode
    ) -> str:
        access, selection = info.context.access, plan.rendered
        bare = read_id(self.face.type_name, record.id)
        values = await read_change(access, bare, self.face, fields, self.rules, mode)
        if mode == "replace":
            values = {column: values.get(column) for column in self.face.by_column()}
        parts = (f"{mode} {self.face.name}", bare, record.expected, fields)
        key = request_key(info, record.key, *parts, selection=selection)
        written = await self.change_record(access, bare, values, selection, expected=record.expected, key=key)
        return written.json

    async def _write(self, info: Info, plan: FacePlans, write: Write, name: str, record: WrittenRecord) -> str:
        bare, selection = read_id(self.face.type_name, record.id), plan.rendered
        parts = (f"{name} {self.face.name}", bare, record.expected)
        key = request_key(info, record.key, *parts, selection=selection)
        written = await write(info.context.access, bare, selection, expected=record.expected, key=key)
        return written.json


def request_key(info: Info, key: str | None, *request: object, selection: Selection | None = None) -> RequestKey | None:
    """The key with the parts that identify the request. The selection is one of them: the stored response is rendered.

    Without a key nothing is made of the selection, whose text takes long.
    """
    if key is None:
        return None
    shown = () if selection is None else (repr(selection),)
    return RequestKey.of(info.context.principal.owner, key, *request, *shown)


def _store_record(records: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, records[0].json.encode())


FACES = (Client, Customer)
CLIENTS = RecordMutations(Client, CLIENT_RULES, add_clients, change_client, FACES)
CUSTOMERS = RecordMutations(Customer, GRAPHQL_CUSTOMER_RULES, add_clients, change_client, FACES)
