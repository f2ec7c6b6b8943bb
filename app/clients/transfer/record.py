"""Moved records: reading what v1 or an export shows of a client, with all that only the service itself writes otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.clients.faces import MOVED
from app.clients.record import V1_RULES, Values, read_body
from app.errors import Invalid, Malformed, Problem
from app.ids import is_id
from app.query.values import check_text, lax_boolean, parse_moment

LARGEST_VERSION = 2**31 - 1
RULES = replace(V1_RULES, garbled_is_malformed=False, null_means={"metadata": {}})


def read_moved(body: Mapping[str, Any]) -> Values:
    """The columns of a record as it was elsewhere, `organization_id` with the id that it had there.

    The writable properties are read as v1 reads those of a new client; a moment that is absent stays for the database
    to fill in. Raises Invalid with every problem.
    """
    problems: list[Problem] = []
    values: Values = {}
    try:
        values = read_body(MOVED, body, RULES, "create")
    except Invalid as refusal:
        problems += refusal.problems
    except Malformed as refusal:
        problems.append(Problem(refusal.field or "", "format", refusal.message))
    for column, read in KEPT.items():
        name = MOVED.column(column).name
        try:
            values[column] = read(body.get(name), name)
        except Malformed as refusal:
            problems.append(Problem(name, "format", refusal.message, body.get(name)))
    if not problems:
        _check_deleted(values, values.pop("is_deleted"), problems)
    if problems:
        raise Invalid(problems)
    values["updated_at"] = values["updated_at"] or values["created_at"]
    return values


def _check_deleted(values: Values, deleted: bool | None, problems: list[Problem]) -> None:
    """What is deleted has a moment of it, and nothing else has one."""
    if deleted is not None and deleted != (values["deleted_at"] is not None):
        message = f"is {str(deleted).lower()}, and deletedAt says otherwise"
        problems.append(Problem("_isDeleted", "format", message, deleted))


def _read_id(given: object, name: str) -> str:
    if not isinstance(given, str) or not is_id(given):
        raise Malformed("is not 24 lower-case hex digits", name)
    return given


def _read_text(given: object, name: str) -> str | None:
    if given is not None and not isinstance(given, str):
        raise Malformed("is not a text", name)
    return None if given is None else check_text(given, name)


def _read_moment(given: object, name: str) -> str | None:
    if given is None:
        return None
    moment = parse_moment(given) if isinstance(given, str) else None
    if moment is None:
        raise Malformed("is not an ISO 8601 date", name)
    return moment.isoformat()


def _read_version(given: object, name: str) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LARGEST_VERSION:
        raise Malformed(f"is not a whole number from 1 to {LARGEST_VERSION}", name)
    return given


def _read_boolean(given: object, name: str) -> bool | None:
    return None if given is None else lax_boolean(given, name)


KEPT: Mapping[str, Callable[[object, str], Any]] = {
    "id": _read_id,
    "organization_id": _read_text,
    "unit_id": _read_text,
    "created_at": _read_moment,
    "updated_at": _read_moment,
    "deleted_at": _read_moment,
    "deleted_id": _read_text,
    "is_deleted": _read_boolean,
    "version": _read_version,
}
"""How the columns are read that no door lets anybody write. Each raises Malformed."""
