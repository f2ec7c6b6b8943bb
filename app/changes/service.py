"""Services of changes: follow and list the changes of organizations, and page through the histories of records."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from app.auth import Access
from app.changes.reader import ChangeReader
from app.changes.record import (
    EVERY_CHANGE,
    Change,
    ChangeFilter,
    PastChange,
    Position,
    read_change_cursor,
    write_change_cursor,
)
from app.changes.repository import ChangeRepository, RecordKey
from app.errors import ChangesReset
from app.query.face import Face
from app.query.key_page import NOTHING_OUTSIDE, KeyPage, KeyRows, cut_page
from app.query.request import PageArguments


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """A question about the settled changes of an organization: those of the filter, with their images under a face."""

    organization_id: str
    face: Face
    wanted: ChangeFilter = EVERY_CHANGE


def _ignore_start(cursor: str) -> None:
    pass


async def follow_changes(
    access: Access,
    reader: ChangeReader,
    organization_id: str,
    after: str | None,
    wanted: ChangeFilter = EVERY_CHANGE,
    note_start: Callable[[str], None] = _ignore_start,
) -> AsyncGenerator[Change, None]:
    """The wanted changes of an organization, each once and in the order of their numbers, without end.

    With the cursor `after`: the changes after it. Without: the changes that are not committed yet. Raises NotFound for
    an organization that the caller cannot access. Raises Malformed for an invalid cursor, and for a cursor with a number
    that no change has yet. Raises ChangesReset for a cursor of another epoch, also later when the epoch ends; and before a
    change whose images have expired.

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
            return reader.follow(organization_id, start, start.number, snapshot, source=access.database, wanted=wanted)
    return reader.follow(organization_id, start, number, source=access.database, wanted=wanted)


async def find_settled(access: Access, organizations: Sequence[str]) -> dict[str, Position]:
    """The position up to which the changes of each organization are settled now."""
    for organization_id in organizations:
        access.require(organization_id)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        last = await repository.last_position()
        settled = await repository.settled_numbers(organizations, last.number)
    return {organization_id: Position(number, last.epoch) for organization_id, number in settled.items()}


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of the settled changes of an organization. `total` counts all that the question wants, if it was asked for."""

    rows: KeyRows[PastChange]
    settled: Position
    total: int | None


async def list_changes(
    access: Access, query: ChangeQuery, arguments: PageArguments, *, bounds: bool, total: bool
) -> ChangePage:
    """A page of the settled changes of an organization, in the order of their numbers.

    The cursors are those of `follow_changes`, and each continues the other: every change is settled before it is listed.
    With `bounds` it looks for changes outside of the page. Raises Malformed and ChangesReset for cursors as
    `follow_changes` does; and ChangesReset if the images of a change after the cursor `after` have expired.
    """
    access.require(query.organization_id)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        last = await repository.last_position()
        page = _read_page(query.organization_id, arguments, last)
        settled = (await repository.settled_numbers([query.organization_id], last.number))[query.organization_id]
        rows = await repository.page(query.organization_id, query.wanted, query.face, page, settled)
        if page.after is not None and any(change.images_expired for change in rows):
            raise ChangesReset("after", expired=True)
        outside = await _look_outside(repository, query, page, settled) if bounds else NOTHING_OUTSIDE
        count = await repository.count(query.organization_id, query.wanted, settled) if total else None
    return ChangePage(cut_page(page, rows, outside), Position(settled, last.epoch), count)


def _read_page(organization_id: str, arguments: PageArguments, last: Position) -> KeyPage[int]:
    cursors = (arguments.after, arguments.before)
    after, before = [
        None if cursor is None else read_change_cursor(organization_id, cursor.text, last, cursor.name)
        for cursor in cursors
    ]
    return KeyPage(arguments.limit, after, before, arguments.backward)


async def _look_outside(
    repository: ChangeRepository, query: ChangeQuery, page: KeyPage[int], settled: int
) -> tuple[bool, bool]:
    """(True if a wanted change is `page.after` or earlier, True if one is `page.before` or later)."""
    organization_id, wanted = query.organization_id, query.wanted
    earlier = page.after is not None and await repository.has_changes(organization_id, wanted, 0, page.after + 1)
    later = page.before is not None and await repository.has_changes(
        organization_id, wanted, page.before - 1, settled + 1
    )
    return earlier, later


async def get_changes(access: Access, numbers: Sequence[int], face: Face) -> dict[int, PastChange]:
    """The changes with some numbers in the organizations that the caller can access."""
    async with access.database.read() as connection:
        changes = await ChangeRepository(connection).get(access.principal.organizations, numbers, face)
    return {change.number: change for change in changes}


async def list_histories(
    access: Access, records: Sequence[RecordKey], face: Face, page: KeyPage[int], *, bounds: bool
) -> dict[RecordKey, KeyRows[PastChange]]:
    """A page of the changes of each record that the caller can access, newest first. The record may be deleted.

    With `bounds` it looks for changes outside of the page.
    """
    accessible = _accessible(access, records)
    async with access.database.read() as connection:
        repository = ChangeRepository(connection)
        changes = await repository.histories(accessible, face, page)
        outside = await repository.history_bounds(accessible, page) if bounds else {}
    by_record = defaultdict[RecordKey, list[PastChange]](list)
    for change in changes:
        by_record[change.organization_id, change.client_id].append(change)
    return {key: cut_page(page, by_record[key], outside.get(key, NOTHING_OUTSIDE)) for key in accessible}


async def count_histories(access: Access, records: Sequence[RecordKey]) -> dict[RecordKey, int]:
    """The number of changes of each record that the caller can access and that has any."""
    async with access.database.read() as connection:
        return await ChangeRepository(connection).history_lengths(_accessible(access, records))


def _accessible(access: Access, records: Sequence[RecordKey]) -> list[RecordKey]:
    organizations = access.principal.organizations
    return [(organization, client) for organization, client in records if organization in organizations]
