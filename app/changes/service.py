"""Services of changes: follow the changes of an organization, and page through the history of a record."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from app.auth import Access
from app.changes.reader import ChangeReader
from app.changes.record import (
    LARGEST_NUMBER,
    Change,
    PastChange,
    Position,
    read_change_cursor,
    read_history_cursor,
    write_change_cursor,
)
from app.changes.repository import ChangeRepository
from app.query.face import Face


@dataclass(frozen=True, slots=True)
class History:
    """A page of a record's changes, newest first. `total` is None unless the caller asked for it."""

    changes: Sequence[PastChange]
    has_next: bool
    total: int | None


def _ignore_start(cursor: str) -> None:
    pass


async def follow_changes(
    access: Access,
    reader: ChangeReader,
    organization_id: str,
    after: str | None,
    note_start: Callable[[str], None] = _ignore_start,
) -> AsyncGenerator[Change, None]:
    """The changes of an organization, each once and in the order of their numbers, without end.

    With the cursor `after`: the changes after it. Without: the changes that are not committed yet. Raises NotFound for
    an organization that the caller cannot access. Raises Malformed for an invalid cursor, and for a cursor with a number
    that no change has yet. Raises ChangesReset for a cursor of another epoch, also later when the epoch ends.

    `note_start` gets the cursor of the position at which the changes begin. A later call with it loses no change.
    """
    access.require(organization_id)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        last = await repository.last_position()
        number = None if after is None else read_change_cursor(organization_id, after, last)
        settled = await repository.settled_numbers([organization_id], last.number)
        start = Position(settled[organization_id], last.epoch)
        note_start(write_change_cursor(organization_id, start.number if number is None else number, last.epoch))
        if number is None:
            snapshot = await repository.snapshot()
            return reader.follow(organization_id, start, start.number, snapshot, source=access.database)
    return reader.follow(organization_id, start, number, source=access.database)


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
    """At most `first` changes of a record, newest first, that are older than the cursor. The record may be deleted."""
    access.require(organization_id)
    before = LARGEST_NUMBER if after is None else read_history_cursor(organization_id, client_id, after)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        changes = await repository.history(organization_id, client_id, face, before, first + 1)
        length = await repository.history_length(organization_id, client_id) if total else None
    return History(changes[:first], len(changes) > first, length)
