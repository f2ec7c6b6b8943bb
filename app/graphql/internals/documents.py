"""Documents: their validation by graphql-core, its budgets, and the errors that are known by their messages only."""

from collections.abc import Collection

from graphql import ASTValidationRule, DocumentNode, GraphQLError, GraphQLSchema, validate
from graphql.pyutils import suggestion_list
from graphql.pyutils.suggestion_list import LexicalDistance
from graphql.validation.rules import overlapping_fields_can_be_merged

COMPARISON_BUDGET = 20_000
"""Comparing the fields of one response key takes time that is quadratic in their number. graphql-core spends about two units
on each comparison and allows 500,000."""

overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = COMPARISON_BUDGET


class NameDistance(LexicalDistance):
    """Measures how similar a wrong name is to the right ones, for suggestions.

    graphql-core has room for as many characters as the name has. In lower case it can have more: two for `İ`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name.lower())


suggestion_list.__globals__[LexicalDistance.__name__] = NameDistance

BUDGET_SPENT = "Validation aborted."
"""The message of graphql-core's error for a document that is too expensive to validate. The error has no other mark: the
error for too many errors is of the same class."""


def validate_document(
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: Collection[type[ASTValidationRule]],
    *,
    max_errors: int,
    hide_suggestions: bool,
) -> list[GraphQLError]:
    """The errors of a document by these rules, within the comparison budget."""
    return validate(schema, document, rules, max_errors, hide_suggestions)


def is_budget_spent(error: GraphQLError) -> bool:
    """True for the error with which validation ends when it has spent one of its budgets."""
    return error.message == BUDGET_SPENT


PARSING_ABORTED = "Parsing aborted."
"""The end of graphql-core's messages about limits of its parser. The errors are syntax errors like any other."""
NESTED_TOO_DEEPLY = f"nested too deeply. {PARSING_ABORTED}"


def is_token_limit(error: GraphQLError) -> bool:
    """True for the error about a document with too many tokens, or comments."""
    return error.message.endswith(PARSING_ABORTED) and not is_nesting_limit(error)


def is_nesting_limit(error: GraphQLError) -> bool:
    """True for the error about a document with too many nested brackets."""
    return error.message.endswith(NESTED_TOO_DEEPLY)


INTROSPECTION_REJECTED = "GraphQL introspection has been disabled"
"""The start of graphql-core's message about a field of introspection where introspection is off."""


def is_introspection_rejected(error: GraphQLError) -> bool:
    """True for the error about a field of introspection where introspection is off."""
    return error.message.startswith(INTROSPECTION_REJECTED)
