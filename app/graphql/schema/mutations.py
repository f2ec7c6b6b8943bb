"""The changes, of both spellings."""

import strawberry

from app.graphql.schema.client_mutations import ClientMutations
from app.graphql.schema.customer_mutations import CustomerMutations


@strawberry.type(description="What can be changed.")
class Mutation(ClientMutations, CustomerMutations):
    pass
