"""The rules for importing a client: those of v1, and the columns that no API lets a caller write.

Ids and types may have the spelling of the Customers API.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.clients.faces import CONTACT_TYPE, CUSTOMER_ID, ENTITY_ID, TRANSFER
from app.clients.record import CLIENT_COLUMNS, V1_RULES, read_type
from app.errors import Invalid, Problem
from app.ids import is_id, new_id
from app.query.face import Field
from app.records.bodies import FieldRule, Rules, Values, read_body, read_id
from app.records.invalid_values import InvalidValue

LARGEST_VERSION = 2**31 - 1
CONTACT_TYPES = dict(CONTACT_TYPE.words)


def read_transferred(body: Mapping[str, Any]) -> Values:
    """The columns of a record from a file; `organization_id` is the one that the file names.

    A record without an id gets a new one. Absent moments stay null, for the database to fill in. Raises Invalid with every
    problem.
    """
    values = read_body(TRANSFER, body, RULES, "create")
    values["id"] = values["id"] or new_id()
    _check_deleted(values.pop("is_deleted"), values["deleted_at"])
    values["updated_at"] = values["updated_at"] or values["created_at"]
    return values


def _check_deleted(deleted: bool | None, deleted_at: str | None) -> None:
    """A deleted record has the moment of its deletion, and a live record has none."""
    if deleted is not None and deleted != (deleted_at is not None):
        message = "is true, but deletedAt is null" if deleted else "is false, but deletedAt is set"
        raise Invalid([Problem("_isDeleted", "format", message, deleted)])


def read_record_id(field: Field, value: object, rules: Rules) -> str:
    text = value.removeprefix(CUSTOMER_ID.prefix) if isinstance(value, str) else ""
    if not is_id(text):
        raise InvalidValue("type", "is not 24 lower-case hex digits")
    return text


def read_entity_id(field: Field, value: object, rules: Rules) -> str:
    return read_id(field, value, rules).removeprefix(ENTITY_ID.prefix)


def read_any_type(field: Field, value: object, rules: Rules) -> str:
    """The type of a client, in the words of v1 or of the Customers API."""
    return read_type(field, CONTACT_TYPES.get(value, value) if isinstance(value, str) else value, rules)


def read_version(field: Field, value: object, rules: Rules) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_VERSION:
        raise InvalidValue("type", f"is not a whole number from 1 to {LARGEST_VERSION}")
    return value


OPTIONAL = FieldRule(default=None)
RULES = replace(
    V1_RULES,
    raises_malformed=False,
    notes_sent_columns=False,
    columns={
        **CLIENT_COLUMNS,
        "metadata": replace(CLIENT_COLUMNS["metadata"], null={}),
        "type": FieldRule(reader=read_any_type),
        "id": FieldRule(reader=read_record_id, default=None),
        "organization_id": FieldRule(reader=read_entity_id, default=None),
        "version": FieldRule(reader=read_version, default=None),
        **dict.fromkeys(
            ("unit_id", "created_at", "updated_at", "deleted_at", "deleted_id", "is_deleted"),
            OPTIONAL,
        ),
    },
)
