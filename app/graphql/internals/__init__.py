"""Everything that relies on internals of graphql-core and Strawberry.

tests/graphql/test_internals.py has a test for each of them, so an upgrade that changes one of them fails there first.
"""
