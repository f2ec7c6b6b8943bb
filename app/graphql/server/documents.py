"""Documents: parsed, measured and validated once, and kept for the next request with the same text."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from app.graphql.server.costs import Costs, Selection
from app.graphql.server.limits import TOO_DEEP, Measure, check_limits
from app.graphql.server.trusted import Trusted

LONGEST_SOURCE = 100_000
MOST_TOKENS = 10_000
MOST_ERRORS = 20
KEPT, KEPT_CHARACTERS = 500, 1_000_000
ABORTED = "Validation aborted."
TOO_TANGLED = "The document selects the same names too often in the same places to be validated"

overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000
"""Comparing fields of one name takes time that is quadratic in their number; about 10,000 comparisons are allowed."""


@dataclass(slots=True)
class Document:
    """A parsed document with what is wrong with it, what its operations cost, and the plans of its selections."""

    ast: DocumentNode | None
    errors: list[GraphQLError]
    costs: dict[int, Selection] = field(default_factory=dict)
    plans: dict[Hashable, Any] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation with a name, or the only one; None when there is no such one."""
        found = self.operations()
        if name is not None:
            return next((one for one in found if one.name and one.name.value == name), None)
        return found[0] if len(found) == 1 else None

    def operations(self) -> list[OperationDefinitionNode]:
        assert self.ast is not None
        return [one for one in self.ast.definitions if isinstance(one, OperationDefinitionNode)]

    def cost(self, operation: OperationDefinitionNode) -> Selection:
        """What costs in an operation of a valid document."""
        return self.costs[id(operation)]


class Documents:
    """The documents of a schema, the last used ones kept; their plans are kept and dropped with them."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool, trusted: Trusted | None = None) -> None:
        self.schema = schema
        self.introspection = introspection
        self.trusted = trusted or Trusted()
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    @property
    def hide_suggestions(self) -> bool:
        return not self.introspection

    def find(self, source: str) -> Document:
        """The document with this text."""
        document = self._kept.get(source)
        if document is None:
            document = self._read(source)
            self._keep(source, document)
        else:
            self._kept.move_to_end(source)
        return document

    def _keep(self, source: str, document: Document) -> None:
        self._kept[source] = document
        self._characters += len(source)
        while len(self._kept) > KEPT or self._characters > KEPT_CHARACTERS:
            dropped, _ = self._kept.popitem(last=False)
            self._characters -= len(dropped)

    def _read(self, source: str) -> Document:
        if len(source) > LONGEST_SOURCE:
            return Document(None, [GraphQLError(f"The document is longer than {LONGEST_SOURCE} characters")])
        try:
            ast = parse(source, max_tokens=MOST_TOKENS)
            errors = self._check(ast, listed=self.trusted.lists(source))
            return Document(None, errors) if errors else Document(ast, [], self._costs(ast))
        except GraphQLError as error:
            return Document(None, [error])
        except RecursionError:
            return Document(None, [GraphQLError(TOO_DEEP)])

    def _check(self, ast: DocumentNode, *, listed: bool) -> list[GraphQLError]:
        """What is wrong with a document. The limits come first, for they bound the work of the rules of validation.
        A listed one may ask about the schema wherever it is."""
        found = check_limits(ast, Measure(ast))
        if found:
            return found
        rules = specified_rules if self.introspection or listed else (*specified_rules, NoSchemaIntrospectionCustomRule)
        found = validate(self.schema, ast, rules, MOST_ERRORS, self.hide_suggestions)
        return [GraphQLError(TOO_TANGLED) if one.message == ABORTED else one for one in found]

    def _costs(self, ast: DocumentNode) -> dict[int, Selection]:
        costs = Costs(self.schema, ast)
        operations = (one for one in ast.definitions if isinstance(one, OperationDefinitionNode))
        return {id(one): costs.operation(one) for one in operations}
