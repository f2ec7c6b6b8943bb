"""The line of each request: its fields, and that nothing personal is in it."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.observability.figures import Figures, current_figures
from app.observability.lines import LineWriter
from app.observability.observer import Observer
from app.observability.request_log import RequestLog, describe, render_text, shape_statement, show_id
from app.observability.traceparents import read_traceparent
from app.server.logs import JsonFormatter, hide_values
from tests.conftest import Service
from tests.live_server import connected_client, served
from tests.raw_http import connected
from tests.test_cli import serving

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NAME, EMAIL, NUMBER = "Zdravka Nepozabna", "zdravka@nepozabna.example", "SI55512340"
ADDRESS = "Nepozabna ulica 77"
PERSONAL = re.compile("zdravka|nepozabna|55512340|@", re.IGNORECASE)


class Lines(LineWriter):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def write_soon(self, line: bytes) -> None:
        self.lines.append(line)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@contextmanager
def observed(service: Service, *, every: bool = True, slow: float = 60.0) -> Iterator[tuple[Service, Lines]]:
    """The same service with a log."""
    lines = Lines()
    observer = Observer(RequestLog(every=every, slow=slow, text=False, writer=lines))
    app = create_app(service.config, service.database, observer)
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://service",
        headers=service.headers,
    )
    yield (
        Service(app, http, service.database, service.config, service.email, service.organization, service.token),
        lines,
    )


async def ask_line(service: Service, method: str, path: str, **options: Any) -> dict[str, Any]:
    """The line of one request."""
    with observed(service) as (logged, lines):
        headers = {"Authorization": f"Bearer {service.token}", **options.pop("headers", {})}
        await logged.http.request(method, path, headers=headers, **options)
    (line,) = lines.read()
    return line


async def test_a_request_has_one_line_with_its_figures(service: Service) -> None:
    await service.http.post("/customers", json={"name": NAME})
    line = await ask_line(service, "GET", "/customers", headers={"X-Request-Id": "mine", "traceparent": TRACE})
    assert line["request_id"] == "mine"
    assert (line["trace_id"], line["parent_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert (line["api"], line["method"], line["operation"]) == ("customers", "GET", "GET /customers")
    assert (line["status"], line["level"], line["message"]) == (200, "info", "request")
    assert line["statements"] >= 1
    assert line["rows"] >= 1
    assert 0 < line["sql_ms"] < line["duration_ms"]
    assert line["bytes"] > 100
    assert line["organization_id"] == service.organization
    assert line["account_id"]
    assert line["token_id"]


async def test_each_api_names_the_route_or_the_operation(service: Service) -> None:
    client = (await service.http.post("/customers", json={"name": NAME})).json()["id"].removeprefix("cust_")
    document = "query Names { clients { nodes { name } } }"
    cases = [
        ("GET", f"/v1/clients/{client}", {}, ("v1", "GET /v1/clients/{id}", 200)),
        ("HEAD", f"/V1/Clients/{client}", {}, ("v1", "GET /v1/clients/{id}", 200)),
        ("GET", f"/customers/cust_{client}", {}, ("customers", "GET /customers/{id}", 200)),
        ("GET", "/v1/nothing/at/all", {}, ("v1", None, 404)),
        ("POST", "/graphql", {"json": {"query": document}}, ("graphql", "query Names", 200)),
        ("POST", "/graphql", {"json": {"query": "{ viewer { __typename } }"}}, ("graphql", "query", 200)),
        ("POST", "/graphql", {"json": {"query": "{"}}, ("graphql", None, 200)),
        ("GET", "/healthz", {}, ("health", "GET /healthz", 200)),
    ]
    for method, path, options, expected in cases:
        line = await ask_line(service, method, path, **options)
        assert (line["api"], line["operation"], line["status"]) == expected
    line = await ask_line(service, "POST", "/graphql", json={"query": document})
    assert line["cost"] > 1
    assert line["rows"] == 2  # of the token and of the client
    await service.http.post("/customers", json={"name": NAME})
    assert (await ask_line(service, "POST", "/graphql", json={"query": document}))["rows"] == 3


async def test_the_figures_are_those_of_one_request(service: Service) -> None:
    with observed(service) as (logged, lines):
        for path in ("/customers", "/healthz", "/customers"):
            await logged.http.get(path, headers={"Authorization": f"Bearer {service.token}"})
    first, health, second = lines.read()
    assert (health["statements"], health["token_id"]) == (0, None)
    assert second["statements"] <= first["statements"]
    assert len({line["request_id"] for line in (first, health, second)}) == 3


async def test_a_slow_request_shows_the_shape_of_its_slowest_statement(service: Service) -> None:
    with observed(service, every=False, slow=0.0) as (logged, lines):
        await logged.http.get(
            f'/customers?query={{"name":"{NAME}"}}', headers={"Authorization": f"Bearer {service.token}"}
        )
    (line,) = lines.read()
    assert line["level"] == "warning"
    assert line["slowest_statement"].split()[0] in ("BEGIN", "SELECT", "COMMIT")
    assert line["slowest_statement_ms"] > 0
    assert not PERSONAL.search(json.dumps(line))
    with observed(service, every=False) as (logged, lines):
        await logged.http.get("/customers")
    assert lines.read() == []


async def test_the_limit_that_rejected_a_request_is_named(service: Service) -> None:
    fields = " ".join(f"f{number}: name" for number in range(90))
    document = (
        "{" + " ".join(f"c{number}: clients(first: 100) {{ nodes {{ {fields} }} }}" for number in range(10)) + "}"
    )
    line = await ask_line(service, "POST", "/graphql", json={"query": document})
    assert line["limit"] == "alias-limit-exceeded"
    line = await ask_line(service, "POST", "/customers", content=b" " * (service.config.body_cap + 1))
    assert line["limit"] == "payload-too-large"
    line = await ask_line(service, "GET", "/customers")
    assert "limit" not in line


async def test_an_operation_over_a_websocket_has_a_line_of_its_own(service: Service) -> None:
    with observed(service) as (logged, lines):
        async with served(logged.app, service.config) as address, connected_client(address, service.token) as client:
            await client.ask("1", "query Names { clients { nodes { name } } }")
            await client.next("1")
            assert (await client.receive())["type"] == "complete"
            await client.ask("2", "query Wrong { nothing }")
            await client.error("2")
    named, wrong, whole = lines.read()
    assert (named["operation"], named["status"], named["organization_id"]) == ("query Names", 200, service.organization)
    assert named["statements"] >= 1
    assert (wrong["operation"], wrong["status"]) == (None, 400)
    assert (whole["method"], whole["status"], whole["api"]) == ("WEBSOCKET", 101, "graphql")
    assert named["request_id"] == whole["request_id"]


async def send_everywhere(http: httpx.AsyncClient, organization: str, word: str, token: str) -> None:
    """Sends a word to every API, in every place that takes one."""
    clients = f"/v1/organizations/{organization}/clients"
    listed: dict[str, Any] = {"word": word}
    document = "query($word: String) { clients(search: $word, filter: {name: {eq: $word}}) { nodes { name } } }"
    created = "mutation($word: String!) { createClient(input: {name: $word, email: $word}) { userErrors { message } } }"
    text_ = json.dumps(word)
    for query in (document, created, f"{{ clients(search: {text_}) {{ totalCount }} }}", f"{{ {text_} }}", word):
        for extra in ({}, {"operationName": word}, {"documentId": word}, {"extensions": {"word": word}}):
            await http.post("/graphql", json={"query": query, "variables": listed, **extra})
    await http.get("/graphql", params={"query": document, "variables": json.dumps(listed), word: word})
    for path in (f"/customers/{word}", f"/v1/clients/{word}", f"/{word}", f"{clients}/{word}", f"/entities/{word}"):
        for method in ("GET", "PATCH", "PUT", "DELETE", "POST"):
            await http.request(method, path, json={"name": word, word: word})
    await http.get("/customers", params={"search": word, "query": json.dumps({"name": word}), "order_by": word})
    await http.get("/customers", params={"access_token": token, word: word, "cursor": word})
    await http.get(clients, params={"filter": json.dumps({"where": {"name": word, word: 1}, "order": word})})
    await http.get(clients, params={f"filter[where][custom.{word}]": word, "filter[order]": word})
    await http.get(f"{clients}/search", params={"term": word})
    await http.post(clients, json={"name": word, "email": word, "custom": {word: word}, word: word})
    await http.post("/customers", json={"name": word, "address": word, "metadata": {word[:40]: word}})
    await http.post("/v1/accounts", json={"email": word, "password": word, "name": word})
    await http.post("/v1/accounts/login", json={"email": word, "password": word})
    await http.get("/v1/accounts/is-unique", params={"email": word})
    await http.get(
        "/customers", headers={"X-Request-Id": f"{word.replace(' ', '+')}@", "traceparent": word, "User-Agent": word}
    )
    await http.get(
        "/customers", headers={"Authorization": f"Bearer {word}", "X-Access-Token": word, "x-entity-id": word}
    )
    await http.post("/customers", json={"name": "x"}, headers={"Idempotency-Key": word, "Content-Type": word})


@pytest.mark.parametrize("slow", [0.0, 60.0])
async def test_nothing_personal_and_no_token_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture, slow: float
) -> None:
    with observed(service, slow=slow) as (logged, lines):
        for word in (NAME, EMAIL, NUMBER, ADDRESS, service.token):
            logged.http.headers["Authorization"] = f"Bearer {service.token}"
            await send_everywhere(logged.http, service.organization, word, service.token)
    assert len(lines.lines) > 100
    everything = b"".join(lines.lines).decode() + caplog.text
    assert not PERSONAL.search(everything), PERSONAL.findall(everything)
    assert service.token not in everything
    assert service.token.removeprefix("sk_live_") not in everything


async def test_a_token_as_the_name_of_an_operation_is_hidden(service: Service) -> None:
    line = await ask_line(service, "POST", "/graphql", json={"query": f"query {service.token} {{ __typename }}"})
    assert line["operation"] == "query …"
    line = await ask_line(service, "POST", "/graphql", json={"query": f"query {'a' * 500} {{ __typename }}"})
    assert line["operation"] == "query"


def test_a_statement_is_shown_without_texts_and_labels() -> None:
    sql = """SELECT name AS zdravka, 'O''Nepozabna' AS "Zdravka N", "Zdravka"
        FROM clients WHERE name = $1"""
    assert shape_statement(sql) == """SELECT name AS ?, '?' AS "?", "?" FROM clients WHERE name = $1"""
    assert len(shape_statement("x" * 10_000)) == 2000


def test_an_id_with_other_characters_is_hashed() -> None:
    assert show_id("look-for_me.1:2") == "look-for_me.1:2"
    assert re.fullmatch("sha256:[0-9a-f]{16}", show_id(EMAIL))
    assert show_id(f"req_{EMAIL}").startswith("sha256:")


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (TRACE, True),
        (TRACE.replace("00-4", "01-4") + "-more", True),
        (TRACE + "-more", False),
        (TRACE.replace("00-4", "ff-4"), False),
        (TRACE.upper(), False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{'1' * 32}-{'0' * 16}-01", False),
        ("", False),
    ],
)
def test_only_a_valid_traceparent_is_continued(header: str, valid: bool) -> None:
    assert (read_traceparent(header.encode()) is not None) == valid


def test_a_line_for_people_leaves_out_what_is_unknown() -> None:
    figures = Figures()
    figures.api, figures.method, figures.operation, figures.status = "v1", "GET", "GET /v1/clients/{id}", 200
    figures.request_id = "req_1"
    line = render_text(describe(figures, 0.0123, is_slow=False)).decode()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d 200 v1 GET /v1/clients/\{id\}  12\.3 ms, SQL 0\.0 ms, 0 rows, 0 bytes  request_id=req_1\n",
        line,
    )


def test_every_field_is_documented() -> None:
    figures = Figures()
    figures.limit, figures.statement, figures.traceparent = "x", "SELECT", TRACE.encode()
    fields = set(describe(figures, 1.0, is_slow=True)) | {"exception"}
    page = (Path(__file__).resolve().parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("### Logs")[2].partition("\n### ")[0].partition("\n## ")[0]
    documented = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall("`([a-z_]+)`", row)
    }
    assert documented == fields


def test_tracebacks_quote_no_values_of_rows() -> None:
    quoted = (
        'asyncpg.exceptions.UniqueViolationError: duplicate key value violates unique constraint "x"\n'
        f"DETAIL:  Key (email)=({EMAIL}) already exists.",
        f"asyncpg.exceptions.DataError: invalid input for query argument $1: '{NAME}' (expected int)",
        f'asyncpg.exceptions.InvalidTextRepresentationError: invalid input syntax for type json\nDETAIL: "{NAME}\n{EMAIL}"',
    )
    for text in quoted:
        hidden = hide_values(f"Traceback (most recent call last):\n  File x\n{text}\n")
        assert not PERSONAL.search(hidden)
        assert "asyncpg.exceptions" in hidden


def test_records_are_json_with_the_id_of_the_request() -> None:
    figures = Figures()
    figures.request_id = "mine"
    token = current_figures.set(figures)
    try:
        record = logging.LogRecord("clientele", logging.WARNING, "x", 1, "a lone %s", ("\ud800",), None)
        record.color_message = "x"
        line = json.loads(JsonFormatter().format(record))
    finally:
        current_figures.reset(token)
    assert line.pop("time")
    assert line == {"level": "warning", "logger": "clientele", "message": "a lone ?", "request_id": "mine"}


@pytest.mark.parametrize(("settings", "form"), [({}, "json"), ({"CLIENTELE_LOG_FORMAT": "text"}, "text")])
async def test_a_server_logs_requests_that_the_application_never_sees(
    service: Service, tmp_path: Path, settings: dict[str, str], form: str
) -> None:
    database = {"DATABASE_URL": service.config.database_url or "", "CLIENTELE_DATA_DIR": str(tmp_path)}
    async with serving(**database, **settings) as server, connected(server.address) as connection:
        await connection.send(b"GET /customers?email=zdravka@nepozabna.example HTTP/1.1\r\n\r\n")
        assert (await connection.answer()).status == 400
        await server.stop()
    lines = server.logged.decode().splitlines()
    assert not PERSONAL.search("\n".join(lines))
    if form == "json":
        records = [json.loads(line) for line in lines]
        assert all(record.keys() >= {"time", "level", "logger", "message"} for record in records)
        assert [record["api"] for record in records if record.get("status") == 400] == ["none"]
        assert "GET /healthz" in [record.get("operation") for record in records]
    else:
        assert [line.split()[2] for line in lines if line.split()[1] == "400"] == ["none"]
        assert any(" 200 health GET /healthz " in line for line in lines)


async def test_a_level_and_a_setting_leave_out_the_lines_of_requests(service: Service, tmp_path: Path) -> None:
    database = {"DATABASE_URL": service.config.database_url or "", "CLIENTELE_DATA_DIR": str(tmp_path)}
    for settings in ({"CLIENTELE_LOG_LEVEL": "warning"}, {"CLIENTELE_ACCESS_LOG": "false"}):
        async with serving(**database, **settings, CLIENTELE_SLOW_REQUEST="60") as server:
            await server.stop()
        assert "clientele.requests" not in server.logged.decode()
