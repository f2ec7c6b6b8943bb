"""Errors where introspection is off: they show the place of a mistake, and no names of the schema."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListTypeNode,
    Node,
    NonNullTypeNode,
    VariableDefinitionNode,
)

from app.errors import DomainError
from app.graphql.internals.documents import is_introspection_rejected

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*)`")
INVALID = "The document is not valid at this place. Compare it with the schema that you have."
INVALID_VALUE = "The value of the variable `${name}` does not fit its type."
INVALID_ARGUMENT = "A value in the arguments of this field does not fit its type."


def hide_names(document: DocumentNode, errors: Sequence[GraphQLError]) -> GraphQLError:
    """One error for all errors of validation, at the first place.

    A caller must not learn whether a type exists. So an error about a type, a fragment on it or a variable of it always
    stands at the name of the type, and the errors behind the first place are left out: they depend on the type.
    """
    if all(map(is_introspection_rejected, errors)):
        return errors[0]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    places = [_find_place(node, fragments) for error in errors for node in error.nodes or ()]
    first = min(filter(_has_location, places), key=_position, default=document.definitions[0])
    return GraphQLError(INVALID, first)


def hide_value_error(error: GraphQLError, document: DocumentNode, variables: Mapping[str, Any]) -> GraphQLError:
    """The error without the names in its message, if it is about a value of the request.

    The message of graphql-core has names of types and fields. A message of the service may name an argument or a field
    that the request does not have.
    """
    for node in error.nodes or ():
        if isinstance(node, VariableDefinitionNode):
            return GraphQLError(INVALID_VALUE.format(name=node.variable.name.value), node)
    original = error.original_error
    if isinstance(original, DomainError):
        names = {*QUOTED.findall(original.message), *([original.field] if original.field else ())}
        if not names or names <= _find_words(document, variables):
            return error
    elif not isinstance(original, GraphQLError | None):
        return error
    return GraphQLError(INVALID_ARGUMENT, error.nodes, path=error.path) if error.nodes else error


def _find_words(document: DocumentNode, variables: Mapping[str, Any]) -> set[str]:
    """The names in the document, and in the values of its variables."""
    text = document.loc.source.body if document.loc else ""
    return set(WORD.findall(f"{text} {json.dumps(variables)}"))


def _find_place(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> Node:
    """The name of the type that an error at a node may be about, or the node itself."""
    if isinstance(node, FragmentSpreadNode):
        node = fragments.get(node.name.value, node)
    if isinstance(node, VariableDefinitionNode):
        node = node.type
    if isinstance(node, FragmentDefinitionNode):
        return node.type_condition
    if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
        return node.type_condition
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    return node


def _has_location(node: Node) -> bool:
    """True unless graphql-core made the node itself, as it does for an object in the place of a scalar."""
    return node.loc is not None


def _position(node: Node) -> int:
    return node.loc.start if node.loc else 0
