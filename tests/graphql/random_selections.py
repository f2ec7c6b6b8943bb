"""Random selections: every field and argument of the schema, nested in every way that a document may have."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from app.graphql.schema.schema import core_schema
from tests.graphql.random_values import BOUND_CURSORS, CURSORS, VALUES, WRONG

DEEPEST = 6
"""The most levels of fields, one inside the other. The root fields are the first."""
FULL_OF_OBJECTS = ("Connection", "Payload", "Viewer", "Organization")
"""The ends of the names of types whose fields with a selection are chosen more often than the others."""
DIRECTIVES = (
    "@include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: $yes)",
    "@skip(if: $no)",
    "@include(if: true)",
    "@skip(if: true)",
    "@include(if: $yes) @skip(if: $no)",
)
FACES = ("Client", "Customer")
NODES = (*FACES, "Organization", "Change", "Reminder", "AccessToken", "Account", "Webhook", "WebhookDelivery")
"""The types that implement Node."""


@cache
def object_type(name: str) -> GraphQLObjectType:
    type_ = core_schema().type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    return type_


@cache
def leaves_and_objects(type_: GraphQLObjectType) -> tuple[list[str], list[str]]:
    """The names of the fields without a selection, and of those with one."""
    composite = {name for name, each in type_.fields.items() if is_composite_type(get_named_type(each.type))}
    return [name for name in type_.fields if name not in composite], [
        name for name in type_.fields if name in composite
    ]


@cache
def numbers_of_fields() -> dict[tuple[str, str], int]:
    """A number for each field of each type, so that long aliases of different fields differ."""
    types = (type_ for type_ in core_schema().type_map.values() if isinstance(type_, GraphQLObjectType))
    keys = [(type_.name, name) for type_ in types for name in type_.fields]
    return {key: number for number, key in enumerate(keys)}


@cache
def alike_in_all_nodes(name: str) -> bool:
    """True if every type of a Node that has the field gives it the same type, so that the fields may be merged."""
    types = {str(fields[name].type) for each in NODES if name in (fields := object_type(each).fields)}
    return len(types) == 1


@dataclass
class SelectionWriter:
    """Writes random selections of one document. A response key always means one field with the same arguments.

    - `plain`: no alias is one that PostgreSQL would cut.
    - `wrong`: one argument may be an error. Of several errors below one field that is not null, executors show any one.
    - `omitted`: fields that are never selected.
    """

    chance: random.Random
    plain: bool = False
    wrong: bool = False
    omitted: frozenset[str] = frozenset()
    deepest: int = DEEPEST
    fragments: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def select(self, type_: GraphQLNamedType, level: int) -> str:
        """A selection of a type, whose fields stand at a level of the document."""
        if not isinstance(type_, GraphQLObjectType):
            return self._select_node(level)
        most = 5 if level < 4 else 3
        return f"{{ {' '.join(self._write_part(type_, level) for _ in range(self.chance.randint(1, most)))} }}"

    def _select_node(self, level: int) -> str:
        """A selection of the interface Node. Fields that differ between its types have aliases of their own."""
        names = self.chance.sample(NODES, k=self.chance.randint(1, 4))
        parts = [self._write_inline(object_type(name), level, beside=True) for name in names]
        parts += self.chance.sample(["id", "__typename", "... on Node { id }"], k=self.chance.randint(0, 2))
        self.chance.shuffle(parts)
        return f"{{ {' '.join(parts)} }}"

    def _write_part(self, type_: GraphQLObjectType, level: int, *, beside: bool = False) -> str:
        """A field, a fragment or `__typename`. `beside` is true where other types are selected in the same place."""
        leaves, objects = [self._find_allowed(names) for names in leaves_and_objects(type_)]
        kinds = ["leaf"] * (6 if leaves else 0) + ["typename", "inline"]
        kinds += ["spread"] if not beside else []
        if objects and level < self.deepest:
            kinds += ["object"] * (12 if type_.name.endswith(FULL_OF_OBJECTS) else 5)
        kind = self.chance.choice(kinds)
        if kind == "leaf":
            return self._write_leaf(type_, self.chance.choice(leaves), beside)
        if kind == "object":
            return self.write_field(type_, self.chance.choice(objects), level, beside=beside)
        if kind == "inline":
            return self._write_inline(type_, level, beside=beside)
        if kind == "spread":
            return self._write_spread(type_)
        return f"{self.chance.choice(('', 'type_name: '))}__typename {self._directive()}"

    def _find_allowed(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in self.omitted]

    def _write_leaf(self, type_: GraphQLObjectType, name: str, beside: bool) -> str:
        if beside and not alike_in_all_nodes(name):
            return f"{name}_{type_.name}: {name} {self._directive()}"
        number = numbers_of_fields()[type_.name, name]
        aliases = ["", "", "", f"a_{name}: ", *(("r: ", "the: ") if name == "name" else ())]
        aliases += [f"{'y' * 40}_{name}: "] if len(name) < 20 else []
        aliases += [] if self.plain or beside else [f"{'x' * 62}{number:03}: "]
        return f"{self.chance.choice(aliases)}{name} {self._directive()}"

    def write_field(
        self, type_: GraphQLObjectType, name: str, level: int, *, alias: str = "", beside: bool = False
    ) -> str:
        """A field with a selection. The root fields have an alias of their own."""
        definition = type_.fields[name]
        arguments = self._write_arguments(type_, name, definition)
        key = alias or self._find_key(f"{name}_{type_.name}" if beside else name, arguments)
        with self._inside(name, arguments):
            inner = self.select(get_named_type(definition.type), level + 1)
        label = "" if key == name else f"{key}: "
        return f"{label}{name}{arguments} {self._directive()} {inner}"

    def _find_key(self, name: str, arguments: str) -> str:
        """The response key of a field with these arguments. Without arguments it is the name."""
        count = len([key for key in self.keys if key[0] == name])
        return self.keys.setdefault((name, arguments), f"{name}{count}" if arguments else name)

    @contextmanager
    def _inside(self, name: str, arguments: str) -> Iterator[None]:
        self.path.append(f"{name}{arguments.replace('id: ', '')}" if not self.path else name)
        yield
        self.path.pop()

    def _write_arguments(self, type_: GraphQLObjectType, name: str, definition: GraphQLField) -> str:
        chosen = {
            argument: value
            for argument, each in definition.args.items()
            if (value := self._choose_value(f"{type_.name}.{name}.{argument}", argument, each))
        }
        if {"first", "last"} <= chosen.keys():
            if not self.wrong:
                del chosen[self.chance.choice(("first", "last"))]
            self.wrong = False
        self._choose_cursor(chosen, name, definition)
        pairs = [f"{argument}: {value}" for argument, value in chosen.items()]
        self.chance.shuffle(pairs)
        return f"({', '.join(pairs)})" if pairs else ""

    def _choose_value(self, path: str, name: str, definition: GraphQLArgument) -> str:
        """A value of an argument, or nothing. Cursors are chosen later."""
        wrong = WRONG.get(path) or WRONG.get(name)
        if self.wrong and wrong and self.chance.random() < 0.06:
            self.wrong = False
            return self.chance.choice(wrong)
        values = VALUES.get(path) or VALUES.get(name)
        if values is None or not (is_required_argument(definition) or self.chance.random() < _frequency(name)):
            return ""
        return self.chance.choice(values)

    def _choose_cursor(self, chosen: dict[str, str], name: str, definition: GraphQLField) -> None:
        """Adds a cursor where it is valid. A list with a filter, a search or an order has cursors of its own."""
        if "after" not in definition.args or chosen.keys() & {
            "filter",
            "search",
            "orderBy",
            "deleted",
            "after",
            "before",
        }:
            return
        connection = get_named_type(definition.type).name
        cursor = CURSORS.get(connection) or BOUND_CURSORS.get((*self.path, name))
        if cursor is None and self.wrong and name == "history":
            cursor, self.wrong = "$afterHistory", False
        if cursor and self.chance.random() < 0.9:
            chosen[self.chance.choice(("after", "before"))] = cursor

    def _directive(self) -> str:
        return self.chance.choice(DIRECTIVES) if self.chance.random() < 0.2 else ""

    def _write_inline(self, type_: GraphQLObjectType, level: int, *, beside: bool = False) -> str:
        conditions = [f"on {type_.name}", *([] if beside else [""])]
        conditions += ["on Node"] if type_.name in NODES and not beside else []
        condition = self.chance.choice(conditions)
        if condition == "on Node":
            return f"... on Node {self._directive()} {{ {'n: ' if 'id' in self.omitted else 'id '}__typename }}"
        parts = (self._write_part(type_, level, beside=beside) for _ in range(self.chance.randint(1, 3)))
        return f"... {condition} {self._directive()} {{ {' '.join(parts)} }}"

    def _write_spread(self, type_: GraphQLObjectType) -> str:
        """A fragment with plain fields, so that no fragment spreads another one."""
        name = f"{type_.name}{self.chance.randint(0, 2)}"
        if name not in self.fragments:
            leaves = self._find_allowed(leaves_and_objects(type_)[0]) or ["__typename"]
            fields = (self.chance.choice(leaves) for _ in range(3))
            inner = " ".join(f"{each} {self._directive()}" for each in fields)
            self.fragments[name] = f"fragment {name} on {type_.name} {{ {inner} }}"
        return f"...{name} {self._directive()}"


def _frequency(argument: str) -> float:
    """The chance that an optional argument is written."""
    return {"first": 0.6, "last": 0.4}.get(argument, 0.25)
