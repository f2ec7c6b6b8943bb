"""Documents: parsed and validated once, and kept for the next request with the same text."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)

LONGEST_SOURCE = 100_000
MOST_TOKENS = 10_000
DEEPEST = 30
KEPT = 500

TOO_DEEP = f"The document nests its fields more than {DEEPEST} levels deep"


@dataclass(slots=True)
class Document:
    """A parsed document with what is wrong with it, and the plans of its selections."""

    ast: DocumentNode | None
    errors: list[GraphQLError]
    plans: dict[Hashable, Any] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation with a name, or the only one; None when there is no such one."""
        assert self.ast is not None
        found = [one for one in self.ast.definitions if isinstance(one, OperationDefinitionNode)]
        if name is not None:
            return next((one for one in found if one.name and one.name.value == name), None)
        return found[0] if len(found) == 1 else None


class Documents:
    """The documents of a schema, the last used ones kept; their plans are kept and dropped with them."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self.schema = schema
        self.rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self.hide_suggestions = not introspection
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def find(self, source: str) -> Document:
        """The document with this text."""
        document = self._kept.get(source)
        if document is None:
            document = self._read(source)
            self._kept[source] = document
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(source)
        return document

    def _read(self, source: str) -> Document:
        if len(source) > LONGEST_SOURCE:
            return Document(None, [GraphQLError(f"The document is longer than {LONGEST_SOURCE} characters")])
        try:
            ast = parse(source, max_tokens=MOST_TOKENS)
            errors = validate(self.schema, ast, self.rules, hide_suggestions=self.hide_suggestions)
            return Document(ast, errors or check_depth(ast))
        except GraphQLError as error:
            return Document(None, [error])
        except RecursionError:
            return Document(None, [GraphQLError(TOO_DEEP)])


def check_depth(ast: DocumentNode) -> list[GraphQLError]:
    """An error for each operation whose fields lie in more levels than allowed; its fragments have no cycle."""
    fragments = {one.name.value: one for one in ast.definitions if isinstance(one, FragmentDefinitionNode)}

    @cache
    def fragment_depth(name: str) -> int:
        return depth(fragments[name].selection_set)

    def depth(selection: SelectionSetNode | None) -> int:
        if selection is None:
            return 0
        return max(
            fragment_depth(node.name.value)
            if isinstance(node, FragmentSpreadNode)
            else depth(node.selection_set) + isinstance(node, FieldNode)
            for node in selection.selections
            if isinstance(node, FieldNode | InlineFragmentNode | FragmentSpreadNode)
        )

    operations = [one for one in ast.definitions if isinstance(one, OperationDefinitionNode)]
    return [GraphQLError(TOO_DEEP, one) for one in operations if depth(one.selection_set) > DEEPEST]
