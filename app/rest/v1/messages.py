"""LoopBack's messages about mistakes in a filter, to the letter."""

from collections.abc import Sequence

from app.errors import Malformed
from app.query.dialects import Clause, Messages
from app.query.operators import Behaviour, Operator
from app.query.values import stringify


def show(value: object) -> str:
    """A value as LoopBack puts it into a message: as JSON, null as a text."""
    return '"null"' if value is None else stringify(value)


def _explain_list(value: object) -> str:
    """The reason why a value is not a list."""
    if value == {}:
        return "Value is an empty object"
    return "Value is not an array or object with sequential numeric indices"


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


LOOPBACK_MESSAGES = Messages(
    not_an_object=lambda value: f"The where clause {show(value)} is not an object",
    not_conditions=lambda key, value: f"The {key} operator has invalid clauses {show(value)}: {_explain_list(value)}",
    not_a_list=lambda name, clause, value: (
        f"The {name} property has invalid clause {show(clause)}: Error: {_explain_list(value)}"
    ),
    not_two=lambda name, clause, count: (
        f"The {name} property has invalid clause {show(clause)}: Expected precisely 2 values, received {count}"
    ),
    not_a_pattern=_not_a_pattern,
    foreign_operators=_foreign_operators,
)
