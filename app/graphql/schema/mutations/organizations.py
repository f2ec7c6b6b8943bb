"""The mutations that create and change organizations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import orjson
import strawberry
from strawberry import field
from strawberry.types import get_object_definition

from app.errors import AccountTokenRequired
from app.graphql.execution.context import Info, read_id
from app.graphql.execution.loading import find_payload_plan, load_planned_row, python_name
from app.graphql.schema.inputs import ORGANIZATION_ID, Json, Member, argument, make_input, optional
from app.graphql.schema.mutations.inputs import Expected, IdempotencyKey
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.types import Organization
from app.graphql.schema.user_errors import attempt
from app.idempotency import StoredResponse
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.organizations.record import read_fields
from app.organizations.service import add_organization, change_organization, get_organizations
from app.query.face import Kind
from app.query.sql.render import Selection
from app.records.repository import RenderedRecord

WRITTEN: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.BOOLEAN: bool, Kind.JSON: Json}
REQUIRED = frozenset({"name", "country"})
"""The fields that every new organization has."""
ID: Selection = (("id", GRAPHQL_ORGANIZATION.fields["organizationId"]),)


def _make_values(name: str, description: str, required: frozenset[str]) -> Any:
    shown = {
        each.python_name: each.description or "" for each in get_object_definition(Organization, strict=True).fields
    }
    fields: dict[str, Member] = {}
    for each in GRAPHQL_ORGANIZATION.fields.values():
        key = python_name(each.name)
        if each.writable and each.name in required:
            fields[key] = (str, field(description=shown[key]))
        elif each.writable:
            fields[key] = optional(WRITTEN[each.kind], shown[key])
    return make_input(name, description, fields)


CreateOrganizationInput: Any = _make_values("CreateOrganizationInput", "A new organization.", REQUIRED)
UpdateOrganizationInput: Any = _make_values(
    "UpdateOrganizationInput",
    "The fields to change. Omitted fields keep their values, and null clears a field.",
    frozenset(),
)


NewOrganization = Annotated[CreateOrganizationInput, argument("The new organization.")]
OrganizationChanges = Annotated[UpdateOrganizationInput, argument("The fields to change.")]


@strawberry.type
class OrganizationPayload(Payload):
    organization: Organization | None = field(
        default=None, description="The organization after the mutation. Null if the mutation failed."
    )


@strawberry.type(description="The result of `createOrganization`.")
class CreateOrganizationPayload(OrganizationPayload):
    pass


@strawberry.type(description="The result of `updateOrganization`.")
class UpdateOrganizationPayload(OrganizationPayload):
    pass


@strawberry.type
class OrganizationMutations:
    @strawberry.mutation(
        description="Creates an organization of your account, in the environment of your token. All tokens of the account in "
        "that environment can access it at once. Only a token of an account may create one."
    )
    async def create_organization(
        self,
        info: Info,
        input: NewOrganization,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateOrganizationPayload:
        organization_id, errors = await attempt(_create(info, input, idempotency_key), ["input"])
        organization = await _show(info, organization_id) if organization_id else None
        return CreateOrganizationPayload(organization=organization, user_errors=errors)

    @strawberry.mutation(
        description="Changes some fields of an organization. Omitted fields keep their values, and null clears a field."
    )
    async def update_organization(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(ORGANIZATION_ID)],
        input: OrganizationChanges,
        expected_version: Expected = None,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateOrganizationPayload:
        change = _change(info, read_id("Organization", id), input, expected_version, idempotency_key)
        organization_id, errors = await attempt(change, ["input"])
        organization = await _show(info, organization_id) if organization_id else None
        return UpdateOrganizationPayload(organization=organization, user_errors=errors)


async def _create(info: Info, fields: Mapping[str, Any], key: str | None) -> str:
    access = info.context.access
    access.require_write()
    if access.principal.account_id is None:
        raise AccountTokenRequired("Only a token of an account may create an organization")
    values = read_fields(fields, "create")
    request = request_key(info, key, "create organization", fields)
    response = await add_organization(
        access, access.principal.account_id, values, ID, key=request, answer=_store_organization
    )
    return str(orjson.loads(response.body)["id"])


def _store_organization(organization: RenderedRecord) -> StoredResponse:
    return StoredResponse(200, organization.json.encode())


async def _change(
    info: Info, organization_id: str, fields: Mapping[str, Any], expected: int | None, key: str | None
) -> str:
    access = info.context.access
    access.require_write()
    access.require(organization_id)
    request = request_key(info, key, "change organization", organization_id, expected, fields)
    values = read_fields(fields, "update")
    await change_organization(access, organization_id, values, ID, expected=expected, key=request)
    return organization_id


async def _show(info: Info, organization_id: str) -> Organization | None:
    """The organization as it is now. The rest of the operation can access one that it has created."""
    context = info.context
    principal = context.principal
    if organization_id not in principal.organizations:
        organizations = (*principal.organizations, organization_id)
        context.access = replace(context.access, principal=replace(principal, organizations=organizations))
    context.forget_loaded()
    selection = await find_payload_plan(info, Organization.face, "organization")
    return await load_planned_row(info, Organization, get_organizations, organization_id, selection)
