"""Connections: a page of records by key, rendered by the database where no field needs a resolver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any, Generic, TypeVar, cast, get_type_hints

import orjson
import strawberry
from strawberry import field
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from app.graphql.execution.compiler import bind_position, compile_connection
from app.graphql.execution.context import Info, make_query, read_page, selects_position
from app.graphql.execution.dialect import GRAPHQL
from app.graphql.execution.loading import RecordT, whole_record
from app.graphql.execution.positions import load_settled
from app.graphql.execution.root_plans import ConnectionPlan
from app.graphql.internals.operations import Rendered
from app.graphql.schema.inputs import (
    argument,
    make_filter,
    make_order,
    read_orders,
)
from app.query.cursor import make_fingerprint, write_cursor, write_values
from app.query.face import Face, Field
from app.query.model import EVERYTHING, NO_CONDITIONS, Query
from app.query.reader import read_predicate
from app.query.request import ListRequest, Wanted, complete_request
from app.query.sql.connections import END_CURSOR, HAS_NEXT, HAS_PREVIOUS, START_CURSOR, TOTAL
from app.query.sql.render import Selection
from app.records.repository import Listing

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

FACTS = frozenset({TOTAL, HAS_NEXT, HAS_PREVIOUS, START_CURSOR, END_CURSOR})
"""The columns of a connection apart from those of its lists."""

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


DEFAULTS = {"deleted": DeletedRecords.EXCLUDE}


@dataclass(slots=True)
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
    if not (arguments.filter or arguments.search or arguments.order_by) and arguments.deleted is DeletedRecords.EXCLUDE:
        return NO_CONDITIONS
    where = read_predicate(arguments.filter, GRAPHQL, face) if arguments.filter else EVERYTHING
    return make_query(where, arguments.search, read_orders(arguments.order_by), arguments.deleted.name)


def read_request(arguments: ConnectionArguments, face: Face, plan: ConnectionPlan) -> ListRequest:
    """The request for the rows and facts that the plan shows. Raises Malformed for arguments that are not valid."""
    query = read_query(arguments, face)
    page = read_page(arguments.first, arguments.after, arguments.last, arguments.before)
    beyond = (plan.previous and page.after is not None) or (plan.next and page.before is not None)
    selection = plan.rendered.selection
    if selection is None:
        return complete_request(face, whole_record(face), query, page, Wanted(plan.rows, plan.total, beyond=beyond))
    wanted = Wanted(plan.rows, plan.total, cursors=plan.ends, beyond=beyond, edges=plan.edges, joined=True)
    return complete_request(face, selection, query, page, wanted)


def make_edge(record: RecordT) -> Edge[RecordT]:
    """A record with its cursor in the default order, after which a list that shows it can continue."""
    _, record_id = record.key
    fingerprint = make_fingerprint(record.face.name, NO_CONDITIONS)
    return Edge(cursor=write_cursor(fingerprint, write_values([record_id])), node=record)


async def resolve_connection(
    info: Info, type_: type[RecordT], organization_id: str, arguments: ConnectionArguments
) -> Connection[RecordT]:
    """The connection of an organization's records of a type."""
    plan = compile_connection(info, type_.face)
    request = read_request(arguments, type_.face, plan)
    if selects_position(info):
        await load_settled(info, [organization_id])
    bound = await bind_position(info, plan.rendered, [organization_id]) if plan.rendered.needs_position else None
    if bound is not None:
        request = request._replace(selection=bound)
    listing = await type_.reads.list_page(info.context.access, organization_id, request)
    if plan.rendered.selection is None:
        return _show_records(listing, request.fingerprint, type_)
    return cast("Connection[RecordT]", Rendered(write_listing(listing, request.fingerprint, plan)))


def make_connection(rows: Sequence[tuple[str, T]], *, has_next: bool, has_previous: bool, total: int) -> Connection[T]:
    """The connection of resolved rows, each with its cursor."""
    return Connection(
        edges=[Edge(cursor=cursor, node=node) for cursor, node in rows],
        nodes=[node for _, node in rows],
        page_info=_make_page_info([cursor for cursor, _ in rows], has_next, has_previous),
        total_count=total,
    )


def _show_records(listing: Listing, fingerprint: str, type_: type[RecordT]) -> Connection[RecordT]:
    """The connection of records whose fields are resolved one by one."""
    keyed = [(write_cursor(fingerprint, keys or "[]"), type_.read(json)) for json, keys in listing.rows]
    total = listing.total or 0
    return make_connection(keyed, has_next=listing.has_next, has_previous=listing.has_previous, total=total)


def write_listing(listing: Listing, fingerprint: str, plan: ConnectionPlan) -> bytes:
    """The JSON of a connection whose rows are rendered."""
    values = {
        TOTAL: b"%d" % (listing.total or 0),
        HAS_NEXT: b"true" if listing.has_next else b"false",
        HAS_PREVIOUS: b"true" if listing.has_previous else b"false",
    }
    if plan.ends:
        values[START_CURSOR], values[END_CURSOR] = [
            b'"%b"' % write_cursor(fingerprint, keys).encode() if keys else b"null"
            for keys in (listing.first, listing.last)
        ]
    lists = [listing.json] if len(plan.lists) == 1 else _split_lists(listing.json, len(plan.lists))
    values |= dict(zip(plan.lists, lists, strict=True))
    return b"".join(_write_object(plan.shown, values))


def _split_lists(rows: bytes, count: int) -> list[bytes]:
    """The members of each list, from joined rows that have one text for each list."""
    texts = orjson.loads(b"[%b]" % rows)
    return [",".join(text.get(str(index), "{}") for text in texts).encode() for index in range(count)]


def _write_object(shown: Selection, values: Mapping[str, bytes]) -> Sequence[bytes]:
    """The JSON of a connection or of its page info in parts, from the JSON of its columns."""
    parts = [b"{"]
    for key, shown_field in shown:
        parts += (b'"%b":' % key.encode(), *_write_value(shown_field, values), b",")
    return (*parts[:-1], b"}") if shown else (b"{}",)


def _write_value(field: Field, values: Mapping[str, bytes]) -> Sequence[bytes]:
    if field.codec.link:
        return _write_object(field.codec.members, values)
    if field.codec.constant:
        return (b'"%b"' % field.codec.constant.encode(),)
    value = values[field.column]
    return (value,) if field.column in FACTS else (b"[", value, b"]")


def _make_page_info(cursors: Sequence[str], has_next: bool, has_previous: bool) -> PageInfo:
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=has_previous,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
