"""What a dialect says to the commonest mistakes in a question."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import Malformed
from app.query.operators import Behaviour, Operator
from app.query.values import js_text

Clause = Mapping[str, Any]
"""The object of operators in which a mistake was found, as it was given."""


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """Each makes a message of what was given. `foreign_operators` refuses operators of another dialect, where that differs."""

    not_an_object: Callable[[object], str] = lambda _: "The filter must be an object."
    not_conditions: Callable[[str, object], str] = lambda key, _: f"The `{key}` operator needs a list of conditions."
    not_a_list: Callable[[str, Clause, object], str] = lambda name, *_: (
        f"This operator on `{name}` needs a list of values."
    )
    not_two: Callable[[str, Clause, int], str] = lambda name, _, count: (
        f"`between` on `{name}` needs exactly two values; got {count}."
    )
    not_a_pattern: Callable[[Operator, str, Clause], str] = lambda _, name, __: (
        f"Pattern operators on `{name}` need a string."
    )
    foreign_operators: Callable[[str, Sequence[str], Clause], Malformed] | None = None


def no_list(value: object) -> str:
    """Why a value is no list."""
    if value == {}:
        return "Value is an empty object"
    return "Value is not an array or object with sequential numeric indices"


def stringify(value: object) -> str:
    """A value as JavaScript's JSON.stringify writes it."""
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{stringify(key)}:{stringify(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(stringify, value))}]"
    if isinstance(value, int | float):
        return js_text(value)
    return json.dumps(value, ensure_ascii=False)


def show(value: object) -> str:
    """A value as LoopBack puts it into a message: as JSON, null as a text."""
    return '"null"' if value is None else stringify(value)


def _not_a_pattern(operator: Operator, name: str, clause: Clause) -> str:
    if operator.behaviour is Behaviour.REGEX:
        return "Invalid argument, must be a string, regex literal, or RegExp object"
    return f"The {name} property has invalid clause {show(clause)}: Expected a string or RegExp"


def _foreign_operators(name: str, operators: Sequence[str], where: Clause) -> Malformed:
    return Malformed(
        f'Operators "{", ".join(operators)}" are not allowed in query',
        name,
        code="OPERATOR_NOT_ALLOWED_IN_QUERY",
        details={"operators": list(operators), "where": where},
    )


LOOPBACK_WORDING = Wording(
    not_an_object=lambda value: f"The where clause {show(value)} is not an object",
    not_conditions=lambda key, value: f"The {key} operator has invalid clauses {show(value)}: {no_list(value)}",
    not_a_list=lambda name, clause, value: (
        f"The {name} property has invalid clause {show(clause)}: Error: {no_list(value)}"
    ),
    not_two=lambda name, clause, count: (
        f"The {name} property has invalid clause {show(clause)}: Expected precisely 2 values, received {count}"
    ),
    not_a_pattern=_not_a_pattern,
    foreign_operators=_foreign_operators,
)
