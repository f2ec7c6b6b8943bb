"""The reader: every dialect writes the same questions, and every mistake is refused with the name of its place."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, GRAPHQL_CUSTOMER, V1
from app.errors import Malformed
from app.graphql.execution.dialect import GRAPHQL
from app.query import operators
from app.query.dialects import Dialect
from app.query.face import Face, Kind
from app.query.model import And, Compare, Not, Or, Predicate
from app.query.operators import Operator
from app.query.reader import read_predicate
from app.rest.customers.dialect import MONGO
from app.rest.v1.dialect import LOOPBACK

O = operators  # noqa: E741
ID = "65f0000000000000000000c1"
DAY = datetime(2024, 2, 29, tzinfo=UTC)
NOTHING = Or(())


def compare(
    column: str, operator: Operator, value: object, *path: str, fold: bool = False, case: bool = True
) -> Compare:
    return Compare(column, operator, value, path, not case, fold)


LOOPBACK_TABLE: list[tuple[Any, Predicate]] = [
    ({}, And(())),
    ({"name": "Ann"}, compare("name", O.EQ, "Ann")),
    ({"name": {"eq": "Ann"}}, compare("name", O.EQ, "Ann")),
    ({"name": {"neq": "Ann"}}, compare("name", O.NE, "Ann")),
    ({"name": {"gt": "B"}}, compare("name", O.GT, "B")),
    ({"name": {"gte": "B"}}, compare("name", O.GTE, "B")),
    ({"name": {"lt": "B"}}, compare("name", O.LT, "B")),
    ({"name": {"lte": "B"}}, compare("name", O.LTE, "B")),
    ({"name": {"between": ["A", "B"]}}, compare("name", O.BETWEEN, ("A", "B"))),
    ({"name": {"between": {"0": "A", "1": "B"}}}, compare("name", O.BETWEEN, ("A", "B"))),
    ({"name": {"inq": ["A", "B"]}}, compare("name", O.IN, ("A", "B"))),
    ({"name": {"inq": []}}, compare("name", O.IN, ())),
    ({"name": {"inq": ["A", None]}}, compare("name", O.IN, ("A",))),
    ({"name": {"nin": ["A"]}}, compare("name", O.NOT_IN, ("A",))),
    ({"email": {"nin": ["A", None]}}, And((compare("email", O.NOT_IN, ("A",)), compare("email", O.IS_NULL, False)))),
    ({"email": {"nin": [None]}}, compare("email", O.IS_NULL, False)),
    ({"name": {"like": "A%"}}, compare("name", O.LIKE, "A%")),
    ({"name": {"like": "A%", "options": "i"}}, compare("name", O.LIKE, "A%", case=False)),
    ({"name": {"nlike": "A%"}}, Not(compare("name", O.LIKE, "A%"))),
    ({"name": {"nlike": "A%", "options": "i"}}, Not(compare("name", O.LIKE, "A%", case=False))),
    ({"name": {"ilike": "A%"}}, compare("name", O.LIKE, "A%", case=False)),
    ({"name": {"nilike": "A%"}}, Not(compare("name", O.LIKE, "A%", case=False))),
    ({"name": {"regexp": "^A+"}}, compare("name", O.REGEX, "^A+")),
    ({"name": {"regexp": "/^a/i"}}, compare("name", O.REGEX, "^a", case=False)),
    ({"name": {"regexp": "/^a/gm"}}, compare("name", O.REGEX, "^a")),
    ({"name": {"regexp": "a/b"}}, compare("name", O.REGEX, "a/b")),
    ({"email": None}, compare("email", O.IS_NULL, True)),
    ({"email": {"eq": None}}, compare("email", O.IS_NULL, True)),
    ({"email": {"neq": None}}, compare("email", O.IS_NULL, False)),
    ({"email": {"gt": None}}, NOTHING),
    ({"email": {"between": [None, "b"]}}, NOTHING),
    ({"name": 7}, compare("name", O.EQ, "7")),
    ({"name": True}, compare("name", O.EQ, "true")),
    ({"taxSubject": "1"}, compare("tax_subject", O.EQ, True)),
    ({"taxSubject": ""}, compare("tax_subject", O.EQ, False)),
    ({"createdAt": {"gt": "2024-02-29"}}, compare("created_at", O.GT, DAY)),
    ({"createdAt": 1709164800000}, compare("created_at", O.EQ, DAY)),
    ({"custom.a.b": "x"}, compare("custom", O.EQ, "x", "a", "b")),
    ({"custom.a": 7}, compare("custom", O.EQ, 7, "a")),
    ({"custom.a": {"gt": 7.5}}, compare("custom", O.GT, Decimal("7.5"), "a")),
    (
        {"custom.a": {"inq": [7, 0.5, "x", True]}},
        Or((compare("custom", O.IN, ("x", "true"), "a"), compare("custom", O.IN, (7, Decimal("0.5")), "a"))),
    ),
    ({"custom.a": {"inq": [7, None]}}, compare("custom", O.IN, (7,), "a")),
    (
        {"custom.a": {"nin": [7, "x", None]}},
        And(
            (
                compare("custom", O.NOT_IN, ("x",), "a"),
                compare("custom", O.NOT_IN, (7,), "a"),
                compare("custom", O.IS_NULL, False, "a"),
            )
        ),
    ),
    ({"custom.a": {"neq": None}}, compare("custom", O.IS_NULL, False, "a")),
    ({"custom": None}, compare("custom", O.IS_NULL, True)),
    ({"id": ID}, compare("id", O.EQ, ID)),
    ({"type": "customer"}, compare("type", O.EQ, "customer")),
    (
        {"name": {"gt": "A", "lt": "B"}, "city": "C"},
        And((And((compare("name", O.GT, "A"), compare("name", O.LT, "B"))), compare("city", O.EQ, "C"))),
    ),
    ({"and": []}, And(())),
    ({"and": [{"name": "A"}]}, compare("name", O.EQ, "A")),
    ({"or": [{"name": "A"}, {}]}, Or((compare("name", O.EQ, "A"), And(())))),
    ({"or": {"0": {"name": "A"}, "1": {"name": "B"}}}, Or((compare("name", O.EQ, "A"), compare("name", O.EQ, "B")))),
]

MONGO_TABLE: list[tuple[Any, Predicate]] = [
    ({}, And(())),
    ({"name": "Ann"}, compare("name", O.EQ, "Ann")),
    ({"name": {"equals": "Ann"}}, compare("name", O.EQ, "Ann")),
    ({"name": {"not": "Ann"}}, compare("name", O.NE, "Ann")),
    ({"name": {"gt": "B"}}, compare("name", O.GT, "B", fold=True)),
    ({"name": {"gte": "B"}}, compare("name", O.GTE, "B", fold=True)),
    ({"name": {"lt": "B"}}, compare("name", O.LT, "B", fold=True)),
    ({"name": {"lte": "B"}}, compare("name", O.LTE, "B", fold=True)),
    ({"name": {"between": ["A", "B"]}}, compare("name", O.BETWEEN, ("A", "B"), fold=True)),
    ({"name": {"in": ["A", "B"]}}, compare("name", O.IN, ("A", "B"))),
    ({"name": {"notIn": ["A"]}}, compare("name", O.NOT_IN, ("A",))),
    ({"name": {"contains": "a"}}, compare("name", O.CONTAINS, "a", case=False)),
    ({"name": {"startsWith": "a"}}, compare("name", O.STARTS_WITH, "a", case=False)),
    ({"name": {"endsWith": "a"}}, compare("name", O.ENDS_WITH, "a", case=False)),
    ({"name": {"$contains": "a"}}, compare("name", O.CONTAINS, "a", case=False)),
    ({"name": {"$not": None}}, compare("name", O.IS_NULL, False)),
    ({"email": None}, compare("email", O.IS_NULL, True)),
    ({"is_tax_subject": True}, compare("tax_subject", O.EQ, True)),
    ({"created_at": {"lte": "2024-02-29T00:00:00Z"}}, compare("created_at", O.LTE, DAY)),
    ({"id": f"cust_{ID}"}, compare("id", O.EQ, ID)),
    ({"id": {"in": [f"cust_{ID}"]}}, compare("id", O.IN, (ID,))),
    ({"id": {"contains": "cust_65"}}, compare("id", O.CONTAINS, "cust_65", case=False)),
    ({"contact_type": "buyer"}, compare("type", O.EQ, "customer")),
    ({"contact_type": {"in": ["buyer", "both"]}}, compare("type", O.IN, ("customer", "both"))),
    ({"metadata.key": "x"}, compare("metadata", O.EQ, "x", "key")),
    ({"metadata": {"key": "x"}}, compare("metadata", O.EQ, "x", "key")),
    ({"metadata.a.b": "x"}, compare("metadata", O.EQ, "x", "a.b")),
    ({"metadata": {"a.b": {"gt": "x"}}}, compare("metadata", O.GT, "x", "a.b", fold=True)),
    ({"metadata.key": {"between": ["a", "b"]}}, compare("metadata", O.BETWEEN, ("a", "b"), "key", fold=True)),
    ({"metadata.key": {"gt": 7}}, compare("metadata", O.GT, 7, "key")),
    (
        {"name": "A", "metadata": {"a": "x", "b": "y"}},
        And(
            (
                compare("name", O.EQ, "A"),
                And((compare("metadata", O.EQ, "x", "a"), compare("metadata", O.EQ, "y", "b"))),
            )
        ),
    ),
]

GRAPHQL_TABLE: list[tuple[Any, Predicate]] = [
    ({"name": {"eq": "Ann"}}, compare("name", O.EQ, "Ann")),
    ({"name": {"ne": "Ann"}}, compare("name", O.NE, "Ann")),
    ({"name": {"gt": "B"}}, compare("name", O.GT, "B", fold=True)),
    ({"name": {"between": ["A", "B"]}}, compare("name", O.BETWEEN, ("A", "B"), fold=True)),
    ({"name": {"in": ["A"]}}, compare("name", O.IN, ("A",))),
    ({"name": {"notIn": ["A"]}}, compare("name", O.NOT_IN, ("A",))),
    ({"name": {"contains": "a"}}, compare("name", O.CONTAINS, "a", case=False)),
    ({"name": {"startsWith": "a", "caseSensitive": True}}, compare("name", O.STARTS_WITH, "a")),
    ({"name": {"endsWith": "a", "caseSensitive": False}}, compare("name", O.ENDS_WITH, "a", case=False)),
    ({"name": {"notContains": "a"}}, Not(compare("name", O.CONTAINS, "a", case=False))),
    ({"name": {"notStartsWith": "a", "caseSensitive": True}}, Not(compare("name", O.STARTS_WITH, "a"))),
    ({"custom": [{"path": ["a"], "notEndsWith": "x"}]}, Not(compare("custom", O.ENDS_WITH, "x", "a", case=False))),
    ({"name": {"like": "a%"}}, compare("name", O.LIKE, "a%", case=False)),
    ({"name": {"regex": "/a/i", "caseSensitive": True}}, compare("name", O.REGEX, "/a/i")),
    ({"email": {"isNull": True}}, compare("email", O.IS_NULL, True)),
    ({"email": {"isNull": False}}, compare("email", O.IS_NULL, False)),
    ({"email": None}, And(())),
    ({"version": {"gte": 2}}, compare("version", O.GTE, 2)),
    ({"clientId": {"eq": ID}}, compare("id", O.EQ, ID)),
    ({"custom": [{"path": ["a", "b.c"], "eq": "x"}]}, compare("custom", O.EQ, "x", "a", "b.c")),
    (
        {"custom": [{"path": ["a"], "gt": 1, "lt": 5}, {"path": ["b"], "isNull": True}]},
        And(
            (
                And((compare("custom", O.GT, 1, "a"), compare("custom", O.LT, 5, "a"))),
                compare("custom", O.IS_NULL, True, "b"),
            )
        ),
    ),
    ({"not": {"name": {"eq": "A"}}}, Not(compare("name", O.EQ, "A"))),
    (
        {"or": [{"name": {"eq": "A"}}, {"and": [{"city": {"eq": "B"}}, {"city": {"eq": "C"}}]}]},
        Or((compare("name", O.EQ, "A"), And((compare("city", O.EQ, "B"), compare("city", O.EQ, "C"))))),
    ),
]


@pytest.mark.parametrize(("text", "tree"), LOOPBACK_TABLE, ids=str)
def test_loopback_reads_as_the_tree(text: Any, tree: Predicate) -> None:
    assert read_predicate(text, LOOPBACK, V1) == tree


@pytest.mark.parametrize(("text", "tree"), MONGO_TABLE, ids=str)
def test_customers_query_reads_as_the_tree(text: Any, tree: Predicate) -> None:
    assert read_predicate(text, MONGO, CUSTOMER) == tree


@pytest.mark.parametrize(("text", "tree"), GRAPHQL_TABLE, ids=str)
def test_graphql_filter_reads_as_the_tree(text: Any, tree: Predicate) -> None:
    assert read_predicate(text, GRAPHQL, GRAPHQL_CLIENT) == tree


def test_one_question_is_one_tree_in_all_dialects() -> None:
    asked: list[tuple[Any, Dialect, Face]] = [
        ({"zip": {"inq": ["1000", "2000"]}, "isEndCustomer": True, "email": {"neq": None}}, LOOPBACK, V1),
        ({"post_code": {"in": ["1000", "2000"]}, "is_end_consumer": True, "email": {"not": None}}, MONGO, CUSTOMER),
        (
            {"zip": {"in": ["1000", "2000"]}, "isEndCustomer": {"eq": True}, "email": {"ne": None}},
            GRAPHQL,
            GRAPHQL_CLIENT,
        ),
        (
            {"postCode": {"in": ["1000", "2000"]}, "isEndConsumer": {"eq": True}, "email": {"isNull": False}},
            GRAPHQL,
            GRAPHQL_CUSTOMER,
        ),
    ]
    trees = {read_predicate(text, dialect, face) for text, dialect, face in asked}
    assert len(trees) == 1


LONG, MANY = "x" * 10_001, ["x"] * 1001

REFUSED: list[tuple[Dialect, Face, Any, str]] = [
    (LOOPBACK, V1, {"nmae": "A"}, "nmae"),
    (LOOPBACK, V1, {"name.first": "A"}, "name.first"),
    (LOOPBACK, V1, {"metadata.key": "A"}, "metadata.key"),
    (LOOPBACK, V1, {"not": {"name": "A"}}, "not"),
    (LOOPBACK, V1, {"name": {"equals": "A"}}, "name"),
    (LOOPBACK, V1, {"name": {}}, "name"),
    (LOOPBACK, V1, {"name": {"inq": "A"}}, "name"),
    (LOOPBACK, V1, {"name": {"inq": {"0": "A", "2": "B"}}}, "name"),
    (LOOPBACK, V1, {"name": {"inq": MANY}}, "name"),
    (LOOPBACK, V1, {"name": {"between": ["A"]}}, "name"),
    (LOOPBACK, V1, {"name": {"between": ["A", "B", "C"]}}, "name"),
    (LOOPBACK, V1, {"name": ["A"]}, "name"),
    (LOOPBACK, V1, {"name": {"like": 7}}, "name"),
    (LOOPBACK, V1, {"name": {"like": "A\\"}}, "name"),
    (LOOPBACK, V1, {"name": {"regexp": "(a)\\1"}}, "name"),
    (LOOPBACK, V1, {"name": {"regexp": "a" * 257}}, "name"),
    (LOOPBACK, V1, {"name": {"regexp": "/a/x"}}, "name"),
    (LOOPBACK, V1, {"taxSubject": {"like": "t%"}}, "taxSubject"),
    (LOOPBACK, V1, {"taxSubject": "maybe"}, "taxSubject"),
    (LOOPBACK, V1, {"taxSubject": 2}, "taxSubject"),
    (LOOPBACK, V1, {"createdAt": "yesterday"}, "createdAt"),
    (LOOPBACK, V1, {"createdAt": {"gt": 1e18}}, "createdAt"),
    (LOOPBACK, V1, {"createdAt": "2023-02-29"}, "createdAt"),
    (LOOPBACK, V1, {"name": LONG}, "name"),
    (LOOPBACK, V1, {"name": "a\x00"}, "name"),
    (LOOPBACK, V1, {"name": {"like": "a\ud800"}}, "name"),
    (LOOPBACK, V1, {"custom": "x"}, "custom"),
    (LOOPBACK, V1, {"custom": {"gt": 5}}, "custom"),
    (LOOPBACK, V1, {"custom.a": {"between": [1, "b"]}}, "custom.a"),
    (LOOPBACK, V1, {"custom.a": 1e400}, "custom.a"),
    (LOOPBACK, V1, {"custom.a": {"inq": ["a\x00"]}}, "custom.a"),
    (LOOPBACK, V1, {"custom.a\x00": "x"}, "custom"),
    (LOOPBACK, V1, {"custom.a\ud800": "x"}, "custom"),
    (LOOPBACK, V1, {"and": {"name": "A"}}, "and"),
    (LOOPBACK, V1, {"or": []}, "or"),
    (LOOPBACK, V1, {"or": [{}] * 1001}, "or"),
    (LOOPBACK, V1, {"and": [{"nmae": 1}]}, "nmae"),
    (MONGO, CUSTOMER, {"and": [{"name": "A"}]}, "and"),
    (MONGO, CUSTOMER, {"note": "A"}, "note"),
    (MONGO, CUSTOMER, {"entity_id": "A"}, "entity_id"),
    (MONGO, CUSTOMER, {"name": {"neq": "A"}}, "name"),
    (MONGO, CUSTOMER, {"name": 7}, "name"),
    (MONGO, CUSTOMER, {"name": {"gt": None}}, "name"),
    (MONGO, CUSTOMER, {"name": {"between": ["a", None]}}, "name"),
    (MONGO, CUSTOMER, {"name": {"in": {"0": "A"}}}, "name"),
    (MONGO, CUSTOMER, {"is_tax_subject": "true"}, "is_tax_subject"),
    (MONGO, CUSTOMER, {"created_at": 1709164800000}, "created_at"),
    (MONGO, CUSTOMER, {"contact_type": "customer"}, "contact_type"),
    (MONGO, CUSTOMER, {"contact_type": {"contains": "b"}}, "contact_type"),
    (MONGO, CUSTOMER, {"metadata": "x"}, "metadata"),
    (MONGO, CUSTOMER, {"metadata": {"key": {"inner": "x"}}}, "metadata.key"),
    (MONGO, CUSTOMER, {"metadata.key": ["x"]}, "metadata.key"),
    (MONGO, CUSTOMER, {"metadata": {"a\x00": "x"}}, "metadata"),
    (MONGO, CUSTOMER, {"metadata": {"a\ud800": "x"}}, "metadata"),
    (MONGO, CUSTOMER, {"metadata": {"x" * 10_001: "x"}}, "metadata"),
    (GRAPHQL, GRAPHQL_CLIENT, {"custom.a": {"eq": 1}}, "custom.a"),
    (GRAPHQL, GRAPHQL_CLIENT, {"custom": [{"path": [], "eq": 1}]}, "custom"),
    (GRAPHQL, GRAPHQL_CLIENT, {"custom": [{"path": ["a\x00"], "eq": 1}]}, "custom"),
    (GRAPHQL, GRAPHQL_CLIENT, {"custom": [{"path": ["a"], "eq": ["x"]}]}, "custom"),
    (GRAPHQL, GRAPHQL_CLIENT, {"email": {"isNull": None}}, "email"),
    (GRAPHQL, GRAPHQL_CLIENT, {"email": {"gt": None}}, "email"),
    (GRAPHQL, GRAPHQL_CLIENT, {"email": {"in": None}}, "email"),
    (GRAPHQL, GRAPHQL_CLIENT, {"name": {"like": "\\"}}, "name"),
    (GRAPHQL, GRAPHQL_CLIENT, {"version": {"eq": 1e16}}, "version"),
]


@pytest.mark.parametrize(("dialect", "face", "text", "field"), REFUSED)
def test_mistake_is_refused_by_the_name_of_its_field(dialect: Dialect, face: Face, text: Any, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_predicate(text, dialect, face)
    assert refused.value.field == field


@pytest.mark.parametrize("text", [None, [], "name", 7, {"and": [7]}, {"or": [{"name": "a"}, None]}])
def test_condition_that_is_no_object_is_refused(text: Any) -> None:
    with pytest.raises(Malformed):
        read_predicate(text, LOOPBACK, V1)


@pytest.mark.parametrize(("dialect", "modifier"), [(LOOPBACK, "options")])
def test_modifier_without_an_operator_is_refused(dialect: Dialect, modifier: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_predicate({"name": {modifier: "i"}}, dialect, V1)
    assert refused.value.field == "name"


@pytest.mark.parametrize("value", ["A", f"x{ID}", "", "cust", f"CUST_{ID}", ID])
def test_id_without_its_prefix_is_the_id_of_no_record(value: str) -> None:
    tree = read_predicate({"id": value}, MONGO, CUSTOMER)
    assert isinstance(tree, Compare)
    assert tree.operator is O.EQ
    assert tree.value != ID


# Random trees, written by an independent writer and read back.

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15).map(lambda value: Decimal(repr(value)))
VALUES = {Kind.TEXT: TEXTS, Kind.BOOLEAN: st.booleans(), Kind.DATE: MOMENTS, Kind.NUMBER: NUMBERS, Kind.ID: TEXTS}

SPELLINGS: dict[str, dict[Operator, str]] = {
    "LoopBack": {O.EQ: "eq", O.NE: "neq", O.IN: "inq", O.NOT_IN: "nin", O.LIKE: "like", O.REGEX: "regexp"},
    "Customers": {
        O.EQ: "equals",
        O.NE: "not",
        O.IN: "in",
        O.NOT_IN: "notIn",
        O.CONTAINS: "contains",
        O.STARTS_WITH: "startsWith",
        O.ENDS_WITH: "endsWith",
    },
    "GraphQL": {
        O.EQ: "eq",
        O.NE: "ne",
        O.IN: "in",
        O.NOT_IN: "notIn",
        O.CONTAINS: "contains",
        O.STARTS_WITH: "startsWith",
        O.ENDS_WITH: "endsWith",
        O.LIKE: "like",
        O.REGEX: "regex",
    },
}
ORDER_SPELLINGS = {O.GT: "gt", O.GTE: "gte", O.LT: "lt", O.LTE: "lte", O.BETWEEN: "between"}
LISTS = (O.IN, O.NOT_IN)
NEGATIONS = {"contains": "notContains", "startsWith": "notStartsWith", "endsWith": "notEndsWith"}
PATTERNS = (O.CONTAINS, O.STARTS_WITH, O.ENDS_WITH, O.LIKE, O.REGEX)


def written_value(compare: Compare, face: Face) -> Any:
    """The value as JSON in the face's spelling."""
    codec = face.columns[compare.column].codec

    def one(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat(timespec="milliseconds")
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, str) and not compare.path and compare.operator not in PATTERNS:
            words = {stored: public for public, stored in codec.words}
            return words.get(value, codec.prefix + value)
        return value

    return [one(value) for value in compare.value] if isinstance(compare.value, tuple) else one(compare.value)


def write(tree: Predicate, dialect: Dialect, face: Face) -> dict[str, Any]:
    match tree:
        case And(parts):
            return {"and": [write(part, dialect, face) for part in parts]}
        case Or(parts):
            return {"or": [write(part, dialect, face) for part in parts]}
        case Not(part):
            written = write(part, dialect, face)
            return write_negation(written) or {"not": written}
    return write_compare(tree, dialect, face)


def write_negation(written: dict[str, Any]) -> dict[str, Any] | None:
    """The negation of a condition by one operator, where GraphQL has the opposite operator."""
    ((name, condition),) = written.items()
    clause = condition[0] if isinstance(condition, list) and name not in ("and", "or") and condition else condition
    if not isinstance(clause, dict) or not NEGATIONS.keys() & clause.keys():
        return None
    negated = {NEGATIONS.get(key, key): value for key, value in clause.items()}
    return {name: [negated] if isinstance(condition, list) else negated}


def write_compare(compare: Compare, dialect: Dialect, face: Face) -> dict[str, Any]:
    name = face.columns[compare.column].name
    if compare.operator is O.IS_NULL:
        operators: dict[str, Any] = {SPELLINGS[dialect.name][O.EQ if compare.value else O.NE]: None}
    else:
        key = (SPELLINGS[dialect.name] | ORDER_SPELLINGS)[compare.operator]
        operators = {key: written_value(compare, face)}
    if compare.operator is O.LIKE and dialect is LOOPBACK and compare.ignore_case:
        operators["options"] = "i"
    if compare.operator in PATTERNS and dialect is GRAPHQL:
        operators["caseSensitive"] = not compare.ignore_case
    if not compare.path:
        return {name: operators}
    if dialect is GRAPHQL:
        return {name: [{"path": list(compare.path), **operators}]}
    return {f"{name}.{'.'.join(compare.path)}": operators}


def compares(dialect: Dialect, face: Face) -> st.SearchStrategy[Compare]:
    """Conditions on every field but documents of a type, whose paths have names of their own."""
    plain = (one for one in face.fields.values() if one.filterable and one.codec.document is None)
    fields = sorted(plain, key=lambda one: one.name)
    names = [one.column for one in fields if face.columns[one.column] is one]
    return st.sampled_from(names).flatmap(lambda column: _compare_of(column, dialect, face))


@st.composite
def _compare_of(draw: st.DrawFn, column: str, dialect: Dialect, face: Face) -> Compare:
    field = face.columns[column]
    inside = field.kind is Kind.JSON
    keys = draw(st.lists(st.sampled_from(["a", "b", "key"]), min_size=1, max_size=3)) if inside else []
    path = tuple(keys) if dialect.deep_paths or not keys else (".".join(keys),)
    textual = (field.kind in (Kind.TEXT, Kind.ID) or inside) and not field.codec.words
    known = [one for one in SPELLINGS[dialect.name] if textual or one not in PATTERNS]
    operator = draw(st.sampled_from([*known, *ORDER_SPELLINGS, O.IS_NULL]))
    if operator is O.IS_NULL:
        return Compare(column, operator, draw(st.booleans()), path)
    if operator in PATTERNS:
        blind = operator is not O.REGEX if dialect is LOOPBACK else True
        ignores = True if dialect is MONGO else draw(st.booleans()) if blind else False
        return Compare(column, operator, draw(st.sampled_from(["a", "b%", "^x", "é."])), path, ignores)
    values = _values_of(field.codec.words, field.kind, operator, inside)
    value: Any = draw(_listed(values, operator))
    texts = all(isinstance(one, str) for one in (value if isinstance(value, tuple) else (value,)))
    folded = operator in ORDER_SPELLINGS and face.folds and texts and (inside or field.kind is Kind.TEXT)
    return Compare(column, operator, value, path, folded=folded)


def _values_of(words: Any, kind: Kind, operator: Operator, inside: bool) -> st.SearchStrategy[Any]:
    if words:
        return st.sampled_from([stored for _, stored in words])
    return TEXTS if inside and operator in (*LISTS, O.BETWEEN) else TEXTS | NUMBERS if inside else VALUES[kind]


def _listed(values: st.SearchStrategy[Any], operator: Operator) -> st.SearchStrategy[Any]:
    if operator is O.BETWEEN:
        return st.tuples(values, values)
    return st.lists(values, max_size=4).map(tuple) if operator in LISTS else values


def trees(dialect: Dialect, face: Face) -> st.SearchStrategy[Predicate]:
    """Trees as the reader gives them: no And or Or of one part, and Or of none only where nothing can hold."""
    if dialect is MONGO:
        return compares(dialect, face)

    def grow(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        grown = several.map(And) | several.map(Or)
        return grown | inner.map(Not) if dialect is GRAPHQL else grown

    return st.recursive(compares(dialect, face) | st.just(And(())), grow, max_leaves=8)


@pytest.mark.parametrize(
    ("dialect", "face"), [(LOOPBACK, V1), (MONGO, CUSTOMER), (GRAPHQL, GRAPHQL_CLIENT), (GRAPHQL, GRAPHQL_CUSTOMER)]
)
@given(data=st.data())
def test_written_tree_reads_back(dialect: Dialect, face: Face, data: st.DataObject) -> None:
    tree = data.draw(trees(dialect, face))
    expected = without_empty(tree) if dialect is GRAPHQL else tree
    assert read_predicate(write(tree, dialect, face), dialect, face) == expected


def without_empty(tree: Predicate) -> Predicate:
    """The tree as GraphQL reads it: an empty object is no condition, and neither is its negation."""
    match tree:
        case And(parts):
            needed = [part for part in map(without_empty, parts) if part != And(())]
            return needed[0] if len(needed) == 1 else And(tuple(needed))
        case Or(parts):
            return Or(tuple(map(without_empty, parts)))
        case Not(part):
            inner = without_empty(part)
            return inner if inner == And(()) else Not(inner)
    return tree


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "and", "or", "not", "eq", "inq", "in", "between", "like", "custom", "metadata.a", "0"]
            )
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(("dialect", "face"), [(LOOPBACK, V1), (MONGO, CUSTOMER)])
@given(text=JUNK)
def test_anything_is_read_or_refused(dialect: Dialect, face: Face, text: Any) -> None:
    with suppress(Malformed):
        assert isinstance(read_predicate(text, dialect, face), And | Or | Not | Compare)


@pytest.mark.parametrize("dialect", [LOOPBACK, GRAPHQL])
def test_the_lists_of_a_filter_have_at_most_1000_members_together(dialect: Any) -> None:
    name = "inq" if dialect is LOOPBACK else "in"
    face = V1 if dialect is LOOPBACK else GRAPHQL_CLIENT
    halves = [{"name": {name: ["x"] * 500}}, {"city": {name: ["y"] * 500}}]
    read_predicate({"and": halves}, dialect, face)
    with pytest.raises(Malformed, match="at most 1000 members together"):
        read_predicate({"and": [*halves, {"zip": {name: ["z"]}}]}, dialect, face)


@pytest.mark.parametrize("dialect", [LOOPBACK, GRAPHQL])
def test_a_filter_has_at_most_1000_objects(dialect: Any) -> None:
    face = V1 if dialect is LOOPBACK else GRAPHQL_CLIENT
    read_predicate({"and": [{}] * 999}, dialect, face)
    with pytest.raises(Malformed, match="at most 1000 objects"):
        read_predicate({"and": [{"and": [{}] * 500}] * 2}, dialect, face)
