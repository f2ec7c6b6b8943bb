"""GraphQL over HTTP: statuses, media types, methods and bodies. Every error is JSON, without internal details."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.main import create_app
from app.storage.database import Database
from tests.conftest import BROKEN_CLIENTS, Service
from tests.graphql.conftest import GraphQLApi

RESPONSE, JSON = "application/graphql-response+json", "application/json"
EVENT_STREAM = "text/event-stream"
PLAIN = {"query": "{ __typename }"}


async def send(http: httpx.AsyncClient, body: bytes | dict[str, Any], **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post("/graphql", content=content, headers={"Content-Type": JSON, **named})


def told(answer: httpx.Response) -> dict[str, Any]:
    """An answer without what it cost."""
    body: dict[str, Any] = answer.json()
    assert set(body.pop("extensions")) == {"cost"}
    return body


def code_of(answer: httpx.Response) -> str:
    """The code of the only error of an answer that carries nothing else."""
    body = answer.json()
    assert list(body) == ["errors"], body
    ((error),) = body["errors"]
    assert error["message"]
    return str(error["extensions"]["code"])


async def test_a_request_without_a_valid_token_is_401_in_graphqls_form(service: Service) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    expired = await service.make_token(account_email=service.email, expires_at=soon)
    async with service.database.write() as connection:
        await connection.execute(text("UPDATE access_tokens SET expires_at = now() WHERE expires_at IS NOT NULL"))
    for token in (None, "", "unknown", "sk_live_" + "x" * 48, expired, "x" * 10_000):
        async with service.client(token) as http:
            for accept in (JSON, RESPONSE):
                answer = await send(http, PLAIN, Accept=accept)
                assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
                assert answer.headers["content-type"] == accept
                assert answer.headers["www-authenticate"] == "Bearer"
            assert (await http.get("/graphql", params=PLAIN)).status_code == 401


async def test_a_token_is_accepted_in_every_header_and_the_query_string(service: Service) -> None:
    async with service.client(None) as http:
        for headers in ({"Authorization": service.token}, {"X-Access-Token": service.token}):
            assert told(await http.post("/graphql", json=PLAIN, headers=headers)) == {"data": {"__typename": "Query"}}
        answer = await http.get("/graphql", params={**PLAIN, "access_token": service.token})
        assert told(answer) == {"data": {"__typename": "Query"}}


BODIES: dict[str, list[bytes]] = {
    "INVALID_JSON": [b"", b"{", b"\xff", b'{"query": "\xff"}', b'{"query": NaN}'],
    "INVALID_REQUEST": [
        b"123", b"null", b'"x"', b'{"query": 1}', b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "variables": []}', b'{"query": "{ __typename }", "variables": "x"}',
        b'{"query": "{ __typename }", "extensions": 1}',
    ],
    "BATCHING_NOT_SUPPORTED": [b"[]", b'[{"query": "{ __typename }"}]'],
    "MISSING_QUERY": [b"{}", b'{"query": null}'],
    "GRAPHQL_PARSE_FAILED": [b'{"query": ""}'],
    "JSON_DEPTH_LIMIT_EXCEEDED": [
        b"[" * 100_000, b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
    ],
}  # fmt: skip


async def test_a_malformed_body_is_400(api: GraphQLApi) -> None:
    for code, body in [(code, body) for code, bodies in BODIES.items() for body in bodies]:
        for accept in (JSON, RESPONSE):
            answer = await send(api.http, body, Accept=accept)
            assert (answer.status_code, code_of(answer)) == (400, code), body[:80]
            assert answer.headers["content-type"] == accept
            assert answer.json()["errors"][0]["extensions"].get("limit") == (32 if "LIMIT" in code else None)


async def test_only_json_bodies_are_accepted(api: GraphQLApi) -> None:
    body = json.dumps(PLAIN).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/graphql", ""):
        answer = await send(api.http, body, Content_Type=kind)
        assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE"), kind
    for kind in (JSON, "application/json; charset=utf-8", "Application/JSON"):
        assert (await send(api.http, body, Content_Type=kind)).status_code == 200


async def test_a_body_over_the_cap_is_413(api: GraphQLApi) -> None:
    large = json.dumps({**PLAIN, "variables": {"x": "x" * 1_000_001}}).encode()
    answer = await send(api.http, large)
    assert (answer.status_code, code_of(answer)) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.json()["errors"][0]["extensions"]["limit"] == 1_000_000

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b" " * 100_000

    streamed = await api.http.post("/graphql", content=parts(), headers={"Content-Type": JSON})
    assert (streamed.status_code, code_of(streamed)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_query_may_use_get(api: GraphQLApi) -> None:
    query = "query One($first: Int) { clients(first: $first) { totalCount } } query Two { __typename }"
    parameters = {"query": query, "operationName": "One", "variables": '{"first": 3}', "extensions": ""}
    assert told(await api.http.get("/graphql", params=parameters)) == {"data": {"clients": {"totalCount": 0}}}
    assert (await api.http.get("/graphql", params={**PLAIN, "operationName": ""})).status_code == 200


async def test_a_malformed_get_is_400(api: GraphQLApi) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({}, "MISSING_QUERY"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({**PLAIN, "variables": "{"}, "INVALID_JSON"),
        ({**PLAIN, "variables": "[]"}, "INVALID_REQUEST"),
        ({**PLAIN, "variables": "1"}, "INVALID_REQUEST"),
        ({**PLAIN, "extensions": "x"}, "INVALID_JSON"),
    ]
    for parameters, code in wrong:
        answer = await api.http.get("/graphql", params=parameters)
        assert (answer.status_code, code_of(answer)) == (400, code), parameters


async def test_a_mutation_by_get_is_405_and_changes_nothing(api: GraphQLApi) -> None:
    mutation = 'mutation Make { createClient(input: {name: "X"}) { client { id } } } query Look { __typename }'
    answer = await api.http.get("/graphql", params={"query": mutation, "operationName": "Make"})
    assert (answer.status_code, code_of(answer), answer.headers["allow"]) == (405, "MUTATION_NEEDS_POST", "POST")
    looked = await api.http.get("/graphql", params={"query": mutation, "operationName": "Look"})
    assert told(looked) == {"data": {"__typename": "Query"}}
    assert (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"] == 0


async def test_members_may_be_null_and_text_may_be_in_any_script(api: GraphQLApi) -> None:
    for accept in (JSON, RESPONSE):
        nothing = {"operationName": None, "variables": None, "extensions": None}
        answer = await send(api.http, PLAIN | nothing, Accept=accept)
        assert (answer.status_code, told(answer)) == (200, {"data": {"__typename": "Query"}})
        body = {**PLAIN, "extensions": {"any": "thing"}, "variables": {"unused": [1, {"a": None}]}}
        assert (await send(api.http, body, Accept=accept)).status_code == 200
    query = 'query($name: String) { clients(filter: {name: {eq: $name}}, search: "Žiga 山") { totalCount } }'
    for encoded in (json.dumps, lambda body: json.dumps(body, ensure_ascii=False)):
        sent = encoded({"query": query, "variables": {"name": "Škofja Loka 🏔"}}).encode()
        assert told(await send(api.http, sent)) == {"data": {"clients": {"totalCount": 0}}}


async def test_a_member_of_the_wrong_type_is_400(api: GraphQLApi) -> None:
    wrong: dict[str, tuple[Any, ...]] = {
        "query": ({}, 7, True, []),
        "operationName": ({}, 7, True, []),
        "variables": ("x", 7, True, []),
        "extensions": ("x", 7, True, []),
        "documentId": ({}, 7, True, []),
    }
    for name, values in wrong.items():
        for value in values:
            for accept in (JSON, RESPONSE):
                answer = await send(api.http, {**PLAIN, name: value}, Accept=accept)
                assert (answer.status_code, code_of(answer)) == (400, "INVALID_REQUEST"), (name, value)


async def test_other_methods_are_405_in_json(api: GraphQLApi) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND"):
        answer = await api.http.request(method, "/graphql", json=PLAIN)
        assert (answer.status_code, code_of(answer), answer.headers["allow"]) == (
            405,
            "METHOD_NOT_ALLOWED",
            "GET, POST",
        )


async def test_a_head_is_answered_without_a_body(api: GraphQLApi) -> None:
    answer = await api.http.head("/graphql", params=PLAIN)
    assert answer.status_code == 200


ACCEPTED = [
    (None, JSON),
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    (RESPONSE, RESPONSE),
    (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
    (f"{JSON}, {RESPONSE}", JSON),
    (f"{JSON};q=0.5, {RESPONSE};q=0.9", RESPONSE),
    (f"{RESPONSE};q=0, */*", JSON),
    ("text/html, application/json;q=0.9", JSON),
    (f"{JSON};q=strange", JSON),
    ("APPLICATION/JSON", JSON),
    (f"{JSON};q=0, */*", RESPONSE),
    (f"*/*, {JSON};q=0", RESPONSE),
    (f"{JSON} ; Q=0.0 ,application/*;q=0.1", RESPONSE),
    (f"{JSON};charset=utf-8;q=0.1, {RESPONSE};q=.2", RESPONSE),
    (f'text/plain;x="a,{RESPONSE}", {JSON}', JSON),
    (f"*/*;q=0.9, {JSON};q=0.1", RESPONSE),
    (f"{RESPONSE};q=0, {JSON};q=0.001, text/html", JSON),
    (" , ", JSON),
]


async def test_the_response_has_the_preferred_media_type(api: GraphQLApi) -> None:
    for accept, expected in ACCEPTED:
        headers = {} if accept is None else {"Accept": accept}
        request = api.http.build_request("POST", "/graphql", json=PLAIN, headers=headers)
        if accept is None:
            del request.headers["accept"]
        answer = await api.http.send(request)
        assert (answer.status_code, answer.headers["content-type"]) == (200, expected), accept


ACCEPTED_LINES = [
    (["text/html", JSON], JSON),
    ([f"{JSON};q=0", "*/*"], RESPONSE),
    ([f"{JSON};q=0.5", f"{RESPONSE}"], RESPONSE),
    (["text/html", "", "image/png, */*;q=0.1"], JSON),
]


async def test_several_accept_lines_are_one_list(api: GraphQLApi) -> None:
    for lines, expected in ACCEPTED_LINES:
        headers = [(b"Accept", line.encode()) for line in lines]
        request = httpx.Request("POST", "http://service/graphql", json=PLAIN, headers=headers)
        request.headers["Authorization"] = api.http.headers["Authorization"]
        answer = await api.http.send(request)
        assert (answer.status_code, answer.headers["content-type"]) == (200, expected), lines


async def test_an_unsupported_media_type_is_406_in_json(api: GraphQLApi) -> None:
    unsupported = (f"{JSON};q=0, application/*;q=0, {EVENT_STREAM};q=0", "*/*;q=0", f"{JSON};q=0, {RESPONSE};q=0, */*")
    for accept in ("text/html", "image/png", f"{JSON};q=0", "application/xml, text/*", *unsupported):
        answer = await send(api.http, PLAIN, Accept=accept)
        assert (answer.status_code, code_of(answer), answer.headers["content-type"]) == (406, "NOT_ACCEPTABLE", JSON)


DEEP = "{ client(id: 1) " + "{ customer { client " * 20 + "{ id }" + "}}" * 20 + "}"
CHAIN = "{ client(id: 1) { ...F0 } }" + "".join(
    f" fragment F{index} on Client {{ customer {{ client {{ ...F{index + 1} }} }} }}" for index in range(40)
)
PARSE_FAILED, VALIDATION_FAILED, BAD_INPUT = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"query": "{"}, PARSE_FAILED),
    ({"query": "{ nothing }"}, VALIDATION_FAILED),
    ({"query": "{ clients(first: \"x\") { totalCount } }"}, VALIDATION_FAILED),
    ({"query": "{ clients }"}, VALIDATION_FAILED),
    ({"query": "query($id: ID!) { client(id: $id) { id } }"}, BAD_INPUT),
    ({"query": "query($n: Int) { clients(first: $n) { totalCount } }", "variables": {"n": "\ud800"}}, BAD_INPUT),
    ({"query": "query($f: ClientFilter) { clients(filter: $f) { totalCount } }", "variables": {"f": {"\ud800": 1}}}, BAD_INPUT),
    ({"query": "{ __typename } #" + "x" * 100_000}, "CHARACTER_LIMIT_EXCEEDED"),
    ({"query": "{ " + "a " * 10_001 + "}"}, "TOKEN_LIMIT_EXCEEDED"),
    ({"query": DEEP}, "DEPTH_LIMIT_EXCEEDED"),
    ({"query": CHAIN + " fragment F40 on Client { id }"}, "DEPTH_LIMIT_EXCEEDED"),
    ({"query": "{" * 5000}, PARSE_FAILED),
    ({"query": "{a" * 3000 + "}" * 3000}, "DEPTH_LIMIT_EXCEEDED"),
    ({"query": f"{{ client(id: 1) {{ {' '.join(f'a{n}: id' for n in range(501))} }} }}"}, "ALIAS_LIMIT_EXCEEDED"),
    ({"query": f"{{ {' '.join(f'a{n}: __typename' for n in range(51))} }}"}, "ROOT_FIELD_LIMIT_EXCEEDED"),
    ({"query": "{ client(id: 1) { " + "id " * 5_001 + "} }"}, "FIELD_LIMIT_EXCEEDED"),
    ({"query": "{ client(id: 1) { " + "customer { id name } " * 300 + "} }"}, "COMPARISON_LIMIT_EXCEEDED"),
    ({"query": f"{{ clients(filter: {{or: [{'{}' * 501}]}}) {{ totalCount }} }}"}, "OBJECT_LIMIT_EXCEEDED"),
    ({"query": f"{{ clients(first: {'1' * 401}) {{ totalCount }} }}"}, "DIGIT_LIMIT_EXCEEDED"),
    ({"query": "query($i: [ID!]!) { nodes(ids: $i) { id } }", "variables": {"i": ["x"] * 26_000}}, "VARIABLE_LIMIT_EXCEEDED"),
    ({"query": "subscription { clients { totalCount } }"}, VALIDATION_FAILED),
]  # fmt: skip


async def test_an_operation_that_is_not_executed_is_400_or_200_under_plain_json(api: GraphQLApi) -> None:
    for body, code in INVALID:
        for accept, status in ((JSON, 200), (RESPONSE, 400)):
            answer = await send(api.http, body, Accept=accept)
            assert answer.status_code == status, body["query"][:80]
            assert "data" not in answer.json()
            assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {code}, answer.json()


async def test_an_execution_with_errors_is_200_with_data(api: GraphQLApi) -> None:
    query = {"query": "{ a: organization { clients(first: 101) { totalCount } } b: clients { totalCount } }"}
    for accept in (JSON, RESPONSE):
        answer = await send(api.http, query, Accept=accept)
        assert answer.status_code == 200
        assert answer.json()["data"] == {"a": None, "b": {"totalCount": 0}}
        assert [error["path"] for error in answer.json()["errors"]] == [["a", "clients"]]


async def test_an_operation_is_chosen_by_its_name(api: GraphQLApi) -> None:
    two = "query One { __typename } query Two { two: __typename }"
    assert told(await api.post(two, operationName="Two")) == {"data": {"two": "Query"}}
    for name in (None, "Three", "", "\ud800"):
        answer = await api.post(two, operationName=name)
        assert (answer.status_code, code_of(answer)) == (400, "OPERATION_RESOLUTION_FAILURE")
    only = await api.post("fragment F on Query { __typename }")
    assert only.status_code in (200, 400)
    assert only.json()["errors"]


async def test_an_unexpected_error_is_masked_and_logged(api: GraphQLApi, caplog: pytest.LogCaptureFixture) -> None:
    async with api.service.database.read() as connection:
        await connection.driver.execute(BROKEN_CLIENTS)
    with caplog.at_level(logging.ERROR, "clientele"):
        answer = await api.post(
            '{ viewer { scopes } organization { clients(search: "secret words") { nodes { name } } } }'
        )
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"viewer": {"scopes": ["READ", "WRITE"]}, "organization": None}
    (error,) = body["errors"]
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
    assert error["path"] == ["organization"]
    for inside in ("hidden_away", "sqlalchemy", "SELECT", "relation", "Traceback"):
        assert inside not in answer.text
    (record,) = [record for record in caplog.records if record.name == "clientele"]
    assert record.exc_info is not None


@asynccontextmanager
async def another(service: Service, database: Database, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The application over another database or with other settings, without its outbox."""
    app = create_app(replace(service.config, **settings), database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http:
        yield http
    if database is not service.database:
        await database.close()


async def test_an_unreachable_database_is_503_without_details(service: Service) -> None:
    for url in (
        "postgresql://nobody:secret@127.0.0.1:1/nothing",
        service.database.url.replace("clientele_", "absent_"),
    ):
        async with another(service, Database(url)) as http:
            answer = await send(http, PLAIN)
            assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
            assert "secret" not in answer.text
            assert (await http.get("/readyz")).status_code == 503
            assert (await http.get("/healthz")).status_code == 200


async def test_the_service_recovers_after_the_database(api: GraphQLApi, database_url: str) -> None:
    assert await api.data("{ clients { totalCount } }")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    for _ in range(api.service.database.pool_size + 1):
        answer = await api.post("{ clients { totalCount } }")
        if answer.status_code == 200 and "errors" not in answer.json():
            break
        assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"SERVICE_UNAVAILABLE"}
    assert told(answer) == {"data": {"clients": {"totalCount": 0}}}


async def test_a_query_that_times_out_is_cancelled(service: Service, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        async with another(service, Database(database_url, statement_timeout=0.3)) as http, connection.transaction():
            await connection.execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
            answer = await asyncio.wait_for(send(http, {"query": "{ clients { nodes { name } } }"}), 20)
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "TIMEOUT"}
    finally:
        await connection.close()


SUGGESTIVE: list[dict[str, Any]] = [
    {"query": "{ clint { id } }"},
    {"query": "{ client(idd: 1) { id } }"},
    {"query": "{ clients(filter: {nam: {eq: 1}}) { totalCount } }"},
    {"query": "{ clients(orderBy: {field: NAM}) { totalCount } }"},
    {"query": "query($f: ClientFiltr) { clients(filter: $f) { totalCount } }"},
    {"query": "query($f: ClientFilter) { clients(filter: $f) { totalCount } }", "variables": {"f": {"nam": {"eq": "x"}}}},
    {"query": "query($o: [ClientOrder!]) { clients(orderBy: $o) { totalCount } }", "variables": {"o": [{"field": "NAM"}]}},
    {"query": "{ node(id: 1) { name } }"},
]  # fmt: skip


async def test_without_introspection_errors_have_no_suggestions(service: Service) -> None:
    async with another(service, service.database, introspection=False) as http:
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Client") { name } }'):
            answer = await send(http, {"query": query}, Accept=RESPONSE)
            assert answer.status_code == 400
        for body in SUGGESTIVE:
            assert "errors" in (answer := await send(http, body)).json()
            assert "Did you mean" not in answer.text, body
        assert told(await send(http, PLAIN)) == {"data": {"__typename": "Query"}}
    for body in SUGGESTIVE:
        assert "Did you mean" in (await send(service.http, body)).text, body


async def test_only_a_browser_gets_the_page(service: Service) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with service.client(None) as anybody:
        page = await anybody.get("/graphql", headers=browser)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert (await anybody.get("/graphql", headers={"Accept": JSON})).status_code == 401
        assert (await anybody.get("/graphql", params=PLAIN, headers=browser)).status_code == 401
    async with another(service, service.database, graphiql=False) as http:
        answer = await http.get("/graphql", headers=browser)
        assert (answer.status_code, code_of(answer)) == (400, "MISSING_QUERY")
