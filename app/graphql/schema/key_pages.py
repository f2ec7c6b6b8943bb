"""Connections over rows that are found by one key: their arguments, what their selections need, and their pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from graphql import FieldNode

from app.graphql.execution.context import Info, find_plan
from app.graphql.execution.selections import SelectionReader
from app.graphql.schema.connections import Connection, make_connection
from app.graphql.schema.inputs import argument
from app.query.key_page import KeyRows

RowT = TypeVar("RowT")
NodeT = TypeVar("NodeT")

First = Annotated[
    int | None, argument("The number of rows from the start, or after `after`: at most 100. The default is 20.")
]
After = Annotated[str | None, argument("The cursor of the row before the page.")]
Last = Annotated[int | None, argument("The number of rows from the end, or before `before`: at most 100.")]
Before = Annotated[str | None, argument("The cursor of the row after the page.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of a connection that its selection needs. `bounds` tells whether rows lie outside of the page."""

    total: bool
    bounds: bool


def find_wanted(info: Info, connection_type: str) -> Wanted:
    """What the selection of a connection needs."""
    return find_plan(info, plan_wanted, connection_type)


def plan_wanted(reader: SelectionReader, nodes: Sequence[FieldNode], connection_type: str) -> Wanted:
    fields = reader.collect(nodes, frozenset({connection_type})).values()
    infos = [group for group in fields if group[0].name.value == "pageInfo"]
    selected = {
        node.name.value
        for group in infos
        for inner in reader.collect(group, frozenset({"PageInfo"})).values()
        for node in inner
    }
    total = any(group[0].name.value == "totalCount" for group in fields)
    return Wanted(total, not selected.isdisjoint({"hasNextPage", "hasPreviousPage"}))


def show_rows(keyed: Sequence[tuple[str, NodeT]], rows: KeyRows[RowT], total: int) -> Connection[NodeT]:
    """The connection of a page. `keyed` has a cursor and a node for each of its rows."""
    return make_connection(keyed, has_next=rows.has_next, has_previous=rows.has_previous, total=total)
