"""Rows and clauses to draw: values of every type that meet, miss, and nearly meet one another."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2024, 2, 29, 10, tzinfo=UTC)

TEXTS: list[Any] = [
    "", "a", "A", "b", "Ann", "ann", "Änn", "élan", "ÉLAN", "%", "_", "\\", "100%", "a_b", "a\\b", "a'b", 'a"b',
    "x'; DROP TABLE clients; --", "😀", "中文", "ж", "Жan", "null", "true", "7", " a ", "a\nb", "[a]", "$1", ":p0",
]  # fmt: skip
MOMENTS = [START + timedelta(milliseconds=step) for step in (-86_400_000, -1, 0, 1, 2, 3_600_000)]
DOCUMENTS: list[Any] = [
    None, {}, {"a": None}, {"a": "x"}, {"a": "X"}, {"a": ""}, {"a": "É%"}, {"a": "7"}, {"a": 7}, {"a": 7.5}, {"a": 0.1},
    {"a": -3}, {"a": 0}, {"a": True}, {"a": False}, {"a": "true"}, {"a": {"b": "y"}}, {"a": {"b": 7}}, {"a": {"b": None}},
    {"a": ["p", 7]}, {"a": []}, {"b": "x"}, [], "text", 7, {"a": "\\"}, {"a": "😀"}, {"a": "a'b"},
]  # fmt: skip
GROUPS, EACH = 6, 32
"""Every group of rows holds every value once at least, and a null of every type that may be null."""

GIVEN: dict[str, list[Any]] = {
    "text": [*TEXTS, 7, 1.5, True],
    "id": [f"{number:024x}" for number in (0, 7, 63, 191)] + ["", "zz", "0" * 23, 5],
    "boolean": [True, False, "true", "false", "1", "0", 1, 0, ""],
    "date": [
        *(f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z" for at in MOMENTS),
        "2024-02-29", "2024-02-29T12:00:00.001+02:00", "2024-02-29T10:00", 1_709_200_800_001, -1, 0,
    ],
    "custom": ["x", "X", "", "7", "true", "y", "É%", "p", "\\", "😀", 7, 7.5, 0.1, -3, 0, True, False],
}  # fmt: skip
PROPERTIES = {
    "text": ("name", "email", "city"),
    "id": ("id",),
    "boolean": ("taxSubject", "isEndCustomer"),
    "date": ("createdAt", "deletedAt"),
    "custom": ("custom.a", "custom.a.b", "custom.a.1"),
}
LIKES = [
    "a%", "%", "_", "a\\%", "%\\\\%", "\\_", "__", "%'%", "É%", "%n", "ann", "%a_", "", "%😀", "a\\", "[a]", "%7%", "\\a",
]  # fmt: skip
REGEXES = [
    "^a", "n+$", "[Ab]", "é", "^$", "a.b", "\\\\", "'", "ж", "/^ANN/i", "/a/g", "/É/gim", "/x/z", "a/b", "^[0-9]+$", "(a|x)",
]  # fmt: skip

SCALARS, LISTS = ("eq", "neq", "gt", "gte", "lt", "lte"), ("inq", "nin")
LIKELY = ("like", "nlike", "ilike", "nilike")
OPERATORS = (*SCALARS, *LISTS, "between", *LIKELY, "regexp")


def draw_row(number: int) -> dict[str, Any]:
    """A row as v1 shows it. Its columns walk through their values at paces of their own."""
    group, step = divmod(number, EACH)
    moment = MOMENTS[(step + group) % len(MOMENTS)]
    return {
        "id": f"{number:024x}",
        "name": TEXTS[(step + group) % len(TEXTS)],
        "email": [None, *TEXTS][(step * 7 + group) % (len(TEXTS) + 1)],
        "city": [None, *TEXTS][(step * 11 + group) % (len(TEXTS) + 1)],
        "zip": f"group {group}",
        "taxSubject": [None, True, False][step % 3],
        "isEndCustomer": [True, None, False, False][step % 4],
        "createdAt": _written(moment),
        "deletedAt": _written(MOMENTS[step % len(MOMENTS)]) if step % 2 else None,
        "custom": DOCUMENTS[(step + group) % len(DOCUMENTS)],
    }


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


ROWS = [draw_row(number) for number in range(GROUPS * EACH)]


def draw_clause(randoms: random.Random, kind: str, operator: str, *, null: bool) -> dict[str, Any]:
    """A condition with one operator; `null` puts a null where its value or one of its values stands."""
    key = randoms.choice(PROPERTIES[kind])
    given = _operand(randoms, kind, operator, null)
    clause = {operator: given}
    if operator in LIKELY and randoms.random() < 0.3:
        clause["options"] = "i"
    return {key: given if operator == "eq" and randoms.random() < 0.5 else clause}


def _operand(randoms: random.Random, kind: str, operator: str, null: bool) -> Any:
    if operator in LISTS or operator == "between":
        count = 2 if operator == "between" else randoms.randrange(4)
        members: list[Any] = [randoms.choice(GIVEN[kind]) for _ in range(count)]
        if null:
            place = randoms.randrange(count + 1 if operator in LISTS else count)
            members[place : place + (operator == "between")] = [None]
        return members
    if null:
        return None
    return randoms.choice(LIKES if operator in LIKELY else REGEXES if operator == "regexp" else GIVEN[kind])


def draw_all(times: int) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
    """Every operator on every type, with and without a null, so many times: kind, operator, null, condition."""
    for kind in PROPERTIES:
        for operator in OPERATORS:
            for null in (False, True):
                randoms = random.Random(f"{kind} {operator} {null}")
                for _ in range(times):
                    yield kind, operator, null, draw_clause(randoms, kind, operator, null=null)
