"""Records in the database, for any table: one or several by id, a page, a count and a write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table

from app.auth import Target
from app.errors import NotFound, Stale
from app.query.request import ListRequest
from app.query.sql.pages import NO_SEARCH, Search, condition_parameters, page_statement
from app.query.sql.render import Selection
from app.records.statements import count_statement, get_many_statement, get_statement
from app.storage.connection import Connection

RenderedRow = tuple[str, str | None]
"""A rendered row and the JSON list of its order values, from which its cursor is made."""

Owners = Mapping[str, object]
"""The parameter of `scope`: `organization`, or `organizations` where the records are organizations."""


@dataclass(frozen=True, slots=True)
class RenderedRecord:
    """One rendered record with its version and organization."""

    json: str
    version: int
    organization_id: str


async def get_record(
    connection: Connection, table: Table, target: Target, selection: Selection
) -> RenderedRecord | None:
    parameters = {"organizations": list(target.organizations), "record": target.id}
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
    parameters = {"organizations": list(organizations), "ids": list(ids)}
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
