"""What may be asked of the changes: to follow those of an organization, and to page through those of a record."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from app.auth import Access
from app.changes.reader import ChangeReader
from app.changes.record import LARGEST_NUMBER, Change, PastChange, read_past_place, read_place
from app.changes.repository import ChangeRepository
from app.errors import Malformed
from app.query.face import Face


@dataclass(frozen=True, slots=True)
class History:
    """A page of a record's changes, newest first. `total` is None when it was not asked for."""

    changes: Sequence[PastChange]
    has_next: bool
    total: int | None


async def follow_changes(
    access: Access, reader: ChangeReader, organization_id: str, after: str | None
) -> AsyncGenerator[Change, None]:
    """The changes of an organization, each once, in the order of their numbers, without end.

    With a cursor: those after it. Without one: those that are not yet committed now. Raises NotFound when the
    organization is out of reach, and Malformed for a cursor that was not given here or lies ahead of every change.
    """
    access.require(organization_id)
    number = None if after is None else read_place(organization_id, after)
    settled = await reader.begun()
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        if number is None:
            return reader.follow(organization_id, settled, await repository.snapshot())
        if number > await repository.last_number():
            raise Malformed("The cursor lies ahead of every change", "after")
    return reader.follow(organization_id, number)


async def list_history(
    access: Access,
    organization_id: str,
    client_id: str,
    face: Face,
    *,
    first: int,
    after: str | None,
    total: bool,
) -> History:
    """At most `first` changes of a record, live or deleted, before the one of the cursor."""
    access.require(organization_id)
    before = LARGEST_NUMBER if after is None else read_past_place(organization_id, client_id, after)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        found = await repository.history(organization_id, client_id, face, before, first + 1)
        counted = await repository.history_length(organization_id, client_id) if total else None
    return History(found[:first], len(found) > first, counted)
