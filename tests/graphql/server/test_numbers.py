"""Numbers of any length in documents and variables are values or errors, never internal errors."""

import json
import logging
from typing import Any

import pytest

from tests.graphql.conftest import GraphQLApi

DIGITS = "9" * 4301
LONG = (DIGITS, f"-{DIGITS}", f"{DIGITS}.5", f"0.{DIGITS}", f"1e{DIGITS}", f"1.5E-{DIGITS}", "1" * 401)
UNUSUAL = ("1e400", "-1e400", "1e-400", "9" * 400, str(2**64), str(-(2**63) - 1), "1.5", "1.0", "1e3")
DOCUMENTS = (
    "{ clients(first: #) { totalCount } }",
    "{ clients(last: [#]) { totalCount } }",
    "{ clients(first: 1) { nodes { history(first: #) { totalCount } } } }",
    "query($n: Int = #) { clients(first: $n) { totalCount } }",
    "query($n: [Int] = [#]) { clients(first: 1) { totalCount } }",
    "query($n: JSON = {a: [#]}) { __typename }",
    "{ client(id: #) { id } }",
    '{ clients(filter: {name: {eq: #}, version: {gt: #}}) { totalCount } }',
    "{ clients(filter: {updatedAt: {gt: #}}) { totalCount } }",
    "{ __typename @include(if: #) }",
    "mutation { createClient(input: {name: #}) { client { id } } }",
    'mutation { createClient(input: {name: "A", custom: {a: #}}) { client { custom } userErrors { code } } }',
    'mutation { createClient(input: {name: "A", custom: [{a: {b: #}}]}) { client { custom } userErrors { code } } }',
    'mutation { updateClient(id: "5eed00000000000000000000", expectedVersion: #, input: {}) { client { id } } }',
)  # fmt: skip


def codes_of(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


@pytest.mark.parametrize("number", LONG, ids=lambda number: f"{number[:3]}-{len(number)}")
async def test_a_number_with_too_many_digits_is_a_syntax_error(api: GraphQLApi, number: str) -> None:
    for document in DOCUMENTS:
        (error,) = (await api.run(document.replace("#", number)))["errors"]
        assert error["message"].startswith("Syntax Error: The number has "), (document, error)
        assert "at most 400 are allowed" in error["message"]
        assert error["extensions"]["code"] == "DIGIT_LIMIT_EXCEEDED"
        assert error["locations"] == [{"line": 1, "column": document.index("#") + 1}]


async def test_long_digits_in_texts_names_and_comments_are_no_numbers(api: GraphQLApi) -> None:
    texts = f'a: clients(search: "{DIGITS}") {{ totalCount }} b: clients(search: """{DIGITS}""") {{ totalCount }}'
    query = f"{{ {texts} c{DIGITS}: __typename }} #{DIGITS}"
    assert "errors" not in await api.run(query)


@pytest.mark.parametrize("number", UNUSUAL, ids=lambda number: number[:9])
async def test_an_unusual_number_is_a_value_or_an_error(
    api: GraphQLApi, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        for document in DOCUMENTS:
            assert "INTERNAL_SERVER_ERROR" not in codes_of(await api.run(document.replace("#", number))), document
    assert caplog.records == []


@pytest.mark.parametrize("number", [*LONG, *UNUSUAL], ids=lambda number: f"{number[:5]}-{len(number)}")
async def test_a_number_of_any_length_in_variables_is_a_value_or_an_error(
    api: GraphQLApi, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    questions = (
        ("query($v: Int) { clients(first: $v) { totalCount } }", "#"),
        ("query($v: ClientFilter) { clients(filter: $v) { totalCount } }", '{"version": {"gt": #}}'),
        ("query($v: ClientFilter) { clients(filter: $v) { totalCount } }", '{"name": {"eq": #}}'),
        ("query($v: ID!) { client(id: $v) { id } }", "#"),
        ("query($v: Boolean!) { __typename @skip(if: $v) }", "#"),
        (
            "mutation($v: CreateClientInput!) { createClient(input: $v) { client { custom } } }",
            '{"name": "A", "custom": {"a": [#]}}',
        ),
        ("query($v: Int) { clients(first: $v) { totalCount } }", '{"unknown": #}'),
    )  # fmt: skip
    with caplog.at_level(logging.ERROR):
        for query, value in questions:
            body = (
                f'{{"query": {json.dumps(query)}, "variables": {{"v": {value.replace("#", number)}, "w": {number}}}}}'
            )
            answer = await api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
            assert "INTERNAL_SERVER_ERROR" not in codes_of(answer.json()), (query, answer.text)
    assert caplog.records == []
