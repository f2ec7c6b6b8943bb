"""The schema: built once per process, and printed as schema.graphql."""

from functools import cache

import strawberry
from graphql import GraphQLSchema
from graphql.utilities.print_schema import print_schema_definition
from strawberry.schema.config import StrawberryConfig

from app.graphql.internals.schemas import core_schema_of, drop_null_defaults
from app.graphql.schema.access_tokens import AccessToken
from app.graphql.schema.accounts import Account
from app.graphql.schema.inputs import SCALARS
from app.graphql.schema.mutations.accounts import AccountMutations
from app.graphql.schema.mutations.clients import ClientMutations
from app.graphql.schema.mutations.customers import CustomerMutations
from app.graphql.schema.mutations.deletion import DeletionMutations
from app.graphql.schema.mutations.many import BulkMutations
from app.graphql.schema.mutations.organizations import OrganizationMutations
from app.graphql.schema.mutations.reminders import ReminderMutations
from app.graphql.schema.mutations.tokens import AccessTokenMutations
from app.graphql.schema.mutations.vat import VatMutations
from app.graphql.schema.mutations.webhooks import WebhookMutations
from app.graphql.schema.queries import Query
from app.graphql.schema.subscriptions import Subscription
from app.graphql.schema.types import Client, Customer, Organization
from app.graphql.schema.webhooks import Webhook, WebhookDelivery


@strawberry.type(description="The mutations.")
class Mutation(
    ClientMutations,
    CustomerMutations,
    BulkMutations,
    ReminderMutations,
    VatMutations,
    OrganizationMutations,
    AccessTokenMutations,
    AccountMutations,
    DeletionMutations,
    WebhookMutations,
):
    pass


DESCRIPTION = (
    "The clients and customers of invoicing organizations. A client and a customer are two views of one record: `Client` has "
    "the field names of the v1 Clients API, `Customer` those of the Customers API. Send your token as "
    "`Authorization: Bearer <token>`. Start with `viewer`, which shows the organizations that your token can access."
)


@cache
def build_schema() -> strawberry.Schema:
    """The Strawberry schema. A process builds it once."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[AccessToken, Account, Client, Customer, Organization, Webhook, WebhookDelivery],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    core = core_schema_of(schema)
    core.description = DESCRIPTION
    drop_null_defaults(core)
    return schema


def core_schema() -> GraphQLSchema:
    """The graphql-core schema, which is executed."""
    return core_schema_of(build_schema())


def print_schema() -> str:
    """The text of schema.graphql."""
    definition = print_schema_definition(core_schema())
    return f"{definition}\n\n{build_schema().as_str().rstrip()}\n"
