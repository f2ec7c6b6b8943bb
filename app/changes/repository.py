"""ChangeRepository: reads the table of changes in the order of their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.changes.page_statements import (
    HISTORY_BOUNDS,
    HISTORY_LENGTHS,
    changes_statement,
    count_statement,
    followed_statement,
    get_statement,
    history_statement,
    numbers_statement,
)
from app.changes.record import LARGEST_NUMBER, Change, ChangeFilter, PastChange, Position, Snapshot
from app.changes.statements import LAST_POSITION, SETTLED_CHANGES, SETTLED_NUMBERS, SNAPSHOT, WAKE, Statement
from app.errors import Unavailable
from app.query.face import Face
from app.query.key_page import KeyPage
from app.storage.connection import Connection

Range: TypeAlias = tuple[str, int, int]
"""An organization, and the numbers after which and up to which its changes are read."""

RecordKey: TypeAlias = tuple[str, str]
"""The id of an organization and the id of one of its clients."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The most changes of one read, and the characters of images after which it ends."""

    changes: int
    characters: int


AT_ONCE = 3
"""The changes that the server sends before it is asked for more."""


class ChangeRepository:
    """Uses one connection, in autocommit unless a method needs a transaction.

    Every statement that reads changes names the organizations.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def last_position(self) -> Position:
        """The last number that any change took, committed or not. Raises Unavailable on a standby."""
        number, epoch = (await self.connection.execute(LAST_POSITION)).one()
        if epoch is None:
            raise Unavailable("the database is a standby, which takes no changes")
        return Position(number, epoch)

    async def settled_numbers(self, organizations: Sequence[str], last: int) -> dict[str, int]:
        """The number of each organization up to which its changes are settled; `last` is a last number, read before."""
        rows = await self.connection.execute(SETTLED_NUMBERS, {"organizations": list(organizations), "last": last})
        return dict(rows)

    async def snapshot(self) -> Snapshot:
        return Snapshot.read(await self.connection.scalar(SNAPSHOT))

    async def list_settled(self, ranges: Sequence[Range], epoch: str, chunk: Chunk) -> tuple[list[Change], bool]:
        """The first changes in the ranges of several organizations, in order, and whether these are all of them.

        The connection is in a transaction. A change may have 300 KB of images, so the changes come a few at a time.
        """
        organizations, after, upto = zip(*ranges, strict=True)
        parameters = {"organizations": organizations, "after": after, "upto": upto, "most": chunk.changes}
        return await self._stream(SETTLED_CHANGES, parameters, epoch, chunk)

    async def list_wanted(
        self, range_: Range, wanted: ChangeFilter, epoch: str, chunk: Chunk
    ) -> tuple[list[Change], bool]:
        """As `list_settled`, for the changes of one organization that a filter wants."""
        organization, after, upto = range_
        bounds = {"organization": organization, "above": after, "below": upto + 1, "most": chunk.changes}
        statement = followed_statement(*_shape(wanted))
        return await self._stream(statement, {**bounds, **_values(wanted)}, epoch, chunk)

    async def _stream(
        self, statement: Statement, parameters: Mapping[str, Any], epoch: str, chunk: Chunk
    ) -> tuple[list[Change], bool]:
        changes: list[Change] = []
        size = 0
        async for row in self.connection.stream(statement, parameters, batch=AT_ONCE):
            change = _read_change(row, epoch)
            changes.append(change)
            size += change.size
            if size >= chunk.characters:
                return changes, False
        return changes, len(changes) < chunk.changes

    async def page(
        self, organization: str, wanted: ChangeFilter, face: Face, page: KeyPage[int], settled: int
    ) -> list[PastChange]:
        """The wanted settled changes of an organization, in order, one more than the page holds.

        A backward page begins with the last change.
        """
        after, before = page.after or 0, settled + 1 if page.before is None else page.before
        bounds = {"above": after, "below": min(before, settled + 1)}
        parameters = {"organization": organization, "most": page.limit + 1, **bounds, **_values(wanted)}
        statement = changes_statement(face, *_shape(wanted), page.backward)
        return [PastChange(*row) for row in await self.connection.execute(statement, parameters)]

    async def has_changes(self, organization: str, wanted: ChangeFilter, above: int, below: int) -> bool:
        """True if an organization has wanted changes between two numbers."""
        parameters = {"organization": organization, "above": above, "below": below, "most": 1, **_values(wanted)}
        return (await self.connection.execute(numbers_statement(*_shape(wanted)), parameters)).first() is not None

    async def count(self, organization: str, wanted: ChangeFilter, settled: int) -> int:
        """The number of wanted settled changes of an organization."""
        parameters = {"organization": organization, "above": 0, "below": settled + 1, **_values(wanted)}
        return int(await self.connection.scalar(count_statement(*_shape(wanted)), parameters))

    async def get(self, organizations: Sequence[str], numbers: Sequence[int], face: Face) -> list[PastChange]:
        """The changes of some organizations with some numbers, in no certain order."""
        parameters = {"organizations": list(organizations), "numbers": list(numbers)}
        return [PastChange(*row) for row in await self.connection.execute(get_statement(face), parameters)]

    async def histories(self, records: Sequence[RecordKey], face: Face, page: KeyPage[int]) -> list[PastChange]:
        """The changes of each record, newest first, one more than the page holds. A backward page begins with the oldest."""
        parameters = {**_keys(records), **_history_bounds(page), "most": page.limit + 1}
        statement = history_statement(face, not page.backward)
        return [PastChange(*row) for row in await self.connection.execute(statement, parameters)]

    async def history_bounds(
        self, records: Sequence[RecordKey], page: KeyPage[int]
    ) -> dict[RecordKey, tuple[bool, bool]]:
        """(True if a change is `page.after` or newer, True if one is `page.before` or older) for each record."""
        rows = await self.connection.execute(HISTORY_BOUNDS, {**_keys(records), **_history_bounds(page)})
        return {(organization, client): (newer, older) for organization, client, newer, older in rows}

    async def history_lengths(self, records: Sequence[RecordKey]) -> dict[RecordKey, int]:
        """The number of changes of each record that has any."""
        rows = await self.connection.execute(HISTORY_LENGTHS, _keys(records))
        return {(organization, client): count for organization, client, count in rows}

    async def wake(self) -> None:
        """Wakes the readers of every process."""
        await self.connection.execute(WAKE)


COMMON, SHOWN = 6, 4
"""The number of columns of a change that do not depend on a face, and of those that do."""


def _read_change(row: Sequence[Any], epoch: str) -> Change:
    """The change in a row of `select_followed_changes`."""
    transaction, *rest = row
    common, client, customer = rest[:COMMON], rest[COMMON : COMMON + SHOWN], rest[COMMON + SHOWN :]
    return Change(transaction, PastChange(*common, *client), PastChange(*common, *customer), epoch)


def _shape(wanted: ChangeFilter) -> tuple[bool, bool]:
    return wanted.client_ids is not None, wanted.actions is not None


def _values(wanted: ChangeFilter) -> dict[str, list[str]]:
    values = {"clients": wanted.client_ids, "actions": wanted.actions}
    return {name: sorted(wanted_values) for name, wanted_values in values.items() if wanted_values is not None}


def _keys(records: Sequence[RecordKey]) -> dict[str, list[str]]:
    return {
        "organizations": [organization for organization, _ in records],
        "clients": [client for _, client in records],
    }


def _history_bounds(page: KeyPage[int]) -> dict[str, int]:
    """The numbers that bound a page of a history, which begins with the newest change."""
    return {
        "above": 0 if page.before is None else page.before,
        "below": LARGEST_NUMBER if page.after is None else page.after,
    }
