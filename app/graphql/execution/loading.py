"""Records and organizations for resolvers, loaded in batches: one statement for all siblings."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

import orjson

from app.auth import Access
from app.errors import NotFound
from app.graphql.execution.context import Context, Info, find_plan
from app.graphql.execution.plans import plan_selection
from app.graphql.internals import Rendered
from app.mail.repository import ClientKey
from app.organizations.repository import Organization
from app.organizations.service import list_accessible_organizations
from app.query.face import Face
from app.query.request import ListRequest
from app.query.sql.render import Selection
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


class Document:
    """A document of a record. Its attributes are the members of the rendered document."""

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        document = object.__new__(cls)
        document.__dict__.update({python_name(name): value for name, value in members.items()})
        return document


class Record:
    """A record under one of its faces. Its attributes are the members of a rendered row.

    `documents` are the types of its documents, by attribute.
    """

    face: ClassVar[Face]
    reads: ClassVar[Reads]
    documents: ClassVar[Mapping[str, type[Document]]] = {}
    same_row: Mapping[type["Record"], "Record"] = MappingProxyType({})
    """The record under its faces, if they were read together: a record that a mutation has erased cannot be read again."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        record = object.__new__(cls)
        record.__dict__.update(row)
        for name, type_ in cls.documents.items():
            record.__dict__[name] = _make_documents(type_, row.get(name))
        return record

    @property
    def key(self) -> ClientKey:
        """The bare ids of the record's organization and of the record."""
        raise NotImplementedError


def _make_documents(type_: type[Document], value: Any) -> Any:
    """A document, or a list of them, as its type."""
    if isinstance(value, list):
        return [type_.of(members) for members in value]
    return None if value is None else type_.of(value)


RecordT = TypeVar("RecordT", bound=Record)


@cache
def python_name(name: str) -> str:
    """The attribute that a GraphQL field is read from: countryAlpha2Code -> country_alpha2_code."""
    return CAPITAL.sub(r"_\1", name).lower()


def whole_record(face: Face) -> Selection:
    """Every field of a face under its attribute's name, for records whose fields are resolved one by one."""
    return tuple((python_name(field.name), field) for field in face.fields.values())


def find_record_plan(info: Info, face: Face) -> Selection | None:
    """The selection under the field being resolved, or None when some of it needs a resolver."""
    return find_plan(info, face.name, plan_selection, face)


def make_record(type_: type[RecordT], selection: Selection | None, json: str) -> RecordT:
    """The record of a row that was rendered with `selection`, or with `whole_record` when that is None.

    A rendered selection is not a record, but the executor takes it for the completed value of one.
    """
    return type_.of(orjson.loads(json)) if selection is None else cast("RecordT", Rendered(json))


async def find_record(info: Info, type_: type[RecordT], record_id: str, *, deleted_too: bool = False) -> RecordT | None:
    """One record, rendered if its selection allows it; None when the token can access no such record."""
    if deleted_too:
        return await load_record(info, type_, record_id)
    selection = find_record_plan(info, type_.face)
    chosen = selection if selection is not None else whole_record(type_.face)
    try:
        row = await type_.reads.get(info.context.access, record_id, chosen)
    except NotFound:
        return None
    return make_record(type_, selection, row.json)


async def load_record(info: Info, type_: type[RecordT], record_id: str, *, deleted_too: bool = True) -> RecordT | None:
    """The record with an id, rendered if its selection allows it."""
    selection = find_record_plan(info, type_.face)
    chosen = selection if selection is not None else whole_record(type_.face)
    load = partial(_load_rows, type_.reads, info.context.access, chosen, deleted_too)
    row = await info.context.loader((type_.face.name, chosen, deleted_too), load).load(record_id)
    return None if row is None else make_record(type_, selection, row)


async def _load_rows(
    reads: Reads, access: Access, selection: Selection, deleted_too: bool, ids: Sequence[str]
) -> list[str | None]:
    rows = await reads.get_many(access, ids, selection, deleted_too=deleted_too)
    return [rows.get(record_id) for record_id in ids]


async def load_organization(context: Context, organization_id: str) -> Organization | None:
    """An organization that the caller's token can access."""
    load = partial(load_organizations, context.access)
    return await context.loader("organizations", load).load(organization_id)


async def load_organizations(access: Access, ids: Sequence[str]) -> list[Organization | None]:
    """The organizations with these ids, in their order; None where the caller's token has no access."""
    organizations = {organization.id: organization for organization in await list_accessible_organizations(access, ids)}
    return [organizations.get(organization_id) for organization_id in ids]
