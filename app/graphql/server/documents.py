"""Documents are parsed, measured and validated once, and kept for the next request with the same text."""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    print_ast,
    specified_rules,
)

from app.graphql.execution.context import MOST_PLANS
from app.graphql.execution.resolved import find_resolved
from app.graphql.internals.documents import (
    COMPARISON_BUDGET,
    is_budget_spent,
    is_introspection_rejected,
    validate_document,
)
from app.graphql.internals.operations import Built, Definitions, read_definitions
from app.graphql.server.codes import ErrorCode
from app.graphql.server.costs import Costs, SelectionCost, VariableCosts
from app.graphql.server.disclosure import hide_names
from app.graphql.server.errors import limit_error
from app.graphql.server.limits import Measure, check_limits, too_deep
from app.graphql.server.parsing import forget_frames, parse_document
from app.graphql.server.reading import ReadingThread
from app.graphql.server.shared_results import find_variables
from app.graphql.server.trusted import TrustedDocuments
from app.observability.totals import CACHE_USES

HIT, MISS = ("documents", "hit"), ("documents", "miss")
MAX_CHARACTERS = 100_000
MAX_ERRORS = 20
READ_AT_ONCE = 2_000
"""The most characters of a document that is read on the event loop, in about 10 ms. A longer one is read in a thread."""
KEPT, KEPT_CHARACTERS, LONGEST_KEPT = 500, 200_000, 20_000
"""Documents are kept up to this number and these characters in all. A character takes up to 200 bytes of memory."""
MOST_SUMS = 200
"""The limit for one document, since each page size in its variables makes another sum."""
NO_DEFINITIONS = Definitions({}, {})
NO_INTROSPECTION = "Introspection is off, so this service does not show its schema."
TOO_TANGLED = "The document selects the same fields too often in the same places. Merge repeated fields and fragments."


@dataclass(slots=True)
class Document:
    """A parsed document with its errors, its operations with their costs, and the plans of its selections.

    `chosen` are the operations by the names that choose them. `integers` are the names of the variables whose values the
    cost of an operation depends on, and `sums` are the costs that are added up already.
    """

    ast: DocumentNode | None
    errors: list[GraphQLError]
    chosen: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    costs: dict[int, SelectionCost] = field(default_factory=dict)
    integers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    definitions: Definitions = NO_DEFINITIONS
    plans: dict[Hashable, Any] = field(default_factory=dict)
    roots: dict[int, int] = field(default_factory=dict)
    sums: dict[Hashable, int] = field(default_factory=dict)
    fixed: dict[int, bool] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation with a name. Without a name it is the only operation, or None if there are several."""
        return self.chosen.get(name)

    def operations(self) -> list[OperationDefinitionNode]:
        assert self.ast is not None  # noqa: S101 - narrows the type
        return _find_operations(self.ast)

    def find_resolved(self, operation: OperationDefinitionNode, built: Built) -> frozenset[int]:
        """The ids of the nodes of records that the database does not render. They are kept unless variables decide.

        A list with one member is noted, because a cursor may belong to the record that is the only one of `nodes`.
        """
        if isinstance(built, list):
            return frozenset()
        values = built.variables.coerced
        singles = tuple([name for name, value in values.items() if type(value) is list and len(value) == 1])
        key = ("resolved", id(operation), built.switches, singles)
        found: frozenset[int] | None = self.plans.get(key)
        if found is None:
            found = find_resolved(built)
            if self._is_fixed(operation) and len(self.plans) < MOST_PLANS:
                self.plans[key] = found
        return found

    def _is_fixed(self, operation: OperationDefinitionNode) -> bool:
        """True if no variable is used outside of the arguments of root fields, apart from boolean ones."""
        if id(operation) not in self.fixed:
            assert self.ast is not None  # noqa: S101 - narrows the type
            self.fixed[id(operation)] = set(find_variables(self.ast, operation)) <= set(
                _find_variables_of(operation, "Boolean")
            )
        return self.fixed[id(operation)]

    def count_roots(self, operation: OperationDefinitionNode) -> int:
        """The number of root fields of an operation with its fragments written out."""
        if id(operation) not in self.roots:
            assert self.ast is not None  # noqa: S101 - narrows the type
            self.roots[id(operation)] = Measure(self.ast).measure(operation.selection_set).roots
        return self.roots[id(operation)]

    def cost(
        self,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        resolved: Collection[int] = (),
        *,
        plain: bool = False,
    ) -> int:
        """The cost of an operation of a valid document. `resolved` are the ids of fields that resolvers give.

        `plain` says that no variable is an object or a list. Then the cost depends on the integers among them only, so it
        is added up once for the same integers.
        """
        if not plain:
            return VariableCosts(operation, variables, resolved).find_cost(self.costs[id(operation)])
        counts = [value if type(value := variables.get(name)) is int else None for name in self.integers[id(operation)]]
        key = (id(operation), *counts)
        cost = self.sums.get(key)
        if cost is None:
            if len(self.sums) >= MOST_SUMS:
                self.sums.clear()
            cost = self.sums[key] = self.cost(operation, variables)
        return cost


def _find_operations(ast: DocumentNode) -> list[OperationDefinitionNode]:
    return [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]


def _find_variables_of(operation: OperationDefinitionNode, type_name: str) -> Iterator[str]:
    """The names of the variables of a type."""
    for declared in operation.variable_definitions or ():
        if print_ast(declared.type).removesuffix("!") == type_name:
            yield declared.variable.name.value


def _choose_operations(
    operations: Sequence[OperationDefinitionNode],
) -> Iterator[tuple[str | None, OperationDefinitionNode]]:
    """The operations with the names that choose them: their own, or none for the only one."""
    for operation in operations:
        if operation.name is not None:
            yield operation.name.value, operation
    if len(operations) == 1:
        yield None, operations[0]


class Documents:
    """The documents of a schema. The most recently used ones are kept; a dropped document takes its plans with it."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool, trusted: TrustedDocuments | None = None) -> None:
        self.schema = schema
        self.introspection = introspection
        self.trusted = trusted or TrustedDocuments()
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self.thread = ReadingThread()

    @property
    def hide_suggestions(self) -> bool:
        """Suggestions in errors name parts of the schema, so they are hidden where introspection is off."""
        return not self.introspection

    async def read(self, source: str, owner: str) -> Document:
        """The document with this text. A long one is read in a thread, where the owners take turns."""
        if len(source) <= READ_AT_ONCE or source in self._kept:
            return self.find(source)
        CACHE_USES[MISS] += 1
        document = await self.thread.run(owner, partial(self._read, source))
        self._keep(source, document)
        return document

    def find(self, source: str) -> Document:
        """The document with this text, read at once."""
        document = self.find_kept(source)
        if document is None:
            CACHE_USES[MISS] += 1
            document = self._read(source)
            self._keep(source, document)
        return document

    def find_kept(self, source: str) -> Document | None:
        """The document with this text if it is kept."""
        document = self._kept.get(source)
        if document is not None:
            CACHE_USES[HIT] += 1
            self._kept.move_to_end(source)
        return document

    def _keep(self, source: str, document: Document) -> None:
        """Keeps a document, unless it is kept already or is long. Trusted documents of any length are kept."""
        if source in self._kept or (len(source) > LONGEST_KEPT and not self.trusted.has_text(source)):
            return
        self._kept[source] = document
        self._characters += len(source)
        while len(self._kept) > KEPT or self._characters > KEPT_CHARACTERS:
            dropped, _ = self._kept.popitem(last=False)
            self._characters -= len(dropped)

    def _read(self, source: str) -> Document:
        if len(source) > MAX_CHARACTERS:
            message = f"The document has {len(source):,} characters; at most {MAX_CHARACTERS:,} are allowed."
            return Document(None, [limit_error(ErrorCode.CHARACTER_LIMIT_EXCEEDED, message, MAX_CHARACTERS)])
        try:
            ast = parse_document(source)
            errors = self._check(ast, is_trusted=self.trusted.has_text(source))
            return Document(None, errors) if errors else self._make_document(ast)
        except GraphQLError as error:
            return Document(None, [forget_frames(error)])
        except RecursionError:
            return Document(None, [too_deep()])

    def _check(self, ast: DocumentNode, *, is_trusted: bool) -> list[GraphQLError]:
        """The errors of a document. The limits come first, because they bound the work of validation.

        A trusted document may use introspection even where it is off.
        """
        excesses = check_limits(ast, Measure(ast))
        if excesses:
            return excesses
        may_introspect = self.introspection or is_trusted
        rules = specified_rules if may_introspect else (*specified_rules, NoSchemaIntrospectionCustomRule)
        errors = validate_document(
            self.schema, ast, rules, max_errors=MAX_ERRORS, hide_suggestions=self.hide_suggestions
        )
        if errors and not may_introspect and not any(map(is_budget_spent, errors)):
            return [_add_code(hide_names(ast, errors))]
        return list(map(_add_code, errors))

    def _make_document(self, ast: DocumentNode) -> Document:
        """A valid document."""
        costs = Costs(self.schema, ast)
        operations = _find_operations(ast)
        return Document(
            ast,
            [],
            dict(_choose_operations(operations)),
            {id(operation): costs.read_operation(operation) for operation in operations},
            {id(operation): tuple(_find_variables_of(operation, "Int")) for operation in operations},
            read_definitions(ast),
        )


def _add_code(error: GraphQLError) -> GraphQLError:
    """The error of a rule, with a code of its own if it is not a plain mistake."""
    if is_budget_spent(error):
        return limit_error(ErrorCode.COMPARISON_LIMIT_EXCEEDED, TOO_TANGLED, COMPARISON_BUDGET)
    if is_introspection_rejected(error):
        return GraphQLError(NO_INTROSPECTION, error.nodes, extensions={"code": ErrorCode.INTROSPECTION_DISABLED})
    return error
