"""Nested: what a selection shows of the rows that belong to a row, beside connections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement

from app.query.sql.render import Columns, Selection


class NestedSource(Protocol):
    """The row or the rows that belong to a row, their owner. `columns` are those of the owner that they need."""

    @property
    def columns(self) -> Sequence[str]: ...

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        """The JSON of the row, or of the list of rows. It stands inside a SELECT that has the columns of the owner."""
        ...


@dataclass(frozen=True, slots=True)
class Nested:
    """The selected members of what a source gives."""

    source: NestedSource
    members: Selection

    @property
    def columns(self) -> Sequence[str]:
        return self.source.columns

    def render(self, columns: Columns) -> ColumnElement[Any]:
        return self.source.render(columns, self.members)
