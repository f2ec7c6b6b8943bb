"""Inputs: the scalars, and the filters and orders that are made from the field table and read back as plain objects."""

import json
from collections.abc import Callable, Mapping, Set
from enum import Enum
from functools import partial
from keyword import iskeyword
from types import GenericAlias
from typing import Annotated, Any, NewType, TypeAlias

import strawberry
from graphql import GraphQLError, ListValueNode, ObjectValueNode, Undefined, ValueNode, value_from_ast_untyped
from strawberry import UNSET

from app.graphql.execution.dialect import GRAPHQL
from app.graphql.execution.loading import python_name
from app.graphql.internals.schemas import keep_input
from app.graphql.schema.words import WORDS, BankAccountType
from app.query.face import RELEVANCE, Codec, Face, Field, Kind
from app.query.model import Order
from app.query.operators import Behaviour, Operator, Shape
from app.query.values import MOMENT_FORMAT, parse_moment


def _read_moment(value: object) -> str:
    if isinstance(value, str) and parse_moment(value) is not None:
        return value
    raise GraphQLError(f"DateTime must be {MOMENT_FORMAT}; got {value!r}.")


def _read_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> object:
    """The value of a JSON literal. A variable without a value leaves out its key; in a list it stands for null."""
    if isinstance(node, ObjectValueNode):
        members = ((field.name.value, _read_literal(field.value, variables)) for field in node.fields)
        return {key: value for key, value in members if value is not Undefined}
    if isinstance(node, ListValueNode):
        values = (_read_literal(member, variables) for member in node.values)
        return [None if value is Undefined else value for value in values]
    return value_from_ast_untyped(node, dict(variables or {}))


Json = NewType("Json", object)
DateTime = NewType("DateTime", str)
EmailAddress = NewType("EmailAddress", str)
CountryCode = NewType("CountryCode", str)


def _read_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise GraphQLError(f"{name} must be a string; got {value!r}.")


SCALARS: dict[object, Any] = {
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Whole numbers are exact up to 18 digits. Other numbers become the nearest 64-bit "
        "floating-point number, as in JavaScript, and a number above 1.8e308 is an error.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        parse_literal=_read_literal,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A date and time in UTC with milliseconds, such as `2026-04-20T10:10:30.000Z`. An input has the "
        "extended format of ISO 8601: `2026`, `2026-04` or `2026-04-20`; then `T`, `t` or a space and `10:10`, `10:10:30` or "
        "`10:10:30.123`; then the offset `Z`, `z`, `+02`, `+0200` or `+02:00`. Without an offset it is in UTC, and a date "
        "stands for its midnight. Other formats, such as `20260420T101030Z`, are errors.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=lambda value: value,
        parse_value=_read_moment,
    ),
    EmailAddress: strawberry.scalar(
        name="EmailAddress",
        description="An e-mail address, such as `ana@example.com`. International addresses are valid. A mutation checks it, "
        "and reports a wrong one in `userErrors`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc6531",
        serialize=lambda value: value,
        parse_value=partial(_read_text, "EmailAddress"),
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="An ISO 3166-1 alpha-2 code of a country, such as `SI`, or one of EL, XI and XK. Lower case is accepted, "
        'and `""` clears the field. A mutation checks it, and reports a wrong one in `userErrors`. The code that a record '
        "already has is always accepted.",
        specified_by_url="https://www.iso.org/iso-3166-country-codes.html",
        serialize=lambda value: value,
        parse_value=partial(_read_text, "CountryCode"),
    ),
}


def argument(description: str) -> Any:
    return strawberry.argument(description=description)


RECORD_ID = "the global id of either type, 24 hex digits, or `cust_` and 24 hex digits."
ORGANIZATION_ID = "The id of the organization: the global id, 24 hex digits, or `ent_` and 24 hex digits."

OrganizationArgument = Annotated[
    strawberry.ID | None,
    argument(f"{ORGANIZATION_ID} The default is the first created organization that your token can access."),
]
WrittenOrganizationArgument = Annotated[
    strawberry.ID | None,
    argument(f"{ORGANIZATION_ID} It is required if your token can access several organizations."),
]


Member: TypeAlias = tuple[Any, Any]
"""The type and the Strawberry field of a member of an input."""


def optional(type_: Any, description: str, name: str | None = None) -> Member:
    """A member that may be left out."""
    return type_ | None, strawberry.field(default=UNSET, description=description, name=name)


def make_input(name: str, description: str, fields: Mapping[str, Member]) -> Any:
    """An input type with these members. An enum among them is a Word. Resolvers get it as the caller wrote it: objects by
    GraphQL names, without the members that were left out."""
    made = _make_type(name, description, fields)
    keep_input(made)
    return made


def _make_type(name: str, description: str, fields: Mapping[str, Member]) -> Any:
    body = {"__annotations__": {key: type_ for key, (type_, _) in fields.items()}, "__module__": __name__}
    members = {key: field for key, (_, field) in fields.items()}
    return strawberry.input(type(name, (), body | members), name=name, description=description)


EXACT = frozenset({Behaviour.EQUALITY, Behaviour.NULL})
SORTED = EXACT | {Behaviour.MEMBERSHIP, Behaviour.ORDER, Behaviour.RANGE}
TEXTUAL = frozenset(Behaviour)


def _operator_fields(type_: Any, behaviours: Set[Behaviour]) -> dict[str, Member]:
    """The operators of the GraphQL dialect with these behaviours, over values of a type."""
    return {
        _attribute(spelling): optional(_operand_type(operator, type_), _describe(operator), spelling)
        for spelling, operator in GRAPHQL.operators.items()
        if operator.behaviour in behaviours
    }


def _attribute(spelling: str) -> str:
    name = python_name(spelling)
    return f"{name}_" if iskeyword(name) else name


def _operand_type(operator: Operator, type_: Any) -> Any:
    return {Shape.ONE: type_, Shape.TEXT: str, Shape.BOOLEAN: bool}.get(operator.takes) or list[type_]


def _describe(operator: Operator) -> str:
    return f"{operator.description} {CASE}" if operator.takes is Shape.TEXT else operator.description


CASE = "Ignores case unless `caseSensitive` is true."
CASE_SENSITIVE = optional(bool, "True if patterns distinguish upper and lower case. The default is false.")

StringFilter = make_input(
    "StringFilter",
    "Conditions on a text, all of which hold. Order ignores case and accents; equality is exact.",
    {**_operator_fields(str, TEXTUAL), "case_sensitive": CASE_SENSITIVE},
)
IDFilter = make_input(
    "IDFilter",
    "Conditions on an id, all of which hold. The global id, 24 hex digits, and `cust_` or `ent_` with 24 hex digits are the "
    "same id.",
    _operator_fields(strawberry.ID, SORTED),
)
BooleanFilter = make_input(
    "BooleanFilter", "Conditions on a boolean, all of which hold.", _operator_fields(bool, EXACT)
)
DateTimeFilter = make_input(
    "DateTimeFilter", "Conditions on a date and time, all of which hold.", _operator_fields(DateTime, SORTED)
)
IntFilter = make_input("IntFilter", "Conditions on a number, all of which hold.", _operator_fields(int, SORTED))
JSONFilter = make_input(
    "JSONFilter",
    "Conditions on a value inside a JSON document, all of which hold. "
    "A text is compared with texts, a number with numbers.",
    {
        "path": (list[str], strawberry.field(description="The keys that lead to the value, from the outside in.")),
        **_operator_fields(Json, TEXTUAL),
        "case_sensitive": CASE_SENSITIVE,
    },
)

FILTERS: Mapping[Kind, Any] = {
    Kind.TEXT: StringFilter,
    Kind.ID: IDFilter,
    Kind.BOOLEAN: BooleanFilter,
    Kind.DATE: DateTimeFilter,
    Kind.NUMBER: IntFilter,
    Kind.JSON: GenericAlias(list, (JSONFilter,)),
}


WORD_FILTERS: Mapping[Codec, Any] = {
    codec: make_input(
        f"{type_.__name__}Filter",
        f"Conditions on a {type_.__name__}, all of which hold.",
        _operator_fields(type_, EXACT | {Behaviour.MEMBERSHIP}),
    )
    for codec, type_ in WORDS.items()
    if type_ is not BankAccountType
}


def _condition_type(field: Field) -> Any:
    return WORD_FILTERS.get(field.codec) or FILTERS[field.kind]


def _describe_condition(field: Field) -> str:
    document = field.codec.document
    if document is None:
        return f"Conditions on `{field.name}`."
    path = ["0", next(iter(document.fields))] if field.codec.many else [next(iter(document.fields))]
    return f"Conditions on `{field.name}`. A path has the field names of {document.type_name}, such as `{json.dumps(path)}`."


def make_filter(face: Face) -> Any:
    """The input type for conditions on the records of a face. A name is made once: the type refers to itself by it."""
    name = f"{face.type_name}Filter"
    fields = {
        python_name(field.name): optional(_condition_type(field), _describe_condition(field))
        for field in face.fields.values()
        if field.filterable
    }
    many, single = f"list[{name}] | None", f"{name} | None"
    logic = {
        "and_": (many, strawberry.field(default=UNSET, name="and", description="All of these hold.")),
        "or_": (many, strawberry.field(default=UNSET, name="or", description="At least one of these holds.")),
        "not_": (single, strawberry.field(default=UNSET, name="not", description=NOT)),
    }
    made = make_input(name, f"Conditions on a {spell_type_name(face)}, all of which hold.", fields | logic)
    globals()[name] = made
    return made


NOT = "This does not hold. Rows without a value in a field that it names do not match."


def spell_type_name(face: Face) -> str:
    """The type name of a face as words of a sentence, such as `client`."""
    return python_name(face.type_name).replace("_", " ")


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Ascending: A to Z, old to new, best match first.")
    DESC = strawberry.enum_value("DESC", description="Descending: Z to A, new to old, best match last.")


BY_RELEVANCE = (
    "By the match with the words of `search`, the best one first with ASC: names and e-mail addresses that equal them, then "
    "names that begin with them, then the others by the part of the words that the name has. It is an error without `search`."
)


def make_order(face: Face) -> Any:
    """The input type for a step of an order of the records of a face."""
    members = {
        python_name(field.name).upper(): strawberry.enum_value(field.column, description=f"By `{field.name}`.")
        for field in face.fields.values()
        if field.sortable
    } | {"RELEVANCE": strawberry.enum_value(RELEVANCE.column, description=BY_RELEVANCE)}
    type_name = spell_type_name(face)
    make_enum: Callable[..., Any] = Enum
    what = f"The fields that {type_name}s can be ordered by. The order of text ignores case and accents."
    orderable = strawberry.enum(make_enum(f"{face.type_name}OrderField", members), description=what)
    fields = {
        "field": (orderable, strawberry.field(description="The field to order by.")),
        "direction": (
            OrderDirection,
            strawberry.field(
                default=OrderDirection.ASC,
                description="The direction. Rows without a value come last in both directions.",
            ),
        ),
    }
    return _make_type(f"{face.type_name}Order", f"A step of an order of {type_name}s.", fields)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def read_orders(steps: list[Any] | None) -> tuple[Order, ...]:
    return tuple(Order(step.field.value, step.direction is OrderDirection.DESC) for step in steps or ())
