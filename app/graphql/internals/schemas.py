"""Schemas: graphql-core's schema behind that of Strawberry, and how Strawberry converts arguments."""

from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInputType,
    GraphQLSchema,
    Undefined,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_object_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import get_object_definition
from strawberry.types.arguments import InputContext, convert_arguments
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField


def core_schema_of(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema that a Strawberry schema wraps."""
    return schema._schema


def drop_null_defaults(schema: GraphQLSchema) -> None:
    """Makes an absent argument absent, not null. A resolver then gets the default of its own parameter.

    Strawberry gives an optional argument the default null, which introspection and the printed schema would show.
    """
    types = (type_ for type_ in schema.type_map.values() if is_object_type(type_))
    for argument in (
        argument for type_ in types for field in type_.fields.values() for argument in field.args.values()
    ):
        if argument.default_value is None:
            argument.default_value = Undefined


def keep_input(type_: type) -> None:
    """Makes resolvers get an input of this type as the object that graphql-core has checked: by GraphQL names, without the
    members that were left out. Otherwise Strawberry copies it into an object of Python, member by member."""
    get_object_definition(type_, strict=True).from_input = _return_input


def _return_input(type_: type, value: Mapping[str, Any], context: InputContext) -> Mapping[str, Any]:
    return value


def is_passed_on(type_: GraphQLInputType) -> bool:
    """True for a type whose values resolvers get as graphql-core has coerced them: a scalar, an enum, or an input that is
    kept."""
    inner = get_nullable_type(type_)
    if is_leaf_type(inner):
        return True
    definition = inner.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if is_input_object_type(inner) else None
    return isinstance(definition, StrawberryObjectDefinition) and definition.from_input is _return_input


def find_attribute(definition: GraphQLField) -> str | None:
    """The attribute of Strawberry's object that a field of the schema shows. None for a field with a resolver."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return field.python_name if isinstance(field, StrawberryField) and field.base_resolver is None else None


def find_strawberry_field(definition: GraphQLField) -> StrawberryField | None:
    """The field of Strawberry that a field of the schema was made of, if `call_resolver` can call it; None for other fields,
    such as those of introspection."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(field, StrawberryField) or field.base_resolver is None:
        return None
    resolver = field.base_resolver
    is_plain = resolver.self_parameter is not None and resolver.info_parameter is not None
    return field if is_plain and not any(extension.has_resolver for extension in field.extensions) else None


def convert_values(schema: GraphQLSchema, field: StrawberryField, values: dict[str, Any]) -> dict[str, Any]:
    """The coerced arguments of a field under the names of the resolver's parameters, and as Strawberry converts them."""
    made_by: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]
    registry = made_by.schema_converter.scalar_registry
    return convert_arguments(values, field.arguments, registry, made_by.config)


def name_parameters(schema: GraphQLSchema, field: StrawberryField) -> dict[str, str]:
    """The names of the resolver's parameters by the names of the arguments."""
    converter = schema._strawberry_schema.config.name_converter  # type: ignore[attr-defined]
    return {converter.from_argument(argument): argument.python_name for argument in field.arguments}
