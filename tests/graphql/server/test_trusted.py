"""Trusted documents: both file formats, ids and hashes, the mode that executes nothing else, and the command that checks."""

import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from app.cli import main
from app.config import Config
from app.demo import Demonstration
from app.errors import Misconfigured
from app.graphql.server.trusted import hash_document, load_trusted
from app.server.output import describe
from tests.conftest import Service
from tests.graphql.server.test_http import RESPONSE, another, code_of, told

NAME = "query Name { __typename }"
COUNT = "query Count($first: Int) { clients(first: $first) { totalCount nodes { id } } }"
MAKE = 'mutation Make { createClient(input: {name: "Made"}) { client { name } } }'
SCHEMA = get_introspection_query()
UNTRUSTED = "{ named: __typename }"
TEXTS = {"0cc175b9c0f1b6a831c399e269772661": NAME, "count": COUNT, "make": MAKE}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(texts: list[str]) -> dict[str, Any]:
    operations = [{"id": sha256(text), "name": text.split()[1], "type": "query", "body": text} for text in texts]
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def persisted(text: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}, **more}


@asynccontextmanager
async def trusting(
    service: Service, path: Path, content: Any = TEXTS, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    file = write(path / "documents.json", content)
    async with another(service, service.database, documents=file, **settings) as http:
        yield http


async def test_a_document_is_executed_by_its_id(service: Service, tmp_path: Path) -> None:
    async with trusting(service, tmp_path) as http:
        for name in ("0cc175b9c0f1b6a831c399e269772661", sha256(NAME), f"sha256:{sha256(NAME)}"):
            expected = {"data": {"__typename": "Query"}}
            assert told(await http.post("/graphql", json={"documentId": name})) == expected
            assert told(await http.get("/graphql", params={"documentId": name})) == expected
        counted = await http.post("/graphql", json={"documentId": "count", "variables": {"first": 1}})
        assert counted.json()["data"] == {"clients": {"totalCount": 0, "nodes": []}}
        got = await http.get("/graphql", params={"documentId": "make"})
        assert (got.status_code, code_of(got)) == (405, "MUTATION_NEEDS_POST")
        browser = await http.get("/graphql", params={"documentId": "count"}, headers={"Accept": "text/html,*/*;q=0.8"})
        assert browser.json()["data"] == {"clients": {"totalCount": 0, "nodes": []}}


async def test_a_document_is_executed_by_its_hash_as_apollo_sends_it(service: Service, tmp_path: Path) -> None:
    for content in (TEXTS, manifest([NAME, COUNT])):
        async with trusting(service, tmp_path, content) as http:
            expected = {"data": {"__typename": "Query"}}
            assert told(await http.post("/graphql", json=persisted(NAME))) == expected
            assert told(await http.post("/graphql", json=persisted(NAME, query=NAME))) == expected
            parameters = {"extensions": json.dumps(persisted(NAME)["extensions"])}
            assert told(await http.get("/graphql", params=parameters)) == expected
            upper = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(NAME).upper()}}}
            assert told(await http.post("/graphql", json=upper)) == expected


async def test_an_unknown_document_gets_apollos_error_and_is_not_registered(service: Service, tmp_path: Path) -> None:
    async with trusting(service, tmp_path) as http:
        for _ in range(2):
            for body in (
                persisted(UNTRUSTED),
                {"documentId": "unknown"},
                {"documentId": f"sha256:{sha256(UNTRUSTED)}"},
            ):
                answer = await http.post("/graphql", json=body)
                (error,) = answer.json()["errors"]
                assert answer.status_code == 200
                assert error["message"] == "PersistedQueryNotFound"
                assert error["extensions"] == {"code": "PERSISTED_QUERY_NOT_FOUND"}
                assert (await http.post("/graphql", json=body, headers={"Accept": RESPONSE})).status_code == 400
            sent = await http.post("/graphql", json=persisted(UNTRUSTED, query=UNTRUSTED))
            assert told(sent) == {"data": {"named": "Query"}}


INVALID, MISMATCH = "INVALID_REQUEST", "PERSISTED_QUERY_HASH_MISMATCH"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"documentId": 1}, INVALID),
    ({"documentId": ""}, INVALID),
    ({"documentId": "count", "query": NAME}, INVALID),
    ({"extensions": {"persistedQuery": 1}}, INVALID),
    ({"extensions": {"persistedQuery": {}}}, INVALID),
    ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}}, INVALID),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}}, INVALID),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x" * 64}}}, INVALID),
    ({"query": COUNT, "extensions": persisted(UNTRUSTED)["extensions"]}, MISMATCH),
    ({"query": COUNT, "extensions": persisted(NAME)["extensions"]}, MISMATCH),
]


async def test_a_malformed_document_id_is_400(service: Service, tmp_path: Path) -> None:
    async with trusting(service, tmp_path) as http:
        for body, code in WRONG:
            answer = await http.post("/graphql", json=body)
            assert (answer.status_code, code_of(answer)) == (400, code), body


async def test_without_trusted_documents_clients_learn_to_send_no_hashes(service: Service) -> None:
    for body in (persisted(UNTRUSTED), {"documentId": "unknown"}):
        (error,) = (await service.http.post("/graphql", json=body)).json()["errors"]
        assert error == {
            "message": "PersistedQueryNotSupported",
            "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"},
        }
    sent = await service.http.post("/graphql", json=persisted(UNTRUSTED, query=UNTRUSTED))
    assert told(sent) == {"data": {"named": "Query"}}


async def test_a_browser_gets_a_page_that_says_why_there_is_no_graphiql(service: Service, tmp_path: Path) -> None:
    async with trusting(service, tmp_path, documents_only=True) as http:
        page = await http.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "executes trusted documents only" in page.text
        assert (await http.get("/graphql/assets/main.js")).status_code == 404


def test_the_text_at_the_start_offers_no_operation_that_is_rejected() -> None:
    demo = Demonstration("6561a1b2c3d4e5f607182930", "sk_live_token")
    text = describe(Config(documents_only=True), "http://127.0.0.1:8000", demo)
    assert "GraphQL    http://127.0.0.1:8000/graphql  (trusted documents only)" in text
    assert "GraphiQL" not in text
    assert "totalCount" not in text
    assert "GraphiQL" not in describe(Config(graphiql=False), "http://127.0.0.1:8000", demo)
    assert "GraphiQL" in describe(Config(), "http://127.0.0.1:8000", demo)


async def test_only_trusted_documents_are_executed_where_that_is_set(service: Service, tmp_path: Path) -> None:
    async with trusting(service, tmp_path, documents_only=True) as http:
        for body in ({"documentId": "count"}, persisted(COUNT), {"query": COUNT}):
            assert (await http.post("/graphql", json=body)).json()["data"]["clients"]["totalCount"] == 0
        for query in (UNTRUSTED, SCHEMA, f"{NAME} ", "{ clint { id } }", "{"):
            for body in ({"query": query}, persisted(query, query=query)):
                answer = await http.post("/graphql", json=body)
                assert (answer.status_code, code_of(answer)) == (403, "DOCUMENT_NOT_TRUSTED"), query
            assert (await http.get("/graphql", params={"query": query})).status_code == 403
        (error,) = (await http.post("/graphql", json=persisted(UNTRUSTED))).json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_trusted_introspection_is_executed_where_introspection_is_off(service: Service, tmp_path: Path) -> None:
    for settings in ({"documents_only": True}, {"introspection": False}):
        async with trusting(service, tmp_path, {"schema": SCHEMA}, **settings) as http:
            for body in ({"documentId": "schema"}, {"query": SCHEMA}):
                assert (await http.post("/graphql", json=body)).json()["data"]["__schema"]["queryType"][
                    "name"
                ] == "Query"
            assert "errors" in (await http.post("/graphql", json={"query": "{ __schema { __typename } }"})).json()


FILES: list[Any] = [
    "", "[", "[]", "1", {"a": 1}, {"a": None}, {"": NAME}, '{"a": "{ b }", "a": "{ c }"}',
    {**manifest([NAME]), "version": 2}, {**manifest([NAME]), "format": "other"}, {**manifest([NAME]), "operations": {}},
    {**manifest([NAME]), "operations": [1]}, {**manifest([NAME]), "operations": [{"id": "a", "body": 1}]},
    {**manifest([NAME]), "operations": [{"id": "a", "body": "{ a }"}, {"id": "a", "body": "{ b }"}]}, "[" * 100_000,
]  # fmt: skip


def test_a_file_that_cannot_be_used_is_misconfigured(tmp_path: Path) -> None:
    for content in FILES:
        with pytest.raises(Misconfigured):
            load_trusted(write(tmp_path / "wrong.json", content))
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xff"}')
    for path in (tmp_path / "absent.json", tmp_path, tmp_path / "latin.json"):
        with pytest.raises(Misconfigured, match=r"trusted documents"):
            load_trusted(path)
    assert load_trusted(None).by_id == {}
    assert load_trusted(write(tmp_path / "right.json", manifest([NAME, COUNT]))).by_hash == {
        hash_document(text): text for text in (NAME, COUNT)
    }


def test_the_mode_needs_a_file(tmp_path: Path) -> None:
    only = {"CLIENTELE_DOCUMENTS_ONLY": "true"}
    with pytest.raises(Misconfigured, match="CLIENTELE_DOCUMENTS"):
        Config.from_environment(only)
    config = Config.from_environment(only | {"CLIENTELE_DOCUMENTS": str(tmp_path / "x.json")})
    assert config.documents_only


EXPENSIVE = (
    "query Expensive { clients(first: 100) { nodes { customer { client { "
    "a: id b: id c: id d: id customer { id name city } } } } } }"
)
PROBLEMS = {
    "fine": COUNT,
    "unknown": "query Unknown {\n  clients { nothing }\n}",
    "broken": "query {",
    "deep": "query Deep { client(id: 1) " + "{ customer { client " * 20 + "{ id }" + "}}" * 20 + "}",
    "expensive": EXPENSIVE,
}


def test_the_command_names_every_problem_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENTELE_COST_LIMIT", "1000")

    def check(file: Path) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["clientele", "documents", "check", str(file)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out.splitlines(), err

    status, printed, err = check(write(tmp_path / "bad.json", PROBLEMS))
    assert status == 1
    assert err == "clientele: 4 of 5 documents are invalid or exceed the limits. Correct the documents listed above.\n"
    assert [line.partition(": ")[0] for line in printed] == ["unknown", "broken", "deep", "expensive"]
    assert "(line 2, column 13)" in printed[0]
    assert printed[-1] == "expensive: Expensive costs 1,011; at most 1,000 is allowed."
    for content in (TEXTS, manifest([NAME, COUNT, "{ __schema { types { name } } }"])):
        assert check(write(tmp_path / "good.json", content))[:2] == (0, [])
    assert check(tmp_path / "absent.json")[0] == 1
