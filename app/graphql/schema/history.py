"""History: the changes of a record, and the type of a change."""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Self, cast

import orjson
import strawberry
from strawberry import field

from app.auth import Access
from app.changes.columns import read_bare_id
from app.changes.record import (
    Change,
    PastChange,
    read_history_cursor,
    write_change_cursor,
    write_history_cursor,
)
from app.changes.repository import RecordKey
from app.changes.service import count_histories, get_changes, list_histories
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.graphql.execution.context import Info, read_page
from app.graphql.execution.loading import Document, Record, RecordT, python_name
from app.graphql.execution.positions import load_settled
from app.graphql.internals.operations import RenderedValue
from app.graphql.schema.actors import Actor, load_actor
from app.graphql.schema.inputs import DateTime, Json
from app.graphql.schema.key_pages import (
    After,
    Before,
    First,
    Last,
    Wanted,
    find_wanted,
    show_rows,
)
from app.graphql.schema.nodes import Node
from app.graphql.schema.words import Word
from app.query.face import Face
from app.query.key_page import KeyPage, KeyRows
from app.query.request import CursorArgument

SHORTEST_LARGE = 18
"""The digits of integers that may need more than 64 bits."""

HISTORY = "The changes of the record through every API, newest first."


@strawberry.enum(description="The kind of a change.")
class ChangeAction(Word):
    CREATED = strawberry.enum_value("CREATED", description="The record was created.")
    IMPORTED = strawberry.enum_value("IMPORTED", description="The record was imported with its id from another system.")
    UPDATED = strawberry.enum_value("UPDATED", description="Fields of the record were written.")
    DELETED = strawberry.enum_value("DELETED", description="The record was deleted. It can be restored.")
    RESTORED = strawberry.enum_value("RESTORED", description="The record was restored.")
    ERASED = strawberry.enum_value(
        "ERASED", description="The record was deleted permanently, together with its earlier images."
    )


@strawberry.enum(description="The two types of one record: their names are those of the fields of a change.")
class RecordFace(Enum):
    CLIENT = strawberry.enum_value("client", description="The field names of `Client`.")
    CUSTOMER = strawberry.enum_value("customer", description="The field names of `Customer`.")


FACES: Mapping[RecordFace, Face] = {RecordFace.CLIENT: GRAPHQL_CLIENT, RecordFace.CUSTOMER: GRAPHQL_CUSTOMER}


@strawberry.type(description="A field of a record with a new value.")
class FieldChange(Document):
    field: str = strawberry.field(description="The name of the field, in the type that the change is shown for.")
    before: Json | None = strawberry.field(description="The value before the change. Null for a new record.")
    after: Json | None = strawberry.field(description="The value after the change.")


def _show_json(text: str | None) -> Json | None:
    """JSON text as a value that goes into the answer unchanged."""
    return None if text is None else cast("Json", RenderedValue(text))


def _read_difference(field: str, before: str | None, after: str | None) -> FieldChange:
    return FieldChange.of({"field": field, "before": _show_json(before), "after": _show_json(after)})


@strawberry.type
class RecordedChange(Node):
    """A change under a face. `followed` is the change of a subscription, and `position` its cursor."""

    action: ChangeAction = field(description="The kind of the change.")
    at: DateTime = field(description="The time when the change began.")
    version: int = field(description="The version of the record after the change.")
    client_id: strawberry.ID = field(description="The bare id of the client, as in the v1 API.")
    customer_id: strawberry.ID = field(description="The id of the customer, as in the Customers API: `cust_…`.")
    past: strawberry.Private[PastChange]
    face: strawberry.Private[Face]
    followed: strawberry.Private[Change | None]
    position: strawberry.Private[str | None]

    @classmethod
    def of(cls, past: PastChange, face: Face, *, position: str | None = None, followed: Change | None = None) -> Self:
        change = object.__new__(cls)
        change.__dict__.update({python_name(name): value for name, value in orjson.loads(past.facts).items()})
        change.past, change.face, change.followed, change.position = past, face, followed, position
        return change

    @property
    def shared_key(self) -> tuple[object, ...]:
        """All of the change that a result depends on. A change loses its images when the person is erased."""
        return self.position, self.face.name, self.past.after is None

    @strawberry.field(description="The author of the change.")
    async def actor(self, info: Info) -> Actor:
        return await load_actor(info, self.past.organization_id, self.past.actor)

    @strawberry.field(
        description="The record before the change, with the plain fields of its type. Null for a new record, after the "
        "record is erased, and when the image is older than the operator keeps images."
    )
    def before(self) -> Json | None:
        return _show_json(self.past.before)

    @strawberry.field(
        description="The record after the change. Null after the record is erased, and when the image is older than the "
        "operator keeps images."
    )
    def after(self) -> Json | None:
        return _show_json(self.past.after)

    @strawberry.field(
        description="The fields with a new value, without `version` and `updatedAt`. For a new record: the fields that its "
        "caller gave. Empty when there are no images."
    )
    def changes(self) -> list[FieldChange]:
        return [_read_difference(**difference) for difference in orjson.loads(self.past.differences)]

    @strawberry.field(
        description="The position of the change among all changes of its organization: `changes` and `clientChanges` can "
        "continue after it. While earlier changes are not committed yet, it is a position before them, so that none is missed."
    )
    async def cursor(self, info: Info) -> str:
        if self.position is not None:
            return self.position
        organization = self.past.organization_id
        settled = (await load_settled(info, [organization]))[organization]
        return write_change_cursor(organization, min(self.past.number, settled.number), settled.epoch)


def read_image(type_: type[RecordT], text: str | None) -> RecordT | None:
    """The record that an image of it shows."""
    if text is None:
        return None
    image = json.loads(text, parse_float=orjson.Fragment, parse_int=_read_integer)
    return type_.of({python_name(name): value for name, value in image.items()})


def _read_integer(digits: str) -> Any:
    """An integer of an image. One that is too large for GraphQL stays as it is."""
    return int(digits) if len(digits) < SHORTEST_LARGE else orjson.Fragment(digits)


async def load_change(info: Info, bare: str) -> tuple[PastChange, Face] | None:
    """A change by its bare id, with its face; None when the token can access no such change."""
    key = read_bare_id(bare)
    if key is None:
        return None
    number, face = key
    load = partial(_load_changes, info.context.access, face)
    past = await info.context.loader(("changes", face.name), load).load(number)
    return None if past is None else (past, face)


async def _load_changes(access: Access, face: Face, numbers: Sequence[int]) -> list[PastChange | None]:
    changes = await get_changes(access, numbers, face)
    return [changes.get(number) for number in numbers]


class RecordWithHistory(Record):
    """A record whose changes are kept."""

    @classmethod
    def make_change(cls, past: PastChange) -> object:
        """The schema's object for a change of such a record."""
        raise NotImplementedError


async def resolve_history(
    root: RecordWithHistory,
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Any:
    """A page of a record's changes. Raises Malformed for a count below 0 or over 100, and for the cursor of another list."""
    arguments = read_page(first, after, last, before)
    after_number, before_number = [_read_cursor(root.key, cursor) for cursor in (arguments.after, arguments.before)]
    page = KeyPage(arguments.limit, after_number, before_number, arguments.backward)
    wanted = find_wanted(info, "ChangeConnection")
    rows = await _load_history(root, info, page, wanted)
    total = await _load_length(root, info) if wanted.total else 0
    keyed = [(write_history_cursor(*root.key, past.number), root.make_change(past)) for past in rows.rows]
    return show_rows(keyed, rows, total)


async def _load_history(root: RecordWithHistory, info: Info, page: KeyPage[int], wanted: Wanted) -> KeyRows[PastChange]:
    bounds = wanted.bounds and (page.after is not None or page.before is not None)
    load = partial(_load_histories, info.context.access, root.face, page, bounds)
    return await info.context.loader(("history", root.face.name, page, bounds), load).load(root.key)


async def _load_length(root: RecordWithHistory, info: Info) -> int:
    load = partial(_count_histories, info.context.access)
    return await info.context.loader("lengths of histories", load).load(root.key)


def _read_cursor(key: RecordKey, cursor: CursorArgument | None) -> int | None:
    return None if cursor is None else read_history_cursor(*key, cursor.text, cursor.name)


async def _load_histories(
    access: Access, face: Face, page: KeyPage[int], bounds: bool, records: Sequence[RecordKey]
) -> list[KeyRows[PastChange]]:
    histories = await list_histories(access, records, face, page, bounds=bounds)
    return [histories.get(record, KeyRows((), False, False)) for record in records]


async def _count_histories(access: Access, records: Sequence[RecordKey]) -> list[int]:
    lengths = await count_histories(access, records)
    return [lengths.get(record, 0) for record in records]
