"""ClientRepository: reads and writes clients in the database, and gives them as rendered JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select

from app.auth import Target
from app.clients.record import MOST_METADATA
from app.clients.search import WINDOW, Searcher
from app.clients.statements import (
    ADDRESSEE,
    TAXED,
    TAXPAYER,
    TOTAL,
    rank_statement,
)
from app.clients.writes import (
    FORGET_IMAGES,
    FORMER_ADDRESSES,
    NEW_COLUMNS,
    NOTE_ERASURE,
    add_statement,
    change_many_statement,
    change_statement,
    check_statement,
    erase_statement,
    remove_statement,
    restore_statement,
)
from app.errors import DomainError, Invalid, NotFound, Problem, Stale
from app.query.request import ListRequest
from app.query.sql.pages import NO_SEARCH, Search, condition_parameters
from app.query.sql.render import Selection
from app.records.bodies import SENT_COLUMNS, Values
from app.records.repository import (
    ListRepository,
    RenderedRecord,
    RenderedRow,
    count_records,
    list_records,
    value_parameters,
    write_record,
)
from app.storage.connection import Connection
from app.storage.tables import clients

NEW_MEMBERS = NEW_COLUMNS | {SENT_COLUMNS}
"""The members of a row that is written without a list."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A client as the recipient of a reminder, and the organization that sends it.

    `verified` is false if all accounts of the organization signed up by themselves and none is verified.
    """

    organization_id: str
    name: str
    email: str | None
    organization_name: str
    organization_email: str | None
    locale: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """A client as the holder of a tax number."""

    version: int
    tax_number: str | None
    country_code: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row of a batch: the values to write to the live client `id`. `position` names the row in the answer."""

    position: int
    id: str
    values: Values
    expected: int | None = None


def _read_changed(
    json: str, version: int | None, organization_id: str, metadata: Mapping[str, Any] | None
) -> RenderedRecord | DomainError:
    if version is None:
        return Stale("The record has changed since that version")
    if len(metadata or ()) > MOST_METADATA:
        return too_much_metadata()
    return RenderedRecord(json, version, organization_id)


def too_much_metadata() -> Invalid:
    return Invalid([Problem("metadata", "length", f"has more than {MOST_METADATA} properties")])


class ClientRepository(ListRepository):
    """Over one connection. Every statement names the organization or organizations that it may touch.

    `window` is the number of rows that a search looks at, in the order of the list, before it uses the index.
    """

    table = clients
    total = TOTAL

    def __init__(self, connection: Connection, window: int = WINDOW) -> None:
        super().__init__(connection)
        self.window = window

    async def addressee(self, target: Target) -> Addressee | None:
        parameters = {"organizations": list(target.organizations), "record": target.id}
        row = (await self.connection.execute(ADDRESSEE, parameters)).first()
        return None if row is None else Addressee(*row)

    async def taxpayer(self, target: Target) -> Taxpayer | None:
        parameters = {"organizations": list(target.organizations), "record": target.id}
        row = (await self.connection.execute(TAXPAYER, parameters)).first()
        return None if row is None else Taxpayer(*row)

    async def page(self, organization: str, request: ListRequest) -> list[RenderedRow]:
        """At most `page.limit` rows in the order of the request; a backward page begins with its last row."""
        owners = {"organization": organization}
        find = partial(list_records, self.connection, clients, owners, request)
        if not request.terms:
            return await find(NO_SEARCH)
        async with self.connection.planning():
            return await Searcher(self.connection, organization, self.window).page(find, request)

    async def count(self, organization: str, request: ListRequest) -> int:
        """The number of records that a request matches. Without conditions it costs the same at any size."""
        owners = {"organization": organization}
        if request.is_unconditional:
            return int(await self.connection.scalar(TOTAL, owners))
        if not request.terms:
            return await count_records(self.connection, clients, owners, request)
        async with self.connection.planning():
            searcher = Searcher(self.connection, organization, self.window)
            sample = await searcher.sample(request.terms, request.deleted_too)
            return await count_records(self.connection, clients, owners, request, sample.index_search())

    async def rank(
        self, organization: str, term: str, words: Sequence[str], types: Sequence[str] | None, selection: Selection
    ) -> list[str]:
        """At most 100 records that contain every word, best match first; of more than 1,000, the best of a part."""
        parameters: dict[str, Any] = {"organization": organization, "term": term}
        if types is not None:
            parameters["types"] = list(types)
        find = partial(self._find_ranked, selection, parameters)
        async with self.connection.planning():
            return await Searcher(self.connection, organization, self.window).rank(find, tuple(words))

    async def _find_ranked(
        self, selection: Selection, parameters: Mapping[str, Any], search: Search
    ) -> list[tuple[str, int]]:
        typed = "types" in parameters
        statement = rank_statement(selection, search.shapes, typed, search.way, search.window, search.skip_tenant_key)
        return await self.connection.execute(statement, {**parameters, **condition_parameters((), search.terms)})

    async def add(self, rows: Sequence[Values], actor: str, selection: Selection) -> dict[str, RenderedRecord]:
        """The new records by id. Each row is complete, except for the columns that the database fills."""
        single = len(rows) == 1 and rows[0].keys() <= NEW_MEMBERS
        parameters = value_parameters(rows[0]) if single else {"rows": rows}
        statement = add_statement(selection, single=single)
        added = await self.connection.execute(statement, {**parameters, "actor": actor})
        homes = {row["id"]: row["organization_id"] for row in rows}
        return {client_id: RenderedRecord(json, version, homes[client_id]) for client_id, json, version in added}

    async def change(self, target: Target, values: Mapping[str, Any], selection: Selection) -> RenderedRecord:
        """The changed record. Raises NotFound, Stale, and Invalid when it would have too much metadata."""
        statement = change_statement(selection, frozenset(values))
        record, (metadata,) = await write_record(self.connection, statement, target, value_parameters(values))
        if len(metadata) > MOST_METADATA:
            raise too_much_metadata()
        return record

    async def change_many(
        self, organizations: Sequence[str], actor: str, rows: Sequence[ChangedRow], selection: Selection
    ) -> dict[int, RenderedRecord | DomainError]:
        """The changed records by position, or an error: NotFound, Stale, or Invalid for too much metadata.

        A record with too much metadata is written all the same, so the transaction must be rolled back.
        """
        names = frozenset(name for row in rows for name in row.values)
        parameters = {
            "rows": {
                row.id: {"position": row.position, "expected": row.expected, "values": row.values} for row in rows
            },
            "ids": [row.id for row in rows],
            "organizations": list(organizations),
            "actor": actor,
        }
        changed = await self.connection.execute(change_many_statement(selection, names), parameters)
        results: dict[int, RenderedRecord | DomainError] = {
            row.position: NotFound("There is no such record", "id") for row in rows
        }
        results.update((position, _read_changed(*columns)) for position, *columns in changed)
        return results

    async def keep_check(
        self, target: Target, checked: Taxpayer, check: Mapping[str, Any], selection: Selection
    ) -> RenderedRecord:
        """The record with the check of its tax number. Raises Stale also when its number is not that of `checked` any more."""
        was = (checked.tax_number, checked.country_code, checked.country)
        parameters = {"v_vies": check, **{f"w_{name}": value for name, value in zip(TAXED, was, strict=True)}}
        return await self._write(check_statement(selection), target, parameters)

    async def remove(self, target: Target, selection: Selection) -> RenderedRecord:
        return await self._write(remove_statement(selection), target, {})

    async def restore(self, target: Target, selection: Selection) -> RenderedRecord:
        return await self._write(restore_statement(selection), target, {})

    async def erase(self, target: Target, selection: Selection) -> tuple[RenderedRecord, str | None]:
        """Deletes the record for good. Gives the record as it was, and its folded e-mail address.

        Its images in the history stay.
        """
        record, (address,) = await write_record(self.connection, erase_statement(selection), target, {})
        await self.connection.execute(NOTE_ERASURE)
        return record, address

    async def former_addresses(self, organization: str, client_id: str) -> list[str]:
        """The folded e-mail addresses in the record's history."""
        found = await self.connection.scalars(FORMER_ADDRESSES, {"organization": organization, "record": client_id})
        return [address for address in found if address]

    async def forget_images(self, organization: str, client_id: str) -> None:
        """Leaves the actor, the action and the moment of each of the record's changes."""
        await self.connection.execute(FORGET_IMAGES, {"organization": organization, "record": client_id})

    async def _write(self, statement: Select[Any], target: Target, parameters: Mapping[str, Any]) -> RenderedRecord:
        record, _ = await write_record(self.connection, statement, target, parameters)
        return record
