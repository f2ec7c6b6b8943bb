"""Records and organizations for resolvers, loaded in batches: one statement for all siblings."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar, cast

import orjson
from strawberry.types import get_object_definition

from app.auth import Access
from app.errors import NotFound
from app.graphql.execution.compiler import (
    bind_position,
    compile_bound_rows,
    compile_payload,
    compile_record,
    compile_rows,
    fits,
)
from app.graphql.execution.context import Info
from app.graphql.internals.operations import Rendered, RenderedValue
from app.mail.repository import ClientKey
from app.query.face import Face, Field, Kind
from app.query.request import ListRequest
from app.query.sql.render import BoundSelection, Selection
from app.records.repository import Listing, RenderedRecord

CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class GetMany(Protocol):
    """The service function that gives the rendered records of a type by id."""

    def __call__(
        self, access: Access, ids: Sequence[str], selection: Selection, *, deleted_too: bool
    ) -> Awaitable[dict[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Reads:
    """The service functions that read the records of a type."""

    get: Callable[[Access, str, Selection], Awaitable[RenderedRecord]]
    get_many: GetMany
    list_page: Callable[[Access, str, ListRequest], Awaitable[Listing]]


class GetRows(Protocol):
    """A service function that gives the rendered rows of some ids that the caller can access."""

    def __call__(self, access: Access, ids: Sequence[str], selection: Selection, /) -> Awaitable[Mapping[str, str]]: ...


class Document:
    """A document of a row. Its attributes are the members of the rendered document."""

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        document = object.__new__(cls)
        document.__dict__.update({python_name(name): value for name, value in members.items()})
        return document


class ShownRow:
    """A row under a face. Its attributes are the members of the rendered row.

    `documents` are the types of its documents, by attribute. `hidden` are further attributes, which only resolvers read.
    """

    face: ClassVar[Face]
    documents: ClassVar[Mapping[str, type[Document]]] = {}
    hidden: ClassVar[Selection] = ()

    @classmethod
    def read(cls, json: str) -> Self:
        """The row that was rendered with `whole_row`."""
        return cls.read_members(orjson.loads(json))

    @classmethod
    def read_members(cls, row: dict[str, Any]) -> Self:
        """As `read`, from the parsed JSON."""
        return cls.of(_read_texts(row, find_texts(cls.face)))

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        shown = object.__new__(cls)
        shown.__dict__.update(row)
        for name, type_ in cls.documents.items():
            shown.__dict__[name] = _make_documents(type_, row.get(name))
        return shown


class Record(ShownRow):
    """A client or a customer: the same row under one of its faces."""

    reads: ClassVar[Reads]
    same_row: Mapping[type["Record"], "Record"] = MappingProxyType({})
    """The record under its faces, if they were read together: a record that a mutation has erased cannot be read again."""

    @property
    def key(self) -> ClientKey:
        """The bare ids of the record's organization and of the record."""
        raise NotImplementedError


def _make_documents(type_: type[Document], value: Any) -> Any:
    """A document, or a list of them, as its type."""
    if isinstance(value, list):
        return [type_.of(members) for members in value]
    return None if value is None else type_.of(value)


Texts: TypeAlias = Mapping[str, "Texts | None"]
"""The members of a rendered row that are texts of JSON, with None, and those that are documents with such members."""


@cache
def find_texts(face: Face) -> Texts:
    return _find_texts(whole_record(face))


def _find_texts(selection: Selection) -> Texts:
    texts: dict[str, Texts | None] = {}
    for name, field in selection:
        inner = _find_texts(field.codec.members)
        if field.kind is Kind.JSON_TEXT or inner:
            texts[name] = inner or None
    return texts


def _read_texts(value: Any, texts: Texts) -> Any:
    """A rendered row, document or list of documents with the texts of JSON as rendered values: each stays as it is stored."""
    if isinstance(value, list):
        return [_read_texts(each, texts) for each in value]
    for name, inner in texts.items() if value else ():
        member = value[name]
        if member is not None:
            value[name] = RenderedValue(member) if inner is None else _read_texts(member, inner)
    return value


RowT = TypeVar("RowT", bound=ShownRow)
RecordT = TypeVar("RecordT", bound=Record)


@cache
def python_name(name: str) -> str:
    """The attribute that a GraphQL field is read from: countryAlpha2Code -> country_alpha2_code."""
    return CAPITAL.sub(r"_\1", name).lower()


@cache
def whole_record(face: Face) -> Selection:
    """Every field of a face under its attribute's name, for rows whose fields are resolved one by one."""
    return tuple((python_name(field.name), _show_text(field)) for field in face.fields.values())


def whole_row(type_: type[ShownRow]) -> Selection:
    """Every attribute of a row."""
    return whole_record(type_.face) + type_.hidden


def _show_text(field: Field) -> Field:
    """The field with its JSON as text, since a number can have more digits than a number of Python."""
    codec = field.codec
    if codec.document is not None:
        members = tuple((name, _show_text(member)) for name, member in codec.members)
        return replace(field, codec=replace(codec, members=members))
    return replace(field, kind=Kind.JSON_TEXT) if field.kind is Kind.JSON else field


async def find_payload_plan(info: Info, face: Face, name: str) -> Selection | None:
    """The selection in the field `name` of the payload being made, or None when some of it needs a resolver."""
    payload = get_object_definition(info.return_type, strict=True).name
    return await compile_payload(info, face, (payload, name))


def make_record(type_: type[RowT], selection: Selection | None, json: str) -> RowT:
    """The row that was rendered with `selection`, or with `whole_record` when that is None.

    A rendered selection is not a row, but the executor takes it for the completed value of one.
    """
    return type_.read(json) if selection is None else cast("RowT", Rendered(json))


async def find_record(info: Info, type_: type[RecordT], record_id: str, *, deleted_too: bool = False) -> RecordT | None:
    """One record, rendered if its selection allows it; None when the token can access no such record."""
    if deleted_too:
        return await load_record(info, type_, record_id)
    plan, access, get = compile_record(info, type_.face, record_id), info.context.access, type_.reads.get
    selection = await bind_position(info, plan) if plan.needs_position else plan.selection
    try:
        row = await get(access, record_id, selection if selection is not None else whole_record(type_.face))
        if selection is not None and plan.owner is not None and not fits(plan, (row.organization_id, record_id)):
            selection, row = None, await get(access, record_id, whole_record(type_.face))
    except NotFound:
        return None
    return make_record(type_, selection, row.json)


async def load_record(info: Info, type_: type[RecordT], record_id: str, *, deleted_too: bool = True) -> RecordT | None:
    """The record with an id, rendered if its selection allows it."""
    selection = await compile_bound_rows(info, type_.face)
    chosen = selection if selection is not None else whole_record(type_.face)
    load = partial(_load_rows, type_.reads, info.context.access, chosen, deleted_too)
    key = (type_.face.name, chosen, show_values(selection), deleted_too)
    row = await info.context.loader(key, load).load(record_id)
    return None if row is None else make_record(type_, selection, row)


async def _load_rows(
    reads: Reads, access: Access, selection: Selection, deleted_too: bool, ids: Sequence[str]
) -> list[str | None]:
    rows = await reads.get_many(access, ids, selection, deleted_too=deleted_too)
    return [rows.get(record_id) for record_id in ids]


async def load_row(info: Info, type_: type[RowT], get_rows: GetRows, row_id: str) -> RowT | None:
    """The row with an id, rendered if its selection allows it; None when the token can access no such row."""
    return await load_planned_row(info, type_, get_rows, row_id, compile_rows(info, type_.face))


async def load_planned_row(
    info: Info, type_: type[RowT], get_rows: GetRows, row_id: str, selection: Selection | None
) -> RowT | None:
    """The row with an id, rendered with `selection`, or whole when that is None. All who ask for it share one object."""
    load = partial(_load_shared_rows, info.context.access, type_, get_rows, selection)
    return await info.context.loader((type_.face.name, selection, show_values(selection)), load).load(row_id)


def show_values(selection: Selection | None) -> str:
    """The values of a selection's parameters as a text, which tells apart two selections with one statement."""
    return repr(selection.parameters) if isinstance(selection, BoundSelection) else ""


async def _load_shared_rows(
    access: Access, type_: type[RowT], get_rows: GetRows, selection: Selection | None, ids: Sequence[str]
) -> list[RowT | None]:
    chosen = selection if selection is not None else whole_row(type_)
    rows = await get_rows(access, ids, chosen)
    made = {row_id: make_record(type_, selection, json) for row_id, json in rows.items()}
    return [made.get(row_id) for row_id in ids]
