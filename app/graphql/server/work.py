"""Work: the cost of the statements of an operation, which are written and compiled once, whatever the number of rows.

A unit is about ten microseconds of CPU time. Statements of usual size are kept between requests. Those of new documents and
those over some 16,000 characters are written for each request, so the work counts each time.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

FREE_WORK = 2_000
"""The work of an operation that costs nothing."""
WORK_OF_FIELD, WORK_OF_OBJECT, WORK_OF_PAGE = 5, 50, 250
WORK_OF_ARGUMENT, WORK_OF_CONDITION = 50, 20
"""The work for each argument of a page, apart from its length, and for each object in these arguments."""
WORK_OF_DUPLICATES, WORK_OF_DIFFERENCES, WORK_OF_IMAGE = 1_600, 800, 250
LONG_FIELDS: Mapping[tuple[str, str], int] = {
    ("Client", "possibleDuplicates"): WORK_OF_DUPLICATES,
    ("Customer", "possibleDuplicates"): WORK_OF_DUPLICATES,
    ("Change", "changes"): WORK_OF_DIFFERENCES,
    ("Change", "before"): WORK_OF_IMAGE,
    ("Change", "after"): WORK_OF_IMAGE,
}
"""Fields with long SQL, by their type and name."""
PAGE_ARGUMENTS = frozenset({"first", "last"})


@dataclass(slots=True)
class Work:
    """The work of some fields. `variables` counts the uses of each variable in the arguments of pages."""

    fixed: int = 0
    variables: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Work") -> None:
        self.fixed += other.fixed
        self.variables.update(other.variables)

    def count(self, values: Mapping[str, Any]) -> int:
        """The work with these values of variables."""
        objects = sum(times * _count_objects(values.get(name)) for name, times in self.variables.items())
        return self.fixed + WORK_OF_CONDITION * objects

    def find_cost(self, values: Mapping[str, Any]) -> int:
        return max(self.count(values) - FREE_WORK, 0)


@cache
def fixed_work(units: int) -> Work:
    """The work of a field that does not depend on variables. Its fields share it, so nothing is added to it."""
    return Work(units)


def find_work(parent: GraphQLNamedType, definition: GraphQLField, node: FieldNode) -> Work:
    """The work of a field, without that of the selection below it."""
    long = LONG_FIELDS.get((parent.name, node.name.value))
    if long is not None:
        return fixed_work(long)
    if PAGE_ARGUMENTS.isdisjoint(definition.args):
        return fixed_work(WORK_OF_OBJECT if is_composite_type(get_named_type(definition.type)) else WORK_OF_FIELD)
    chosen = [each.value for each in node.arguments or () if each.name.value not in PAGE_ARGUMENTS]
    parts = [part for value in chosen for part in _walk(value)]
    objects = sum(isinstance(part, ObjectValueNode) for part in parts)
    variables = Counter(part.name.value for part in parts if isinstance(part, VariableNode))
    return Work(WORK_OF_PAGE + WORK_OF_ARGUMENT * len(chosen) + WORK_OF_CONDITION * objects, variables)


def _walk(value: ValueNode) -> Iterator[ValueNode]:
    """A value with the values at every depth."""
    yield value
    members = value.values if isinstance(value, ListValueNode) else ()
    if isinstance(value, ObjectValueNode):
        members = tuple(each.value for each in value.fields)
    for member in members:
        yield from _walk(member)


def _count_objects(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_count_objects, value.values()))
    return sum(map(_count_objects, value)) if isinstance(value, list) else 0
