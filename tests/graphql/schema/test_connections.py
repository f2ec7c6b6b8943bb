"""Connections: every order both ways with nulls, exact ends, cursors that belong to one question, filters and search."""

import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from app.graphql.schema.schema import core_schema
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

ROWS: list[dict[str, Any]] = [
    {"name": "Ábel", "email": "abel@one.example", "city": "Graz", "country": "Austria", "type": "customer",
     "tax_subject": True, "custom": {"rank": 7, "color": "red", "deep": {"flag": True}}, "created_at": "2024-01-01T00:00:00Z"},
    {"name": "abba", "email": None, "city": "graz", "country": "Austria", "type": "supplier", "tax_subject": False,
     "custom": {"rank": "7"}, "metadata": {"tier": "gold"}, "created_at": "2024-01-02T00:00:00Z"},
    {"name": "Zoë", "email": "zoe@two.example", "city": None, "country": None, "type": None, "tax_subject": None,
     "custom": None, "note": "100% _sure_", "created_at": "2024-01-02T00:00:00Z"},
    {"name": "Straße", "email": "s@two.example", "city": "Ptuj", "country": "Slovenia", "type": "both",
     "tax_subject": True, "custom": {"rank": 12.5}, "metadata": {"tier": "silver"}, "is_end_customer": True,
     "created_at": "2024-03-01T00:00:00Z"},
    {"name": "STRASSE", "email": None, "city": "Ptuj", "country": "Slovenia", "is_end_customer": False,
     "unit_id": "unit-1", "unit_ids": ["a", "b"], "created_at": "2024-03-02T00:00:00Z"},
    {"name": "Ωmega", "email": "omega@three.example", "city": None, "country": "Greece", "type": "customer",
     "phone": "+30 1", "peppol_id": "9901:1", "created_at": "2025-01-01T00:00:00Z"},
    {"name": "дом", "email": None, "city": "Graz", "country": None, "website": "https://dom.example",
     "created_at": "2025-02-01T00:00:00.123Z"},
    {"name": "Zoë", "email": "zoe@two.example", "city": "", "country": "Italy", "tax_subject": False,
     "iban": "SI56 1", "created_at": "2025-03-01T00:00:00Z"},
]  # fmt: skip
CONNECTIONS = {"clients": "ClientOrderField", "customers": "CustomerOrderField"}
FIELDS = {name: core_schema().type_map[enum].values for name, enum in CONNECTIONS.items()}  # type: ignore[attr-defined]
EVERY_ORDER = [(name, field) for name, fields in FIELDS.items() for field in fields if field != "RELEVANCE"]
"""RELEVANCE needs a search; test_relevance.py walks through it."""

PAGE = """
query Walk($first: Int, $after: String, $last: Int, $before: String, $orderBy: [%sOrder!], $filter: %sFilter,
    $search: String, $deleted: DeletedRecords! = EXCLUDE) {
  page: %s(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter,
      search: $search, deleted: $deleted) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id name %s } }
  }
}
"""


def page_query(type_name: str = "clients", field: str = "name") -> str:
    type_ = {"clients": "Client", "customers": "Customer"}[type_name]
    return PAGE % (type_, type_, type_name, field)


def camel(constant: str) -> str:
    first, *rest = constant.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


async def fetch(api: GraphQLApi, query: str, **variables: Any) -> dict[str, Any]:
    page: dict[str, Any] = (await api.data(query, **variables))["page"]
    return page


def ids(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


def names(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["name"] for edge in page["edges"]]


async def walk(api: GraphQLApi, query: str, *, backward: bool, total: int = len(ROWS), **variables: Any) -> list[str]:
    """The ids of all pages of four, each page's ends checked against where it lies."""
    found: list[str] = []
    count, position, edge = ("last", "before", "startCursor") if backward else ("first", "after", "endCursor")
    more, came = ("hasPreviousPage", "hasNextPage") if backward else ("hasNextPage", "hasPreviousPage")
    cursor: str | None = None
    while True:
        page = await fetch(api, query, **{count: 4, position: cursor}, **variables)
        info = page["pageInfo"]
        found = ids(page) + found if backward else found + ids(page)
        assert page["totalCount"] == total
        assert info[came] is (cursor is not None)
        assert info[more] is (len(found) < total)
        assert [info["startCursor"], info["endCursor"]] == [page["edges"][0]["cursor"], page["edges"][-1]["cursor"]]
        if not info[more]:
            return found
        cursor = info[edge]


@pytest.fixture
async def filled(api: GraphQLApi, service: Service) -> GraphQLApi:
    await add_records(service, ROWS)
    return api


async def test_paging_in_every_order_and_direction_loses_no_row(filled: GraphQLApi) -> None:
    for type_name, field in EVERY_ORDER:
        query = page_query(type_name, camel(field))
        for direction in ("ASC", "DESC"):
            order = [{"field": field, "direction": direction}]
            whole = await fetch(filled, query, first=100, orderBy=order)
            assert len(set(ids(whole))) == len(ROWS), (field, direction)
            assert await walk(filled, query, backward=False, orderBy=order) == ids(whole), (field, direction)
            assert await walk(filled, query, backward=True, orderBy=order) == ids(whole), (field, direction)
            values = [edge["node"][camel(field)] for edge in whole["edges"]]
            present = [value for value in values if value is not None]
            assert values == [*present, *[None] * (len(values) - len(present))], (field, direction)


TEXT_ORDERS = [
    ([("NAME", "ASC")], ["abba", "Ábel", "Straße", "STRASSE", "Zoë", "Zoë", "Ωmega", "дом"]),
    ([("CREATED_AT", "DESC"), ("NAME", "ASC")], ["Zoë", "дом", "Ωmega", "STRASSE", "Straße", "abba", "Zoë", "Ábel"]),
    ([("CITY", "DESC"), ("NAME", "ASC")], ["Straße", "STRASSE", "abba", "Ábel", "дом", "Zoë", "Zoë", "Ωmega"]),
]


async def test_text_is_ordered_without_regard_to_case_and_accents(filled: GraphQLApi) -> None:
    for order, expected in TEXT_ORDERS:
        given = [{"field": field, "direction": direction} for field, direction in order]
        whole = await fetch(filled, page_query(), first=100, orderBy=given)
        assert names(whole) == expected
        assert await walk(filled, page_query(), backward=False, orderBy=given) == ids(whole)
        assert await walk(filled, page_query(), backward=True, orderBy=given) == ids(whole)


async def test_orders_with_mixed_directions_keep_every_row(filled: GraphQLApi) -> None:
    order = [
        {"field": "COUNTRY", "direction": "DESC"},
        {"field": "EMAIL", "direction": "ASC"},
        {"field": "VERSION", "direction": "DESC"},
    ]
    whole = await fetch(filled, page_query(), first=100, orderBy=order)
    assert await walk(filled, page_query(), backward=False, orderBy=order) == ids(whole)
    assert await walk(filled, page_query(), backward=True, orderBy=order) == ids(whole)


async def test_a_page_between_two_cursors_has_neighbours(filled: GraphQLApi) -> None:
    order = [{"field": "CITY", "direction": "ASC"}]
    whole = await fetch(filled, page_query(), first=100, orderBy=order)
    cursors = [edge["cursor"] for edge in whole["edges"]]
    inner = await fetch(filled, page_query(), first=100, after=cursors[1], before=cursors[-2], orderBy=order)
    assert ids(inner) == ids(whole)[2:-2]
    assert (inner["pageInfo"]["hasPreviousPage"], inner["pageInfo"]["hasNextPage"]) == (True, True)
    last = await fetch(filled, page_query(), last=2, after=cursors[1], before=cursors[-2], orderBy=order)
    assert ids(last) == ids(whole)[-4:-2]
    assert (last["pageInfo"]["hasPreviousPage"], last["pageInfo"]["hasNextPage"]) == (True, True)


async def test_has_next_and_previous_are_exact_after_the_cursors_rows_are_deleted(filled: GraphQLApi) -> None:
    whole = await fetch(filled, page_query(), first=100)
    first, last = whole["edges"][0], whole["edges"][-1]
    for edge in (first, last):
        await filled.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=edge["node"]["id"])
    forward = await fetch(filled, page_query(), first=100, after=first["cursor"])
    assert forward["pageInfo"]["hasPreviousPage"] is False
    backward = await fetch(filled, page_query(), last=100, before=last["cursor"])
    assert backward["pageInfo"]["hasNextPage"] is False
    assert ids(forward) == ids(backward) == ids(whole)[1:-1]


async def test_a_row_that_moves_before_the_cursor_does_not_follow_it(filled: GraphQLApi) -> None:
    order = [{"field": "NAME", "direction": "ASC"}]
    first = await fetch(filled, page_query(), first=1, orderBy=order)
    change = 'mutation($id: ID!) { updateClient(id: $id, input: {name: "zz"}) { client { id } } }'
    await filled.data(change, id=first["edges"][0]["node"]["id"])
    rest = await fetch(filled, page_query(), first=100, after=first["pageInfo"]["endCursor"], orderBy=order)
    assert len(rest["edges"]) == len(ROWS)
    assert rest["pageInfo"]["hasPreviousPage"] is False


async def test_pages_are_stable_while_rows_are_added(filled: GraphQLApi, service: Service) -> None:
    order = [{"field": "NAME", "direction": "ASC"}]
    first = await fetch(filled, page_query(), first=4, orderBy=order)
    await add_records(service, [{"name": "aaa"}])
    second = await fetch(filled, page_query(), first=4, after=first["pageInfo"]["endCursor"], orderBy=order)
    assert not set(ids(first)) & set(ids(second))
    assert len({*ids(first), *ids(second)}) == len(ROWS)


async def test_an_empty_page_has_no_cursors_but_has_neighbours(filled: GraphQLApi) -> None:
    none = await fetch(filled, page_query(), first=0)
    assert none["edges"] == []
    assert none["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    end = (await fetch(filled, page_query(), last=1))["pageInfo"]["endCursor"]
    beyond = await fetch(filled, page_query(), first=5, after=end)
    assert beyond["edges"] == []
    assert (beyond["pageInfo"]["hasPreviousPage"], beyond["pageInfo"]["hasNextPage"]) == (True, False)


async def test_without_a_count_a_page_has_twenty_rows(api: GraphQLApi, service: Service) -> None:
    await add_records(service, [{"name": f"Row {index}"} for index in range(25)])
    page = await fetch(api, page_query())
    assert (len(page["edges"]), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (20, 25, True)


BAD_COUNTS: list[tuple[dict[str, int], str]] = [
    ({"first": 101}, "first"),
    ({"first": -1}, "first"),
    ({"last": 101}, "last"),
    ({"last": -1}, "last"),
    ({"first": 1, "last": 1}, "last"),
]


async def test_counts_out_of_range_are_rejected(api: GraphQLApi) -> None:
    for arguments, field in BAD_COUNTS:
        error = await api.error(page_query(), **arguments)
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": field}
        assert error["path"] == ["page"]


OTHER_QUESTIONS: list[dict[str, Any]] = [
    {"orderBy": [{"field": "NAME", "direction": "DESC"}]},
    {"orderBy": []},
    {"filter": {"name": {"eq": "Zoë"}}},
    {"search": "zoe"},
    {"deleted": "INCLUDE"},
    {"deleted": "ONLY"},
]


async def test_a_cursor_of_another_query_is_rejected(filled: GraphQLApi) -> None:
    asked = {"orderBy": [{"field": "NAME", "direction": "ASC"}]}
    cursor = (await fetch(filled, page_query(), first=1, **asked))["pageInfo"]["endCursor"]
    for other in OTHER_QUESTIONS:
        for position in ("after", "before"):
            error = await filled.error(page_query(), **{**asked, **other, position: cursor})
            assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": position}, other


async def test_a_cursor_of_the_other_face_is_rejected(filled: GraphQLApi) -> None:
    cursor = (await fetch(filled, page_query("customers"), first=1))["pageInfo"]["endCursor"]
    error = await filled.error(page_query("clients"), after=cursor)
    assert error["extensions"]["field"] == "after"


NO_CURSORS = ["", "x", "é", "bnVsbA", "W10", "WyJ4Il0", "\x00", "A" * 5000, "\ud800"]


async def test_text_that_is_not_a_cursor_is_rejected(api: GraphQLApi) -> None:
    for cursor in NO_CURSORS:
        error = await api.error(page_query(), after=cursor)
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}, cursor


FORGED: list[list[Any]] = [[None], [1], [True], [{}], [["x"]], ["a\x00"], ["é"], ["\ue000"], [""], [], ["a", "b"]]


async def test_a_forged_cursor_causes_no_internal_error(filled: GraphQLApi) -> None:
    for order in ([], [{"field": "CREATED_AT"}]):
        cursor = (await fetch(filled, page_query(), first=1, orderBy=order))["pageInfo"]["endCursor"]
        mark, *given = json.loads(urlsafe_b64decode(cursor + "=="))
        for values in FORGED:
            forged = urlsafe_b64encode(json.dumps([mark, *given[:-1], *values]).encode()).decode().rstrip("=")
            for position in ("after", "before"):
                answer = await filled.run(page_query(), orderBy=order, **{position: forged})
                codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
                assert codes <= {"BAD_USER_INPUT"}, (values, answer)


FILTERS: list[tuple[dict[str, Any], set[int]]] = [
    ({"name": {"eq": "Zoë"}}, {2, 7}),
    ({"name": {"eq": "zoe"}}, set()),
    ({"name": {"ne": "Zoë"}}, {0, 1, 3, 4, 5, 6}),
    ({"name": {"in": ["abba", "дом", "?"]}}, {1, 6}),
    ({"name": {"notIn": ["abba", "дом"]}}, {0, 2, 3, 4, 5, 7}),
    ({"name": {"in": []}}, set()),
    ({"email": {"eq": None}}, {1, 4, 6}),
    ({"email": {"ne": None}}, {0, 2, 3, 5, 7}),
    ({"email": {"isNull": True}}, {1, 4, 6}),
    ({"email": {"isNull": False}}, {0, 2, 3, 5, 7}),
    ({"email": {"ne": "zoe@two.example"}}, {0, 3, 5}),
    ({"email": {"notIn": ["zoe@two.example"]}}, {0, 3, 5}),
    ({"name": {"contains": "strasse"}}, {3, 4}),
    ({"name": {"contains": "STRA"}}, {3, 4}),
    ({"name": {"contains": "STRA", "caseSensitive": True}}, {4}),
    ({"name": {"startsWith": "ZO"}}, {2, 7}),
    ({"name": {"endsWith": "Ë"}}, {2, 3, 4, 7}),
    ({"name": {"endsWith": "Ë", "caseSensitive": True}}, set()),
    ({"name": {"contains": "ДО"}}, {6}),
    ({"name": {"notContains": "STRA"}}, {0, 1, 2, 5, 6, 7}),
    ({"name": {"notContains": "STRA", "caseSensitive": True}}, {0, 1, 2, 3, 5, 6, 7}),
    ({"name": {"notStartsWith": "ZO"}}, {0, 1, 3, 4, 5, 6}),
    ({"name": {"notEndsWith": "Ë"}}, {0, 1, 5, 6}),
    ({"email": {"notContains": "two"}}, {0, 5}),
    ({"email": {"notContains": "two", "notStartsWith": "A"}}, {5}),
    ({"not": {"email": {"notEndsWith": "TWO.example"}}}, {2, 3, 7}),
    ({"note": {"contains": "0% _s"}}, {2}),
    ({"note": {"contains": "%s"}}, set()),
    ({"note": {"like": "100\\% %"}}, {2}),
    ({"name": {"like": "_bba"}}, {1}),
    ({"name": {"regex": "^(a|á)b"}}, {0, 1}),
    ({"name": {"regex": "^A", "caseSensitive": True}}, set()),
    ({"name": {"gte": "strasse", "lt": "zoé"}}, {3, 4}),
    ({"name": {"gt": "STRASSE", "lte": "ZOE"}}, {2, 7}),
    ({"name": {"between": ["ABBA", "abel"]}}, {0, 1}),
    ({"taxSubject": {"eq": True}}, {0, 3}),
    ({"taxSubject": {"ne": True}}, {1, 7}),
    ({"taxSubject": {"isNull": True}}, {2, 4, 5, 6}),
    ({"createdAt": {"eq": "2024-01-02"}}, {1, 2}),
    ({"createdAt": {"gt": "2025-01-01T00:00:00Z"}}, {6, 7}),
    ({"createdAt": {"gte": "2025-01-01T01:00:00+01:00", "lte": "2025-02-01T00:00:00.123Z"}}, {5, 6}),
    ({"createdAt": {"between": ["2024-03-01", "2024-03-02"]}}, {3, 4}),
    ({"createdAt": {"in": ["2024-01-01", "2025-03-01"]}}, {0, 7}),
    ({"createdAt": {"notIn": ["2024-01-01", "2025-03-01"]}}, {1, 2, 3, 4, 5, 6}),
    ({"version": {"in": [1, 2]}}, set(range(8))),
    ({"version": {"gt": 1}}, set()),
    ({"version": {"between": [0, 1]}}, set(range(8))),
    ({"unitId": {"eq": "unit-1"}}, {4}),
    ({"custom": [{"path": ["rank"], "eq": 7}]}, {0}),
    ({"custom": [{"path": ["rank"], "eq": "7"}]}, {0, 1}),
    ({"custom": [{"path": ["rank"], "gte": 7}]}, {0, 3}),
    ({"custom": [{"path": ["rank"], "between": [8, 13]}]}, {3}),
    ({"custom": [{"path": ["rank"], "in": [7, "12.5"]}]}, {0, 3}),
    ({"custom": [{"path": ["deep", "flag"], "eq": True}]}, {0}),
    ({"custom": [{"path": ["color"], "startsWith": "RE"}]}, {0}),
    ({"custom": [{"path": ["color"], "startsWith": "RE", "caseSensitive": True}]}, set()),
    ({"custom": [{"path": ["color"], "notContains": "RE"}]}, set()),
    ({"custom": [{"path": ["rank"], "notStartsWith": "7"}]}, {3}),
    ({"custom": [{"path": ["color"], "notEndsWith": "D", "caseSensitive": True}]}, {0}),
    ({"custom": [{"path": ["rank"], "isNull": False}, {"path": ["color"], "isNull": True}]}, {1, 3}),
    ({"custom": [{"path": ["color"], "ne": "blue"}]}, {0}),
    ({"and": [{"country": {"eq": "Austria"}}, {"type": {"eq": "SUPPLIER"}}]}, {1}),
    ({"or": [{"country": {"eq": "Austria"}}, {"country": {"eq": "Greece"}}]}, {0, 1, 5}),
    ({"not": {"country": {"eq": "Austria"}}}, {3, 4, 5, 7}),
    ({"not": {"or": [{"name": {"startsWith": "z"}}, {"name": {"startsWith": "s"}}]}}, {0, 1, 5, 6}),
    ({"country": {"eq": "Austria"}, "or": [{"name": {"eq": "abba"}}, {"name": {"eq": "Zoë"}}]}, {1}),
    ({"and": []}, set(range(8))),
    ({}, set(range(8))),
]  # fmt: skip


@pytest.fixture
async def ordered(api: GraphQLApi, service: Service) -> tuple[GraphQLApi, list[str]]:
    return api, await add_records(service, ROWS)


async def test_every_operator_filters_every_kind_of_field(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    query = (
        """query($filter: ClientFilter) { clients(first: 100, filter: $filter) { totalCount nodes { clientId } } }"""
    )
    for given, expected in FILTERS:
        found = (await api.data(query, filter=given))["clients"]
        assert {made.index(node["clientId"]) for node in found["nodes"]} == expected, given
        assert found["totalCount"] == len(expected), given


CUSTOMER_FILTERS: list[tuple[dict[str, Any], set[int]]] = [
    ({"contactType": {"eq": "BUYER"}}, {0, 5}),
    ({"contactType": {"in": ["SUPPLIER", "BOTH"]}}, {1, 3}),
    ({"isTaxSubject": {"eq": False}}, {1, 2, 4, 5, 6, 7}),
    ({"isTaxSubject": {"isNull": True}}, set()),
    ({"isEndConsumer": {"eq": True}}, {3}),
    ({"metadata": [{"path": ["tier"], "eq": "gold"}]}, {1}),
    ({"metadata": [{"path": ["tier"], "contains": "L"}]}, {1, 3}),
    ({"peppolId": {"eq": "9901:1"}}, {5}),
]


async def test_customers_are_filtered_by_their_own_spelling(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    query = "query($filter: CustomerFilter) { customers(first: 100, filter: $filter) { nodes { customerId } } }"
    for given, expected in CUSTOMER_FILTERS:
        nodes = (await api.data(query, filter=given))["customers"]["nodes"]
        found = {made.index(node["customerId"].removeprefix("cust_")) for node in nodes}
        assert found == expected, given


async def test_ids_are_filtered_and_ordered_in_every_spelling(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    query = "query($filter: CustomerFilter) { customers(first: 100, filter: $filter) { nodes { customerId } } }"
    third = f"cust_{made[2]}"
    for condition, expected in (({"eq": third}, 1), ({"eq": made[2]}, 1), ({"gt": third}, 5), ({"lte": made[2]}, 3)):
        assert len((await api.data(query, filter={"customerId": condition}))["customers"]["nodes"]) == expected


def global_id(noun: str, bare: str) -> str:
    return b64encode(f"{noun}:{bare}".encode()).decode()


async def test_every_id_of_a_record_filters_alike(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    home = api.service.organization
    for noun, own in (("Client", made), ("Customer", [f"cust_{bare}" for bare in made])):
        key = f"{noun.lower()}Id"
        query = (
            f"query($filter: {noun}Filter) {{ list: {noun.lower()}s(first: 100, filter: $filter) {{ totalCount }} }}"
        )
        ids = [global_id(noun, bare) for bare in made]
        for condition, expected in (
            ({"eq": ids[2]}, 1),
            ({"ne": ids[2]}, len(made) - 1),
            ({"in": [ids[0], own[1], global_id(noun, "0" * 24)]}, 2),
            ({"notIn": [ids[0], own[1]]}, len(made) - 2),
            ({"gt": ids[2]}, len(made) - 3),
            ({"lte": ids[2]}, 3),
            ({"between": [ids[1], own[3]]}, 3),
            ({"eq": made[2]}, 1),
            ({"eq": f"cust_{made[2]}"}, 1),
            ({"in": [global_id("Client", made[0]), global_id("Customer", made[1]), f"cust_{made[2]}", made[3]]}, 4),
            ({"eq": global_id("Organization", made[2])}, 0),
            ({"eq": f"ent_{made[2]}"}, 0),
        ):
            assert (await api.data(query, filter={key: condition}))["list"]["totalCount"] == expected, condition
        owner = "organizationId" if noun == "Client" else "entityId"
        for text in (home, f"ent_{home}", global_id("Organization", home)):
            assert (await api.data(query, filter={owner: {"eq": text}}))["list"]["totalCount"] == len(made)
            assert (await api.data(query, filter={owner: {"ne": text}}))["list"]["totalCount"] == 0
        for text in (f"ent_ent_{home}", global_id("Client", home), "ent_"):
            assert (await api.data(query, filter={owner: {"eq": text}}))["list"]["totalCount"] == 0


FILTERED = "query($filter: ClientFilter) { clients(filter: $filter) { totalCount } }"
UNREADABLE: list[dict[str, Any]] = [
    {"or": []},
    {"name": {"gt": None}},
    {"name": {"between": ["a"]}},
    {"name": {"in": None}},
    {"name": {"isNull": None}},
    {"name": {"contains": None}},
    {"name": {"eq": "a\x00"}},
    {"name": {"eq": "\ud800"}},
    {"name": {"eq": "x" * 10_001}},
    {"name": {"regex": "("}},
    {"name": {"regex": "x" * 257}},
    {"name": {"regex": "(a)\\1"}},
    {"name": {"like": "x\\"}},
    {"name": {"in": ["x"] * 1001}},
    {"version": {"in": [None]}},
    {"custom": [{"path": [], "eq": 1}]},
    {"custom": [{"path": ["a"], "eq": {"b": 1}}]},
    {"custom": [{"path": ["a"], "eq": 1e300}]},
    {"custom": [{"path": ["a\x00"], "eq": 1}]},
    {"custom": [{"path": ["a"], "between": [1, "b"]}]},
    {"createdAt": {"eq": "yesterday"}},
    {"nothing": {"eq": 1}},
]


async def test_invalid_conditions_are_rejected(api: GraphQLApi) -> None:
    for given in UNREADABLE:
        answer = await api.run(FILTERED, filter=given)
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", (given, answer)


NO_CONDITIONS: list[dict[str, Any] | None] = [
    None,
    {},
    {"city": None},
    {"city": {}},
    {"city": {"caseSensitive": True}},
    {"custom": None},
    {"custom": []},
    {"custom": [{"path": ["a"]}]},
    {"and": None},
    {"and": []},
    {"and": [{}, {"city": {}}]},
    {"or": None},
    {"or": [{}]},
    {"or": [{"city": None}, {"city": {"eq": "Graz"}}]},
    {"not": None},
    {"not": {}},
    {"not": {"city": {}}},
    {"not": {"and": [{"not": {}}]}},
]
ABSENCE: list[dict[str, Any]] = [
    {"city": {"eq": None}},
    {"city": {"isNull": True}},
    {"city": {"eq": None}, "name": None, "not": {}},
    {"and": [{"city": {"eq": None}}, {}]},
    {"not": {"city": {"ne": None}}},
    {"not": {"city": {"isNull": False}, "name": {}}},
]


async def test_null_and_an_empty_object_are_no_condition(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    for given in NO_CONDITIONS:
        assert (await api.data(FILTERED, filter=given))["clients"]["totalCount"] == len(made), given
    without_city = sum(row["city"] is None for row in ROWS)
    for given in ABSENCE:
        assert (await api.data(FILTERED, filter=given))["clients"]["totalCount"] == without_city, given


SEARCHES: list[tuple[str, set[int]]] = [
    ("zoe", {2, 7}),
    ("ZOË two", {2, 7}),
    ("STRASSE", {3, 4}),
    ("straße ptuj", {3, 4}),
    ("gold", {1}),
    ("red", {0}),
    ("ДОМ", {6}),
    ("ωμεγα", set()),
    ("ωmega", {5}),
    ("100%", {2}),
    ("_sure_", {2}),
    ("  ", set(range(8))),
    ("gr", {0, 1, 5, 6}),
    ("nothing like it", set()),
]


async def test_search_finds_every_word_anywhere(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    query = "query($term: String) { clients(first: 100, search: $term) { totalCount nodes { clientId } } }"
    for term, expected in SEARCHES:
        found = (await api.data(query, term=term))["clients"]
        assert {made.index(node["clientId"]) for node in found["nodes"]} == expected, term
        assert found["totalCount"] == len(expected), term


NO_TEXTS = ["a\x00", "\ud800", "x" * 10_001]


async def test_a_search_with_an_invalid_character_is_rejected(api: GraphQLApi) -> None:
    for term in NO_TEXTS:
        error = await api.error("query($term: String) { clients(search: $term) { totalCount } }", term=term)
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "search"}


async def test_deleted_records_are_listed_on_request(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=made[3])
    query = (
        "query($deleted: DeletedRecords! = EXCLUDE) { clients(first: 100, deleted: $deleted) { totalCount"
        " nodes { clientId isDeleted deletedAt deletedId customer { deletedAt } } } }"
    )
    live = (await api.data(query))["clients"]
    assert live["totalCount"] == len(live["nodes"]) == len(ROWS) - 1
    everything = (await api.data(query, deleted="INCLUDE"))["clients"]
    assert everything["totalCount"] == len(everything["nodes"]) == len(ROWS)
    (gone,) = [node for node in everything["nodes"] if node["isDeleted"]]
    assert (gone["clientId"], gone["deletedId"]) == (made[3], made[3])
    assert gone["deletedAt"] == gone["customer"]["deletedAt"]
    only = (await api.data(query, deleted="ONLY"))["clients"]
    assert (only["totalCount"], only["nodes"]) == (1, [gone])
    assert live == (await api.data(query, deleted="EXCLUDE"))["clients"]


async def test_only_deleted_records_are_filtered_searched_and_paged(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    for gone in (made[0], made[3], made[4]):
        await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=gone)
    query = page_query("clients", "clientId")
    first = await fetch(api, query, first=2, deleted="ONLY")
    rest = await fetch(api, query, first=2, deleted="ONLY", after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["clientId"] for edge in first["edges"] + rest["edges"]] == [made[0], made[3], made[4]]
    assert (first["totalCount"], rest["pageInfo"]["hasNextPage"]) == (3, False)
    for arguments in ({"search": "strasse"}, {"filter": {"city": {"eq": "Ptuj"}}}):
        page = await fetch(api, query, first=9, deleted="ONLY", **arguments)
        assert {edge["node"]["clientId"] for edge in page["edges"]} <= {made[3], made[4]}
        assert page["totalCount"] == len(page["edges"]) > 0


async def test_a_deleted_record_is_found_by_its_id_on_request(ordered: tuple[GraphQLApi, list[str]]) -> None:
    api, made = ordered
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=made[3])
    query = """query($id: ID!, $too: Boolean!) {
      client(id: $id, includeDeleted: $too) { clientId isDeleted }
      customer(id: $id, includeDeleted: $too) { deletedAt organization { name } }
    }"""
    assert await api.data(query, id=made[3], too=False) == {"client": None, "customer": None}
    found = await api.data(query, id=made[3], too=True)
    assert found["client"] == {"clientId": made[3], "isDeleted": True}
    assert found["customer"]["deletedAt"]
    live = await api.data(query, id=made[2], too=True)
    assert (live["client"]["isDeleted"], live["customer"]["deletedAt"]) == (False, None)


async def test_the_total_is_exact_after_every_write(api: GraphQLApi) -> None:
    total = "{ clients { totalCount } customers { totalCount } }"
    made = await api.data('mutation { createClient(input: {name: "One"}) { client { clientId } } }')
    await api.data('mutation { createCustomer(input: {name: "Two"}) { customer { id } } }')
    assert await api.data(total) == {"clients": {"totalCount": 2}, "customers": {"totalCount": 2}}
    gone = made["createClient"]["client"]["clientId"]
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=gone)
    assert await api.data(total) == {"clients": {"totalCount": 1}, "customers": {"totalCount": 1}}
