"""The changes of a record as rows that are rendered inside the record."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, func, literal_column, select

from app.query.sql.connections import write_cursor
from app.query.sql.render import Columns
from app.storage.tables import client_changes


class History:
    """The changes of a record, newest first."""

    columns: Sequence[str] = ("organization_id", "id")
    descending = True
    key_type: Any = BigInteger()

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = client_changes.c
        of_record = (own.organization_id == owner["organization_id"], own.client_id == owner["id"])
        rows = select(own.id.label("key"), *(own[name] for name in names))
        return rows.where(*of_record).correlate_except(client_changes)

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        scope = func.concat(literal_column("'history '"), owner["organization_id"], literal_column("' '"), owner["id"])
        return write_cursor(scope, func.concat(literal_column("'['"), key, literal_column("']'"), type_=Text()))


HISTORY = History()
