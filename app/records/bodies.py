"""Bodies: what a caller sent becomes values by column, through a face, as lax about their types as v1 is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.errors import ABSENT, Invalid, Malformed, Problem
from app.query.face import Face, Field, Kind
from app.query.values import LONGEST_TEXT, check_storable, js_text, lax_boolean

Values = dict[str, Any]
"""Column name -> value, JSON types only."""

BLANK = "can't be blank"


def read_values(face: Face, body: Mapping[str, Any], required: Sequence[str], *, partial: bool) -> Values:
    """The values of the writable fields in a body; read-only ones are left out.

    `required` are public names; in a `partial` body they may be absent, not blank. Raises Invalid with every problem at
    once, and Malformed for what no database can store.
    """
    problems: list[Problem] = []
    values: Values = {}
    for name, given in body.items():
        found = face.fields.get(name)
        if found is None:
            problems.append(Problem(name, "unknown-property", "is not defined in the model", given))
        elif found.writable:
            values[found.column] = _read(found, given, problems)
    refused = {problem.field for problem in problems}
    for name in required:
        given = body.get(name, ABSENT)
        if name not in refused and (given is None or given == "" or (given is ABSENT and not partial)):
            problems.append(Problem(name, "presence", BLANK, given))
    if problems:
        raise Invalid(problems)
    return values


def _read(found: Field, given: object, problems: list[Problem]) -> object:
    if given is None:
        return None
    check_storable(given, found.name)
    try:
        return READERS[found.kind](given, found.name)
    except Malformed as refusal:
        problems.append(Problem(found.name, refusal.code or "type", refusal.message, given))
    return None


def _read_text(given: object, name: str) -> str:
    if not isinstance(given, str | bool | int | float):
        raise Malformed("is not a text", name)
    text = js_text(given)
    if len(text) > LONGEST_TEXT:
        raise Malformed(f"is longer than {LONGEST_TEXT} characters", name, code="length")
    return text


def _read_boolean(given: object, name: str) -> bool:
    try:
        return lax_boolean(given, name)
    except Malformed as refusal:
        raise Malformed("is not a boolean", name) from refusal


def _read_json(given: object, name: str) -> object:
    return given


READERS: Mapping[Kind, Callable[[object, str], object]] = {
    Kind.TEXT: _read_text,
    Kind.BOOLEAN: _read_boolean,
    Kind.JSON: _read_json,
}
