"""Limits: how large a document may be once its fragments are written out.

A document can spell an answer that is exponentially longer than itself. So it is measured before anything else reads it,
the rules of validation included: each definition once, whatever spreads it how often.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

DEEPEST = 30
MOST_ROOT_FIELDS = 50
MOST_ALIASES = 500
MOST_SELECTIONS = 5_000

TOO_DEEP = f"The document nests its fields more than {DEEPEST} levels deep"


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection comes to with its fragments written out: levels, fields on the first of them, fields under
    another name, and fields and fragments in all. Sizes of parts of one selection add up."""

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
    """The sizes of a document's definitions. `visits` counts the selections looked at, each once; `circular` tells
    whether some fragment spreads itself, which counts as nothing here."""

    def __init__(self, document: DocumentNode) -> None:
        self.visits = 0
        self.circular = False
        named = (one for one in document.definitions if isinstance(one, FragmentDefinitionNode))
        self._fragments = {one.name.value: one for one in named}
        self._sizes: dict[str, Size | None] = {}

    def size(self, selection_set: SelectionSetNode) -> Size:
        """The size of a selection. Raises RecursionError for fragments within fragments by the hundred."""
        total = NOTHING
        for node in selection_set.selections:
            self.visits += 1
            total += self._one(node)
        return total

    def _one(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            inner = self.size(node.selection_set) if node.selection_set else NOTHING
            return Size(inner.depth + 1, 1, inner.aliases + (node.alias is not None), inner.selections + 1)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value) + Size(selections=1)
        assert isinstance(node, InlineFragmentNode)
        return self.size(node.selection_set) + Size(selections=1)

    def fragment(self, name: str) -> Size:
        """The size of a fragment; an unknown one has none."""
        if name in self._sizes:
            found = self._sizes[name]
            self.circular |= found is None
            return found or NOTHING
        self._sizes[name] = None
        definition = self._fragments.get(name)
        measured = self._sizes[name] = self.size(definition.selection_set) if definition else NOTHING
        return measured


def check_limits(document: DocumentNode, measure: Measure) -> list[GraphQLError]:
    """An error for each definition that is over a limit; all operations together count as one document."""
    sizes = [(one, size) for one, size in _sizes(document, measure)]
    errors = [GraphQLError(message, one) for one, size in sizes for message in _excesses(one, size)]
    whole = sum(size.selections for one, size in sizes if isinstance(one, OperationDefinitionNode))
    if not errors and whole > MOST_SELECTIONS:
        errors.append(GraphQLError(_too_many(whole, "fields and fragments", MOST_SELECTIONS)))
    return errors


def _sizes(
    document: DocumentNode, measure: Measure
) -> Iterator[tuple[OperationDefinitionNode | FragmentDefinitionNode, Size]]:
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            yield one, measure.size(one.selection_set)
        elif isinstance(one, FragmentDefinitionNode):
            yield one, measure.fragment(one.name.value)


def _excesses(one: OperationDefinitionNode | FragmentDefinitionNode, size: Size) -> Iterator[str]:
    if size.depth > DEEPEST:
        yield TOO_DEEP
    if isinstance(one, OperationDefinitionNode) and size.roots > MOST_ROOT_FIELDS:
        yield _too_many(size.roots, "root fields", MOST_ROOT_FIELDS)
    if size.aliases > MOST_ALIASES:
        yield _too_many(size.aliases, "aliases", MOST_ALIASES)
    if size.selections > MOST_SELECTIONS:
        yield _too_many(size.selections, "fields and fragments", MOST_SELECTIONS)


def _too_many(count: int, what: str, most: int) -> str:
    shown = str(count) if count < 1_000_000 else "over a million"
    return f"The document comes to {shown} {what} with its fragments written out; {most} are allowed"
