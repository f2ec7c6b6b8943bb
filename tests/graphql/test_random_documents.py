"""The distribution of the random documents: everything that a query can select occurs often enough to be tested."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

from app.graphql.schema.schema import core_schema
from tests.graphql.random_documents import MUTATIONS, VOLATILE, DocumentWriter
from tests.graphql.random_selections import DEEPEST, object_type

DOCUMENTS = 1_000
RAREST = 0.01
"""The least share of the documents in which each field and each argument occurs."""


class Collector(Visitor):
    """Collects the fields of a document as `Type.field`, its arguments as `Type.field.argument`, and its depth."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info, self.names, self.level, self.depth = info, set[str](), 0, 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        path = f"{self.info.get_parent_type()}.{node.name.value}"
        self.names |= {path, *(f"{path}.{argument.name.value}" for argument in node.arguments or ())}
        self.level += 1
        self.depth = max(self.depth, self.level)

    def leave_field(self, *_: Any) -> None:
        self.level -= 1


def collect(source: str) -> Collector:
    info = TypeInfo(core_schema())
    collector = Collector(info)
    visit(parse(source), TypeInfoVisitor(info, collector))
    return collector


def write_queries(count: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    return (DocumentWriter(chance, wrong=chance.random() < 0.4).query() for _ in range(count))


def find_selectable(root: str) -> Iterator[str]:
    """Every field and argument of the object types below a root type."""
    waiting, seen = [root], {root}
    while waiting:
        type_ = object_type(waiting.pop())
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}"
            yield from (f"{type_.name}.{name}.{argument}" for argument in field.args)
            inner = get_named_type(field.type)
            if isinstance(inner, GraphQLObjectType) and inner.name not in seen:
                seen.add(inner.name)
                waiting.append(inner.name)


def count_names(sources: Iterable[str]) -> Counter[str]:
    return Counter(name for source in sources for name in collect(source).names)


def test_every_field_and_argument_occurs_in_one_document_in_a_hundred() -> None:
    counted = count_names(write_queries(DOCUMENTS, 20261126))
    rare = {name: counted[name] for name in find_selectable("Query") if counted[name] < RAREST * DOCUMENTS}
    assert rare == {}


def test_documents_nest_six_levels_of_fields() -> None:
    depths = Counter(collect(source).depth for source in write_queries(200, 1))
    assert max(depths) == DEEPEST
    assert depths[DEEPEST] >= 40


@pytest.mark.parametrize("wrong", [False, True])
def test_random_queries_are_valid(wrong: bool) -> None:
    chance = random.Random(3)
    for _ in range(100):
        source = DocumentWriter(chance, wrong=wrong).query()
        assert validate(core_schema(), parse(source)) == [], source


def test_random_mutations_are_valid_and_reach_every_mutation_that_can_be_repeated() -> None:
    chance, seen = random.Random(5), set[str]()
    for _ in range(200):
        source = DocumentWriter(chance, omitted=VOLATILE).mutation()
        assert validate(core_schema(), parse(source)) == [], source
        seen |= {name.removeprefix("Mutation.") for name in collect(source).names if name.startswith("Mutation.")}
    assert {name for name in seen if "." not in name} == set(MUTATIONS)
