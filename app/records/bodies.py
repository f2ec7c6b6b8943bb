"""The one reader of request bodies: a JSON object becomes values by column, read through a face.

A record type describes its columns with `FieldRule`s and each of its APIs with `Rules`; the rest follows the field's kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import orjson

from app.errors import ABSENT, Invalid, Malformed, Problem
from app.query.face import Face, Field, Kind
from app.query.invisible import has_visible_character, trim
from app.query.values import (
    LONGEST_TEXT,
    OutOfRange,
    check_storable,
    find_long_text,
    find_unstorable,
    has_long_text,
    is_plain,
    js_text,
    lax_boolean,
    parse_moment,
    read_shown_moment,
    strict_boolean,
    whole_numbers,
)
from app.records.documents import show_path, store_documents
from app.records.invalid_values import MALFORMED, InvalidValue

Values = dict[str, Any]
"""Values by column name; JSON types only."""

Mode = Literal["create", "update", "replace"]

LARGEST_DOCUMENT = 100 * 1024
"""The most bytes of a list or a document as JSON, and of all values of one body together."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The texts of the commonest problems in one API."""

    blank: str
    unknown: str
    not_text: str
    not_boolean: str


GRAPHQL_MESSAGES = Messages(
    "must not be blank", "is not a field of this input", "must be a string", "must be true or false"
)
LOOPBACK_MESSAGES = Messages("can't be blank", "is not defined in the model", "is not a text", "is not a boolean")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldRule:
    """The rules of one column.

    `reader` replaces the reader of the field's kind. A `required` field is in every new record and is never blank.
    An absent field gets its `default` on creation and on replacement. A null stands for the value `null`, unless the
    field is not `nullable`. `complete` changes the value of a record that is created or replaced.
    """

    reader: "Reader | None" = None
    required: bool = False
    nullable: bool = True
    null: object = None
    default: object = ABSENT
    complete: Callable[[Any], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """The rules by which one API reads the bodies of one record type.

    `columns` holds the columns that have rules of their own. `lax` coerces scalars to text, reads the texts and numbers
    that LoopBack takes for booleans, and takes a required text without a visible character. With `raises_malformed`, a
    value that PostgreSQL cannot store or that is not a list raises Malformed, as in LoopBack; otherwise it is a problem
    of its field. An object under the name of one of the `relations` is ignored: reads include it. No writable field has
    the name of a relation. With `notes_sent_columns`, the values of a new record list the columns of the body under
    SENT_COLUMNS.
    """

    columns: Mapping[str, FieldRule]
    messages: Messages
    lax: bool = False
    raises_malformed: bool = False
    relations: frozenset[str] = frozenset()
    notes_sent_columns: bool = False


Reader = Callable[[Field, Any, Rules], object]
"""Makes a column's value of a JSON value that is not null. Raises InvalidValue, or Malformed as `Rules` says."""

NO_RULE = FieldRule()

SENT_COLUMNS = "sent_columns"
"""The member of a new record's values that lists the columns that the caller sent, by name. The history stores the list."""


def read_body(face: Face, body: Mapping[str, Any], rules: Rules, mode: Mode) -> Values:
    """The values of the writable fields in a body. Read-only fields are ignored.

    An update holds the fields of the body only; the other modes add defaults. Raises Invalid with every problem: first
    those of values in the order of the body, then blank fields in the order of the rules. Raises Malformed as `Rules` says.
    """
    plan = _plan_reading(face, rules)
    problems: list[Problem] = []
    values: Values = {}
    for name, value in body.items():
        column = plan.columns.get(name)
        if column is None:
            if not _is_ignored(face, name, value, rules):
                problems.append(Problem(name, "unknown-property", rules.messages.unknown, value))
        elif value is None and column.rule.nullable:
            values[column.name] = column.rule.null
        elif (plain := column.take_plain(value)) is not None:
            values[column.name] = plain
        else:
            try:
                values[column.name] = _read_value(column, value, rules)
            except InvalidValue as error:
                problems.append(error.to_problem(name, value))
    problems += _find_blanks(plan, body, rules, mode, problems)
    problems = problems or _find_excess(face, values)
    if problems:
        raise Invalid(problems)
    return values if mode == "update" else _complete(face, plan, values, rules, mode)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """The column that a field writes. `take_plain` reads the usual values at once, and gives None for all others."""

    name: str
    field: Field
    rule: FieldRule
    reader: Reader
    take_plain: Callable[[object], object]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The rules of an API as `read_body` needs them.

    `columns` are by the names of fields, and `defaults` by column. `required` are names of fields.
    """

    columns: Mapping[str, _Column]
    required: Sequence[str]
    defaults: Mapping[str, object]
    completed: Sequence[tuple[str, Callable[[Any], object]]]


@cache
def _plan_reading(face: Face, rules: Rules) -> _Plan:
    """The plan of a face and of rules, which both live as long as the process."""
    by_column = rules.columns.items()
    return _Plan(
        {name: _plan_column(field, rules) for name, field in face.fields.items() if field.writable},
        [face.columns[column].name for column, rule in by_column if rule.required],
        {column: rule.default for column, rule in by_column if rule.default is not ABSENT},
        [(column, rule.complete) for column, rule in by_column if rule.complete is not None],
    )


def _plan_column(field: Field, rules: Rules) -> _Column:
    rule = rules.columns.get(field.column, NO_RULE)
    reader = rule.reader or KIND_READERS[field.kind]
    return _Column(field.column, field, rule, reader, PLAIN_READERS.get(reader, _take_nothing))


def _is_ignored(face: Face, name: str, value: object, rules: Rules) -> bool:
    """True for a field that is not writable, and for a relation."""
    return name in face.fields or (name in rules.relations and isinstance(value, dict))


def _find_excess(face: Face, values: Values) -> list[Problem]:
    """The problem of a record of over 100 KB as JSON, in the field that has most of it."""
    if len(orjson.dumps(values)) <= LARGEST_DOCUMENT:
        return []
    largest = max(values, key=lambda column: len(orjson.dumps(values[column])))
    message = f"makes the record larger than {LARGEST_DOCUMENT // 1024} KB as JSON"
    return [Problem(face.columns[largest].name, "size", message)]


def find_chosen_id(body: Mapping[str, Any]) -> list[Problem]:
    """The problem of a new record whose caller chose its id."""
    chosen = body.get("id")
    return [] if chosen in (None, "") else [Problem("id", "absence", "can't be set", chosen)]


def read_new_body(face: Face, body: Mapping[str, Any], rules: Rules) -> Values:
    """The values of a new record of v1. A chosen id is the first problem, as in LoopBack."""
    problems = find_chosen_id(body)
    try:
        values = read_body(face, body, rules, "create")
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from error
    if problems:
        raise Invalid(problems)
    return values


def _read_value(column: _Column, value: object, rules: Rules) -> object:
    field = column.field
    if value is None:
        raise InvalidValue("type", "Expected a value, received null", predicate="must not be null")
    try:
        check_storable(value, field.name)
        return _check_size(field, column.reader(field, store_documents(field.codec, value), rules))
    except InvalidValue as error:
        error.path = show_path(field.codec, error.path)
        raise
    except Malformed as error:
        code = "range" if isinstance(error, OutOfRange) else MALFORMED
        if rules.raises_malformed and code == MALFORMED:
            raise
        raise InvalidValue(code, error.message, path=find_unstorable(value)) from error


def _check_size(field: Field, value: object) -> object:
    """The value itself. Raises InvalidValue for a list or a document of over 100 KB as JSON, or with a text that is too long."""
    if field.kind is Kind.JSON:
        size = len(orjson.dumps(value))
        if size > LARGEST_DOCUMENT:
            raise InvalidValue("size", f"is larger than {LARGEST_DOCUMENT // 1024} KB as JSON")
        if size > LONGEST_TEXT and has_long_text(value):
            message = f"contains a text or a key that is longer than {LONGEST_TEXT} characters"
            raise InvalidValue("length", message, path=find_long_text(value))
    return value


def _find_blanks(
    plan: _Plan, body: Mapping[str, Any], rules: Rules, mode: Mode, found: Sequence[Problem]
) -> Sequence[Problem]:
    """Required fields that are null, blank or, unless the body is an update, absent. Fields that are `found` are skipped."""
    problems: list[Problem] = []
    for name in plan.required:
        value = body.get(name, ABSENT)
        missing = value is None or (value is ABSENT and mode != "update")
        if (missing or _is_blank(value, rules)) and name not in {problem.field for problem in found}:
            problems.append(Problem(name, "presence", rules.messages.blank, value))
    return problems


def _is_blank(value: object, rules: Rules) -> bool:
    """True for an empty text. Without lax rules, for a text without a visible character, too."""
    return value == "" or (not rules.lax and isinstance(value, str) and not has_visible_character(value))


def _complete(face: Face, plan: _Plan, values: Values, rules: Rules, mode: Mode) -> Values:
    """The values of a whole record. A replacement empties every field of the face that has no default."""
    defaults = plan.defaults
    if mode == "replace":
        defaults = {column: defaults.get(column) for column in face.by_column()}
    sent = {SENT_COLUMNS: sorted(values)} if rules.notes_sent_columns and mode == "create" else {}
    values = {**defaults, **values, **sent}
    for column, complete in plan.completed:
        if column in values:
            values[column] = complete(values[column])
    return values


def read_text(field: Field, value: object, rules: Rules) -> str:
    if not isinstance(value, str):
        if not rules.lax or not isinstance(value, bool | int | float):
            raise InvalidValue("type", rules.messages.not_text)
        value = js_text(value)
    if len(value) > LONGEST_TEXT:
        raise InvalidValue("length", f"is longer than {LONGEST_TEXT} characters")
    return value


def read_trimmed(field: Field, value: object, rules: Rules) -> str:
    """A text without white space and other invisible characters at both ends."""
    return trim(read_text(field, value, rules))


def read_id(field: Field, value: object, rules: Rules) -> str:
    """An id is a text in every API; numbers are never coerced."""
    if not isinstance(value, str):
        raise InvalidValue("type", rules.messages.not_text)
    return read_text(field, value, rules)


def read_boolean(field: Field, value: object, rules: Rules) -> bool:
    try:
        return (lax_boolean if rules.lax else strict_boolean)(value, field.name)
    except Malformed as error:
        raise InvalidValue("type", rules.messages.not_boolean) from error


def read_moment(field: Field, value: object, rules: Rules) -> str:
    """An ISO 8601 date or date-time as a text in UTC."""
    moment = parse_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise InvalidValue("type", "is not an ISO 8601 date")
    return moment.isoformat()


def read_json(field: Field, value: object, rules: Rules) -> object:
    """Any JSON value, with its numbers as they are stored."""
    return whole_numbers(value)


KIND_READERS: Mapping[Kind, Reader] = {
    Kind.TEXT: read_text,
    Kind.ID: read_id,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: read_moment,
    Kind.JSON: read_json,
}
"""The reader of each kind. Numbers have none: the one stored number is a version, which has limits of its own."""


def _take_nothing(value: object) -> object:
    return None


def _take_text(value: object) -> str | None:
    return value if isinstance(value, str) and is_plain(value) else None


def _take_trimmed(value: object) -> str | None:
    text = _take_text(value)
    return text if text and "!" <= text[0] <= "~" and "!" <= text[-1] <= "~" else None


def _take_boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _take_moment(value: object) -> str | None:
    moment = read_shown_moment(value) if isinstance(value, str) else None
    return None if moment is None else moment.isoformat()


PLAIN_READERS: Mapping[Reader, Callable[[object], object]] = {
    read_text: _take_text,
    read_trimmed: _take_trimmed,
    read_id: _take_text,
    read_boolean: _take_boolean,
    read_moment: _take_moment,
}
"""The quick forms of readers, for the values that need no check but this one. A record has some thirty values."""


def _read_locale(field: Field, value: object, rules: Rules) -> str:
    return read_text(field, value, rules) or DEFAULT_LOCALE


DEFAULT_LOCALE = "en"
LOCALE = FieldRule(reader=_read_locale, null=DEFAULT_LOCALE, default=DEFAULT_LOCALE)
"""The language of a record's messages; it is never null or empty."""

TRIMMED = FieldRule(reader=read_trimmed)
"""An e-mail address, a tax number, a country code: spaces around them, often pasted, are no part of them."""
