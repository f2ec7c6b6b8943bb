"""The field tables of organizations: entities of the Customers API, and organizations of v1."""

from app.query.face import Codec, Face, Field, Kind
from app.query.sql.render import Selection

ENTITY = Face(
    "entities",
    "Entity",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(prefix="ent_"), writable=False, nullable=False),
            Field("name", "name", nullable=False),
            Field("email", "email"),
            Field("country", "country"),
            Field("locale", "locale", nullable=False),
            Field("environment", "environment", writable=False, nullable=False),
            Field("created_at", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("updated_at", "updated_at", Kind.DATE, writable=False, nullable=False),
        )
    },
    folds=True,
)
ENTITY_SELECTION: Selection = tuple(ENTITY.fields.items())

# fmt: off
ORGANIZATION = Face(
    "v1 organizations",
    "Organization",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, writable=False, nullable=False),
            Field("name", "name", nullable=False),
            Field("address", "address"),
            Field("address2", "address2"),
            Field("city", "city"),
            Field("zip", "zip"),
            Field("state", "state"),
            Field("country", "country"),
            Field("countryAlpha2Code", "country_alpha2_code", writable=False),
            Field("taxNumber", "tax_number"),
            Field("taxSubject", "tax_subject", Kind.BOOLEAN),
            Field("companyNumber", "company_number"),
            Field("IBAN", "iban"),
            Field("bank", "bank"),
            Field("SWIFT", "swift"),
            Field("website", "website"),
            Field("email", "email"),
            Field("phone", "phone"),
            Field("locale", "locale", nullable=False),
            Field("timezone", "timezone"),
            Field("brand", "brand"),
            Field("supportPin", "support_pin", writable=False),
            Field("active", "active", Kind.BOOLEAN, writable=False, nullable=False),
            Field("activatedAt", "activated_at", Kind.DATE, writable=False),
            Field("deactivatedAt", "deactivated_at", Kind.DATE, writable=False),
            Field("custom", "custom", Kind.JSON),
            Field("_defaults", "defaults", Kind.JSON, writable=False, filterable=False, sortable=False, nullable=False),
            Field("createdAt", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("updatedAt", "updated_at", Kind.DATE, writable=False, nullable=False),
        )
    },
    folds=False,
)
# fmt: on

ENVIRONMENT_WORD = Codec(words=(("LIVE", "live"), ("SANDBOX", "sandbox")))
"""The words of GraphQL's enum."""

# fmt: off
GRAPHQL_ORGANIZATION = Face(
    "graphql organization",
    "Organization",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(node="Organization"), writable=False, nullable=False),
            Field("organizationId", "id", Kind.ID, writable=False, nullable=False),
            Field("version", "version", Kind.NUMBER, writable=False, nullable=False),
            Field("environment", "environment", codec=ENVIRONMENT_WORD, writable=False, nullable=False),
            Field("name", "name", nullable=False),
            Field("email", "email"),
            Field("address", "address"),
            Field("address2", "address2"),
            Field("zip", "zip"),
            Field("city", "city"),
            Field("state", "state"),
            Field("country", "country"),
            Field("countryAlpha2Code", "country_alpha2_code", writable=False),
            Field("taxNumber", "tax_number"),
            Field("taxSubject", "tax_subject", Kind.BOOLEAN),
            Field("companyNumber", "company_number"),
            Field("iban", "iban"),
            Field("bank", "bank"),
            Field("swift", "swift"),
            Field("website", "website"),
            Field("phone", "phone"),
            Field("locale", "locale", nullable=False),
            Field("timezone", "timezone"),
            Field("brand", "brand"),
            Field("custom", "custom", Kind.JSON),
            Field("createdAt", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("updatedAt", "updated_at", Kind.DATE, writable=False, nullable=False),
        )
    },
    folds=False,
)
# fmt: on

INCLUDED = Face(
    "included organizations",
    "Organization",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, nullable=False),
            Field("name", "name", nullable=False),
            Field("email", "email"),
            Field("country", "country"),
        )
    },
    folds=False,
)
