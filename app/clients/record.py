"""The rules for writing a client: what each API requires, limits, coerces and fills in."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from app.clients.faces import CLIENT_TYPES
from app.countries import is_country_code, listed_codes
from app.errors import Malformed
from app.query.face import Field
from app.query.values import LONGEST_TEXT, check_storable, js_text, stringify, whole_numbers
from app.records.bodies import (
    GRAPHQL_MESSAGES,
    LOOPBACK_MESSAGES,
    TRIMMED,
    FieldRule,
    Messages,
    Rules,
    read_trimmed,
)
from app.records.invalid_values import InvalidValue

MOST_METADATA, LONGEST_KEY, LONGEST_METADATA = 50, 40, 250
DATA_KEYS = ("id", "name", "options", "value")
BANK_ACCOUNT_TYPES = ("iban", "us_domestic", "uk_domestic", "other")
BANK_ACCOUNT_TEXTS = ("name", "bank_name", "iban", "account_number", "bic", "routing_number", "sort_code")
BANK_ACCOUNT_KEYS = ("type", *BANK_ACCOUNT_TEXTS, "is_default")
UJP_TEXTS = ("receiver_name", "receiver_identifier", "receiver_agent", "receiver_mailbox")


def read_type(field: Field, value: object, rules: Rules) -> str:
    """The stored word of a client's type."""
    allowed = _words_of(field)
    if isinstance(value, str) and value in allowed:
        return allowed[value]
    raise InvalidValue("inclusion", f"is not one of {', '.join(allowed)}", allowed=tuple(allowed))


@cache
def _words_of(field: Field) -> Mapping[str, str]:
    """The stored words by the words of an API."""
    return dict(field.codec.words) or {word: word for word in CLIENT_TYPES}


def read_unit_ids(field: Field, value: object, rules: Rules) -> list[str]:
    members = _need_list(field, value, rules)
    taken = str | bool | int | float if rules.lax else str
    for index, member in enumerate(members):
        if not isinstance(member, taken):
            raise InvalidValue("type", "is not a list of texts", path=(str(index),), predicate="must be a string")
    return [member if isinstance(member, str) else js_text(member) for member in members]


def read_data(field: Field, value: object, rules: Rules) -> object:
    members = _need_list(field, value, rules)
    for index, member in enumerate(members):
        if not isinstance(member, dict):
            raise InvalidValue("type", "is not a list of objects", path=(str(index),), predicate="must be an object")
        unknown = set(member) - set(DATA_KEYS)
        if unknown:
            message = f"has a member with keys other than {', '.join(DATA_KEYS)}"
            raise _unknown_key((str(index), min(unknown)), DATA_KEYS, message)
    return whole_numbers(members)


def _unknown_key(path: tuple[str, ...], allowed: tuple[str, ...], message: str) -> InvalidValue:
    predicate = f"is not a known member. The known ones are {', '.join(allowed)}"
    return InvalidValue("unknown-property", message, path=path, predicate=predicate, allowed=allowed)


def _need_list(field: Field, value: object, rules: Rules) -> list[Any]:
    """The list itself. Lax rules also accept JSON text, as LoopBack does. Raises Malformed for anything else."""
    if rules.lax and isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"could not create List from JSON string: {stringify(value)}", field.name) from error
        check_storable(value, field.name)
    if not isinstance(value, list):
        message = f"Items must be an array: {stringify(value)}" if rules.lax else f"{field.name} is not a list"
        raise Malformed(message, field.name)
    return value


def read_metadata(field: Field, value: object, rules: Rules) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValue("type", "Expected object", predicate="must be an object")
    if len(value) > MOST_METADATA:
        raise InvalidValue("length", f"has more than {MOST_METADATA} properties")
    for key, text in value.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            message = f"The key {key[:LONGEST_KEY]!r} is not 1 to {LONGEST_KEY} characters long"
            raise InvalidValue("length", message, path=(key[:LONGEST_KEY],))
        if text is not None and not isinstance(text, str):
            raise InvalidValue(
                "type", f"The value of {key!r} is not a string", path=(key,), predicate="must be a string"
            )
        if text is not None and len(text) > LONGEST_METADATA:
            rule = f"is longer than {LONGEST_METADATA} characters"
            raise InvalidValue("length", f"The value of {key!r} {rule}", path=(key,), predicate=rule)
    return value


def drop_nulls(metadata: Mapping[str, Any] | None) -> object:
    """The metadata of a whole record; in an update a null removes its key."""
    return metadata and {key: value for key, value in metadata.items() if value is not None}


def read_bank_accounts(field: Field, value: object, rules: Rules) -> list[dict[str, Any]]:
    """The accounts, each with all of its keys."""
    if not isinstance(value, list):
        raise InvalidValue("type", "Expected array", predicate="must be a list")
    return [_read_bank_account(member, str(index)) for index, member in enumerate(value)]


def _read_bank_account(account: object, index: str) -> dict[str, Any]:
    if not isinstance(account, dict):
        raise InvalidValue("type", "Expected an array of objects", path=(index,), predicate="must be an object")
    unknown = set(account) - set(BANK_ACCOUNT_KEYS)
    if unknown:
        message = f"Unrecognized key {min(unknown)!r} in a bank account"
        raise _unknown_key((index, min(unknown)), BANK_ACCOUNT_KEYS, message)
    if account.get("type", "iban") not in BANK_ACCOUNT_TYPES:
        words = ", ".join(BANK_ACCOUNT_TYPES)
        raise InvalidValue(
            "inclusion",
            f"The type of a bank account is one of {words}",
            path=(index, "type"),
            predicate=f"must be one of {words}",
            allowed=BANK_ACCOUNT_TYPES,
        )
    if not isinstance(account.get("is_default"), bool | None):
        message, path = "is_default of a bank account is a boolean", (index, "is_default")
        raise InvalidValue("type", message, path=path, predicate="must be true, false or null")
    _check_texts(account, BANK_ACCOUNT_TEXTS, (index,))
    return {"type": "iban", **dict.fromkeys(BANK_ACCOUNT_TEXTS), "is_default": None} | account


def read_ujp(field: Field, value: object, rules: Rules) -> dict[str, Any]:
    """The address in the register of the Slovenian public administration, with all of its keys."""
    if not isinstance(value, dict):
        raise InvalidValue("type", "Expected object", predicate="must be an object")
    unknown = set(value) - set(UJP_TEXTS)
    if unknown:
        raise _unknown_key((min(unknown),), UJP_TEXTS, f"Unrecognized key {min(unknown)!r}")
    _check_texts(value, UJP_TEXTS, ())
    return {**dict.fromkeys(UJP_TEXTS), **value}


def _check_texts(values: Mapping[str, Any], names: tuple[str, ...], path: tuple[str, ...]) -> None:
    for name in names:
        text = values.get(name)
        if text is not None and not isinstance(text, str):
            message, rule = f"{name} is a string or null", "must be a string or null"
            raise InvalidValue("type", message, path=(*path, name), predicate=rule)
        if text is not None and len(text) > LONGEST_TEXT:
            rule = f"is longer than {LONGEST_TEXT} characters"
            raise InvalidValue("length", f"{name} {rule}", path=(*path, name), predicate=rule)


def read_country_code(field: Field, value: object, rules: Rules) -> str:
    """A country code in upper case; an empty text stays. Raises InvalidValue with the code UNLISTED."""
    text = read_trimmed(field, value, rules)
    code = text.upper() if text.isascii() else text
    if code and not is_country_code(code):
        message = f"is not a country code; received {value!r:.40}. Use ISO 3166-1 alpha-2, such as SI, or EL, XI or XK"
        raise InvalidValue(UNLISTED, message, allowed=listed_codes())
    return code


UNLISTED = "country-code"
"""The code of a problem with a country code. `read_change` accepts such a code where the record already has it."""

CLIENT_COLUMNS: Mapping[str, FieldRule] = {
    "name": FieldRule(required=True),
    "email": TRIMMED,
    "tax_number": TRIMMED,
    "country_alpha2_code": TRIMMED,
    "type": FieldRule(reader=read_type),
    "tax_subject": FieldRule(default=False),
    "is_end_customer": FieldRule(default=False),
    "unit_ids": FieldRule(reader=read_unit_ids),
    "custom": FieldRule(default={}),
    "data": FieldRule(reader=read_data),
    "metadata": FieldRule(reader=read_metadata, default={}, complete=drop_nulls),
    "bank_accounts": FieldRule(reader=read_bank_accounts),
    "ujp": FieldRule(reader=read_ujp),
}

COUNTRY_CODE = FieldRule(reader=read_country_code)
CUSTOMER_COLUMNS: Mapping[str, FieldRule] = {
    **CLIENT_COLUMNS,
    "country_alpha2_code": COUNTRY_CODE,
    "tax_subject": FieldRule(default=True, nullable=False),
    "is_end_customer": FieldRule(default=False, null=False),
}

V1_RULES = Rules(
    columns=CLIENT_COLUMNS,
    messages=LOOPBACK_MESSAGES,
    lax=True,
    raises_malformed=True,
    relations=frozenset({"organization"}),
    notes_sent_columns=True,
)
"""A client in the v1 API: as lax about types as LoopBack."""

CLIENT_RULES = Rules(
    columns={**CLIENT_COLUMNS, "country_alpha2_code": COUNTRY_CODE},
    messages=GRAPHQL_MESSAGES,
    notes_sent_columns=True,
)
"""A client in the GraphQL API."""

CUSTOMER_RULES = Rules(
    columns=CUSTOMER_COLUMNS,
    messages=Messages("Required", "Unrecognized key", "Expected string", "Expected boolean"),
    notes_sent_columns=True,
)
"""A customer in the Customers API."""

GRAPHQL_CUSTOMER_RULES = Rules(columns=CUSTOMER_COLUMNS, messages=GRAPHQL_MESSAGES, notes_sent_columns=True)
"""A customer in the GraphQL API."""
