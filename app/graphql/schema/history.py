"""Changes as GraphQL shows them: the history of a record."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Self

import orjson
import strawberry
from strawberry import field

from app.changes.record import PastChange, write_history_cursor
from app.changes.service import list_history
from app.graphql.execution.context import Info, planned
from app.graphql.execution.loading import Record
from app.graphql.execution.plans import selects_total
from app.graphql.schema.connections import Connection, keyed_connection, read_count
from app.graphql.schema.inputs import DateTime, Json, argument

HISTORY = "What was done to the record, newest first, through whichever door."
ALWAYS_CHANGED = frozenset({"version", "updatedAt"})

FirstChanges = Annotated[int | None, argument("How many changes, the newest first: at most 100; 20 by default.")]
AfterChange = Annotated[str | None, argument("The cursor of a change of this history: those before it in time follow.")]


@strawberry.enum(description="What was done to a record.")
class ChangeAction(Enum):
    CREATED = strawberry.enum_value("created", description="It was made.")
    IMPORTED = strawberry.enum_value("imported", description="It was taken over from elsewhere, with its id.")
    UPDATED = strawberry.enum_value("updated", description="Fields of it were written.")
    DELETED = strawberry.enum_value("deleted", description="It was deleted softly.")
    RESTORED = strawberry.enum_value("restored", description="It was brought back.")
    ERASED = strawberry.enum_value("erased", description="It was deleted for good, and its earlier images with it.")


def changed_fields(before: str | None, after: str | None) -> list[str] | None:
    """The fields that differ between two images, or those of a new record that have a value; None without images.

    `version` and `updatedAt`, which every change writes, are left out.
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
    action: ChangeAction = field(description="What was done.")
    at: DateTime = field(description="When the change began.")
    actor: str = field(description="Who did it: `account:` or `token:` and an id, or `operator` for the command line.")
    version: int = field(description="The version that the record had after the change.")
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
        description="The record as it was before, with the names of its type's plain fields; null for a new one, and "
        "when the record has been erased."
    )
    def before(self) -> Json | None:
        return _json(self.before_text)

    @strawberry.field(description="The record as it was after the change; null when the record has been erased.")
    def after(self) -> Json | None:
        return _json(self.after_text)

    @strawberry.field(
        description="The fields that the change gave another value, without `version` and `updatedAt`; of a new record "
        "those that have a value. Null when the record has been erased."
    )
    def changed_fields(self) -> list[str] | None:
        return changed_fields(self.before_text, self.after_text)


async def resolve_history(
    root: Record, info: Info, first: FirstChanges = None, after: AfterChange = None
) -> Connection[Change]:
    """A page of a record's changes. Raises Malformed for a count that is negative or over 100, and a foreign cursor."""
    organization_id, client_id = root.key
    page = await list_history(
        info.context.access,
        organization_id,
        client_id,
        root.face,
        first=read_count(first),
        after=after,
        total=planned(info, "history", selects_total, "ChangeConnection"),
    )
    keyed = [(write_history_cursor(organization_id, client_id, past.number), Change.of(past)) for past in page.changes]
    return keyed_connection(keyed, has_next=page.has_next, has_previous=after is not None, total=page.total or 0)
