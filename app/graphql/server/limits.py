"""Limits on the size of a document with its fragments written out.

A short document can spell out an exponentially large selection. So a document is measured before anything else reads it,
validation included. Each definition is measured once, however often it is spread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_input_type,
    is_leaf_type,
    is_list_type,
    type_from_ast,
)
from graphql.language import Token, TokenKind

from app.graphql.server.codes import ErrorCode
from app.graphql.server.errors import limit_error

MAX_DEPTH = 30
MAX_ROOT_FIELDS = 50
MAX_ALIASES = 500
MAX_SELECTIONS = 5_000
MAX_OBJECTS = 500
"""The most objects written out in the arguments of a document."""
MAX_INPUT_WEIGHT = 100_000
"""The most weight of the variables, which is about the time to read them in microseconds. 1,000 upserts weigh about 90,000."""
OBJECT_WEIGHT, FIELD_WEIGHT, MEMBER_WEIGHT = 25, 1, 4
"""The weight of an input object, of each field of its type (absent ones too), and of a member of a list."""
WEIGHT_READ_AT_ONCE = 5_000
"""The most weight of variables that are read on the event loop. Heavier ones are read in a thread."""
OPENING = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})
TOO_HEAVY = "The variables have too many objects and list members. Send fewer of them in one request."


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a selection with its fragments written out. The sizes of a selection's parts add up to its own.

    `depth` counts levels, `roots` the fields on the first level, `aliases` the fields with an alias, and `selections` all
    fields and fragments.
    """

    depth: int = 0
    roots: int = 0
    aliases: int = 0
    selections: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(
            max(self.depth, other.depth),
            self.roots + other.roots,
            self.aliases + other.aliases,
            self.selections + other.selections,
        )


NOTHING = Size()


class Measure:
    """Measures the definitions of a document. A fragment that spreads itself counts as empty at that place; validation
    rejects it later."""

    def __init__(self, document: DocumentNode) -> None:
        fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
        self._fragments = {node.name.value: node for node in fragments}
        self._sizes: dict[str, Size] = {}

    def measure(self, selection_set: SelectionSetNode) -> Size:
        """The size of a selection. Raises RecursionError for hundreds of fragments that spread one another."""
        total = NOTHING
        for node in selection_set.selections:
            total += self.measure_node(node)
        return total

    def measure_node(self, node: SelectionNode) -> Size:
        """The size of one field, fragment spread or inline fragment."""
        if isinstance(node, FieldNode):
            inner = self.measure(node.selection_set) if node.selection_set else NOTHING
            return Size(inner.depth + 1, 1, inner.aliases + (node.alias is not None), inner.selections + 1)
        if isinstance(node, FragmentSpreadNode):
            return self.measure_fragment(node.name.value) + Size(selections=1)
        assert isinstance(node, InlineFragmentNode)  # noqa: S101 - narrows the type
        return self.measure(node.selection_set) + Size(selections=1)

    def measure_fragment(self, name: str) -> Size:
        """The size of a named fragment. A fragment that the document does not define is empty."""
        if name not in self._sizes:
            self._sizes[name] = NOTHING
            definition = self._fragments.get(name)
            self._sizes[name] = self.measure(definition.selection_set) if definition else NOTHING
        return self._sizes[name]


def check_limits(document: DocumentNode, measure: Measure) -> list[GraphQLError]:
    """An error for each definition that exceeds a limit. The selections of all operations together have a limit too."""
    sizes = list(_measure_definitions(document, measure))
    errors = [error for node, size in sizes for error in _find_excesses(node, size)]
    total = sum(size.selections for node, size in sizes if isinstance(node, OperationDefinitionNode))
    if not errors and total > MAX_SELECTIONS:
        errors.append(_too_many_selections(total))
    return errors


def _measure_definitions(
    document: DocumentNode, measure: Measure
) -> Iterator[tuple[OperationDefinitionNode | FragmentDefinitionNode, Size]]:
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            yield node, measure.measure(node.selection_set)
        elif isinstance(node, FragmentDefinitionNode):
            yield node, measure.measure_fragment(node.name.value)


def _find_excesses(node: OperationDefinitionNode | FragmentDefinitionNode, size: Size) -> Iterator[GraphQLError]:
    if size.depth > MAX_DEPTH:
        yield too_deep(node)
    if isinstance(node, OperationDefinitionNode) and size.roots > MAX_ROOT_FIELDS:
        message = _too_many(size.roots, "root fields", MAX_ROOT_FIELDS)
        yield limit_error(ErrorCode.ROOT_FIELD_LIMIT_EXCEEDED, message, MAX_ROOT_FIELDS, node)
    if size.aliases > MAX_ALIASES:
        message = _too_many(size.aliases, "aliases", MAX_ALIASES)
        yield limit_error(ErrorCode.ALIAS_LIMIT_EXCEEDED, message, MAX_ALIASES, node)
    if size.selections > MAX_SELECTIONS:
        yield _too_many_selections(size.selections, node)


def too_deep(node: Node | None = None) -> GraphQLError:
    message = f"The document nests fields too deeply; at most {MAX_DEPTH} levels are allowed."
    return limit_error(ErrorCode.DEPTH_LIMIT_EXCEEDED, message, MAX_DEPTH, node)


def _too_many_selections(count: int, node: Node | None = None) -> GraphQLError:
    message = _too_many(count, "fields and fragments", MAX_SELECTIONS)
    return limit_error(ErrorCode.FIELD_LIMIT_EXCEEDED, message, MAX_SELECTIONS, node)


def _too_many(count: int, counted: str, limit: int) -> str:
    shown = f"{count:,}" if count < 1_000_000 else "over a million"
    return f"The document has {shown} {counted} with its fragments written out; at most {limit:,} are allowed."


def weigh_variables(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
    """The weight of an operation's variables. It is counted up to the limit and no further."""
    values: list[tuple[Any, GraphQLInputType]] = []
    for declared in operation.variable_definitions or ():
        type_ = type_from_ast(schema, declared.type)
        if is_input_type(type_) and isinstance(value := variables.get(declared.variable.name.value), dict | list):
            values.append((value, type_))
    weight = 0
    while values and weight <= MAX_INPUT_WEIGHT:
        weight += _weigh(values, *values.pop())
    return weight


def _weigh(values: list[tuple[Any, GraphQLInputType]], value: Any, type_: GraphQLInputType) -> int:
    """The weight of a value without its members, which are added to `values`."""
    nullable = get_nullable_type(type_)
    if is_list_type(nullable):
        members = value if isinstance(value, list) else [value]
        if is_leaf_type(get_named_type(nullable)):
            return MEMBER_WEIGHT * len(members)
        values.extend((member, nullable.of_type) for member in members if isinstance(member, dict | list))
        return MEMBER_WEIGHT * len(members)
    if is_input_object_type(nullable) and isinstance(value, dict):
        if len(value) > len(nullable.fields):
            return MAX_INPUT_WEIGHT + 1
        values.extend((value[name], field.type) for name, field in nullable.fields.items() if name in value)
        return OBJECT_WEIGHT + FIELD_WEIGHT * len(nullable.fields)
    return 0


def _begins_value(token: Token | None) -> bool:
    """True for the token before a value."""
    return token is not None and token.kind in (TokenKind.COLON, TokenKind.EQUALS)


def count_objects(token: Token | None) -> int:
    """The number of objects written out in the document that begins with a token. Every other `{` opens a selection."""
    count, opened = 0, [TokenKind.SOF]
    while token is not None:
        if token.kind is TokenKind.BRACE_L and (opened[-1] is TokenKind.BRACKET_L or _begins_value(token.prev)):
            count += 1
            opened.append(TokenKind.BRACKET_L)
        elif token.kind in OPENING:
            opened.append(token.kind)
        elif token.kind in CLOSING:
            opened.pop()
        token = token.next
    return count
