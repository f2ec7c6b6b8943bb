"""schema.graphql is the code's; every part of it is described; GraphQL, the field table and the tables agree."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLType,
    build_schema,
    get_named_type,
    is_scalar_type,
    is_specified_scalar_type,
    validate_schema,
)
from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from app.clients.faces import (
    BANK_ACCOUNT,
    CUSTOMER,
    DATA_ITEM,
    GRAPHQL_CLIENT,
    GRAPHQL_CUSTOMER,
    UJP_RECEIVER,
    V1,
    VAT_OUTCOME,
    VAT_SOURCE,
    VIES_CHECK,
)
from app.graphql.execution.loading import python_name
from app.graphql.schema.inputs import camel
from app.graphql.schema.schema import core_schema, print_schema
from app.graphql.schema.words import WORDS
from app.query.face import Face, Field, Kind
from app.storage.tables import clients

SCHEMA = core_schema()
FACES = (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
RESOLVED = {
    "Client": {"organization", "customer", "history", "possibleDuplicates", "reminders"},
    "Customer": {"organization", "client", "history", "possibleDuplicates", "reminders"},
}
"""The fields of a type that are no column, and need a resolver."""


def test_schema_graphql_is_what_the_code_says() -> None:
    committed = Path(__file__).resolve().parent.parent / "schema.graphql"
    assert committed.read_text(encoding="utf-8") == print_schema(), "write it anew: clientele schema > schema.graphql"


def test_the_schema_is_valid_and_can_be_read_back() -> None:
    assert validate_schema(SCHEMA) == []
    assert set(build_schema(print_schema()).type_map) >= {"Query", "Mutation", "Client", "Customer"}


def test_no_argument_and_no_input_field_has_the_default_null() -> None:
    assert re.findall(r".*= null", print_schema()) == []


def test_the_schema_and_its_scalars_name_what_they_are() -> None:
    assert SCHEMA.description
    assert print_schema().startswith(f'"""\n{SCHEMA.description}\n"""\nschema {{\n')
    own = [type_ for type_ in SCHEMA.type_map.values() if is_scalar_type(type_) and not is_specified_scalar_type(type_)]
    assert {type_.name for type_ in own} == {"CountryCode", "DateTime", "EmailAddress", "JSON"}
    assert all((type_.specified_by_url or "").startswith("https://") for type_ in own)


def find_descriptions() -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument and enum value of ours with its description."""
    for name, type_ in SCHEMA.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        yield name, type_.description
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{key}", value.description) for key, value in type_.values.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from ((f"{name}.{key}", field.description) for key, field in type_.fields.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for key, field in type_.fields.items():
                yield from ((f"{name}.{key}({word})", argument.description) for word, argument in field.args.items())


def test_every_type_field_argument_and_value_is_described() -> None:
    assert [name for name, text in find_descriptions() if not text] == []


SENTENCE = re.compile(r"[A-Z`].*\.", re.DOTALL)
QUESTION_WORD = re.compile(r"(What|Who|Whoever|Where|Whether|When|Why|How|Which)\b")


def test_descriptions_are_sentences_that_name_a_thing() -> None:
    texts = [(name, text) for name, text in find_descriptions() if text]
    assert [name for name, text in texts if not SENTENCE.fullmatch(text) or QUESTION_WORD.match(text)] == []


def record_type(face: Face) -> GraphQLObjectType:
    type_ = SCHEMA.type_map[face.type_name]
    assert isinstance(type_, GraphQLObjectType)
    return type_


def input_type(name: str) -> GraphQLInputObjectType:
    type_ = SCHEMA.type_map[name]
    assert isinstance(type_, GraphQLInputObjectType)
    return type_


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.type_name)
def test_a_type_has_the_fields_of_its_face_and_its_resolvers(face: Face) -> None:
    assert set(record_type(face).fields) == set(face.fields) | RESOLVED[face.type_name]


SCALARS = {Kind.ID: "ID", Kind.BOOLEAN: "Boolean", Kind.DATE: "DateTime", Kind.NUMBER: "Int", Kind.TEXT: "String"}


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.type_name)
def test_a_field_has_the_type_and_nullability_of_its_column(face: Face) -> None:
    for field in face.fields.values():
        shown = record_type(face).fields[field.name].type
        assert isinstance(shown, GraphQLNonNull) is not field.nullable, field.name
        assert get_named_type(shown).name in find_type_names(field), field.name


def find_type_names(field: Field) -> set[str]:
    if field.codec.document is not None:
        return {field.codec.document.type_name}
    if field.codec.words:
        return {ENUMS[field.codec]}
    return {"JSON", "String"} if field.kind is Kind.JSON else {SCALARS[field.kind]}


ENUMS = {codec: type_.__name__ for codec, type_ in WORDS.items()}
ENUMS |= {VAT_OUTCOME: "VatCheckOutcome", VAT_SOURCE: "VatCheckSource"}
DOCUMENTS = [codec.document for codec in (BANK_ACCOUNT, UJP_RECEIVER, VIES_CHECK, DATA_ITEM) if codec.document]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.type_name)
def test_a_document_has_the_fields_and_words_of_its_spelling(document: Face) -> None:
    fields = record_type(document).fields
    assert list(fields) == list(document.fields)
    for field in document.fields.values():
        assert get_named_type(fields[field.name].type).name in find_type_names(field) | {"DateTime"}
        assert isinstance(fields[field.name].type, GraphQLNonNull) is not field.nullable
        if field.codec.words:
            enum = SCHEMA.type_map[ENUMS[field.codec]]
            assert isinstance(enum, GraphQLEnumType)
            assert set(enum.values) == {public for public, _ in field.codec.words} | {field.codec.otherwise}


@pytest.mark.parametrize(
    "document", [one for one in DOCUMENTS if one.type_name != "ViesCheck"], ids=lambda one: one.type_name
)
def test_an_input_of_a_document_has_its_fields(document: Face) -> None:
    assert list(input_type(f"{document.type_name}Input").fields) == list(document.fields)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.type_name)
def test_a_filter_has_a_condition_for_every_filterable_field(face: Face) -> None:
    conditions = input_type(f"{face.type_name}Filter").fields
    assert set(conditions) == {one.name for one in face.fields.values() if one.filterable} | {"and", "or", "not"}
    kinds = {Kind.TEXT: "StringFilter", Kind.ID: "IDFilter", Kind.BOOLEAN: "BooleanFilter", Kind.DATE: "DateTimeFilter"}
    kinds |= {Kind.NUMBER: "IntFilter", Kind.JSON: "JSONFilter"}
    for name in set(conditions) - {"and", "or", "not"}:
        field = face.fields[name]
        expected = f"{ENUMS[field.codec]}Filter" if field.codec in WORDS else kinds[field.kind]
        assert get_named_type(conditions[name].type).name == expected


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.type_name)
def test_an_order_has_every_sortable_field(face: Face) -> None:
    enum = SCHEMA.type_map[f"{face.type_name}OrderField"]
    assert isinstance(enum, GraphQLEnumType)
    sortable = {one.name: one.column for one in face.fields.values() if one.sortable and one.column != "id"}
    sortable["relevance"] = "relevance"
    own_id = next(name for name, one in face.fields.items() if one.column == "id")
    assert {camel(name.lower()): value.value for name, value in enum.values.items()} == {own_id: "id", **sortable}


DOCUMENT = re.compile("|".join(document.type_name for document in DOCUMENTS))
CHECKED = {"country_alpha2_code": "CountryCode"}
"""The scalars of inputs that are checked. A record may have any text there from v1, so its type promises less."""


def unwrap(type_: GraphQLType) -> GraphQLType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


@pytest.mark.parametrize(
    ("name", "face", "whole"),
    [
        ("CreateClientInput", GRAPHQL_CLIENT, True),
        ("ReplaceClientInput", GRAPHQL_CLIENT, True),
        ("UpdateClientInput", GRAPHQL_CLIENT, False),
        ("CreateCustomerInput", GRAPHQL_CUSTOMER, True),
        ("UpdateCustomerInput", GRAPHQL_CUSTOMER, False),
    ],
)
def test_an_input_has_the_writable_fields_as_the_type_shows_them(name: str, face: Face, whole: bool) -> None:
    given = input_type(name).fields
    assert set(given) == {one.name for one in face.fields.values() if one.writable}
    for key, field in given.items():
        assert isinstance(field.type, GraphQLNonNull) is (whole and key == "name"), key
        shown = str(unwrap(record_type(face).fields[key].type))
        shown = CHECKED.get(face.fields[key].column) or DOCUMENT.sub(r"\g<0>Input", shown)
        assert str(unwrap(field.type)) == shown, key
        assert field.description == record_type(face).fields[key].description


def test_python_names_lead_back_to_graphql_names() -> None:
    for face in FACES:
        assert [camel(python_name(name)) for name in face.fields] == list(face.fields)


KINDS: dict[Kind, type[object]] = {Kind.TEXT: Text, Kind.ID: Text, Kind.BOOLEAN: Boolean, Kind.DATE: TIMESTAMP}
KINDS |= {Kind.JSON: JSONB}


@pytest.mark.parametrize("face", [V1, CUSTOMER, *FACES], ids=lambda face: face.name)
def test_a_face_agrees_with_the_table(face: Face) -> None:
    for field in face.fields.values():
        check_field(field)
    assert len({one.name for one in face.fields.values()}) == len(face.fields)


def check_field(field: Field) -> None:
    column = clients.c[field.column]
    if field.kind is Kind.NUMBER:
        assert isinstance(column.type, Integer | BigInteger), field.name
    else:
        assert isinstance(column.type, KINDS[field.kind]), field.name
    if field.kind in (Kind.ID, Kind.TEXT):
        assert isinstance(column.type, Text)
        assert column.type.collation == ("C" if field.kind is Kind.ID else "pg_c_utf8"), field.name
    if not field.codec.null_is_false:
        assert field.nullable is column.nullable, field.name
    assert column.computed is None or not field.writable, field.name
    if field.folded:
        assert clients.c[field.folded].computed is not None, field.name


def test_every_stored_column_has_a_face() -> None:
    hidden = {"name_folded", "email_folded", "search_text"}
    faced = {field.column for face in (V1, CUSTOMER, *FACES) for field in face.fields.values()}
    assert faced == set(clients.c.keys()) - hidden


def test_lists_of_the_schema_have_no_null_members() -> None:
    """But for JSON's, and `nodes`, where null stands for what is not found."""
    for name, type_ in SCHEMA.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for field, one in type_.fields.items():
                inner = unwrap(one.type)
                if isinstance(inner, GraphQLList) and get_named_type(inner).name not in ("JSON", "Node"):
                    assert isinstance(inner.of_type, GraphQLNonNull), f"{name}.{field}"
