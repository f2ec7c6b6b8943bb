"""The columns of deliveries that SQL computes."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column

from app.query.sql.render import MOMENT, Columns


def show_next_attempt(columns: Columns) -> ColumnElement[Any]:
    """The time of the next attempt of a delivery that waits for one."""
    moment = func.to_char(func.timezone("UTC", columns["next_attempt_at"]), MOMENT)
    return case((columns["state"].in_([literal_column("'waiting'"), literal_column("'sending'")]), moment))
