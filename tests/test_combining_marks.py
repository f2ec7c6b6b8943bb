"""Long runs of combining marks, which PostgreSQL folds in quadratic time and without interruption, reach no statement."""

import json
import unicodedata
from typing import Any

import pytest

from app.errors import Malformed
from app.query.marks import MARKS, MOST_MARKS, has_long_run
from app.query.values import check_text
from tests.conftest import Service

ALLOWED = "a" + "\u0315\u0300" * 15
LONG = f"{ALLOWED}\u0301"
DOUBLE = "\u0344" * 31
"""A character that is no mark itself in some tables, and decomposes into two."""


def test_the_marks_are_the_characters_that_decompose_into_marks_only() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x110000)]:
        parts = unicodedata.normalize("NFKD", chr(code))
        assert (chr(code) in MARKS) is all(map(unicodedata.combining, parts)), hex(code)


@pytest.mark.parametrize("before", ["", "a", "ž" * 29, "ж" * 62, "ก" * 100])
@pytest.mark.parametrize("after", ["", "b", "ž" * 61])
def test_a_run_of_31_marks_is_found_wherever_it_stands(before: str, after: str) -> None:
    for mark in ("\u0300", "\u0344", "\u05b0", "\U0001e8d0"):
        assert not has_long_run(f"{before}{mark * MOST_MARKS}{after}")
        assert has_long_run(f"{before}{mark * (MOST_MARKS + 1)}{after}")


def test_words_of_every_language_are_texts() -> None:
    for text in ("Phở bò", "שָׁלוֹם", "ที่นี่", "क्षेत्र", "ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ", "a\u0301" * 5000):
        assert check_text(text, "name") == text


def test_the_error_says_what_is_wrong() -> None:
    with pytest.raises(Malformed, match="`name` contains more than 30 combining marks in a row, which is not allowed"):
        check_text(LONG, "name")


BODIES: list[dict[str, Any]] = [
    {"name": LONG},
    {"name": "x", "address": DOUBLE},
    {"name": "x", "custom": {"a": LONG}},
    {"name": "x", "custom": {"a": [{"b": [LONG]}]}},
    {"name": "x", "custom": {LONG: 1}},
    {"name": "x", "unitIds": [LONG]},
    {"name": "x", "_data": [{"name": "a", "value": LONG}]},
    {"name": "x", "_data": json.dumps([{"value": LONG}])},
]


@pytest.mark.parametrize("body", BODIES)
async def test_v1_rejects_the_body(shared_service: Service, body: dict[str, Any]) -> None:
    path = f"/v1/organizations/{shared_service.organization}"
    for sent in (body, [body]):
        answer = await shared_service.http.post(f"{path}/clients", json=sent)
        assert answer.status_code == 400, answer.text
        assert "more than 30 combining marks in a row" in answer.json()["error"]["message"]
    organization = {key: value for key, value in body.items() if key in ("name", "custom")}
    answer = await shared_service.http.patch(path, json=organization)
    assert answer.status_code == (200 if organization == {"name": "x"} else 400)


@pytest.mark.parametrize(
    "body",
    [
        {"name": LONG},
        {"name": "x", "metadata": {"a": LONG}},
        {"name": "x", "metadata": {LONG: "a"}},
        {"name": "x", "bank_accounts": [{"iban": LONG}]},
        {"name": "x", "ujp": {"receiver_name": LONG}},
    ],
)
async def test_the_customers_api_rejects_the_body(shared_service: Service, body: dict[str, Any]) -> None:
    answer = await shared_service.http.post("/customers", json=body)
    assert answer.status_code == 422
    ((message,),) = [cause["_errors"] for cause in answer.json()["cause"].values()]
    assert "more than 30 combining marks in a row" in message


CREATE = "mutation($input: CreateClientInput!) { createClient(input: $input) { userErrors { code message } } }"
LIST = "query($filter: ClientFilter, $search: String) { clients(filter: $filter, search: $search) { totalCount } }"


async def test_graphql_rejects_the_input_the_filter_and_the_search(shared_service: Service) -> None:
    async def ask(query: str, **variables: Any) -> str:
        answer = await shared_service.http.post("/graphql", json={"query": query, "variables": variables})
        return answer.text

    for body in ({"name": LONG}, {"name": "x", "custom": {"a": LONG}}, {"name": "x", "unitIds": [LONG]}):
        assert "more than 30 combining marks in a row" in await ask(CREATE, input=body)
    for where in ({"name": {"eq": LONG}}, {"name": {"in": [LONG]}}, {"custom": [{"path": [LONG], "eq": "x"}]}):
        assert "more than 30 combining marks in a row" in await ask(LIST, filter=where)
    assert "more than 30 combining marks in a row" in await ask(LIST, search=LONG)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/v1/organizations/{}/clients", {"filter": json.dumps({"where": {"name": {"ilike": LONG}}})}),
        ("/v1/organizations/{}/clients", {"filter": json.dumps({"where": {"custom." + LONG: "x"}})}),
        ("/v1/organizations/{}/clients", {"filter": json.dumps({"order": "custom." + LONG})}),
        ("/v1/organizations/{}/clients/count", {"where[name]": LONG}),
        ("/v1/organizations/{}/clients/search", {"term": LONG}),
        ("/customers", {"search": LONG}),
        ("/customers", {"query": json.dumps({"name": {"contains": LONG}})}),
        ("/customers", {"query": json.dumps({"metadata": {LONG: "x"}})}),
        ("/v1/accounts/is-unique", {"email": LONG}),
    ],
)
async def test_filters_and_searches_are_rejected(
    shared_service: Service, path: str, parameters: dict[str, str]
) -> None:
    answer = await shared_service.http.get(path.format(shared_service.organization), params=parameters)
    assert (answer.status_code, "30 combining marks" in answer.text) == (400, True)


async def test_a_login_with_a_text_of_marks_fails_like_any_other(service: Service) -> None:
    async with service.client(None) as http:
        for password in ("\u0315\u0300" * 1500, "x" * 12_000, "\u0344" * 72):
            answer = await http.post("/v1/accounts/login", json={"email": "a@b.example", "password": password})
            assert answer.json()["error"]["code"] == "LOGIN_FAILED"
        larger = await http.post("/v1/accounts/login", json={"email": "a@b.example", "password": "\u0315" * 48_000})
        assert larger.status_code == 413


async def test_a_text_in_a_document_has_at_most_10000_characters(shared_service: Service) -> None:
    path = f"/v1/organizations/{shared_service.organization}/clients"
    longer: list[Any] = [{"a": "x" * 10_001}, {"a": [["x" * 10_001]]}, {"x" * 10_001: 1}]
    for custom in longer:
        answer = await shared_service.http.post(path, json={"name": "x", "custom": custom})
        assert (answer.status_code, answer.json()["error"]["details"]["codes"]) == (422, {"custom": ["length"]})
        answer = await shared_service.http.post(
            "/graphql", json={"query": CREATE, "variables": {"input": {"name": "x", "custom": custom}}}
        )
        assert [error["code"] for error in answer.json()["data"]["createClient"]["userErrors"]] == ["TOO_LONG"]
