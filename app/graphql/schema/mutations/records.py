"""Record mutations: the writes of a record type, from an input to the written record or its errors."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol

import strawberry
from graphql import FieldNode
from strawberry.types import get_object_definition

from app.auth import Access
from app.clients.country_codes import read_change
from app.clients.record import CLIENT_RULES, GRAPHQL_CUSTOMER_RULES
from app.clients.service import add_clients, change_client
from app.graphql.execution.context import Info, find_plan, read_id, require_written_organization, write_global_id
from app.graphql.execution.loading import RecordT, make_record, python_name, whole_record
from app.graphql.execution.plans import SelectionReader, plan_inside
from app.graphql.schema.inputs import camel
from app.graphql.schema.types import Client, Customer
from app.graphql.schema.user_errors import UserError, attempt
from app.idempotency import RequestKey, StoredResponse
from app.query.face import Face
from app.query.sql.render import Selection
from app.records.bodies import Mode, Rules, Values, read_body
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
        self, access: Access, record_id: str, values: Values, selection: Selection, /, *, expected: int | None
    ) -> Awaitable[RenderedRecord]: ...


class Write(Protocol):
    """A service function that deletes, restores or erases a record."""

    def __call__(
        self, access: Access, record_id: str, selection: Selection, /, *, expected: int | None
    ) -> Awaitable[RenderedRecord]: ...


@dataclass(frozen=True, slots=True)
class MutationResult(Generic[RecordT]):
    """The written record, or the errors that prevented the write. `deleted_id` is the global id of a deleted record."""

    record: RecordT | None
    errors: list[UserError]
    deleted_id: strawberry.ID | None = None


class RecordMutations(Generic[RecordT]):
    """The mutations of one type. Each returns expected errors as user errors and raises any other exception."""

    def __init__(self, type_: type[RecordT], rules: Rules, add: Add, change: Change) -> None:
        self.type, self.face, self.rules = type_, type_.face, rules
        self.add_records, self.change_record = add, change
        self.whole = whole_record(type_.face)

    async def create(
        self, info: Info, organization_id: str | None, fields: Mapping[str, Any], key: str | None
    ) -> MutationResult[RecordT]:
        return await self._attempt(info, self._create(info, organization_id, fields, key))

    async def change(
        self, info: Info, record_id: str, fields: Mapping[str, Any], mode: Mode, expected: int | None
    ) -> MutationResult[RecordT]:
        return await self._attempt(info, self._change(info, record_id, fields, mode, expected))

    async def write(self, info: Info, write: Write, record_id: str, expected: int | None) -> MutationResult[RecordT]:
        return await self._attempt(info, self._write(info, write, record_id, expected))

    async def delete(self, info: Info, write: Write, record_id: str, expected: int | None) -> MutationResult[RecordT]:
        """Deletes or erases a record by `write`. The result has the id that lists drop."""
        result = await self._attempt(info, self._write(info, write, record_id, expected))
        if result.record is None:
            return result
        type_name = self.face.type_name
        return replace(result, deleted_id=strawberry.ID(write_global_id(type_name, read_id(type_name, record_id))))

    async def _attempt(self, info: Info, write: Awaitable[str]) -> MutationResult[RecordT]:
        """The result of a write that gives the record as `_selection` renders it."""
        row, errors = await attempt(write, ["input"])
        if row is None:
            return MutationResult(None, errors)
        info.context.forget_loaded()
        return MutationResult(make_record(self.type, self._plan(info), row), [])

    def _selection(self, info: Info) -> Selection:
        """The selection of the payload's record, or the whole record when some of it needs a resolver."""
        selection = self._plan(info)
        return selection if selection is not None else self.whole

    def _plan(self, info: Info) -> Selection | None:
        payload = get_object_definition(info.return_type, strict=True).name
        return find_plan(info, self.face.name, plan_payload, self.face, payload)

    async def _create(self, info: Info, organization_id: str | None, fields: Mapping[str, Any], key: str | None) -> str:
        body, selection = fields, self._selection(info)
        organization = require_written_organization(info, organization_id)
        values = read_body(self.face, body, self.rules, "create")
        request = (f"create {self.face.name}", organization, body, repr(selection))
        response = await self.add_records(
            info.context.access,
            organization,
            [values],
            selection,
            key=request_key(info, key, *request),
            answer=_store_record,
        )
        return response.body.decode()

    async def _change(
        self, info: Info, record_id: str, fields: Mapping[str, Any], mode: Mode, expected: int | None
    ) -> str:
        body, access = fields, info.context.access
        bare = read_id(self.face.type_name, record_id)
        values = await read_change(access, bare, self.face, body, self.rules, mode)
        if mode == "replace":
            values = {column: values.get(column) for column in self.face.by_column()}
        record = await self.change_record(
            access,
            bare,
            values,
            self._selection(info),
            expected=expected,
        )
        return record.json

    async def _write(self, info: Info, write: Write, record_id: str, expected: int | None) -> str:
        bare = read_id(self.face.type_name, record_id)
        record = await write(info.context.access, bare, self._selection(info), expected=expected)
        return record.json


def plan_payload(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, payload: str) -> Selection | None:
    """The selection of a payload's record; None when some of it needs a resolver, as an edge does."""
    key = camel(python_name(face.type_name))
    fields = reader.collect(nodes, frozenset({payload}))
    if any(group[0].name.value == f"{key}Edge" for group in fields.values()):
        return None
    return plan_inside(reader, nodes, face, (payload, key))


def request_key(info: Info, key: str | None, *request: object) -> RequestKey | None:
    """The key with the parts that identify the request. The selection is one of them: the stored response is rendered."""
    return None if key is None else RequestKey.of(info.context.principal.owner, key, *request)


def _store_record(records: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, records[0].json.encode())


CLIENTS = RecordMutations(Client, CLIENT_RULES, add_clients, change_client)
CUSTOMERS = RecordMutations(Customer, GRAPHQL_CUSTOMER_RULES, add_clients, change_client)
