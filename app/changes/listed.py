"""The settled changes of an organization as a page that is rendered inside the organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
)

from app.changes.page_statements import Walk, select_numbers
from app.changes.record import ChangeFilter
from app.changes.settled import settled_number, write_change_cursor
from app.changes.statements import images_expired
from app.query.key_page import KeyPage
from app.query.sql.connections import Connection
from app.query.sql.render import Columns
from app.storage.tables import client_changes

LOST = '"\\u0000"'
"""The JSON that is shown in place of a page with lost images. PostgreSQL stores no text with this character."""
ONE: ColumnElement[int] = literal_column("1")
NO_NUMBER: ColumnElement[int] = literal_column("0")
OWNER = "an owner"
"""A name with a space, so that it differs from all columns."""
EXAMINED = ("id", "organization_id", "client_id", "action", "after")


@dataclass(frozen=True, slots=True)
class ListedChanges:
    """A page of the settled changes of an organization, in the order of their numbers.

    `after`, `before`, `by_client` and `by_action` tell which bounds and filters there are. The names of their parameters
    begin with `prefix`.
    """

    limit: int
    backward: bool
    prefix: str
    after: bool
    before: bool
    by_client: bool
    by_action: bool
    columns: Sequence[str] = ("id",)

    @classmethod
    def of(cls, page: KeyPage[int], wanted: ChangeFilter, prefix: str) -> tuple[Self, Mapping[str, Any]]:
        """A page of the wanted changes, and the values of its parameters."""
        clients, actions = wanted.client_ids, wanted.actions
        values = {
            "after": page.after,
            "before": page.before,
            "clients": None if clients is None else sorted(clients),
            "actions": None if actions is None else sorted(actions),
        }
        parameters = {f"{prefix}{name}": value for name, value in values.items() if value is not None}
        after, before, by_client, by_action = (value is not None for value in values.values())
        return cls(page.limit, page.backward, prefix, after, before, by_client, by_action), parameters

    def find(self, owner: Columns, names: Sequence[str]) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        page = self._select_page(owner, names).subquery("each")
        return page, (page.c.key.desc() if self.backward else page.c.key.asc(),)

    def reaches(self, owner: Columns, side: str) -> ColumnElement[bool]:
        if not getattr(self, side):
            return false()
        bound, beyond = self._number(side), settled_number(owner["id"]) + ONE
        walk = self._walk(owner, NO_NUMBER, bound + ONE) if side == "after" else self._walk(owner, bound - ONE, beyond)
        return select_numbers(walk, descending=False).exists()

    def count(self, owner: Columns) -> ColumnElement[int]:
        own, walk = client_changes.c, self._walk(owner, NO_NUMBER, ONE)
        counted = (
            select(func.count())
            .select_from(client_changes)
            .where(own.organization_id == owner["id"], own.id <= settled_number(owner["id"]))
        )
        for column, values in ((own.client_id, walk.clients), (own.action, walk.actions)):
            counted = counted if values is None else counted.where(column == func.any(values))
        return counted.correlate_except(client_changes).scalar_subquery()

    def write_cursor(self, owner: Columns, row: Columns) -> ColumnElement[str]:
        return write_change_cursor(row[OWNER], row["key"])

    def has_lost_images(self, owner: Columns) -> ColumnElement[bool]:
        """True if a change of the page, or the next one, has lost its images to the retention worker."""
        page = self._select_page(owner, EXAMINED).subquery("examined")
        lost = select(ONE).select_from(page).where(images_expired(page))
        return lost.correlate_except(page).exists()

    def _select_page(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        """The changes of the page and one more."""
        above = self._number("after") if self.after else NO_NUMBER
        below: ColumnElement[int] = settled_number(owner["id"]) + ONE
        below = func.least(self._number("before"), below) if self.before else below
        walk = self._walk(owner, above, below, literal_column(str(self.limit + 1)))
        numbers = select_numbers(walk, self.backward).subquery("numbers")
        own = client_changes.c
        joined = and_(own.organization_id == owner["id"], own.id == numbers.c.id)
        rows = select(own.id.label("key"), own.organization_id.label(OWNER), *(own[name] for name in names))
        return rows.select_from(numbers.join(client_changes, joined)).correlate_except(numbers, client_changes)

    def _walk(
        self, owner: Columns, above: ColumnElement[int], below: ColumnElement[int], most: ColumnElement[int] = ONE
    ) -> Walk:
        clients, actions = [
            bindparam(f"{self.prefix}{name}", type_=ARRAY(Text)) if is_filtered else None
            for name, is_filtered in (("clients", self.by_client), ("actions", self.by_action))
        ]
        return Walk(owner["id"], above, below, most, clients, actions)

    def _number(self, side: str) -> ColumnElement[int]:
        return bindparam(f"{self.prefix}{side}", type_=BigInteger())


@dataclass(frozen=True, slots=True)
class CheckedConnection:
    """A page of changes after a cursor, or LOST in its place: the caller would take lost images for an erasure."""

    connection: Connection
    page: ListedChanges

    @property
    def columns(self) -> Sequence[str]:
        return self.page.columns

    def render(self, columns: Columns) -> ColumnElement[Any]:
        lost: ColumnElement[Any] = literal_column(f"'{LOST}'", JSON())
        return case((self.page.has_lost_images(columns), lost), else_=self.connection.render(columns))
