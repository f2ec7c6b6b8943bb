"""The live records of an organization as rows that are rendered inside the organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, cast, func, literal, select

from app.query.cursor import make_fingerprint, positions, read_cursor
from app.query.face import Face
from app.query.model import NO_CONDITIONS
from app.query.request import ASCENDING_ID, CursorArgument
from app.query.sql.connections import write_cursor
from app.query.sql.render import Columns
from app.storage.tables import client_totals, clients

ID_TYPE = Text()


@dataclass(frozen=True, slots=True)
class Records:
    """The live records of an organization under a face, in the order of their ids."""

    face: Face
    columns: Sequence[str] = ("id",)
    descending: bool = False
    key_type: Any = ID_TYPE

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = clients.alias()
        rows = select(own.c.id.label("key"), *(own.c[name] for name in names))
        return rows.where(own.c.organization_id == owner["id"], own.c.deleted_at.is_(None)).correlate_except(own)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        """The sum of the organization's slots, at the same cost for every size."""
        own = client_totals.alias()
        total = select(cast(func.coalesce(func.sum(own.c.n), 0), BigInteger)).where(
            own.c.organization_id == owner["id"]
        )
        return total.correlate_except(own).scalar_subquery()

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_cursor(literal(find_scope(self.face), Text()), cast(func.json_build_array(key), Text))


def find_scope(face: Face) -> str:
    """The scope of the cursors of a list without conditions, in the order of the ids."""
    return make_fingerprint(face.name, NO_CONDITIONS)


def read_record_cursor(face: Face, cursor: CursorArgument) -> str:
    """The id of the record that a cursor of such a list names. Raises Malformed for any other text."""
    values = read_cursor(find_scope(face), cursor.text, cursor.name, 1)
    (record_id,) = positions(face, (ASCENDING_ID,), values, cursor.name)
    return str(record_id)
