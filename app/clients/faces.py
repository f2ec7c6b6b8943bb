"""The field table: one row per field of a client, and the faces made from it.

A client and a customer are one row with two public spellings; the GraphQL types spell the same two in lowerCamel.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.query.face import PLAIN, Codec, Face, Field, Kind
from app.storage.tables import SEARCHED_DOCUMENTS, SEARCHED_TEXTS

CUSTOMER_ID = Codec(prefix="cust_")
ENTITY_ID = Codec(prefix="ent_")
CONTACT_TYPE = Codec(words=(("buyer", "customer"), ("supplier", "supplier"), ("both", "both")))
NULL_IS_FALSE = Codec(null_is_false=True)
CLIENT_TYPES = ("customer", "supplier", "both")
SEARCHED = frozenset((*SEARCHED_TEXTS, *SEARCHED_DOCUMENTS))


CLIENT_TYPE_WORD = Codec(words=(("CUSTOMER", "customer"), ("SUPPLIER", "supplier"), ("BOTH", "both")))
CONTACT_TYPE_WORD = Codec(words=(("BUYER", "customer"), ("SUPPLIER", "supplier"), ("BOTH", "both")))
"""The words of GraphQL's enums."""

BANK_ACCOUNT_TYPE = Codec(
    words=(("IBAN", "iban"), ("US_DOMESTIC", "us_domestic"), ("UK_DOMESTIC", "uk_domestic"), ("OTHER", "other")),
    otherwise="OTHER",
)
VAT_OUTCOME = Codec(words=(("VALID", "true"), ("INVALID", "false")), otherwise="UNKNOWN")
VAT_SOURCE = Codec(words=(("VIES", "vies"),), otherwise="OFFLINE")


@dataclass(frozen=True, slots=True)
class Row:
    """One field: its column, and its name on each face that has it. `codec` is the Customers spelling of its value."""

    column: str
    v1: str | None = None
    customer: str | None = None
    client_graphql: str | None = None
    customer_graphql: str | None = None
    kind: Kind = Kind.TEXT
    codec: Codec = PLAIN
    writable: bool = True
    nullable: bool = True
    folded: str | None = None
    customer_filter: bool = True
    is_list: bool = False


TEXT, ID, BOOLEAN, DATE, NUMBER, JSON = Kind.TEXT, Kind.ID, Kind.BOOLEAN, Kind.DATE, Kind.NUMBER, Kind.JSON

# fmt: off
TABLE = (
    Row("id", "id", "id", "clientId", "customerId", ID, CUSTOMER_ID, writable=False, nullable=False),
    Row("name", "name", "name", "name", "name", nullable=False, folded="name_folded"),
    Row("email", "email", "email", "email", "email", folded="email_folded"),
    Row("contact", "contact", None, "contact"),
    Row("note", "note", None, "note"),
    Row("type", "type", "contact_type", "type", "contactType", codec=CONTACT_TYPE),
    Row("address", "address", "address", "address", "address"),
    Row("address2", "address2", "address_2", "address2", "address2", customer_filter=False),
    Row("zip", "zip", "post_code", "zip", "postCode"),
    Row("city", "city", "city", "city", "city"),
    Row("state", "state", "state", "state", "state"),
    Row("country", "country", "country", "country", "country"),
    Row("country_alpha2_code", "countryAlpha2Code", "country_code", "countryAlpha2Code", "countryCode"),
    Row("fiscal_region_code", "fiscalRegionCode", None, "fiscalRegionCode"),
    Row("tax_number", "taxNumber", "tax_number", "taxNumber", "taxNumber"),
    Row("tax_subject", "taxSubject", "is_tax_subject", "taxSubject", "isTaxSubject", BOOLEAN, NULL_IS_FALSE),
    Row("is_end_customer", "isEndCustomer", "is_end_consumer", "isEndCustomer", "isEndConsumer", BOOLEAN, NULL_IS_FALSE),
    Row("company_number", "companyNumber", "company_number", "companyNumber", "companyNumber"),
    Row("iban", "IBAN", None, "iban"),
    Row("bank", "bank", None, "bank"),
    Row("swift", "SWIFT", None, "swift"),
    Row("website", "website", None, "website"),
    Row("phone", "phone", None, "phone"),
    Row("business_type", "businessType", None, "businessType"),
    Row("peppol_id", None, "peppol_id", None, "peppolId", customer_filter=False),
    Row("peppol_scheme_id", None, "peppol_scheme_id", None, "peppolSchemeId", customer_filter=False),
    Row("bank_accounts", None, "bank_accounts", None, "bankAccounts", JSON, customer_filter=False),
    Row("ujp", None, "ujp", None, "ujp", JSON, customer_filter=False),
    Row("organization_id", "organizationId", "entity_id", "organizationId", "entityId", ID, ENTITY_ID,
        writable=False, nullable=False, customer_filter=False),
    Row("unit_id", "unitId", None, "unitId", None, ID, writable=False),
    Row("unit_ids", "unitIds", None, "unitIds", None, JSON, is_list=True),
    Row("custom", "custom", None, "custom", None, JSON),
    Row("data", "_data", None, "data", None, JSON),
    Row("metadata", None, "metadata", None, "metadata", JSON, nullable=False),
    Row("vies", None, "vies", None, "vies", JSON, writable=False, customer_filter=False),
    Row("created_at", "createdAt", "created_at", "createdAt", "createdAt", DATE, writable=False, nullable=False),
    Row("updated_at", "updatedAt", "updated_at", "updatedAt", "updatedAt", DATE, writable=False, nullable=False),
    Row("deleted_at", "deletedAt", "deleted_at", "deletedAt", "deletedAt", DATE, writable=False, customer_filter=False),
    Row("deleted_id", "deletedId", None, "deletedId", None, ID, writable=False),
    Row("is_deleted", "_isDeleted", None, "isDeleted", None, BOOLEAN, writable=False, nullable=False),
    Row("version", None, None, "version", "version", NUMBER, writable=False, nullable=False),
)
# fmt: on


def _spell(row: Row, name: str, *, codec: Codec = PLAIN, filterable: bool = True, sorts_json: bool = False) -> Field:
    nullable = row.nullable and not codec.null_is_false
    sortable = filterable and (row.kind is not JSON or sorts_json)
    return Field(
        name,
        row.column,
        row.kind,
        codec,
        writable=row.writable,
        filterable=filterable,
        sortable=sortable,
        nullable=nullable,
        folded=row.folded,
        searched=row.column in SEARCHED,
        is_list=row.is_list,
    )


def _face(name: str, type_name: str, fields: Iterable[Field], *, folds: bool) -> Face:
    return Face(name, type_name, {field.name: field for field in fields}, folds)


V1 = _face("v1", "Client", (_spell(row, row.v1, sorts_json=True) for row in TABLE if row.v1), folds=False)

CUSTOMER = _face(
    "customers",
    "Customer",
    (_spell(row, row.customer, codec=row.codec, filterable=row.customer_filter) for row in TABLE if row.customer),
    folds=True,
)

TRANSFER = _face(
    "transfer",
    "Client",
    (_spell(replace(row, writable=True), row.v1 or row.customer or row.column) for row in TABLE),
    folds=False,
)
"""A client in the files of import and export: the names of v1, then the Customers API's for what v1 lacks."""


def _node(type_name: str) -> Field:
    """The global id; records are filtered and ordered by the face's own id."""
    codec = Codec(node=type_name)
    return Field("id", "id", ID, codec, writable=False, filterable=False, sortable=False, nullable=False)


def _document(type_name: str, *fields: Field, many: bool = False) -> Codec:
    """The spelling of the stored objects that GraphQL shows as a type of their own."""
    face = _face(f"graphql {type_name}", type_name, fields, folds=True)
    return Codec(document=face, many=many, members=tuple(face.fields.items()))


BANK_ACCOUNT = _document(
    "BankAccount",
    Field("type", "type", codec=BANK_ACCOUNT_TYPE, nullable=False),
    Field("name", "name"),
    Field("bankName", "bank_name"),
    Field("iban", "iban"),
    Field("accountNumber", "account_number"),
    Field("bic", "bic"),
    Field("routingNumber", "routing_number"),
    Field("sortCode", "sort_code"),
    Field("isDefault", "is_default", BOOLEAN),
    many=True,
)
UJP_RECEIVER = _document(
    "UjpReceiver",
    Field("name", "receiver_name"),
    Field("identifier", "receiver_identifier"),
    Field("agent", "receiver_agent"),
    Field("mailbox", "receiver_mailbox"),
)
VIES_CHECK = _document(
    "ViesCheck",
    Field("outcome", "valid", codec=VAT_OUTCOME, nullable=False),
    Field("source", "source", codec=VAT_SOURCE, nullable=False),
    Field("checkedAt", "checked_at"),
    Field("name", "name"),
    Field("address", "address"),
    Field("requestIdentifier", "request_identifier"),
    Field("message", "message"),
)
DATA_ITEM = _document(
    "ClientDataItem",
    Field("itemId", "id"),
    Field("name", "name"),
    Field("value", "value", JSON),
    Field("options", "options", JSON),
    many=True,
)
CLIENT_CODECS = {"type": CLIENT_TYPE_WORD, "data": DATA_ITEM}
CUSTOMER_CODECS = {
    "type": CONTACT_TYPE_WORD,
    "bank_accounts": BANK_ACCOUNT,
    "ujp": UJP_RECEIVER,
    "vies": VIES_CHECK,
}
"""The spellings of GraphQL's two faces that differ from those of the field table, by column."""

GRAPHQL_CLIENT = _face(
    "graphql client",
    "Client",
    (
        *(
            _spell(row, row.client_graphql, codec=CLIENT_CODECS.get(row.column, PLAIN))
            for row in TABLE
            if row.client_graphql
        ),
        _node("Client"),
    ),
    folds=True,
)

GRAPHQL_CUSTOMER = _face(
    "graphql customer",
    "Customer",
    (
        *(
            _spell(row, row.customer_graphql, codec=CUSTOMER_CODECS.get(row.column, row.codec))
            for row in TABLE
            if row.customer_graphql
        ),
        _node("Customer"),
    ),
    folds=True,
)
