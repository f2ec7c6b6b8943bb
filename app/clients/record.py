"""What may be written into a client: reading a body through a face, with its rules, defaults and refusals."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.clients.faces import CLIENT_TYPES
from app.errors import ABSENT, Invalid, Malformed, Problem
from app.query.face import Face, Field, Kind
from app.query.messages import stringify
from app.query.values import LONGEST_TEXT, check_storable, js_text, lax_boolean, strict_boolean, whole_numbers

Values = dict[str, Any]
"""Neutral column name -> value, JSON types only."""

Mode = Literal["create", "replace", "update"]

MOST_METADATA, LONGEST_KEY, LONGEST_METADATA = 50, 40, 250


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """How strictly a door reads bodies.

    `lax` coerces scalars to text and the v1 spellings of booleans. `defaults` are the values of absent fields on
    creation and replacement; `never_null` are the columns for which an explicit null is refused, `null_means` gives
    those for which it stands for another value. `garbled` says how text that no database can hold is refused.
    """

    lax: bool
    defaults: Mapping[str, Any]
    never_null: frozenset[str] = frozenset()
    null_means: Mapping[str, Any] = field(default_factory=dict)
    garbled_is_malformed: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    def say(self, code: str, default: str) -> str:
        return self.words.get(code, default)


V1_RULES = Rules(
    lax=True,
    defaults={"is_end_customer": False, "tax_subject": False, "custom": {}},
    garbled_is_malformed=True,
    words={"presence": "can't be blank", "unknown-property": "is not defined in the model"},
)

CUSTOMER_RULES = Rules(
    lax=False,
    defaults={"tax_subject": True, "is_end_customer": False, "custom": {}},
    never_null=frozenset({"tax_subject"}),
    null_means={"is_end_customer": False, "metadata": {}},
    words={"presence": "Required", "unknown-property": "Unrecognized key"},
)

CLIENT_RULES = Rules(lax=False, defaults=V1_RULES.defaults)

EMPTY_METADATA: Mapping[str, Any] = {"metadata": {}}


def read_body(face: Face, body: Mapping[str, Any], rules: Rules, mode: Mode) -> Values:
    """The neutral values of a body. Read-only fields are left out.

    Raises Invalid with every problem at once; Malformed for text or numbers that cannot be stored, where the rules say so.
    """
    problems: list[Problem] = []
    values: Values = {}
    for key, given in body.items():
        found = face.fields.get(key)
        if found is None:
            problems.append(Problem(key, "unknown-property", rules.say("unknown-property", "Unknown field"), given))
        elif found.writable:
            _read_field(found, given, rules, problems, values)
    if mode != "update" or "name" in values:
        _check_name(values.get("name"), "name" in values, rules, problems)
    if mode != "update":
        values = {**absent_values(face, rules, mode), **values}
        if values.get("metadata"):
            values["metadata"] = {key: value for key, value in values["metadata"].items() if value is not None}
    if problems:
        raise Invalid(problems)
    return values


def absent_values(face: Face, rules: Rules, mode: Mode) -> Values:
    """What the fields get that a body does not name: on replacement, only those that the face has."""
    if mode == "create":
        return {**EMPTY_METADATA, **rules.defaults}
    defaults = {**EMPTY_METADATA, **rules.defaults}
    return {column: defaults.get(column) for column in face.by_column()}


def _check_name(name: object, given: bool, rules: Rules, problems: list[Problem]) -> None:
    if any(problem.field == "name" for problem in problems):
        return
    if not name:
        problems.append(
            Problem("name", "presence", rules.say("presence", "must not be blank"), name if given else ABSENT)
        )


def _read_field(found: Field, given: object, rules: Rules, problems: list[Problem], values: Values) -> None:
    if given is None:
        if found.column in rules.never_null:
            problems.append(Problem(found.name, "type", "Expected a value, received null", given))
        values[found.column] = rules.null_means.get(found.column)
        return
    try:
        check_storable(given, found.name)
    except Malformed as refusal:
        if rules.garbled_is_malformed:
            raise
        problems.append(Problem(found.name, "format", refusal.message, None))
        return
    reader = READERS.get(found.column) or KIND_READERS[found.kind]
    value, problem = reader(found, given, rules)
    values[found.column] = value
    if problem is not None:
        problems.append(Problem(found.name, problem[0], problem[1], given))


Read = tuple[Any, tuple[str, str] | None]
"""A value, or a problem's code and message."""


def _read_text(found: Field, given: object, rules: Rules) -> Read:
    if not isinstance(given, str):
        if not rules.lax or not isinstance(given, bool | int | float):
            return None, ("type", "is not a text" if rules.lax else "Expected string")
        given = js_text(given)
    if len(given) > LONGEST_TEXT:
        return None, ("length", f"is longer than {LONGEST_TEXT} characters")
    return given, None


def _read_type(found: Field, given: object, rules: Rules) -> Read:
    allowed = dict(found.codec.words) or {word: word for word in CLIENT_TYPES}
    if isinstance(given, str) and given in allowed:
        return allowed[given], None
    return None, ("inclusion", f"is not one of {', '.join(allowed)}")


def _read_boolean(found: Field, given: object, rules: Rules) -> Read:
    try:
        return (lax_boolean if rules.lax else strict_boolean)(given, found.name), None
    except Malformed:
        return None, ("type", "is not a boolean" if rules.lax else "Expected boolean")


def _read_json(found: Field, given: object, rules: Rules) -> Read:
    return whole_numbers(given), None


def _need_list(found: Field, given: object, rules: Rules) -> list[Any]:
    """The list, which lax rules also take as JSON text."""
    if rules.lax and isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"could not create List from JSON string: {stringify(given)}", found.name) from error
        check_storable(given, found.name)
    if not isinstance(given, list):
        wording = f"Items must be an array: {stringify(given)}" if rules.lax else f"{found.name} is not a list"
        raise Malformed(wording, found.name)
    return given


def _read_unit_ids(found: Field, given: object, rules: Rules) -> Read:
    members = _need_list(found, given, rules)
    if all(isinstance(member, str) for member in members):
        return members, None
    if rules.lax and all(isinstance(member, str | bool | int | float) for member in members):
        return [js_text(member) for member in members], None
    return None, ("type", "is not a list of texts")


DATA_KEYS = frozenset({"id", "name", "value", "options"})


def _read_data(found: Field, given: object, rules: Rules) -> Read:
    members = _need_list(found, given, rules)
    for member in members:
        if not isinstance(member, dict):
            return None, ("type", "is not a list of objects")
        if not DATA_KEYS.issuperset(member):
            return None, ("unknown-property", f"has a member with keys other than {', '.join(sorted(DATA_KEYS))}")
    return whole_numbers(members), None


def _read_metadata(found: Field, given: object, rules: Rules) -> Read:
    if not isinstance(given, dict):
        return None, ("type", "Expected object")
    if len(given) > MOST_METADATA:
        return None, ("length", f"has more than {MOST_METADATA} properties")
    for key, value in given.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            return None, ("length", f"The key {key[:LONGEST_KEY]!r} is not 1 to {LONGEST_KEY} characters long")
        if value is not None and not isinstance(value, str):
            return None, ("type", f"The value of {key!r} is not a string")
        if isinstance(value, str) and len(value) > LONGEST_METADATA:
            return None, ("length", f"The value of {key!r} is longer than {LONGEST_METADATA} characters")
    return given, None


BANK_ACCOUNT_TYPES = ("iban", "us_domestic", "uk_domestic", "other")
BANK_ACCOUNT_TEXTS = ("name", "bank_name", "iban", "account_number", "bic", "routing_number", "sort_code")
UJP_TEXTS = ("receiver_name", "receiver_identifier", "receiver_agent", "receiver_mailbox")


def _read_bank_accounts(found: Field, given: object, rules: Rules) -> Read:
    if not isinstance(given, list):
        return None, ("type", "Expected array")
    accounts = []
    for member in given:
        problem = _bank_account_problem(member)
        if problem is not None:
            return None, problem
        accounts.append({"type": "iban", **dict.fromkeys(BANK_ACCOUNT_TEXTS), "is_default": None} | member)
    return accounts, None


def _bank_account_problem(member: object) -> tuple[str, str] | None:
    if not isinstance(member, dict):
        return "type", "Expected an array of objects"
    unknown = set(member) - {"type", "is_default", *BANK_ACCOUNT_TEXTS}
    if unknown:
        return "unknown-property", f"Unrecognized key {min(unknown)!r} in a bank account"
    if member.get("type", "iban") not in BANK_ACCOUNT_TYPES:
        return "inclusion", f"The type of a bank account is one of {', '.join(BANK_ACCOUNT_TYPES)}"
    if not isinstance(member.get("is_default"), bool | None):
        return "type", "is_default of a bank account is a boolean"
    return _texts_problem(member, BANK_ACCOUNT_TEXTS)


def _texts_problem(member: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, str] | None:
    for name in names:
        value = member.get(name)
        if value is not None and not isinstance(value, str):
            return "type", f"{name} is a string or null"
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            return "length", f"{name} is longer than {LONGEST_TEXT} characters"
    return None


def _read_ujp(found: Field, given: object, rules: Rules) -> Read:
    if not isinstance(given, dict):
        return None, ("type", "Expected object")
    unknown = set(given) - set(UJP_TEXTS)
    if unknown:
        return None, ("unknown-property", f"Unrecognized key {min(unknown)!r}")
    problem = _texts_problem(given, UJP_TEXTS)
    return (None, problem) if problem else ({**dict.fromkeys(UJP_TEXTS), **given}, None)


Reader = Callable[[Field, object, Rules], Read]

KIND_READERS: Mapping[Kind, Reader] = {
    Kind.TEXT: _read_text,
    Kind.BOOLEAN: _read_boolean,
    Kind.JSON: _read_json,
}

READERS: Mapping[str, Reader] = {
    "type": _read_type,
    "unit_ids": _read_unit_ids,
    "data": _read_data,
    "metadata": _read_metadata,
    "bank_accounts": _read_bank_accounts,
    "ujp": _read_ujp,
}
