"""History: the changes of a record."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Self

import orjson
import strawberry
from strawberry import field

from app.changes.record import PastChange, write_history_cursor
from app.changes.service import list_history
from app.graphql.execution.context import Info, find_plan
from app.graphql.execution.loading import Record
from app.graphql.execution.plans import selects_total
from app.graphql.schema.connections import Connection, make_connection, read_count
from app.graphql.schema.inputs import DateTime, Json, argument

HISTORY = "The changes of the record through every API, newest first."
ALWAYS_CHANGED = frozenset({"version", "updatedAt"})

FirstChanges = Annotated[int | None, argument("The number of changes, newest first: at most 100. The default is 20.")]
AfterChange = Annotated[str | None, argument("The cursor of a change in this history. The page holds older changes.")]


@strawberry.enum(description="The kind of a change.")
class ChangeAction(Enum):
    CREATED = strawberry.enum_value("created", description="The record was created.")
    IMPORTED = strawberry.enum_value("imported", description="The record was imported with its id from another system.")
    UPDATED = strawberry.enum_value("updated", description="Fields of the record were written.")
    DELETED = strawberry.enum_value("deleted", description="The record was deleted. It can be restored.")
    RESTORED = strawberry.enum_value("restored", description="The record was restored.")
    ERASED = strawberry.enum_value(
        "erased", description="The record was deleted permanently, together with its earlier images."
    )


def changed_fields(before: str | None, after: str | None) -> list[str] | None:
    """The names of the fields that differ between two images. Of a new record: the fields that have a value.

    `version` and `updatedAt` are left out, since every change writes them. None without images.
    """
    if after is None:
        return None
    old: Mapping[str, Any] = orjson.loads(before) if before is not None else {}
    new: Mapping[str, Any] = orjson.loads(after)
    return [name for name, value in new.items() if value != old.get(name) and name not in ALWAYS_CHANGED]


def _json(text: str | None) -> Json | None:
    """JSON text as a value that goes into the answer unchanged."""
    return None if text is None else Json(orjson.Fragment(text))


@strawberry.type(description="A change in the history of a record.")
class Change:
    action: ChangeAction = field(description="The kind of the change.")
    at: DateTime = field(description="The time when the change began.")
    actor: str = field(
        description="The author of the change: `account:` or `token:` and an id, or `operator` for the command line."
    )
    version: int = field(description="The version of the record after the change.")
    before_text: strawberry.Private[str | None]
    after_text: strawberry.Private[str | None]

    @classmethod
    def of(cls, past: PastChange) -> Self:
        return cls(
            action=ChangeAction(past.action),
            at=DateTime(past.at),
            actor=past.actor,
            version=past.version,
            before_text=past.before,
            after_text=past.after,
        )

    @strawberry.field(
        description="The record before the change, with the plain fields of its type. Null for a new record, after the "
        "record is erased, and when the image is older than the operator keeps images."
    )
    def before(self) -> Json | None:
        return _json(self.before_text)

    @strawberry.field(
        description="The record after the change. Null after the record is erased, and when the image is older than the "
        "operator keeps images."
    )
    def after(self) -> Json | None:
        return _json(self.after_text)

    @strawberry.field(
        description="The names of the fields with a new value, without `version` and `updatedAt`. For a new record: the "
        "fields that have a value. Null when there are no images."
    )
    def changed_fields(self) -> list[str] | None:
        return changed_fields(self.before_text, self.after_text)


async def resolve_history(
    root: Record, info: Info, first: FirstChanges = None, after: AfterChange = None
) -> Connection[Change]:
    """A page of a record's changes. Raises Malformed for a count below 0 or over 100, and for the cursor of another list."""
    organization_id, client_id = root.key
    page = await list_history(
        info.context.access,
        organization_id,
        client_id,
        root.face,
        first=read_count(first),
        after=after,
        total=find_plan(info, "history", selects_total, "ChangeConnection"),
    )
    keyed = [(write_history_cursor(organization_id, client_id, past.number), Change.of(past)) for past in page.changes]
    return make_connection(keyed, has_next=page.has_next, has_previous=after is not None, total=page.total or 0)
