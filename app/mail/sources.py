"""The reminders of a client as rows that are rendered inside the client."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, literal_column, select

from app.errors import Malformed
from app.ids import is_id
from app.mail.outbox import OPEN
from app.query.cursor import read_cursor
from app.query.request import CursorArgument
from app.query.sql.connections import count_rows, write_id_cursor
from app.query.sql.render import Columns
from app.storage.tables import outbox

SCOPE = "reminders"
"""The scope of the cursors: a cursor of another list is not valid here."""

MESSAGE_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    **outbox.c,
    "next_attempt_at": case((OPEN, outbox.c.next_attempt_at)),
}
"""The columns of a message as they are shown."""
IS_SHOWN = outbox.c.recipient != literal_column("''")
"""False for a message to an erased person."""


class Reminders:
    """The messages to a client, newest first, without those to an erased person."""

    columns: Sequence[str] = ("organization_id", "id")
    descending = True
    key_type: Any = Text()

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        of_client = (outbox.c.organization_id == owner["organization_id"], outbox.c.client_id == owner["id"])
        rows = select(outbox.c.id.label("key"), *(MESSAGE_COLUMNS[name].label(name) for name in names))
        return rows.where(*of_client, IS_SHOWN).correlate_except(outbox)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        return count_rows(self.select_rows(owner, ()))

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_id_cursor(literal_column(f"'{SCOPE}'"), key)


REMINDERS = Reminders()


def read_reminder_cursor(cursor: CursorArgument) -> str:
    """The id of the reminder that a cursor names. Raises Malformed for any other text."""
    (reminder_id,) = read_cursor(SCOPE, cursor.text, cursor.name, 1)
    if not isinstance(reminder_id, str) or not is_id(reminder_id):
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", cursor.name)
    return reminder_id
