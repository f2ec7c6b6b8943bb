"""Lists in filters: their members, and the lists of texts that a filter looks for members in."""

from collections.abc import Mapping, Sequence

from app.errors import Malformed
from app.query.dialects import Dialect
from app.query.face import Field
from app.query.model import Scalar
from app.query.operators import Behaviour, Operator

MOST_MEMBERS = 1000
"""The most members of one list, and of all lists of values in one filter together."""
BY_MEMBER = frozenset({Behaviour.EQUALITY, Behaviour.MEMBERSHIP})
"""The behaviours of operators that apply to a list of texts: they look for members."""


def read_list(name: str, value: object, dialect: Dialect) -> Sequence[object] | None:
    """The members of a list, or None for another value. Raises Malformed for a list of more than 1000 members."""
    if dialect.numbered_lists and isinstance(value, Mapping) and value:
        keys = [str(index) for index in range(len(value))]
        value = [value[key] for key in keys] if set(value) == set(keys) else value
    if not isinstance(value, list | tuple):
        return None
    if len(value) > MOST_MEMBERS:
        raise Malformed(f"A list may have at most {MOST_MEMBERS} members; got {len(value)}.", name)
    return value


def check_lookup(field: Field, name: str, operator: Operator, dialect: Dialect) -> None:
    """Raises Malformed for a JSON field that holds no list of texts, and for an operator that does not match by member."""
    if not field.is_list:
        raise Malformed(f"`{name}` is a JSON document. Name a key inside it, such as {name}.key.", name)
    if operator.behaviour not in BY_MEMBER:
        spellings = ", ".join(spelling for spelling, row in dialect.operators.items() if row.behaviour in BY_MEMBER)
        raise Malformed(f"`{name}` is a list of texts. The operators for its members are {spellings}.", name)


def split_by_type(values: Sequence[Scalar]) -> Sequence[tuple[Scalar, ...]]:
    """The texts and the numbers of a list, which are compared differently inside JSON."""
    texts = tuple(value for value in values if isinstance(value, str))
    if len(texts) in (0, len(values)):
        return [tuple(values)]
    return [texts, tuple(value for value in values if not isinstance(value, str))]
