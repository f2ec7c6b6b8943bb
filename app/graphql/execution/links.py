"""Links and lists: the fields of a record that show what belongs to it. The database renders them with the record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from app.accounts.faces import ACCESS_TOKEN, GRAPHQL_ACCOUNT
from app.caller_sources import (
    VIEWER,
    CallerAccount,
    CallerOrganizations,
    CallerTokens,
    TokenAccount,
    TokenOrganization,
    read_token_cursor,
)
from app.changes.faces import ACTOR, FIELD_CHANGE
from app.changes.sources import CHANGE_FACES, HISTORY, Author, ChangedRecord, Differences, read_owned_cursor
from app.clients.duplicates import DUPLICATE_FACES, MOST_DUPLICATES, Duplicates
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.sources import Records, read_record_cursor
from app.errors import Malformed
from app.graphql.execution.dialect import read_nested_query
from app.mail.faces import REMINDER
from app.mail.sources import REMINDERS, read_reminder_cursor
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.query.face import Codec, Face, Field, Link
from app.query.model import Query
from app.query.request import CursorArgument
from app.query.sql.connections import RowSource
from app.query.sql.nested import NestedSource
from app.webhooks.faces import GRAPHQL_DELIVERY, GRAPHQL_WEBHOOK
from app.webhooks.sources import DELIVERIES, WEBHOOKS, OrganizationWebhooks, WebhookDeliveries, read_key


def _make_link(name: str, column: str, link: Link, face: Face) -> Field:
    codec = Codec(document=face, link=link)
    return Field(name, column, codec=codec, writable=False, filterable=False, sortable=False, nullable=False)


ORGANIZATION = _make_link("organization", "organization_id", Link.ORGANIZATION, GRAPHQL_ORGANIZATION)
LINKS: Mapping[tuple[str, str], Field] = {
    ("Client", "organization"): ORGANIZATION,
    ("Client", "customer"): _make_link("customer", "id", Link.SAME_ROW, GRAPHQL_CUSTOMER),
    ("Customer", "organization"): ORGANIZATION,
    ("Customer", "client"): _make_link("client", "id", Link.SAME_ROW, GRAPHQL_CLIENT),
}
"""The links by their type and name."""

RecordKey: TypeAlias = tuple[str, str]
"""The ids of an organization and of one of its records."""


@dataclass(frozen=True, slots=True)
class NestedList:
    """A connection inside a record. Its rows have the `face`.

    `settled`: the rows are read after the position of the same operation. `read_cursor` gives the key in a cursor, and the
    record that the cursor belongs to if it names one. It raises Malformed. `read_query` gives the conditions and the order
    of a list that may have them, and `read_source` the source of a list that is narrowed by an argument of its own.
    """

    source: RowSource
    face: Face
    read_cursor: Callable[[CursorArgument], tuple[RecordKey | None, object]]
    settled: bool = False
    read_query: Callable[[Mapping[str, Any]], Query] | None = None
    read_source: Callable[[Mapping[str, Any]], RowSource] | None = None


def _read_record_cursor(face: Face, cursor: CursorArgument) -> tuple[None, str]:
    return None, read_record_cursor(face, cursor)


REMINDERS_OF_RECORD = NestedList(REMINDERS, REMINDER, lambda cursor: (None, read_reminder_cursor(cursor)))
CLIENT_HISTORY, CUSTOMER_HISTORY = [
    NestedList(HISTORY, CHANGE_FACES[face.name], read_owned_cursor) for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
]
CLIENTS, CUSTOMERS = [
    NestedList(
        Records(face),
        face,
        partial(_read_record_cursor, face),
        settled=True,
        read_query=partial(read_nested_query, face),
    )
    for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
]
TOKENS_OF_CALLER = NestedList(CallerTokens(), ACCESS_TOKEN, lambda cursor: (None, read_token_cursor(cursor)))
WEBHOOKS_OF_ORGANIZATION = NestedList(
    OrganizationWebhooks(), GRAPHQL_WEBHOOK, lambda cursor: (None, read_key(WEBHOOKS, cursor))
)


def read_deliveries(arguments: Mapping[str, Any]) -> WebhookDeliveries:
    """The deliveries of a webhook, or those in some states."""
    states = arguments.get("states")
    return WebhookDeliveries(None if states is None else tuple(sorted({state.lower() for state in states})))


DELIVERIES_OF_WEBHOOK = NestedList(
    WebhookDeliveries(),
    GRAPHQL_DELIVERY,
    lambda cursor: (None, read_key(DELIVERIES, cursor)),
    read_source=read_deliveries,
)
LISTS: Mapping[tuple[str, str], NestedList] = {
    ("Viewer", "accessTokens"): TOKENS_OF_CALLER,
    ("Organization", "clients"): CLIENTS,
    ("Organization", "customers"): CUSTOMERS,
    ("Organization", "webhooks"): WEBHOOKS_OF_ORGANIZATION,
    ("Webhook", "deliveries"): DELIVERIES_OF_WEBHOOK,
    ("Client", "history"): CLIENT_HISTORY,
    ("Customer", "history"): CUSTOMER_HISTORY,
    ("Client", "reminders"): REMINDERS_OF_RECORD,
    ("Customer", "reminders"): REMINDERS_OF_RECORD,
}
"""The connections by the type and the name of their field."""


@dataclass(frozen=True, slots=True)
class NestedField:
    """A field that shows a row, or a short list of rows, that belongs to a row. Its rows have the `face`.

    Without `source` its arguments name the source: it shows the duplicates of a record.
    """

    source: NestedSource | None
    face: Face


DEFAULT_DUPLICATES = 5


def read_duplicates(arguments: Mapping[str, Any]) -> Duplicates:
    """The duplicates of a record. Raises Malformed for a number out of range."""
    first = arguments.get("first", DEFAULT_DUPLICATES)
    if not 0 <= first <= MOST_DUPLICATES:
        raise Malformed(f"`first` must be between 0 and {MOST_DUPLICATES}; got {first}.", "first")
    return Duplicates(first)


def find_nested(face: Face, name: str, shows_addresses: bool) -> NestedField | None:
    """The nested field of a face, for a caller that may see the addresses of accounts or not."""
    if name == "actor" and face.type_name == "Change":
        return AUTHORS[shows_addresses]
    return NESTED.get((face.name, name))


AUTHORS = [NestedField(Author(shows_addresses), ACTOR) for shows_addresses in (False, True)]
NESTED: Mapping[tuple[str, str], NestedField] = (
    {
        (VIEWER.name, "account"): NestedField(CallerAccount(), GRAPHQL_ACCOUNT),
        (VIEWER.name, "organizations"): NestedField(CallerOrganizations(), GRAPHQL_ORGANIZATION),
        (ACCESS_TOKEN.name, "account"): NestedField(TokenAccount(), GRAPHQL_ACCOUNT),
        (ACCESS_TOKEN.name, "organization"): NestedField(TokenOrganization(), GRAPHQL_ORGANIZATION),
    }
    | {
        (face.name, "possibleDuplicates"): NestedField(None, DUPLICATE_FACES[face.name])
        for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
    }
    | {
        (CHANGE_FACES[face.name].name, name): field
        for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
        for name, field in (
            ("changes", NestedField(Differences(face), FIELD_CHANGE)),
            ("client", NestedField(ChangedRecord(), GRAPHQL_CLIENT)),
            ("customer", NestedField(ChangedRecord(), GRAPHQL_CUSTOMER)),
        )
    }
)
"""The nested fields by the name of their face and their own."""
