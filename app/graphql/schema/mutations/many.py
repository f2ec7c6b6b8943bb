"""The bulk mutations of clients and customers: create, update and upsert up to 1,000 records in one request."""

from typing import Annotated

import strawberry

from app.graphql.execution.context import Info
from app.graphql.schema.inputs import WrittenOrganizationArgument, argument
from app.graphql.schema.mutations.bulk import (
    CHANGE,
    CREATE,
    UPSERT,
    BulkRequest,
    BulkTypes,
    CreateClientsPayload,
    CreateClientsResult,
    CreateCustomersPayload,
    CreateCustomersResult,
    ErrorPolicy,
    UpdateClientsPayload,
    UpdateClientsResult,
    UpdateCustomersPayload,
    UpdateCustomersResult,
    UpsertClientsPayload,
    UpsertClientsResult,
    UpsertCustomersPayload,
    UpsertCustomersResult,
)
from app.graphql.schema.mutations.inputs import (
    CreateClientInput,
    CreateCustomerInput,
    IdempotencyKey,
    UpdateClientsInput,
    UpdateCustomersInput,
    UpsertClientsInput,
    UpsertCustomersInput,
)
from app.graphql.schema.mutations.records import CLIENTS, CUSTOMERS

Policy = Annotated[ErrorPolicy, argument("The treatment of valid rows when other rows are invalid.")]
ValidateOnly = Annotated[
    bool,
    argument(
        "True to write nothing and find the errors, also those of versions and keys. The results have no records then, and "
        "`idempotencyKey` is not used."
    ),
]
MOST = "At most 1,000 rows."

CreateClients = Annotated[list[CreateClientInput], argument(f"The rows. {MOST}")]
UpdateClients = Annotated[list[UpdateClientsInput], argument(f"The rows. {MOST}")]
UpsertClients = Annotated[list[UpsertClientsInput], argument(f"The rows. {MOST}")]
CreateCustomers = Annotated[list[CreateCustomerInput], argument(f"The rows. {MOST}")]
UpdateCustomers = Annotated[list[UpdateCustomersInput], argument(f"The rows. {MOST}")]
UpsertCustomers = Annotated[list[UpsertCustomersInput], argument(f"The rows. {MOST}")]


@strawberry.type
class BulkMutations:
    @strawberry.mutation(description="Creates up to 1,000 clients in one request, with a result for each row.")
    async def create_clients(
        self,
        info: Info,
        input: CreateClients,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateClientsPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(CreateClientsPayload, CreateClientsResult)
        payload: CreateClientsPayload = await CREATE.run(info, CLIENTS, request, types)
        return payload

    @strawberry.mutation(
        description="Changes up to 1,000 clients of an organization in one request, with a result for each row."
    )
    async def update_clients(
        self,
        info: Info,
        input: UpdateClients,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateClientsPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(UpdateClientsPayload, UpdateClientsResult)
        payload: UpdateClientsPayload = await CHANGE.run(info, CLIENTS, request, types)
        return payload

    @strawberry.mutation(
        description="Creates or changes up to 1,000 clients by keys of your own, with a result for each row."
    )
    async def upsert_clients(
        self,
        info: Info,
        input: UpsertClients,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> UpsertClientsPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(UpsertClientsPayload, UpsertClientsResult)
        payload: UpsertClientsPayload = await UPSERT.run(info, CLIENTS, request, types)
        return payload

    @strawberry.mutation(description="Creates up to 1,000 customers in one request, with a result for each row.")
    async def create_customers(
        self,
        info: Info,
        input: CreateCustomers,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> CreateCustomersPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(CreateCustomersPayload, CreateCustomersResult)
        payload: CreateCustomersPayload = await CREATE.run(info, CUSTOMERS, request, types)
        return payload

    @strawberry.mutation(
        description="Changes up to 1,000 customers of an organization in one request, with a result for each row."
    )
    async def update_customers(
        self,
        info: Info,
        input: UpdateCustomers,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> UpdateCustomersPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(UpdateCustomersPayload, UpdateCustomersResult)
        payload: UpdateCustomersPayload = await CHANGE.run(info, CUSTOMERS, request, types)
        return payload

    @strawberry.mutation(
        description="Creates or changes up to 1,000 customers by keys of your own, with a result for each row."
    )
    async def upsert_customers(
        self,
        info: Info,
        input: UpsertCustomers,
        organization_id: WrittenOrganizationArgument = None,
        error_policy: Policy = ErrorPolicy.REJECT_ALL,
        validate_only: ValidateOnly = False,
        idempotency_key: IdempotencyKey = None,
    ) -> UpsertCustomersPayload:
        request = BulkRequest(organization_id, input, error_policy, validate_only, idempotency_key)
        types = BulkTypes(UpsertCustomersPayload, UpsertCustomersResult)
        payload: UpsertCustomersPayload = await UPSERT.run(info, CUSTOMERS, request, types)
        return payload
