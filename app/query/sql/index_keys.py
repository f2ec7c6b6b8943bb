"""Index keys: the beginning of a text, which fits into an index row whatever the text compresses to."""

from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal_column

from app.storage.columns import KEY_LENGTH


def index_key(text: ColumnElement[Any]) -> ColumnElement[str]:
    """The first 500 characters of a text. The indexes of clients hold these, and orders compare them."""
    return func.left(text, literal_column(str(KEY_LENGTH)), type_=Text())
