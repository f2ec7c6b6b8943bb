"""Records in the database, for any table: one or several by id, a page, a count and a write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Select, Table

from app.auth import Target
from app.errors import NotFound, Stale
from app.observability.figures import current_figures
from app.query.model import Page
from app.query.request import ListRequest
from app.query.sql.pages import NO_SEARCH, SEPARATOR, Search, condition_parameters, joined_statement, page_statement
from app.query.sql.render import Selection, bind_values
from app.records.statements import count_statement, get_many_statement, get_statement
from app.records.writes import change_statement
from app.storage.connection import Connection

RenderedRow = tuple[str, str | None]
"""A rendered row and the JSON list of its order values, from which its cursor is made."""

Owners = Mapping[str, object]
"""The parameter of `scope`: `organization`, or `organizations` where the records are organizations."""


@dataclass(slots=True)
class RenderedRecord:
    """One rendered record with its version and organization."""

    json: str
    version: int
    organization_id: str


MOST_JOINED = 100
"""The most rows that PostgreSQL joins, since the text lies in its memory. The rows of longer pages come one by one, and
PostgreSQL stops to render them when the answer is too large."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page in the order of its request. `total` is None unless the request wants it.

    The rows are in `rows`, or for a request that wants them joined in `json`: with commas between them, as UTF-8. `first`
    and `last` are the JSON lists of the order values of the first and the last row, if the request wants cursors.
    """

    has_next: bool
    has_previous: bool
    total: int | None = None
    rows: Sequence[RenderedRow] = ()
    json: bytes = b""
    first: str | None = None
    last: str | None = None


async def get_record(
    connection: Connection, table: Table, target: Target, selection: Selection
) -> RenderedRecord | None:
    parameters = bind_values(selection, {"organizations": list(target.organizations), "record": target.id})
    row = (await connection.execute(get_statement(table, selection), parameters)).first()
    return None if row is None else RenderedRecord(*row)


async def get_records(
    connection: Connection,
    table: Table,
    organizations: Sequence[str],
    ids: Sequence[str],
    selection: Selection,
    *,
    deleted_too: bool = True,
    order: tuple[str, ...] = (),
) -> dict[str, str]:
    """The rendered records by id, ordered by the columns of `order`."""
    statement = get_many_statement(table, selection, deleted_too=deleted_too, order=order)
    parameters = bind_values(selection, {"organizations": list(organizations), "ids": list(ids)})
    return {record_id: json for record_id, json in await connection.execute(statement, parameters)}  # noqa: C416


async def list_records(
    connection: Connection, table: Table, owners: Owners, request: ListRequest, search: Search = NO_SEARCH
) -> list[RenderedRow]:
    """At most `page.limit` rows in the order of the request; a backward page begins with its last row."""
    statement, parameters = page_statement(table, request, search)
    return [(json, key) for json, key in await connection.execute(statement, {**owners, **parameters})]


async def count_records(
    connection: Connection, table: Table, owners: Owners, request: ListRequest, search: Search = NO_SEARCH
) -> int:
    """The number of records that a request matches."""
    deleted_too, skip_tenant_key = request.deleted_too, search.skip_tenant_key
    statement = count_statement(table, request.face, request.where, search.shapes, deleted_too, skip_tenant_key)
    parameters = condition_parameters(request.values, search.terms)
    return int(await connection.scalar(statement, {**owners, **parameters}))


async def write_record(
    connection: Connection, statement: Select[Any], target: Target, parameters: Mapping[str, Any]
) -> tuple[RenderedRecord, Sequence[Any]]:
    """The written record, and the further columns of the answer.

    Raises NotFound; Stale when the record's version is not expected.
    """
    expected = target.expected_version
    scope = {
        "organizations": list(target.organizations),
        "record": target.id,
        "actor": target.actor,
        "expected": [expected] if isinstance(expected, int) else expected,
    }
    row = (await connection.execute(statement, {**scope, **parameters})).first()
    if row is None:
        raise NotFound("There is no such record")
    json, version, organization_id, *columns = row
    if version is None:
        raise Stale("The record has changed since that version")
    return RenderedRecord(json, version, organization_id), columns


def value_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters v_<column> of the written values."""
    return {f"v_{name}": value for name, value in values.items()}


class RecordRepository:
    """Reads and changes the records of `table`, over one connection."""

    table: ClassVar[Table]

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def get(self, target: Target, selection: Selection) -> RenderedRecord | None:
        return await get_record(self.connection, self.table, target, selection)

    async def get_many(
        self, organizations: Sequence[str], ids: Sequence[str], selection: Selection, *, deleted_too: bool = True
    ) -> dict[str, str]:
        return await get_records(self.connection, self.table, organizations, ids, selection, deleted_too=deleted_too)

    async def change(self, target: Target, values: Mapping[str, Any], selection: Selection) -> RenderedRecord:
        """The changed record. Raises NotFound, and Stale when its version is not expected."""
        statement = change_statement(self.table, selection, frozenset(values))
        record, _ = await write_record(self.connection, statement, target, value_parameters(values))
        return record


class JoinedPage(NamedTuple):
    """The row of `joined_statement`."""

    json: bytes | None
    found: int
    first: str | None
    last: str | None
    earlier: bool
    later: bool
    total: int | None


class ListRepository(RecordRepository):
    """The repository of records that belong to an organization, and its lists.

    `total` is a statement with the number of all live records of the parameter `organization`, if there is a fast one.
    """

    total: ClassVar[Select[Any] | None] = None

    async def page(self, organization: str, request: ListRequest) -> list[RenderedRow]:
        """At most `page.limit` rows in the order of the request; a backward page begins with its last row."""
        return await list_records(self.connection, self.table, {"organization": organization}, request)

    async def joined_page(self, organization: str, request: ListRequest) -> JoinedPage:
        """The page of a request without search terms as one text, and the facts around it."""
        total = self.total if request.wanted.total and request.is_unconditional else None
        statement, parameters = joined_statement(self.table, request, total)
        row = (await self.connection.execute(statement, {"organization": organization, **parameters})).one()
        page = JoinedPage(*row)
        current_figures.get().rows += page.found - 1
        return page

    async def count(self, organization: str, request: ListRequest) -> int:
        """The number of records that a request matches."""
        return await count_records(self.connection, self.table, {"organization": organization}, request)


async def list_page(repository: ListRepository, organization_id: str, request: ListRequest) -> Listing:
    """The rows and facts that a request wants.

    Unless the request wants to look beyond its page, rows are taken to lie beyond each bound that the page has.
    """
    wanted, page = request.wanted, request.page
    if wanted.rows and wanted.joined and not request.terms and page.limit <= MOST_JOINED:
        return await _list_joined(repository, organization_id, request)
    rows = await repository.page(organization_id, request.with_one_more()) if wanted.rows else []
    earlier, later = await _rows_outside(repository, organization_id, request)
    total = await _count(repository, organization_id, request, len(rows)) if wanted.total else None
    more, kept = len(rows) > page.limit, rows[: page.limit]
    shown, (has_next, has_previous) = kept[::-1] if page.backward else kept, _place(page, more, earlier, later)
    if not wanted.joined:
        return Listing(has_next, has_previous, total, shown)
    first, last = (shown[0][1], shown[-1][1]) if shown else (None, None)
    return Listing(has_next, has_previous, total, (), ",".join(json for json, _ in shown).encode(), first, last)


async def _list_joined(repository: ListRepository, organization_id: str, request: ListRequest) -> Listing:
    """As `list_page`, for a page that PostgreSQL joins."""
    wanted, page = request.wanted, request.page
    json, found, first, last, earlier, later, total = await repository.joined_page(organization_id, request)
    if not wanted.beyond:
        earlier, later = page.after is not None, page.before is not None
    if wanted.total and total is None:
        total = await _count(repository, organization_id, request, found)
    has_next, has_previous = _place(page, found > page.limit, earlier, later)
    if json is None or not page.limit:
        return Listing(has_next, has_previous, total)
    return Listing(has_next, has_previous, total, (), _cut(json, page, found), first, last)


def _cut(json: bytes, page: Page, found: int) -> bytes:
    """The rows of a page with commas between them, without the row beyond it."""
    if found > page.limit:
        json = json[json.index(SEPARATOR) + 1 :] if page.backward else json[: json.rindex(SEPARATOR)]
    return json.replace(SEPARATOR, b",")


def _place(page: Page, more: bool, earlier: bool, later: bool) -> tuple[bool, bool]:
    """Whether rows follow and precede a page. `more`: rows lie beyond it in its own direction."""
    return (later, more or earlier) if page.backward else (more or later, earlier)


async def _rows_outside(repository: ListRepository, organization_id: str, request: ListRequest) -> tuple[bool, bool]:
    """(True if rows lie at `page.after` or earlier, True if rows lie at `page.before` or later)."""
    if not request.wanted.beyond:
        return request.page.after is not None, request.page.before is not None
    earlier, later = [
        outside is not None and bool(await repository.page(organization_id, outside))
        for outside in (request.row_up_to_start(), request.row_from_end())
    ]
    return earlier, later


async def _count(repository: ListRepository, organization_id: str, request: ListRequest, found: int) -> int:
    """The total. A page from the start that shows the last row tells it without another statement."""
    page = request.page
    from_start = request.wanted.rows and page.after is None and page.before is None
    if from_start and found <= page.limit and (found or not page.skip):
        return page.skip + found
    return await repository.count(organization_id, request)
