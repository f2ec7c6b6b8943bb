"""JSON Schemas of records, bodies and filters, made from faces, rules and dialects."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.query.dialects import Dialect
from app.query.face import Codec, Face, Field, Kind
from app.query.operators import Operator, Shape
from app.query.values import LONGEST_TEXT
from app.records.bodies import NO_RULE, FieldRule, Rules
from app.rest.operations import BOOLEAN, TEXT, Schema, list_of, ref

DATE: Schema = {"type": "string", "format": "date-time"}
SCALARS: Mapping[Kind, Schema] = {
    Kind.TEXT: TEXT,
    Kind.ID: TEXT,
    Kind.BOOLEAN: BOOLEAN,
    Kind.DATE: DATE,
    Kind.NUMBER: {"type": "number"},
}
TRUTH = {"true", "false"}
ID_PATTERN = "[0-9a-f]{24}"
PATTERN_KINDS = (Kind.TEXT, Kind.ID)
FORM_BOOLEAN: Schema = {"type": "string", "enum": ["true", "false", "1", "0"]}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RecordType:
    """A face with all that its schemas are made of.

    `descriptions` are by column. `values` are the schemas of columns that the face does not tell, in responses, and
    `written` those in bodies, where they differ.
    """

    face: Face
    rules: Rules
    description: str
    descriptions: Mapping[str, str]
    values: Mapping[str, Schema] = field(default_factory=dict)
    written: Mapping[str, Schema] = field(default_factory=dict)


def or_null(schema: Schema) -> Schema:
    """The schema, or null. A schema without a type allows null already."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema or "null" in schema["type"]:
        return schema
    widened: dict[str, Any] = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened


def record_schema(record: RecordType, *, complete: bool = True) -> Schema:
    """A record in a response. A record that is not complete lacks the fields that the caller did not ask for."""
    properties = {name: _shown_schema(field, record) for name, field in record.face.fields.items()}
    required = {"required": list(properties)} if complete else {}
    return {"type": "object", "description": record.description, **required, "properties": properties}


def _shown_schema(field: Field, record: RecordType) -> Schema:
    schema = record.values.get(field.column) or value_schema(field)
    shown = or_null(schema) if field.nullable else schema
    read_only = {} if field.writable else {"readOnly": True}
    return {**shown, **read_only, "description": record.descriptions[field.column]}


def body_schema(record: RecordType, description: str, *, whole: bool) -> Schema:
    """A body that creates or replaces a record, or changes one if it is not `whole`."""
    fields = [field for field in record.face.fields.values() if field.writable]
    required = [field.name for field in fields if whole and _find_rule(field, record).required]
    properties = {field.name: _written_schema(field, record, whole=whole) for field in fields}
    named = {"required": required} if required else {}
    return {
        "type": "object",
        "description": description,
        **named,
        "properties": properties,
        "additionalProperties": False,
    }


def _find_rule(field: Field, record: RecordType) -> FieldRule:
    return record.rules.columns.get(field.column, NO_RULE)


def _written_schema(field: Field, record: RecordType, *, whole: bool) -> Schema:
    schema = record.written.get(field.column) or record.values.get(field.column) or value_schema(field)
    rule = _find_rule(field, record)
    if schema == TEXT:
        schema = {**TEXT, "maxLength": LONGEST_TEXT}
    if rule.required:
        schema = {**schema, "minLength": 1}
    elif rule.nullable:
        schema = or_null(schema)
    default = _describe_default(rule.default) if whole else ""
    return {**schema, "description": record.descriptions[field.column] + default}


def _describe_default(default: object) -> str:
    """The default in words, because generators of clients take a property with a default for a required one."""
    return f" The default is {json.dumps(default)}." if isinstance(default, bool | str | dict) else ""


def form_schema(body: Schema) -> Schema:
    """The body as a form: all values are texts. The members of documents and lists are parameters with brackets."""
    properties = {name: schema for name, schema in body["properties"].items() if _is_scalar(schema)}
    documents = "|".join(name for name in body["properties"] if name not in properties)
    inside = {"patternProperties": {rf"^({documents})\[": TEXT}} if documents else {}
    return {**body, "properties": {name: _form_value(schema) for name, schema in properties.items()}, **inside}


def _types(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _is_scalar(schema: Schema) -> bool:
    return bool({"string", "boolean", "integer"} & set(_types(schema)))


def _form_value(schema: Schema) -> Schema:
    kept = {name: value for name, value in schema.items() if name not in ("type", "enum", "minimum", "maximum")}
    if "boolean" in _types(schema):
        return {**FORM_BOOLEAN, **kept}
    if "enum" in schema:
        return {**kept, "type": "string", "enum": [word for word in schema["enum"] if word is not None]}
    return {**kept, "type": "string"}


def value_schema(field: Field) -> Schema:
    """The values of a field, without null."""
    if field.is_list:
        return list_of(TEXT)
    if field.codec.words:
        return {"type": "string", "enum": [public for public, _ in field.codec.words]}
    if field.codec.prefix:
        return {"type": "string", "pattern": f"^{field.codec.prefix}{ID_PATTERN}$"}
    return SCALARS.get(field.kind, {})


def document_schema(codec: Codec, *, complete: bool) -> Schema:
    """The stored objects that a codec spells, with the keys that they have in the REST APIs."""
    assert codec.document is not None  # noqa: S101 - narrows the type
    properties = {field.column: _member_schema(field) for field in codec.document.fields.values()}
    members = {"required": list(properties)} if complete else {"additionalProperties": False}
    schema: Schema = {"type": "object", **members, "properties": properties}
    return list_of(schema) if codec.many else schema


def _member_schema(field: Field) -> Schema:
    stored = [word for _, word in field.codec.words]
    if stored and set(stored) <= TRUTH:
        return or_null(BOOLEAN)
    if stored and field.codec.otherwise in ("", *(public for public, _ in field.codec.words)):
        return {"type": "string", "enum": stored}
    return TEXT if stored else or_null(SCALARS.get(field.kind, {}))


def filter_schemas(name: str, face: Face, dialect: Dialect, description: str) -> dict[str, Schema]:
    """The schemas of the conditions of a dialect on a face: `name`, and one for each kind of field that can be filtered."""
    fields = {label: field for label, field in face.fields.items() if field.filterable}
    kinds = {field.kind: None for field in fields.values()}
    conditions = {condition_name(name, kind): condition_schema(kind, dialect) for kind in kinds}
    properties: dict[str, Schema] = {label: ref(condition_name(name, field.kind)) for label, field in fields.items()}
    properties |= {word: list_of(ref(name)) for word in dialect.logic}
    documents = "|".join(label for label, field in fields.items() if field.kind is Kind.JSON)
    inside: Schema = {"patternProperties": {rf"^({documents})\..+": {}}} if documents else {}
    where = {"type": "object", "description": description, "properties": properties, **inside}
    return {name: {**where, "additionalProperties": False}, **conditions}


def condition_name(name: str, kind: Kind) -> str:
    return f"{name}{kind.value.capitalize()}Condition"


def condition_schema(kind: Kind, dialect: Dialect) -> Schema:
    """A value, which must be equal, or an object of operators. A JSON field also takes conditions inside."""
    if kind is Kind.JSON:
        return {"description": "Null, a condition, or an object of conditions on the members of the document."}
    properties = dict(_operators(kind, dialect)) | dict.fromkeys(sorted(dialect.modifiers), TEXT)
    spellings = [spelling.removeprefix("$") for spelling in dialect.operators if spelling.startswith("$")]
    dollars: Schema = {"patternProperties": {rf"^\$({'|'.join(spellings)})$": {}}} if spellings else {}
    operators = {"type": "object", "minProperties": 1, "properties": properties, **dollars}
    return {
        "description": "A value, which must be equal, or an object of operators.",
        "anyOf": [or_null(SCALARS[kind]), {**operators, "additionalProperties": False}],
    }


def _operators(kind: Kind, dialect: Dialect) -> Iterator[tuple[str, Schema]]:
    """The operators on fields of a kind. A spelling with a dollar sign is left out."""
    for spelling, operator in dialect.operators.items():
        if spelling[0] != "$" and (operator.takes is not Shape.TEXT or kind in PATTERN_KINDS):
            yield spelling, {**operand_schema(operator, SCALARS[kind]), "description": operator.description}


def operand_schema(operator: Operator, value: Schema) -> Schema:
    """The operand of an operator on values of this schema."""
    match operator.takes:
        case Shape.LIST:
            return list_of(or_null(value))
        case Shape.PAIR:
            return {**list_of(value), "minItems": 2, "maxItems": 2}
        case Shape.TEXT:
            return TEXT
        case Shape.BOOLEAN:
            return BOOLEAN
    return or_null(value)
