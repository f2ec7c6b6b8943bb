"""Connections: a page of records by key, rendered by the database where no field needs a resolver."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any, Generic, TypeVar, cast, get_type_hints

import strawberry
from strawberry import field
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from app.clients.service import search_words
from app.errors import Malformed
from app.graphql.execution.context import Info, find_plan, selects_position
from app.graphql.execution.loading import RecordT, whole_record
from app.graphql.execution.plans import ConnectionPlan, Template, plan_connection
from app.graphql.execution.positions import load_settled
from app.graphql.internals import Rendered
from app.graphql.schema.dialect import GRAPHQL
from app.graphql.schema.inputs import (
    argument,
    make_filter,
    make_order,
    read_orders,
)
from app.query.cursor import make_fingerprint, write_cursor, write_values
from app.query.face import RELEVANCE, Face
from app.query.model import EVERYTHING, And, Compare, Query
from app.query.operators import IS_NULL
from app.query.reader import read_predicate
from app.query.request import CursorArgument, ListRequest, PageArguments, Wanted, complete_request
from app.query.values import check_text
from app.records.repository import Listing

LARGEST_PAGE, DEFAULT_PAGE = 100, 20

SEARCH = (
    "Words to search for. A record matches if its texts contain every word, anywhere. Case and accents are ignored."
)
FILTER = argument(
    "Conditions on the records. A record matches if all of them hold. A field with null and an empty object are no condition; "
    "`eq: null` and `isNull` ask for the absence of a value."
)
ORDER_BY = argument(
    "The order, most important step first. The id is always the last step. RELEVANCE needs `search`, and lists the best "
    "match first with the direction ASC."
)

T = TypeVar("T")


@strawberry.type(description="The position of a page among all rows.")
class PageInfo:
    has_next_page: bool = field(description="True if rows follow this page.")
    has_previous_page: bool = field(description="True if rows precede this page.")
    start_cursor: str | None = field(description="The cursor of the first row of the page.")
    end_cursor: str | None = field(description="The cursor of the last row of the page.")


@strawberry.type(description="A row of a page, with its cursor.")
class Edge(Generic[T]):
    cursor: str = field(description="The position of the row in the order, as opaque text.")
    node: T = field(description="The record.")


@strawberry.type(description="A page of records.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = field(description="The rows of the page with their cursors.")
    nodes: list[T] = field(description="The records of the page.")
    page_info: PageInfo = field(description="The position of the page among all rows.")
    total_count: int = field(
        description="The exact number of records on all pages. It is counted only when it is selected."
    )


@strawberry.enum(description="The treatment of deleted records in a list.")
class DeletedRecords(Enum):
    EXCLUDE = strawberry.enum_value("EXCLUDE", description="The list has no deleted records.")
    INCLUDE = strawberry.enum_value("INCLUDE", description="The list has deleted records, too.")
    ONLY = strawberry.enum_value("ONLY", description="The list has only deleted records.")


DELETED = Compare("deleted_at", IS_NULL, False)
DEFAULTS = {"deleted": DeletedRecords.EXCLUDE}


@dataclass(frozen=True, slots=True)
class ConnectionArguments:
    """The arguments of a connection; None stands for an absent one. `ConnectionExtension` adds them to a field."""

    first: Annotated[
        int | None, argument("The number of rows from the start, or after `after`: at most 100. The default is 20.")
    ] = None
    after: Annotated[str | None, argument("The cursor of the row before the page.")] = None
    last: Annotated[int | None, argument("The number of rows from the end, or before `before`: at most 100.")] = None
    before: Annotated[str | None, argument("The cursor of the row after the page.")] = None
    filter: Any = None
    search: Annotated[str | None, argument(SEARCH)] = None
    order_by: Any = None
    deleted: Annotated[DeletedRecords, argument("The treatment of deleted records.")] = DeletedRecords.EXCLUDE


class ConnectionExtension(FieldExtension):
    """Adds the arguments of a connection to a field. The resolver gets all of them as its parameter `arguments`.

    There is one instance for a face: it makes the types of the arguments `filter` and `orderBy`.
    """

    def __init__(self, face: Face) -> None:
        own = {
            "filter": Annotated[make_filter(face) | None, FILTER],
            "order_by": Annotated[GenericAlias(list, (make_order(face),)) | None, ORDER_BY],
        }
        self.types = get_type_hints(ConnectionArguments, include_extras=True) | own

    def apply(self, field: StrawberryField) -> None:
        own = [argument for argument in field.arguments if argument.python_name not in {"arguments", *self.types}]
        added = (
            StrawberryArgument(name, None, StrawberryAnnotation(type_), default=DEFAULTS.get(name))
            for name, type_ in self.types.items()
        )
        field.arguments = [*own, *added]

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in kwargs.items() if name not in self.types}
        arguments = ConnectionArguments(**{name: kwargs[name] for name in self.types if name in kwargs})
        return {**own, "arguments": arguments}


def read_query(arguments: ConnectionArguments, face: Face) -> Query:
    where = read_predicate(arguments.filter, GRAPHQL, face) if arguments.filter else EVERYTHING
    words = search_words(check_text(arguments.search, "search")) if arguments.search else ()
    orders = read_orders(arguments.order_by)
    if not words and any(order.column == RELEVANCE.column for order in orders):
        raise Malformed("RELEVANCE needs words: pass them in `search`, or choose another order.", "orderBy")
    if arguments.deleted is DeletedRecords.ONLY:
        where = DELETED if where == EVERYTHING else And((where, DELETED))
    return Query(where, words, orders, deleted_too=arguments.deleted is not DeletedRecords.EXCLUDE)


def read_page(arguments: ConnectionArguments) -> PageArguments:
    """The page. Raises Malformed for a count below 0 or over 100, and for both counts."""
    if arguments.first is not None and arguments.last is not None:
        raise Malformed("Pass `first` or `last`, not both.", "last")
    for name, count in (("first", arguments.first), ("last", arguments.last)):
        if count is not None and not 0 <= count <= LARGEST_PAGE:
            raise Malformed(f"`{name}` must be between 0 and {LARGEST_PAGE}; got {count}.", name)
    backward = arguments.last is not None
    count = arguments.last if backward else arguments.first
    return PageArguments(
        DEFAULT_PAGE if count is None else count,
        after=None if arguments.after is None else CursorArgument("after", arguments.after),
        before=None if arguments.before is None else CursorArgument("before", arguments.before),
        backward=backward,
    )


def read_request(arguments: ConnectionArguments, face: Face, plan: ConnectionPlan) -> ListRequest:
    """The request for the rows and facts that the plan shows. Raises Malformed for arguments that are not valid."""
    query, page = read_query(arguments, face), read_page(arguments)
    beyond = (plan.previous and page.after is not None) or (plan.next and page.before is not None)
    wanted = Wanted(rows=plan.rows, total=plan.total, beyond=beyond)
    selection = plan.selection if plan.selection is not None else whole_record(face)
    return complete_request(face, selection, query, page, wanted)


def make_edge(record: RecordT) -> Edge[RecordT]:
    """A record with its cursor in the default order, after which a list that shows it can continue."""
    _, record_id = record.key
    fingerprint = make_fingerprint(record.face.name, Query())
    return Edge(cursor=write_cursor(fingerprint, write_values([record_id])), node=record)


async def resolve_connection(
    info: Info, type_: type[RecordT], organization_id: str, arguments: ConnectionArguments
) -> Connection[RecordT]:
    """The connection of an organization's records of a type."""
    face = type_.face
    plan = find_plan(info, face.name, plan_connection, face)
    request = read_request(arguments, face, plan)
    if selects_position(info):
        await load_settled(info, organization_id)
    listing = await type_.reads.list_page(info.context.access, organization_id, request)
    return _show_listing(listing, plan, request.fingerprint, type_)


def make_connection(rows: Sequence[tuple[str, T]], *, has_next: bool, has_previous: bool, total: int) -> Connection[T]:
    """The connection of resolved rows, each with its cursor."""
    return Connection(
        edges=[Edge(cursor=cursor, node=node) for cursor, node in rows],
        nodes=[node for _, node in rows],
        page_info=_make_page_info([cursor for cursor, _ in rows], has_next, has_previous),
        total_count=total,
    )


def _show_listing(
    listing: Listing, plan: ConnectionPlan, fingerprint: str, type_: type[RecordT]
) -> Connection[RecordT]:
    cursors = [write_cursor(fingerprint, keys or "[]") for _, keys in listing.rows]
    rows, total = [json for json, _ in listing.rows], listing.total or 0
    if plan.selection is None:
        keyed = [(cursor, type_.read(row)) for cursor, row in zip(cursors, rows, strict=True)]
        return make_connection(keyed, has_next=listing.has_next, has_previous=listing.has_previous, total=total)
    return Connection(
        edges=[] if plan.edge is None else _render_edges(plan.edge, rows, cursors),
        nodes=cast("list[RecordT]", Rendered(f"[{','.join(rows)}]")),
        page_info=_make_page_info(cursors, listing.has_next, listing.has_previous),
        total_count=total,
    )


def _render_edges(template: Template, rows: Sequence[str], cursors: Sequence[str]) -> list[Edge[RecordT]]:
    """The edges as JSON, which the executor takes for a completed list."""
    edges = (template.fill(row, cursor) for row, cursor in zip(rows, cursors, strict=True))
    return cast("list[Edge[RecordT]]", Rendered(f"[{','.join(edges)}]"))


def _make_page_info(cursors: Sequence[str], has_next: bool, has_previous: bool) -> PageInfo:
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=has_previous,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
