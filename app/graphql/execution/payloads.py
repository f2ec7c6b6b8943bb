"""Payloads of mutations whose records are rendered: their texts are joined, without graphql-core's executor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from graphql import (
    FieldNode,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_nullable_type,
    is_leaf_type,
    is_object_type,
)

from app.graphql.execution.selections import SelectionReader
from app.graphql.internals.executor import TYPENAME
from app.graphql.internals.operations import RenderedValue
from app.graphql.internals.schemas import find_attribute

SCALARS = (str, bool, int, float)
"""The values of leaves that are written here. The executor writes the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One response key of a payload. `label` is the key as JSON, with its colon.

    `attribute` holds its value in the payload of Python. `constant` is the text of the member that has no value there.
    """

    label: bytes
    attribute: str
    nullable: bool
    leaf: GraphQLLeafType | None = None
    constant: bytes | None = None

    def show(self, payload: object) -> bytes | None:
        """The JSON of the value. None if the executor must complete it."""
        if self.constant is not None:
            return self.constant
        value = getattr(payload, self.attribute)
        if isinstance(value, RenderedValue):
            return value.json
        if value is None:
            return b"null" if self.nullable else None
        if self.leaf is not None:
            return _show_leaf(self.leaf, value)
        return b"[]" if isinstance(value, list) and not value else None


Members: TypeAlias = tuple[Member, ...]


def _show_leaf(leaf: GraphQLLeafType, value: object) -> bytes | None:
    """The JSON of a scalar or an enum. None for a value that it cannot have, whose error the executor makes."""
    try:
        coerced = leaf.coerce_output_value(value)
        return orjson.dumps(coerced) if isinstance(coerced, SCALARS) else None
    except Exception:
        return None


def read_members(reader: SelectionReader, type_: Any, nodes: Sequence[FieldNode]) -> Members | None:
    """The members of a payload that are selected. None if one has a resolver of its own."""
    payload = get_nullable_type(type_)
    if not is_object_type(payload):
        return None
    names = frozenset({payload.name, *(interface.name for interface in payload.interfaces)})
    members = [_read_member(payload, key, fields[0]) for key, fields in reader.collect(nodes, names).items()]
    known = tuple(member for member in members if member is not None)
    return known if len(known) == len(members) else None


def _read_member(payload: GraphQLObjectType, key: str, node: FieldNode) -> Member | None:
    label, name = f'"{key}":'.encode(), node.name.value
    if name == TYPENAME:
        return Member(label, name, nullable=False, constant=orjson.dumps(payload.name))
    definition = payload.fields[name]
    attribute = find_attribute(definition)
    if attribute is None:
        return None
    inner = get_nullable_type(definition.type)
    nullable = not isinstance(definition.type, GraphQLNonNull)
    return Member(label, attribute, nullable, inner if is_leaf_type(inner) else None)


def show_payload(members: Members, payload: object) -> bytes | None:
    """The JSON of a payload. None if the executor must complete a value in it."""
    parts: list[bytes] = []
    for member in members:
        text = member.show(payload)
        if text is None:
            return None
        parts.append(member.label + text)
    return b"{%b}" % b",".join(parts)
