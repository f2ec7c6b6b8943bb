"""The changes, of both spellings."""

import strawberry

from app.graphql.schema.mutations.clients import ClientMutations
from app.graphql.schema.mutations.customers import CustomerMutations


@strawberry.type(description="What can be changed.")
class Mutation(ClientMutations, CustomerMutations):
    pass
