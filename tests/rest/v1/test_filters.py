"""Filters: brackets and JSON are read alike, and errors have LoopBack's messages."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from app.errors import Malformed
from app.query import operators
from app.query.model import EVERYTHING, And, Compare, Not, Or, Order, Predicate, Query
from app.rest.v1.brackets import read_parameters
from app.rest.v1.call import MOST_BRACKETS, object_argument
from app.rest.v1.fields import Include
from app.rest.v1.filters import FURTHEST, LATEST_FIRST, Filter, read_count, read_filter, read_record_filter, read_where


def read(query: str) -> Filter:
    return read_filter(object_argument(read_parameters(query, MOST_BRACKETS, frozenset({"filter"})), "filter"))


def read_json(filter_: Any) -> Filter:
    return read(f"filter={quote(json.dumps(filter_))}")


def equal(column: str, value: object) -> Compare:
    return Compare(column, operators.EQ, value)


SCOPED = {"relation": "organization", "scope": {"fields": ["name"]}}

BOTH_FORMS: list[tuple[Any, str, Filter]] = [
    ({}, "", Filter()),
    (None, "filter=", Filter()),
    ({"where": None}, "filter[where]=", Filter()),
    ({"where": {"name": "x"}}, "filter[where][name]=x", Filter(Query(equal("name", "x")))),
    ({"where": {"taxSubject": "true"}}, "filter[where][taxSubject]=true", Filter(Query(equal("tax_subject", True)))),
    (
        {"where": {"and": [{"name": "x"}, {"city": "y"}]}},
        "filter[where][and][0][name]=x&filter[where][and][1][city]=y",
        Filter(Query(And((equal("name", "x"), equal("city", "y"))))),
    ),
    (
        {"where": {"or": [{"and": [{"name": "x"}, {"city": "y"}]}, {"zip": "1"}]}},
        "filter[where][or][0][and][0][name]=x&filter[where][or][0][and][1][city]=y&filter[where][or][1][zip]=1",
        Filter(Query(Or((And((equal("name", "x"), equal("city", "y"))), equal("zip", "1"))))),
    ),
    (
        {"where": {"country": {"inq": ["a", "b"]}}},
        "filter[where][country][inq]=a&filter[where][country][inq]=b",
        Filter(Query(Compare("country", operators.IN, ("a", "b")))),
    ),
    (
        {"where": {"custom.a.b": {"nlike": "%x", "options": "i"}}},
        "filter[where][custom.a.b][nlike]=%25x&filter[where][custom.a.b][options]=i",
        Filter(Query(Not(Compare("custom", operators.LIKE, "%x", ("a", "b"), ignore_case=True)))),
    ),
    (
        {"where": {"zip": {"gte": "1", "lt": "5"}}},
        "filter[where][zip][gte]=1&filter[where][zip][lt]=5",
        Filter(Query(And((Compare("zip", operators.GTE, "1"), Compare("zip", operators.LT, "5"))))),
    ),
    ({"limit": "5", "skip": "2"}, "filter[limit]=5&filter[skip]=2", Filter(limit=5, skip=2)),
    ({"offset": " 2 "}, "filter[offset]=+2+", Filter(limit=100, skip=2)),
    ({"limit": "1e1"}, "filter[limit]=1e1", Filter(limit=10)),
    ({"limit": "0x10"}, "filter[limit]=0x10", Filter(limit=16)),
    ({"limit": ""}, "filter[limit]=", Filter()),
    (
        {"order": "city desc, name"},
        "filter[order]=city+desc,name",
        Filter(Query(orders=(Order("city", descending=True), Order("name"), LATEST_FIRST))),
    ),
    (
        {"order": ["city ASC NULLS FIRST"]},
        "filter[order][]=city%20ASC%20x",
        Filter(Query(orders=(Order("city"), LATEST_FIRST))),
    ),
    ({"deleted": "true"}, "filter[deleted]=true", Filter(Query(deleted_too=True))),
    ({"deleted": "false"}, "filter[deleted]=false", Filter()),
    ({"include": "organization"}, "filter[include]=organization", Filter(include=Include())),
    ({"include": ["organization"]}, "filter[include][]=organization", Filter(include=Include())),
    ({"nope": {"a": 1}}, "filter[nope][a]=1", Filter()),
]


@pytest.mark.parametrize(("filter_", "brackets", "question"), BOTH_FORMS)
def test_json_and_brackets_ask_the_same(filter_: Any, brackets: str, question: Filter) -> None:
    assert read_json(filter_) == question
    assert read(brackets) == question


@pytest.mark.parametrize(
    ("filter_", "question"),
    [
        ({"limit": 0}, Filter()),
        ({"limit": False, "skip": 0, "offset": 3}, Filter(limit=100, skip=3)),
        ({"limit": True}, Filter(limit=1)),
        ({"limit": 5, "skip": 1e15}, Filter(limit=5, skip=FURTHEST)),
        ({"deleted": 1}, Filter(Query(deleted_too=True))),
        ({"deleted": "yes"}, Filter()),
        ({"where": {}, "order": None, "include": 5}, Filter()),
        (
            {"include": [{}, [[]], {"relation": "organization", "scope": {"fields": ["name"]}}]},
            Filter(include=Include(("id", "name"))),
        ),
    ],
)
def test_json_alone_can_say(filter_: Any, question: Filter) -> None:
    assert read_json(filter_) == question


@pytest.mark.parametrize(
    ("where", "predicate"),
    [
        ({"name": 5}, equal("name", "5")),
        ({"name": 1e21}, equal("name", "1e+21")),
        ({"name": True}, equal("name", "true")),
        ({"id": 12}, equal("id", "12")),
        ({"email": None}, Compare("email", operators.IS_NULL, True)),
        ({"email": {"neq": None}}, Compare("email", operators.IS_NULL, False)),
        ({"zip": {"gt": None}}, Or(())),
        ({"zip": {"between": {"0": "1", "1": "2"}}}, Compare("zip", operators.BETWEEN, ("1", "2"))),
        ({"zip": {"inq": []}}, Compare("zip", operators.IN, ())),
        ({"zip": {"inq": ["1", None]}}, Compare("zip", operators.IN, ("1",))),
        ({"zip": {"nin": [None]}}, Compare("zip", operators.IS_NULL, False)),
        (
            {"zip": {"nin": ["1", None]}},
            And((Compare("zip", operators.NOT_IN, ("1",)), Compare("zip", operators.IS_NULL, False))),
        ),
        ({"name": {"regexp": "/^a/gi"}}, Compare("name", operators.REGEX, "^a", ignore_case=True)),
        ({"name": {"regexp": "a/i"}}, Compare("name", operators.REGEX, "a/i")),
        ({"name": {"regexp": "/a/i/b"}}, None),
        ({"custom.level": 7}, Compare("custom", operators.EQ, 7, ("level",))),
        ({"custom.vip": True}, Compare("custom", operators.EQ, "true", ("vip",))),
        ({"custom.": "x"}, Compare("custom", operators.EQ, "x", ("",))),
        ({"and": []}, EVERYTHING),
        ({"or": [{}]}, EVERYTHING),
        ({"or": {"0": {"name": "x"}}}, equal("name", "x")),
    ],
)
def test_a_where_becomes_a_predicate(where: Any, predicate: Predicate | None) -> None:
    if predicate is None:
        with pytest.raises(Malformed):
            read_where(where)
    else:
        assert read_where(where) == predicate


NO_LIST = "Value is not an array or object with sequential numeric indices"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"and": {}}, "The and operator has invalid clauses {}: Value is an empty object"),
        ({"zip": {"inq": {}}}, 'The zip property has invalid clause {"inq":{}}: Error: Value is an empty object'),
        (
            {"createdAt": {"like": 5}},
            'The createdAt property has invalid clause {"like":5}: Expected a string or RegExp',
        ),
        (
            {"custom": {"nilike": None}},
            'The custom property has invalid clause {"nilike":null}: Expected a string or RegExp',
        ),
        ({"taxSubject": {"regexp": 5}}, "Invalid argument, must be a string, regex literal, or RegExp object"),
        ({"unitIds": {"nin": 1e-7}}, f'The unitIds property has invalid clause {{"nin":1e-7}}: Error: {NO_LIST}'),
        ({"custom.a": ["x"]}, "The value of `custom.a` must be a string, a number or a boolean."),
        ("x", 'The where clause "x" is not an object'),
        ([{"name": "x"}], 'The where clause [{"name":"x"}] is not an object'),
        ({"and": ["ü"]}, 'The where clause "ü" is not an object'),
        ({"and": 5.0}, f"The and operator has invalid clauses 5: {NO_LIST}"),
        ({"or": None}, f'The or operator has invalid clauses "null": {NO_LIST}'),
        ({"zip": {"inq": {"1": "x"}}}, f'The zip property has invalid clause {{"inq":{{"1":"x"}}}}: Error: {NO_LIST}'),
        ({"zip": {"between": "x"}}, f'The zip property has invalid clause {{"between":"x"}}: Error: {NO_LIST}'),
        (
            {"zip": {"between": []}},
            'The zip property has invalid clause {"between":[]}: Expected precisely 2 values, received 0',
        ),
        ({"name": {"like": 1.5}}, 'The name property has invalid clause {"like":1.5}: Expected a string or RegExp'),
        ({"name": {"regexp": None}}, "Invalid argument, must be a string, regex literal, or RegExp object"),
        ({"name": {"regexp": "/x/Iz"}}, "Invalid regex flags: I,z"),
        ({"name": {"$gt": "", "$ne": 1}}, 'Operators "$gt, $ne" are not allowed in query'),
    ],
)
def test_mistakes_are_refused_in_loopbacks_words(where: Any, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_where(where)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        ({"limit": {}}, "The limit parameter {} is not valid"),
        ({"limit": []}, "The limit parameter [] is not valid"),
        ({"limit": "0"}, 'The limit parameter "0" is not valid'),
        ({"limit": 2**63 - 1}, "The limit parameter 9223372036854776000 is not valid"),
        ({"limit": 1e-7}, "The limit parameter 1e-7 is not valid"),
        ({"skip": 1e30}, "The offset/skip parameter 1e+30 is not valid"),
        ({"offset": "-1"}, 'The offset/skip parameter "-1" is not valid'),
        ({"order": {"name": "DESC"}}, 'The order {"name":"DESC"} is not valid'),
        ({"order": [None]}, 'The order "null" is not valid'),
        ({"order": []}, "The order [] is not valid"),
        ({"order": [""]}, 'The order [""] is not valid'),
        ({"order": " name"}, 'The order " name" has invalid direction'),
        ({"order": "city,name up"}, 'The order "name up" has invalid direction'),
        ({"include": ["organization", "x"]}, 'Relation "x" is not defined for Client model'),
        ({"include": {"organization": "clients"}}, "The scope of an included organization cannot have an include."),
        (
            {"include": {"relation": "organization", "scope": {"limit": 1}}},
            "The scope of an included organization must have only fields and where; got 'limit'.",
        ),
        (
            {"include": {"relation": "organization", "scope": {"where": {"zip": "x"}}}},
            "There is no field 'zip' to filter by.",
        ),
        (
            {"include": {"relation": "organization", "scope": {"where": [1]}}},
            "The where clause [1] is not an object",
        ),
        ({"fields": [["name"]]}, 'The fields parameter [["name"]] is not valid'),
        ({"fields": {"constructor": True}}, "fields must name properties; got 'constructor'."),
    ],
)
def test_other_mistakes_in_a_filter_are_rejected(filter_: Any, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_json(filter_)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (["name", "id", "nope", 5], ["id", "name"]),
        ("name", ["name"]),
        ("name,email", []),
        ({"email": True, "name": 0}, ["email"]),
        ({"name": "false", "email": 1}, ["email"]),
        ({"nope": True}, []),
    ],
)
def test_fields_choose(fields: Any, shown: list[str]) -> None:
    assert sorted(name for name, _ in read_json({"fields": fields}).selection) == shown


@pytest.mark.parametrize("fields", ["", [], {}, True, 5, {"nope": False}])
def test_fields_that_choose_nothing_show_everything(fields: Any) -> None:
    assert read_json({"fields": fields}).selection is Filter().selection


def test_fields_that_only_hide_show_the_rest() -> None:
    shown = {name for name, _ in read_json({"fields": {"name": False, "email": None, "zip": "0"}}).selection}
    assert shown == {name for name, _ in Filter().selection} - {"name", "email", "zip"}


def nested(levels: int, leaf: Any) -> Any:
    return {"and": [nested(levels - 1, leaf)]} if levels else leaf


def test_a_where_may_be_as_deep_as_in_loopback() -> None:
    """A list measures its whole filter, a count its where alone: one level more."""
    equality, pattern, members = {"name": "x"}, {"name": {"like": "x"}}, {"name": {"inq": ["x"]}}
    assert read_json({"where": nested(4, equality)}).query.where == equal("name", "x")
    assert read_count(nested(4, pattern)).where == Compare("name", operators.LIKE, "x")
    for where in (nested(4, pattern), nested(5, equality), nested(400, equality)):
        refuse_depth(read_json, {"where": where})
    for where in (nested(4, members), nested(5, equality), nested(400, equality)):
        refuse_depth(read_count, where)


@pytest.mark.parametrize("name", ["fields", "include", "nope", "deleted"])
def test_every_member_of_a_filter_may_be_as_deep(name: str) -> None:
    for levels, nest in ((13, list_nested), (900, list_nested), (13, nested)):
        refuse_depth(read_json, {name: nest(levels, "x")})


@pytest.mark.parametrize("name", ["fields", "include"])
def test_so_it_is_for_one_record(name: str) -> None:
    refuse_depth(read_record_filter, {name: list_nested(900, "x")})
    assert read_record_filter({"where": list_nested(900, "x")}) == Filter()


def list_nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = [leaf]
    return leaf


def refuse_depth(reads: Callable[[Any], object], tree: Any) -> None:
    with pytest.raises(Malformed, match="exceeds maximum depth 12") as refused:
        reads(tree)
    assert refused.value.code == "QUERY_OBJECT_TOO_DEEP"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("filter=[]", "Value is not an object."),
        ("filter=5", "Value is not an object."),
        ("filter=%", "Value is not an object."),
        ("filter={}&filter={}", "Value is not an object."),
        ("filter={}&filter[limit]=1", "Value is not an object."),
        ("filter[]=x", "Value is not an object."),
        ("filter[where][name=x", "The brackets in filter[where][name must match."),
        ("filter[where", "The brackets in filter[where must match."),
        ("filter[limit]1=5", "The brackets in filter[limit]1 must match."),
        ("filter={limit:1}", "Cannot parse JSON-encoded object value."),
        ('filter={"limit":NaN}', "Cannot parse JSON-encoded object value."),
        ("filter=" + quote('{"a":' * 2000 + "1" + "}" * 2000), "The query object exceeds maximum depth 12"),
        ("filter" + "[a]" * 21 + "=1", "filter must have at most 20 brackets."),
        ("&".join(["a=1"] * 1001), "The query string must have at most 1000 parameters; got 1001."),
    ],
)
def test_an_argument_that_is_not_an_object_is_an_error(query: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(query)
    assert refused.value.message == message


def test_blanks_around_json_are_no_matter() -> None:
    assert read("filter=%20{%22limit%22:3}+") == Filter(limit=3)
