"""Lists of customers that the API rejects, because it does not understand a parameter."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.customers.test_customers import check_error
from tests.rest.customers.test_list import ask, names


async def refused(service: Service, **parameters: Any) -> None:
    answer = await service.http.get("/customers", params=parameters)
    check_error(answer, 400, "bad_request")


@pytest.mark.parametrize("path", ["/customers", "/entities"])
async def test_a_parameter_against_caches_is_ignored_and_others_are_named(shared_service: Service, path: str) -> None:
    for query in ("limit=1&_=1732620000", "_=", "_", "_=1&_=2", "%5F=1"):
        assert (await shared_service.http.get(f"{path}?{query}")).status_code == 200
    for name in ("__", "_t", "cb", "_limit", " _", "_[]"):
        answer = await shared_service.http.get(path, params={name: "1"})
        assert f"'{name}'" in check_error(answer, 400, "bad_request")["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", ""),
        ("limit", "1.0"),
        ("limit", "٣"),
        ("limit", "9" * 5000),
        ("include_total_count", "yes"),
        ("include_total_count", ""),
        ("order_by", "nickname"),
        ("order_by", "taxNumber"),
        ("order_by", "metadata"),
        ("order_by", "--name"),
        ("order_by", "name,"),
        ("order_by", "name,-name"),
        ("order_by", "[1]"),
        ("order_by", '{"name": "up"}'),
        ("order_by", '{"name": ["asc"]}'),
        ("order_by", "{}"),
        ("order_by", "[["),
        ("query", "{"),
        ("query", "[]"),
        ("query", "null"),
        ("query", '"name"'),
        ("query", '{"nickname": "x"}'),
        ("query", '{"address_2": "x"}'),
        ("query", '{"and": [{"name": "x"}]}'),
        ("query", '{"OR": [{"name": "x"}]}'),
        ("query", '{"name": {"like": "x"}}'),
        ("query", '{"name": {}}'),
        ("query", '{"name": 5}'),
        ("query", '{"name": ["x"]}'),
        ("query", '{"name": {"in": "x"}}'),
        ("query", '{"name": {"in": {"0": "x"}}}'),
        ("query", '{"name": {"between": ["x"]}}'),
        ("query", '{"name": {"gt": null}}'),
        ("query", '{"name": {"contains": null}}'),
        ("query", '{"name": "\\u0000"}'),
        ("query", '{"name": "\\ud800"}'),
        ("query", '{"created_at": "yesterday"}'),
        ("query", '{"created_at": {"contains": "2024"}}'),
        ("query", '{"is_tax_subject": "true"}'),
        ("query", '{"is_tax_subject": {"contains": "t"}}'),
        ("query", '{"contact_type": "customer"}'),
        ("query", '{"metadata": "x"}'),
        ("query", '{"metadata": {"a": []}}'),
        ("query", '{"metadata.n": 1e400}'),
        ("query", '{"metadata": ' * 13 + "1" + "}" * 13),
        ("query", json.dumps({"name": {"in": ["x"] * 1001}})),
        ("search", "x" * 10_001),
        ("search", "\x00"),
        ("next_cursor", "x"),
        ("next_cursor", "é"),
        ("prev_cursor", "W10"),
        ("cursor", "x"),
        ("nickname", "x"),
        ("query[name]", "x"),
    ],
)
async def test_an_unknown_parameter_or_value_is_an_error(read_only: Service, name: str, value: str) -> None:
    await refused(read_only, **{name: value})


async def test_repeated_parameters_are_rejected(read_only: Service) -> None:
    for name in ("limit", "query", "search", "next_cursor", "include_total_count"):
        await refused(read_only, **{name: ["1", "1"]})


@pytest.mark.parametrize("text", ["search=%ff", "search=%ed%a0%80", "&".join(f"a{n}=" for n in range(1001))])
async def test_garbled_query_strings_are_rejected(read_only: Service, text: str) -> None:
    check_error(await read_only.http.get(f"/customers?{text}"), 400, "bad_request")


async def test_a_cursor_of_another_question_is_rejected(read_only: Service) -> None:
    service = read_only
    cursor = (await ask(service, order_by="name", limit=1))["pagination"]["next_cursor"]
    await refused(service, next_cursor=cursor)
    await refused(service, next_cursor=cursor, order_by="-name")
    await refused(service, next_cursor=cursor, order_by="name", search="a")
    await refused(service, next_cursor=cursor, order_by="name", query='{"city": null}')
    await refused(service, next_cursor=cursor, prev_cursor=cursor, order_by="name")
    assert await names(service, next_cursor=cursor, order_by="name", limit=1) == ["Beta"]


@pytest.mark.parametrize(
    ("order_by", "values"),
    [
        ("name", ["x"]),
        ("name", [7, "0" * 24]),
        ("name", [None, "0" * 24]),
        ("name", ["x", None]),
        ("name", ["\x00", "0" * 24]),
        ("name", [["x"], "0" * 24]),
        ("city", [True, "0" * 24]),
        ("created_at", ["soon", "0" * 24]),
        ("created_at", [0, "0" * 24]),
        ("is_tax_subject", ["true", "0" * 24]),
        ("is_tax_subject", [None, "0" * 24]),
        ("id", [{}]),
    ],
)
async def test_a_forged_cursor_is_rejected(read_only: Service, order_by: str, values: list[Any]) -> None:
    given = (await ask(read_only, order_by=order_by, limit=1))["pagination"]["next_cursor"]
    mark = json.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))[0]
    forged = urlsafe_b64encode(json.dumps([mark, *values]).encode()).decode().rstrip("=")
    await refused(read_only, order_by=order_by, next_cursor=forged)
