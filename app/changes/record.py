"""What a change is, the places among an organization's changes, and what was committed at a moment."""

from dataclasses import dataclass, replace
from typing import Self

from app.errors import Malformed
from app.query.cursor import read_cursor, write_cursor

LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Change:
    """A change as its followers get it.

    `number` grows with each change of any organization; `transaction` is the one that made it. `at` is text, as all
    moments are. `before`, `after` and `customer_after` are the record as JSON text, the first two as GraphQL's Client
    spells it and the third as its Customer does: None before a creation, and everywhere once the person is erased.
    """

    number: int
    transaction: int
    organization_id: str
    client_id: str
    version: int
    action: str
    actor: str
    at: str
    before: str | None
    after: str | None
    customer_after: str | None

    @property
    def size(self) -> int:
        """How many characters its images hold."""
        return sum(len(image) for image in (self.before, self.after, self.customer_after) if image)

    def without_images(self) -> "Change":
        return replace(self, before=None, after=None, customer_after=None)


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change in the history of one record, its images as JSON text in the spelling of one face."""

    number: int
    version: int
    action: str
    actor: str
    at: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was committed at a moment: transactions below `oldest`, and those below `next` that are not `open`."""

    oldest: int
    next: int
    open: frozenset[int]

    @classmethod
    def read(cls, text: str) -> Self:
        """From PostgreSQL's spelling, `oldest:next:open,open`."""
        oldest, following, still_open = text.split(":")
        return cls(int(oldest), int(following), frozenset(int(one) for one in still_open.split(",") if one))

    def shows(self, transaction: int) -> bool:
        return transaction < self.oldest or (transaction < self.next and transaction not in self.open)


def write_place(organization_id: str, number: int) -> str:
    """The cursor of a change among those of its organization."""
    return _write(_mark("changes", organization_id), number)


def read_place(organization_id: str, text: str, field: str = "after") -> int:
    """The number in a cursor of an organization's changes. Raises Malformed for any other text."""
    return _read(_mark("changes", organization_id), text, field)


def write_past_place(organization_id: str, client_id: str, number: int) -> str:
    """The cursor of a change in a record's history. A later change of another record may still be uncommitted, so it is
    no place among the organization's changes."""
    return _write(_mark("history", organization_id, client_id), number)


def read_past_place(organization_id: str, client_id: str, text: str, field: str = "after") -> int:
    """The number in a cursor of a record's history. Raises Malformed for any other text."""
    return _read(_mark("history", organization_id, client_id), text, field)


def _mark(*parts: str) -> str:
    return " ".join(parts)


def _write(mark: str, number: int) -> str:
    return write_cursor(mark, f"[{number}]")


def _read(mark: str, text: str, field: str) -> int:
    try:
        (number,) = read_cursor(mark, text, field, 1)
    except Malformed as error:
        raise Malformed("The cursor is not one of these changes", field) from error
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= LARGEST_NUMBER:
        raise Malformed("The cursor is not one of these changes", field)
    return number
