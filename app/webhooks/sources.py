"""The webhooks of an organization, and the deliveries of a webhook, as rows that are rendered inside their owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, false, literal_column, or_, select

from app.errors import Malformed
from app.ids import is_id
from app.query.cursor import read_cursor
from app.query.request import CursorArgument
from app.query.sql.connections import count_rows, write_id_cursor
from app.query.sql.render import Columns
from app.storage.tables import webhook_deliveries, webhooks

KEY = Text()
WEBHOOKS, DELIVERIES = "webhooks", "webhook deliveries"
"""The scopes of the cursors: a cursor of another list is not valid here."""


class OrganizationWebhooks:
    """The live webhooks of an organization, oldest first."""

    columns: Sequence[str] = ("id",)
    descending = False
    key_type: Any = KEY

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = webhooks.alias()
        rows = select(own.c.id.label("key"), *(own.c[name] for name in names))
        return rows.where(own.c.organization_id == owner["id"], own.c.deleted_at.is_(None)).correlate_except(own)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        return count_rows(self.select_rows(owner, ()))

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_id_cursor(literal_column(f"'{WEBHOOKS}'"), key)


@dataclass(frozen=True, slots=True)
class WebhookDeliveries:
    """The deliveries of a webhook, newest first. `states` are the only ones that count; None stands for all."""

    states: tuple[str, ...] | None = None
    columns: Sequence[str] = ("organization_id", "id")
    descending: bool = True
    key_type: Any = KEY

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = webhook_deliveries.alias()
        rows = select(own.c.id.label("key"), *(own.c[name] for name in names))
        of_webhook = [own.c.organization_id == owner["organization_id"], own.c.webhook_id == owner["id"]]
        if self.states is not None:
            of_webhook.append(or_(false(), *(own.c.state == literal_column(f"'{state}'") for state in self.states)))
        return rows.where(*of_webhook).correlate_except(own)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        return count_rows(self.select_rows(owner, ()))

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_id_cursor(literal_column(f"'{DELIVERIES}'"), key)


def read_key(scope: str, cursor: CursorArgument) -> str:
    """The id of the row that a cursor names. Raises Malformed for any other text."""
    (row_id,) = read_cursor(scope, cursor.text, cursor.name, 1)
    if not isinstance(row_id, str) or not is_id(row_id):
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", cursor.name)
    return row_id
