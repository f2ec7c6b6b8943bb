"""The field tables of accounts. The password is not in them, because it is written but never shown or filtered."""

from app.query.face import Codec, Face, Field, Kind

# fmt: off
ACCOUNT = Face(
    "v1 accounts",
    "Account",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, writable=False, nullable=False),
            Field("email", "email", nullable=False),
            Field("firstname", "firstname"),
            Field("lastname", "lastname"),
            Field("taxNumber", "tax_number"),
            Field("locale", "locale", nullable=False),
            Field("label", "label"),
            Field("softwareSupplierTaxNumber", "software_supplier_tax_number"),
            Field("activateRedirect", "activate_redirect"),
            Field("invitationLink", "invitation_link"),
            Field("invitationNewLink", "invitation_new_link"),
            Field("documentShareableLink", "document_shareable_link"),
            Field("resetRedirect", "reset_redirect"),
            Field("disableCreatingChildOrganizations", "disable_creating_child_organizations", Kind.BOOLEAN),
            Field("emailVerified", "email_verified", Kind.BOOLEAN, writable=False, nullable=False),
            Field("masterId", "master_id", Kind.ID, writable=False),
            Field("parentId", "parent_id", Kind.ID, writable=False),
            Field("billingOrganizationId", "billing_organization_id", Kind.ID, writable=False),
            Field("custom", "custom", Kind.JSON),
            Field("createdAt", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("updatedAt", "updated_at", Kind.DATE, writable=False, nullable=False),
        )
    },
    folds=False,
)

GRAPHQL_ACCOUNT = Face(
    "graphql account",
    "Account",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(node="Account"), writable=False, nullable=False),
            Field("email", "email", writable=False, nullable=False),
            Field("emailVerified", "email_verified", Kind.BOOLEAN, writable=False, nullable=False),
        )
    },
    folds=False,
)

ACCESS_TOKEN = Face(
    "graphql access token",
    "AccessToken",
    {
        field.name: field
        for field in (
            Field("id", "id", Kind.ID, Codec(node="AccessToken"), writable=False, nullable=False),
            Field("label", "label", writable=False),
            Field("scopes", "scopes", Kind.JSON, writable=False, nullable=False, is_list=True),
            Field("createdAt", "created_at", Kind.DATE, writable=False, nullable=False),
            Field("expiresAt", "expires_at", Kind.DATE, writable=False),
            Field("lastUsedAt", "last_used_at", Kind.DATE, writable=False),
            Field("parentId", "parent_id", Kind.ID, Codec(node="AccessToken"), writable=False),
            Field("isCurrent", "is_current", Kind.BOOLEAN, writable=False, nullable=False),
        )
    },
    folds=False,
)
# fmt: on
"""An access token in GraphQL, over the columns that `app.caller_tokens` shows of it."""
