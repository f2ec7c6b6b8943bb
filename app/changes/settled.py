"""Settled positions as values of rows: how far the changes of their organization are settled, read before the statement."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, bindparam, func, literal_column
from sqlalchemy.sql.elements import Grouping

from app.changes.record import Position
from app.query.sql.connections import write_cursor
from app.query.sql.render import Columns

NUMBERS = bindparam("settled_numbers", type_=ARRAY(BigInteger))
ORGANIZATIONS = bindparam("settled_organizations", type_=ARRAY(Text))
EPOCHS = bindparam("settled_epochs", type_=ARRAY(Text))


def position_parameters(positions: Mapping[str, Position]) -> dict[str, Any]:
    """The parameters of the positions of some organizations."""
    return {
        "settled_organizations": list(positions),
        "settled_numbers": [position.number for position in positions.values()],
        "settled_epochs": [position.epoch for position in positions.values()],
    }


def settled_number(organization_id: ColumnElement[str]) -> ColumnElement[int]:
    """The number up to which the changes of an organization are settled."""
    return _find(NUMBERS, organization_id)


def _find(values: ColumnElement[Any], organization_id: ColumnElement[str]) -> ColumnElement[Any]:
    """The value of an organization."""
    value: ColumnElement[Any] = Grouping(values)[func.array_position(ORGANIZATIONS, organization_id)]
    return value


def write_change_cursor(organization_id: ColumnElement[str], number: ColumnElement[int]) -> ColumnElement[str]:
    """The cursor that `app.changes.record.write_change_cursor` writes, for the epoch of the settled position."""
    epoch = _find(EPOCHS, organization_id)
    values = func.concat(literal_column("'['"), number, literal_column("',\"'"), epoch, literal_column("'\"]'"))
    return write_cursor(func.concat(literal_column("'changes '"), organization_id), values)


class SettledPosition:
    """The position after the newest settled change of an organization."""

    columns: Sequence[str] = ("id",)

    def render(self, columns: Columns) -> ColumnElement[str]:
        return write_change_cursor(columns["id"], settled_number(columns["id"]))


class ChangePosition:
    """The position of a change among all changes of its organization. It is a settled one, so that it skips no change."""

    columns: Sequence[str] = ("organization_id", "id")

    def render(self, columns: Columns) -> ColumnElement[str]:
        organization_id = columns["organization_id"]
        return write_change_cursor(organization_id, func.least(columns["id"], settled_number(organization_id)))
