"""Descriptions of the fields of an account, by column, for the document of the v1 API."""

from collections.abc import Mapping

DESCRIPTIONS: Mapping[str, str] = {
    "id": "The id. The service makes it.",
    "email": "The e-mail address, with which the account logs in. Each address has at most one account.",
    "firstname": "The first name of the person.",
    "lastname": "The last name of the person.",
    "tax_number": "The tax number of the person.",
    "locale": "The language, such as `en`.",
    "label": "A label for your own use.",
    "software_supplier_tax_number": "The tax number of the supplier of the calling software.",
    "activate_redirect": "The address to which the vendor's activation page leads. This service only stores it.",
    "invitation_link": "The vendor's link for invitations. This service only stores it.",
    "invitation_new_link": "The vendor's link for invitations of new accounts. This service only stores it.",
    "document_shareable_link": "The vendor's link for shared documents. This service only stores it.",
    "reset_redirect": "The address to which the vendor's page for a new password leads. This service only stores it.",
    "disable_creating_child_organizations": "True if child accounts must not create organizations. This service only stores it.",
    "email_verified": "True if the operator knows the owner of the account. Other accounts cannot send reminders.",
    "master_id": "The id of the vendor's master account. It is null for accounts of this service.",
    "parent_id": "The id of the parent account. It is null for accounts of this service.",
    "billing_organization_id": "The id of the organization that pays the vendor. It is null for accounts of this service.",
    "custom": "Data of your own: any JSON of at most 100 KB.",
    "created_at": "The time of the creation.",
    "updated_at": "The time of the last change.",
}
