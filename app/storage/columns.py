"""The types and defaults of the tables' columns."""

from sqlalchemy import Column, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

ID = Text(collation="C")
WORDS = Text(collation="pg_c_utf8")
FOLDED = Text(collation="C")
TIME = TIMESTAMP(timezone=True, precision=3)
KEY_LENGTH = 500
"""Characters of a text in an index. They take at most 2,000 bytes, beside two ids; a row of an index holds 2,704."""
NOW = text("date_trunc('milliseconds', now())")


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


ischema_names["xid8"] = Xid8


def created_at() -> Column[object]:
    return Column("created_at", TIME, nullable=False, server_default=NOW)


def updated_at() -> Column[object]:
    return Column("updated_at", TIME, nullable=False, server_default=NOW)
