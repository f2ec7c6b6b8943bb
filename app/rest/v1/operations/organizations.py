"""The routes of organizations."""

from dataclasses import replace

from app.errors import Forbidden, OrganizationShared
from app.organizations.record import read_change, read_new
from app.privacy.deletion import SHARED
from app.rest.operations import Answer, Operations, raised_by, ref
from app.rest.v1 import deletion, organizations
from app.rest.v1.errors import checking, no_model, other_id_in_change, unknown_record
from app.rest.v1.models import ORGANIZATION_MODEL
from app.rest.v1.operations.samples import ACCOUNT_ID, MOMENT, NEW_ORGANIZATION, ORGANIZATION_ID
from app.rest.v1.operations.shared import (
    COUNT,
    DELETED,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    NOT_MODIFIED,
    TAG_HEADER,
    TYPE_NEEDED,
    Handler,
    V1Operation,
    filter_parameter,
    list_answer,
    make_body,
    record_filter_parameter,
    where_parameter,
)

TAG = "Organizations"
OTHER_ID = "5a3683ea12d5a67dd0ef2f4b"
NO_ACCOUNT = no_model(ACCOUNT_ID)
NO_ORGANIZATION = no_model(ORGANIZATION_ID)
UNKNOWN = unknown_record(ORGANIZATION_MODEL, ORGANIZATION_ID)
OTHER_ID_IN_BODY = other_id_in_change(ORGANIZATION_ID, OTHER_ID)
ORGANIZATION = {
    **dict.fromkeys(field.name for field in ORGANIZATION_MODEL.face.fields.values()),
    **NEW_ORGANIZATION,
    "id": ORGANIZATION_ID,
    "countryAlpha2Code": "SI",
    "taxSubject": False,
    "locale": "en",
    "active": True,
    "activatedAt": MOMENT,
    "custom": {},
    "_defaults": [],
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
SHOWN = Answer(description="The organization.", schema=ref("Organization"), headers=TAG_HEADER, example=ORGANIZATION)


def _new_without_name() -> None:
    with checking(ORGANIZATION_MODEL.name):
        read_new({})


def _change_to_blank() -> None:
    with checking(ORGANIZATION_MODEL.name):
        read_change({"name": ""})


CHANGE = V1Operation(
    handler=organizations.patch,
    id="updateOrganization",
    tag=TAG,
    summary="Change an organization",
    description="Writes the properties of the body. A document such as `custom` is replaced as a whole.",
    parameters=(IF_MATCH,),
    body=make_body("OrganizationChanges", {"city": "Maribor"}, OTHER_ID_IN_BODY, TYPE_NEEDED),
    answers={200: SHOWN},
    errors=(NO_ORGANIZATION, raised_by(_change_to_blank)),
)

ORGANIZATION_ROUTES: Operations[Handler] = {
    ("POST", "/v1/accounts/{id}/organizations"): V1Operation(
        handler=organizations.create,
        id="createOrganization",
        tag=TAG,
        summary="Create an organization",
        description="Creates an organization of the account. All valid tokens of the account can access it at once.",
        parameters=(IDEMPOTENCY_KEY,),
        body=make_body("NewOrganization", NEW_ORGANIZATION),
        answers={200: SHOWN},
        errors=(NO_ACCOUNT, raised_by(_new_without_name)),
    ),
    ("GET", "/v1/accounts/{id}/organizations"): V1Operation(
        handler=organizations.find,
        id="findOrganizations",
        tag=TAG,
        summary="Find organizations",
        description="A page of the organizations of the account, the newest first.",
        parameters=(filter_parameter(ORGANIZATION_MODEL),),
        answers={200: list_answer(ORGANIZATION_MODEL, "organizations", ORGANIZATION)},
        errors=(NO_ACCOUNT,),
    ),
    ("GET", "/v1/accounts/{id}/organizations/count"): V1Operation(
        handler=organizations.count,
        id="countOrganizations",
        tag=TAG,
        summary="Count organizations",
        parameters=(where_parameter(ORGANIZATION_MODEL),),
        answers={200: COUNT},
        errors=(NO_ACCOUNT,),
    ),
    ("PUT", "/v1/accounts/{id}/organizations/{fk}"): replace(
        CHANGE,
        handler=organizations.patch_of_account,
        id="updateOrganizationOfAccount",
        summary="Change an organization of an account",
        description="The same as PATCH of the organization. The published SDKs use this path.",
        errors=(NO_ACCOUNT, *CHANGE.errors),
    ),
    ("GET", "/v1/organizations/{id}"): V1Operation(
        handler=organizations.get,
        id="getOrganization",
        tag=TAG,
        summary="Get an organization",
        parameters=(record_filter_parameter(ORGANIZATION_MODEL), IF_NONE_MATCH),
        answers={200: replace(SHOWN, schema=ref("PartialOrganization")), 304: NOT_MODIFIED},
        errors=(UNKNOWN,),
    ),
    ("PUT", "/v1/organizations/{id}"): replace(
        CHANGE,
        id="putOrganization",
        summary="Change an organization by PUT",
        description="The same as PATCH, as the published SDKs expect: absent properties stay as they are.",
    ),
    ("PATCH", "/v1/organizations/{id}"): CHANGE,
    ("DELETE", "/v1/organizations/{id}"): V1Operation(
        handler=deletion.delete_organization,
        id="deleteOrganization",
        tag=TAG,
        summary="Delete an organization",
        description="Deletes an organization that only your account can access, with all its records. For some days the "
        "operator of the service can restore it.",
        answers={200: DELETED},
        errors=(Forbidden("Only a token of an account may delete an organization"), OrganizationShared(SHARED, "id")),
    ),
}
