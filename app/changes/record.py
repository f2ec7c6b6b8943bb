"""Changes of records, their cursors, and snapshots of the transactions that were committed at a moment."""

from dataclasses import dataclass, replace
from typing import Any, Self

from app.errors import ChangesReset, Malformed
from app.query.cursor import read_cursor, read_scope, write_cursor

LARGEST_NUMBER = 2**63 - 1
NO_DIFFERENCES = "[]"
INVALID_CURSOR = "Invalid cursor: pass a cursor that this API returned for these changes."


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of a record under one face.

    `number` grows with each change of any organization. `facts` is JSON text with the fields of the change beside its
    images. `before` and `after` are images: the record as JSON text with the fields of the face. `before` is None for a
    creation. Both are None once the person is erased, and when the images are older than the operator keeps them; only
    then `images_expired` is true. `differences` is the JSON text of a list: the fields with a new value, whose values before
    and after the change are texts of JSON.
    """

    number: int
    organization_id: str
    client_id: str
    action: str
    actor: str
    images_expired: bool
    facts: str
    before: str | None
    after: str | None
    differences: str

    @property
    def size(self) -> int:
        """The number of characters in the images and the differences."""
        return len(self.before or "") + len(self.after or "") + len(self.differences)

    def without_images(self) -> Self:
        return replace(self, before=None, after=None, differences=NO_DIFFERENCES)


@dataclass(frozen=True, slots=True)
class Change:
    """A change as its followers get it: `client` and `customer` are the change under the two faces of GraphQL.

    `transaction` is the id of the transaction that made the change. `epoch` names the line of numbers that `number`
    belongs to.
    """

    transaction: int
    client: PastChange
    customer: PastChange
    epoch: str

    @property
    def number(self) -> int:
        return self.client.number

    @property
    def organization_id(self) -> str:
        return self.client.organization_id

    @property
    def client_id(self) -> str:
        return self.client.client_id

    @property
    def action(self) -> str:
        return self.client.action

    @property
    def size(self) -> int:
        return self.client.size + self.customer.size

    def without_images(self) -> "Change":
        return replace(self, client=self.client.without_images(), customer=self.customer.without_images())


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """The changes that a caller wants: those of some clients, and those with some actions. None stands for all."""

    client_ids: frozenset[str] | None = None
    actions: frozenset[str] | None = None

    def matches(self, change: Change) -> bool:
        is_of_client = self.client_ids is None or change.client_id in self.client_ids
        return is_of_client and (self.actions is None or change.action in self.actions)


EVERY_CHANGE = ChangeFilter()


@dataclass(frozen=True, slots=True)
class Position:
    """A number of the changes, and its epoch: the history of the database that the number belongs to.

    A promoted standby and a restored database begin another epoch, in which numbers may be taken a second time.
    """

    number: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The transactions committed at a moment: those below `oldest`, and those below `next` that are not in `open`."""

    oldest: int
    next: int
    open: frozenset[int]

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads PostgreSQL's text form of pg_snapshot, `oldest:next:open,open`."""
        oldest, following, still_open = text.split(":")
        return cls(int(oldest), int(following), frozenset(map(int, filter(None, still_open.split(",")))))

    def shows(self, transaction: int) -> bool:
        return transaction < self.oldest or (transaction < self.next and transaction not in self.open)


def write_change_cursor(organization_id: str, number: int, epoch: str) -> str:
    """The cursor of a change among those of its organization."""
    return write_cursor(_change_scope(organization_id), f'[{number},"{epoch}"]')


def read_change_cursor(organization_id: str, text: str, last: Position, field: str = "after") -> int:
    """The number in a cursor of an organization's changes, whose last change is `last`.

    Raises Malformed for any other text, and ChangesReset for a cursor of another epoch.
    """
    number, epoch = _read(_change_scope(organization_id), text, field, 2)
    if epoch != last.epoch:
        raise ChangesReset(field)
    if number > last.number:
        raise Malformed("Invalid cursor: no change has this number yet; pass a cursor that this API returned.", field)
    return number


def read_change_position(text: str, field: str = "after") -> tuple[str, Position]:
    """The organization that a cursor of changes belongs to, and the position in it. Raises Malformed for any other text."""
    kind, _, organization_id = read_scope(text, field).partition(" ")
    if kind != "changes":
        raise Malformed(INVALID_CURSOR, field)
    return organization_id, Position(*_read(_change_scope(organization_id), text, field, 2))


def write_history_cursor(organization_id: str, client_id: str, number: int) -> str:
    """The cursor of a change in a record's history.

    It is not a cursor among the organization's changes: an earlier change of another record may still be uncommitted.
    """
    return write_cursor(_history_scope(organization_id, client_id), f"[{number}]")


def read_history_cursor(organization_id: str, client_id: str, text: str, field: str = "after") -> int:
    """The number in a cursor of a record's history. Raises Malformed for any other text."""
    return _read(_history_scope(organization_id, client_id), text, field, 1)[0]


def read_history_owner(text: str, field: str = "after") -> tuple[str, str]:
    """The organization and the client whose history a cursor belongs to. Raises Malformed for any other text."""
    kind, _, owner = read_scope(text, field).partition(" ")
    organization_id, _, client_id = owner.partition(" ")
    if kind != "history":
        raise Malformed(INVALID_CURSOR, field)
    return organization_id, client_id


def _change_scope(organization_id: str) -> str:
    return f"changes {organization_id}"


def _history_scope(organization_id: str, client_id: str) -> str:
    return f"history {organization_id} {client_id}"


def _read(scope: str, text: str, field: str, count: int) -> tuple[int, Any]:
    """Returns the number in a cursor with `count` values, and the last of them."""
    try:
        values = read_cursor(scope, text, field, count)
    except Malformed as error:
        raise Malformed(INVALID_CURSOR, field) from error
    number = values[0]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= LARGEST_NUMBER:
        raise Malformed(INVALID_CURSOR, field)
    return number, values[-1]
