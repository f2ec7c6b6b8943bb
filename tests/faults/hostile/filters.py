"""Hostile filters of every API: all operators with values of all types, at any depth."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from app.clients.faces import CUSTOMER, V1
from app.rest.customers.dialect import MONGO
from app.rest.v1.dialect import LOOPBACK
from tests.faults.hostile.words import PATTERNS, text, value

V1_FIELDS, CUSTOMER_FIELDS = (
    (*V1.fields, "custom.a.b", "_data.0", "nothing"),
    (*CUSTOMER.fields, "metadata.a", "nothing"),
)
PATTERN_OPERATORS = frozenset(
    {"like", "nlike", "ilike", "nilike", "regexp", "contains", "startsWith", "endsWith", "regex"}
)


def operand(random: Random, operator: str) -> object:
    """A value for an operator, often of the right type."""
    if operator.removeprefix("$") in PATTERN_OPERATORS and random.random() < 0.6:
        return random.choice(PATTERNS)
    if operator.removeprefix("$") in ("inq", "nin", "in", "notIn", "between") and random.random() < 0.7:
        return [value(random, 1) for _ in range(random.choice([0, 1, 2, 2, 3, 30]))]
    return value(random, 2)


def condition(random: Random, fields: Sequence[str], operators: Sequence[str]) -> Mapping[str, object]:
    name = random.choice(fields) if random.random() < 0.95 else text(random)[:60]
    if random.random() < 0.2:
        return {name: value(random)}
    chosen = random.sample(operators, random.choice([1, 1, 1, 2]))
    return {name: {operator: operand(random, operator) for operator in chosen}}


def tree(
    random: Random, fields: Sequence[str], operators: Sequence[str], logic: Sequence[str], depth: int = 3
) -> object:
    """A filter: conditions, mostly within few levels of `and` and `or`; seldom anything else, very deep, or very wide."""
    choice = random.random()
    if logic and depth and choice < 0.3:
        parts = [tree(random, fields, operators, logic, depth - 1) for _ in range(random.choice([0, 1, 2, 3]))]
        return {random.choice(logic): parts}
    if logic and choice < 0.32:
        return deep(random.choice(logic), random.choice([5, 11, 12, 13, 40, 200]), condition(random, fields, operators))
    if logic and choice < 0.33:
        return {
            random.choice(logic): [condition(random, fields, operators) for _ in range(random.choice([199, 201, 600]))]
        }
    if choice < 0.36:
        return value(random)
    return {**condition(random, fields, operators), **condition(random, fields, operators)}


def deep(key: str, levels: int, inner: object) -> object:
    for _ in range(levels):
        inner = {key: [inner]}
    return inner


def where(random: Random) -> object:
    """LoopBack's `where`."""
    return tree(random, V1_FIELDS, (*LOOPBACK.operators, "near", "options"), ("and", "or", "nor"))


def query(random: Random) -> object:
    """`query` of the Customers API."""
    return tree(random, CUSTOMER_FIELDS, tuple(MONGO.operators), random.choice([(), ("and", "or", "$and")]))


def loopback_filter(random: Random) -> dict[str, object]:
    """LoopBack's `filter`, with some of its members."""
    order = [
        f"{random.choice(V1_FIELDS)} {random.choice(['ASC', 'desc', '', 'x', ' ' * 50])}"
        for _ in range(random.choice([1, 2, 120]))
    ]
    members: dict[str, object] = {
        "where": where(random),
        "order": random.choice([order, order[0], text(random), value(random)]),
        "limit": random.choice([0, 1, 5, 100, -1, "1", "1e1", value(random)]),
        "skip": random.choice([0, 1, 2**31, 2**63, "3", value(random)]),
        "fields": random.choice([{random.choice(V1_FIELDS): True}, ["name", text(random)], value(random)]),
        "include": random.choice(
            ["organization", ["organization"], {"relation": "organization", "scope": {"fields": ["id"]}}, value(random)]
        ),
        "deleted": random.choice([True, "true", value(random)]),
        "offset": value(random, 1),
    }
    return {name: members[name] for name in random.sample(list(members), random.randrange(1, 4))}


def brackets(tree_: object, name: str) -> Iterator[tuple[str, str]]:
    """The tree as parameters of a URL, as `name[member][0]=value`."""
    if isinstance(tree_, Mapping):
        for key, member in tree_.items():
            yield from brackets(member, f"{name}[{key}]")
    elif isinstance(tree_, list):
        for index, member in enumerate(tree_):
            yield from brackets(member, f"{name}[{index}]")
    else:
        yield name, str(tree_)
