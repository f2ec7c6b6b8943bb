"""Records in the database: one or several by id, and a write, for any table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table

from app.auth import Target
from app.errors import NotFound, Stale
from app.query.sql.render import Selection
from app.records.statements import get_statement
from app.storage.connection import Connection


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
