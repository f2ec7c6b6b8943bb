"""The field table of accounts in v1. The password is not in it, because it is written but never shown or filtered."""

from app.query.face import Face, Field, Kind

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
# fmt: on
