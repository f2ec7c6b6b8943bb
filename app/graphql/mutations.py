"""The changes, of both spellings."""

import strawberry

from app.graphql.client_mutations import ClientMutations
from app.graphql.customer_mutations import CustomerMutations


@strawberry.type(description="What can be changed.")
class Mutation(ClientMutations, CustomerMutations):
    pass
