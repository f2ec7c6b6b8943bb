"""The object types. A record's attributes are its rendered JSON; a test compares its fields with the field table."""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, Self

import strawberry
from strawberry import field

from app.changes.record import PastChange
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.service import get_client, get_clients, list_clients
from app.errors import NotFound
from app.graphql.execution.compiler import bind_position, compile_bound_rows, compile_record, is_complete
from app.graphql.execution.context import Info
from app.graphql.execution.loading import Document, Reads, Record, RecordT, ShownRow, load_planned_row, load_record
from app.graphql.internals.operations import Rendered
from app.graphql.schema.changes import CHANGES, CHANGES_CURSOR, resolve_changes, resolve_changes_cursor
from app.graphql.schema.connections import (
    Connection,
    ConnectionArguments,
    ConnectionExtension,
    resolve_connection,
)
from app.graphql.schema.documents import BankAccount, ClientDataItem, UjpReceiver, ViesCheck
from app.graphql.schema.duplicates import (
    DUPLICATES,
    REASONS,
    SCORE,
    ComparableRecord,
    DuplicateReason,
    resolve_duplicates,
)
from app.graphql.schema.history import HISTORY, RecordedChange, RecordWithHistory, read_image, resolve_history
from app.graphql.schema.inputs import DateTime, Json
from app.graphql.schema.nodes import Node
from app.graphql.schema.reminders import REMINDERS, Reminder, resolve_reminders
from app.graphql.schema.webhooks import WEBHOOK_LIST, Webhook, resolve_webhooks
from app.graphql.schema.words import ClientType, ContactType, Environment
from app.mail.repository import ClientKey
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.organizations.service import get_organizations
from app.query.face import Face

CLIENT_READS = Reads(get_client, get_clients, list_clients)
CLIENT_CONNECTION = ConnectionExtension(GRAPHQL_CLIENT)
CUSTOMER_CONNECTION = ConnectionExtension(GRAPHQL_CUSTOMER)
COUNTRY_CODE = (
    "The country's ISO 3166-1 alpha-2 code, such as `SI`. The codes EL, XI and XK are accepted, too. A record that was "
    "written through the v1 API may have any other text."
)


@strawberry.type(description="An organization: a business that has clients and customers.")
class Organization(ShownRow, Node):
    face: ClassVar[Face] = GRAPHQL_ORGANIZATION

    organization_id: strawberry.ID = field(description="The bare id, as in the REST APIs: 24 hex digits.")
    version: int = field(
        description="The version. It grows by one with each change, and `expectedVersion` of a mutation is compared with it."
    )
    environment: Environment = field(description="The environment, which the tokens of the organization belong to.")
    name: str = field(description="The name of the organization.")
    email: str | None = field(description="The e-mail address of the organization. Replies to reminders go there.")
    address: str | None = field(description="Street and number.")
    address2: str | None = field(description="The second line of the address.")
    zip: str | None = field(description="The post code.")
    city: str | None = field(description="The city.")
    state: str | None = field(description="The state or province.")
    country: str | None = field(description="The country of the organization.")
    country_alpha2_code: str | None = field(
        description="The ISO 3166-1 alpha-2 code of the country, such as `SI`. Null for an unknown name of a country."
    )
    tax_number: str | None = field(description="The tax or VAT number.")
    tax_subject: bool | None = field(description="True if the organization is subject to tax.")
    company_number: str | None = field(description="The number in the company register.")
    iban: str | None = field(description="The IBAN of the bank account.")
    bank: str | None = field(description="The name of the bank.")
    swift: str | None = field(description="The SWIFT (BIC) code of the bank.")
    website: str | None = field(description="The web site.")
    phone: str | None = field(description="The phone number.")
    locale: str = field(description="The language of the organization, such as `en`. Reminders use it by default.")
    timezone: str | None = field(description="The time zone, such as `Europe/Ljubljana`.")
    brand: str | None = field(description="The brand that the organization uses.")
    custom: Json | None = field(description="Free-form data of your own.")
    created_at: DateTime = field(description="The time when the organization was created.")
    updated_at: DateTime = field(description="The time when the organization was last changed.")

    @strawberry.field(description="The clients of the organization.", extensions=[CLIENT_CONNECTION])
    async def clients(self, info: Info, arguments: ConnectionArguments) -> "Connection[Client]":
        return await resolve_connection(info, Client, self.organization_id, arguments)

    @strawberry.field(description="The customers of the organization.", extensions=[CUSTOMER_CONNECTION])
    async def customers(self, info: Info, arguments: ConnectionArguments) -> "Connection[Customer]":
        return await resolve_connection(info, Customer, self.organization_id, arguments)

    changes: "Connection[Change]" = field(resolver=resolve_changes, description=CHANGES)
    changes_cursor: str = field(resolver=resolve_changes_cursor, description=CHANGES_CURSOR)
    webhooks: Connection[Webhook] = field(resolver=resolve_webhooks, description=WEBHOOK_LIST)

    @classmethod
    def make_change(cls, past: PastChange, face: Face, cursor: str) -> "Change":
        return Change.of(past, face, position=cursor)


async def resolve_organization(root: Record, info: Info) -> Organization:
    """The organization of a client or a customer. Raises NotFound if the caller has lost access since."""
    organization_id, _ = root.key
    organization = await load_organization(info, organization_id)
    if organization is None:
        raise NotFound("There is no such organization")
    return organization


async def load_organization(info: Info, organization_id: str) -> Organization | None:
    """An organization that the caller's token can access, rendered if its selection allows it."""
    selection = await compile_bound_rows(info, Organization.face)
    return await load_planned_row(info, Organization, get_organizations, organization_id, selection)


async def find_organization(info: Info, organization_id: str) -> Organization | None:
    """As `load_organization`, for a root field. Cursors inside of it may belong to the organization."""
    plan = compile_record(info, Organization.face, organization_id)
    selection = await bind_position(info, plan, [organization_id])
    load = partial(load_planned_row, info, Organization, get_organizations, organization_id)
    shown = await load(selection)
    if isinstance(shown, Rendered) and not is_complete(plan, shown):
        return await load(None)
    return shown


async def resolve_client(root: Record, info: Info) -> "Client":
    """The client that is the same record."""
    return await _load_face(root, info, Client)


async def resolve_customer(root: Record, info: Info) -> "Customer":
    """The customer that is the same record."""
    return await _load_face(root, info, Customer)


async def _load_face(root: Record, info: Info, type_: type[RecordT]) -> RecordT:
    """The record under another face. Raises NotFound if it was erased since."""
    same = root.same_row.get(type_)
    if isinstance(same, type_):
        return same
    _, client_id = root.key
    record = await load_record(info, type_, client_id)
    if record is None:
        raise NotFound("There is no such record")
    return record


@strawberry.type(
    description="A client with the field names of the v1 Clients API: a person or company that receives or sends documents."
)
class Client(ComparableRecord, RecordWithHistory, Node):
    face: ClassVar[Face] = GRAPHQL_CLIENT
    documents: ClassVar[Mapping[str, type[Document]]] = {"data": ClientDataItem}
    reads: ClassVar[Reads] = CLIENT_READS

    client_id: strawberry.ID = field(description="The bare id, as in the v1 API: 24 hex digits.")
    organization_id: strawberry.ID = field(description="The bare id of the organization that the client belongs to.")
    version: int = field(
        description="The version. It grows by one with each change, and `expectedVersion` of a mutation is compared with it."
    )
    name: str = field(description="The name. It is never blank.")
    email: str | None = field(description="The e-mail address.")
    contact: str | None = field(description="The name of the contact person.")
    note: str | None = field(description="A note for your own use.")
    type: ClientType | None = field(description="The role of the client.")
    address: str | None = field(description="Street and number.")
    address2: str | None = field(description="The second line of the address.")
    zip: str | None = field(description="The post code.")
    city: str | None = field(description="The city.")
    state: str | None = field(description="The state or province.")
    country: str | None = field(description="The country.")
    country_alpha2_code: str | None = field(description=COUNTRY_CODE)
    fiscal_region_code: str | None = field(description="The code of the fiscal region.")
    tax_number: str | None = field(description="The tax or VAT number.")
    tax_subject: bool | None = field(description="True if the client is subject to tax.")
    is_end_customer: bool | None = field(description="True if the client is an end customer.")
    company_number: str | None = field(description="The number in the company register.")
    iban: str | None = field(description="The IBAN of the bank account.")
    bank: str | None = field(description="The name of the bank.")
    swift: str | None = field(description="The SWIFT (BIC) code of the bank.")
    website: str | None = field(description="The web site.")
    phone: str | None = field(description="The phone number.")
    business_type: str | None = field(description="The kind of business.")
    unit_id: strawberry.ID | None = field(description="The id of the business unit that the client was created in.")
    unit_ids: list[str] | None = field(description="The ids of the business units that the client belongs to.")
    custom: Json | None = field(description="Free-form data of your own.")
    data: list[ClientDataItem] | None = field(description="Named values.")
    created_at: DateTime = field(description="The time when the client was created.")
    updated_at: DateTime = field(description="The time when the client was last changed.")
    deleted_at: DateTime | None = field(
        description="The time when the client was deleted. Null for a client that is not deleted."
    )
    is_deleted: bool = field(description="True if the client is deleted.")
    deleted_id: strawberry.ID | None = field(description="The id that the client had when it was deleted.")

    organization: Organization = field(
        resolver=resolve_organization, description="The organization that the client belongs to."
    )

    customer: "Customer" = field(
        resolver=resolve_customer, description="The same record with the field names of the Customers API."
    )
    history: "Connection[Change]" = field(resolver=resolve_history, description=HISTORY)
    reminders: Connection[Reminder] = field(resolver=resolve_reminders, description=REMINDERS)
    possible_duplicates: "list[ClientDuplicate]" = field(resolver=resolve_duplicates, description=DUPLICATES)

    @property
    def key(self) -> ClientKey:
        return self.organization_id, self.client_id

    @classmethod
    def make_duplicate(cls, record: Self, score: float, reasons: list[str]) -> "ClientDuplicate":
        return ClientDuplicate(
            client=record, score=score, reasons=[DuplicateReason.__members__[reason] for reason in reasons]
        )

    @classmethod
    def make_change(cls, past: PastChange) -> "Change":
        return Change.of(past, cls.face)


@strawberry.type(
    description="A client with the field names of the Customers API: the same record as the client with the same id."
)
class Customer(ComparableRecord, RecordWithHistory, Node):
    face: ClassVar[Face] = GRAPHQL_CUSTOMER
    documents: ClassVar[Mapping[str, type[Document]]] = {
        "bank_accounts": BankAccount,
        "ujp": UjpReceiver,
        "vies": ViesCheck,
    }
    reads: ClassVar[Reads] = CLIENT_READS

    customer_id: strawberry.ID = field(description="The id, as in the Customers API: `cust_` and 24 hex digits.")
    entity_id: strawberry.ID = field(
        description="The id of the entity, which is the organization: `ent_` and 24 hex digits."
    )
    version: int = field(
        description="The version. It grows by one with each change, and `expectedVersion` of a mutation is compared with it."
    )
    name: str = field(description="The name. It is never blank.")
    email: str | None = field(description="The e-mail address.")
    contact_type: ContactType | None = field(description="The role of the customer.")
    address: str | None = field(description="Street and number.")
    address2: str | None = field(description="The second line of the address.")
    post_code: str | None = field(description="The post code.")
    city: str | None = field(description="The city.")
    state: str | None = field(description="The state or province.")
    country: str | None = field(description="The country.")
    country_code: str | None = field(description=COUNTRY_CODE)
    tax_number: str | None = field(description="The tax or VAT number.")
    is_tax_subject: bool = field(description="True if the customer is subject to tax.")
    is_end_consumer: bool = field(description="True if the customer is an end consumer.")
    company_number: str | None = field(description="The number in the company register.")
    peppol_id: str | None = field(description="The participant id in the Peppol network.")
    peppol_scheme_id: str | None = field(description="The scheme of the Peppol participant id.")
    bank_accounts: list[BankAccount] | None = field(description="The bank accounts.")
    ujp: UjpReceiver | None = field(description="The receiver of documents in the Slovenian public sector.")
    metadata: Json = field(
        description="Data of your own: at most 50 keys of up to 40 characters, with texts of up to 250 characters."
    )
    vies: ViesCheck | None = field(
        description="The last check of the tax number. Null before the first one, and after the number or the country changed."
    )
    created_at: DateTime = field(description="The time when the customer was created.")
    updated_at: DateTime = field(description="The time when the customer was last changed.")
    deleted_at: DateTime | None = field(
        description="The time when the customer was deleted. Null for a customer that is not deleted."
    )

    organization: Organization = field(
        resolver=resolve_organization, description="The organization that the customer belongs to."
    )

    client: Client = field(
        resolver=resolve_client, description="The same record with the field names of the v1 Clients API."
    )
    history: "Connection[Change]" = field(resolver=resolve_history, description=HISTORY)
    reminders: Connection[Reminder] = field(resolver=resolve_reminders, description=REMINDERS)
    possible_duplicates: "list[CustomerDuplicate]" = field(resolver=resolve_duplicates, description=DUPLICATES)

    @property
    def key(self) -> ClientKey:
        return self.entity_id.removeprefix("ent_"), self.customer_id.removeprefix("cust_")

    @classmethod
    def make_duplicate(cls, record: Self, score: float, reasons: list[str]) -> "CustomerDuplicate":
        return CustomerDuplicate(
            customer=record, score=score, reasons=[DuplicateReason.__members__[reason] for reason in reasons]
        )

    @classmethod
    def make_change(cls, past: PastChange) -> "Change":
        return Change.of(past, cls.face)


@strawberry.type(description="A client that may be the same as another client.")
class ClientDuplicate:
    client: Client = field(description="The other client.")
    score: float = field(description=SCORE)
    reasons: list[DuplicateReason] = field(description=REASONS)


@strawberry.type(description="A customer that may be the same as another customer.")
class CustomerDuplicate:
    customer: Customer = field(description="The other customer.")
    score: float = field(description=SCORE)
    reasons: list[DuplicateReason] = field(description=REASONS)


AFTERWARDS = "as it is now; in a subscription, as it was after the change. Null if the record is erased."


@strawberry.type(
    description="A change of a record. Its names and images are those of one of the two types of the record."
)
class Change(RecordedChange):
    @strawberry.field(description=f"The client {AFTERWARDS}")
    async def client(self, info: Info) -> Client | None:
        if self.followed is not None:
            return read_image(Client, self.followed.client.after)
        return await load_record(info, Client, self.past.client_id)

    @strawberry.field(description=f"The same record with the field names of the Customers API, {AFTERWARDS}")
    async def customer(self, info: Info) -> Customer | None:
        if self.followed is not None:
            return read_image(Customer, self.followed.customer.after)
        return await load_record(info, Customer, self.past.client_id)
