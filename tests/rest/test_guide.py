"""The guide for callers: every command in docs/rest.md runs in its order, and the responses are those of the guide."""

import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.clients.faces import TABLE
from app.mail.message import LANGUAGES
from app.rest.boundary import ExpectedError
from app.rest.customers import errors as customers_errors
from app.rest.customers.dialect import MONGO
from app.rest.v1 import errors as v1_errors
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.operations.webhooks import WEBHOOK_ROUTES
from tests.conftest import Service

GUIDE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
"""A text of the guide that stands for any value, and at the end of a text for any other end. As a member, it stands for others."""
EMAIL, PASSWORD = "ada@ada.example", "correct horse 1842"
MADE = (
    (re.compile(r"[0-9a-f]{24}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
)
"""The values that differ in each run."""
CLIENTS: tuple[dict[str, Any], ...] = (
    {"name": "Ada d.o.o.", "city": "Ljubljana", "contact_type": "buyer"},
    {"name": "Bor s.p.", "city": "Celje", "metadata": {"level": "gold"}, "contact_type": "supplier"},
    {"name": "Črt & Co", "city": "Maribor", "contact_type": "both"},
)


@dataclass(frozen=True)
class Step:
    """A command of the guide with the response that the guide shows for it: its language, `json` or `http`, and its text."""

    command: str
    language: str
    shown: str


def read_steps() -> list[Step]:
    """The commands that send a request. Those that set a variable stand for what the reader knows."""
    blocks = [(match[1], match[2]) for match in BLOCK.finditer(GUIDE)]
    pairs = zip(blocks, [*blocks[1:], ("", "")], strict=True)
    return [Step(text, *following) for (language, text), following in pairs if language == "sh" and "curl" in text]


def read_curl() -> ArgumentParser:
    """The options of curl that the guide uses."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("address")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data", action="append", default=[])
    parser.add_argument("--data-urlencode", dest="encoded", action="append", default=[])
    for option in ("-G", "-s", "-i", "-g"):
        parser.add_argument(option, action="store_true")
    return parser


CURL = read_curl()


def make_request(command: str, variables: Mapping[str, str]) -> httpx.Request:
    """The request that a command sends."""
    assert not re.search(r"'[^']*\$[A-Z][^']*'", command), f"A variable in single quotes stays as it is: {command}"
    curl, *words = shlex.split(Template(command.replace("\\\n", " ")).substitute(variables))
    assert curl == "curl"
    options = CURL.parse_args(words)
    headers = [tuple(header.split(": ", 1)) for header in options.headers]
    pairs = [text.partition("=")[::2] for text in options.encoded]
    data = "&".join([*options.data, *(f"{name}={quote(value, safe='')}" for name, value in pairs)])
    if options.G:
        return httpx.Request(options.method or "GET", f"{options.address}?{data}", headers=headers)
    return httpx.Request(
        options.method or ("POST" if data else "GET"), options.address, headers=headers, content=data.encode()
    )


def blank(text: str) -> str:
    for pattern, placeholder in MADE:
        text = pattern.sub(placeholder, text)
    return text


def differences(shown: Any, actual: Any, path: str = "") -> Iterator[str]:
    """The places at which a response is not what the guide shows."""
    if isinstance(shown, dict) and isinstance(actual, dict):
        named = {name: value for name, value in shown.items() if name != ANYTHING}
        for name in named.keys() - actual.keys() if ANYTHING in shown else named.keys() ^ actual.keys():
            yield f"{path}.{name}: only in one of them"
        for name in named.keys() & actual.keys():
            yield from differences(named[name], actual[name], f"{path}.{name}")
    elif isinstance(shown, list) and isinstance(actual, list) and len(shown) == len(actual):
        for index, pair in enumerate(zip(shown, actual, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif isinstance(shown, str) and isinstance(actual, str) and shown.endswith(ANYTHING):
        if not actual.startswith(shown.removesuffix(ANYTHING)):
            yield f"{path}: {actual!r} does not begin as {shown!r}"
    elif blank(json.dumps(shown)) != blank(json.dumps(actual)):
        yield f"{path}: {actual!r} is not {shown!r}"


def compare(step: Step, response: httpx.Response) -> list[str]:
    """The places at which a response differs from the guide."""
    head, _, body = step.shown.partition("\n\n") if step.language == "http" else ("", "", step.shown)
    status, *headers = head.splitlines() or ["HTTP/1.1 2"]
    found = [] if f"HTTP/1.1 {response.status_code}".startswith(status[:12]) or step.language == "json" else [status]
    for header in headers:
        name, value = header.split(": ", 1)
        found += differences(value, response.headers.get(name), name)
    if body.strip():
        found += differences(json.loads(body), response.json())
    elif response.content:
        found.append("the guide shows no body")
    return found


@pytest.fixture
async def variables(service: Service) -> dict[str, str]:
    """The reader of the guide has a service, a token, an organization with three clients, and an account with a password."""
    for client in CLIENTS:
        made = await service.http.post("/customers", json=client)
        assert made.status_code == 201, made.text
    signed_up = await service.http.post("/v1/accounts", json={"email": EMAIL, "password": PASSWORD})
    assert signed_up.status_code == 200, signed_up.text
    account = (await service.http.get("/v1/accounts/authorized")).json()
    return {
        "SERVICE": "http://service",
        "TOKEN": service.token,
        "ORGANIZATION": service.organization,
        "ACCOUNT": account["id"],
    }


async def test_every_command_of_the_guide_has_the_response_of_the_guide(
    service: Service, variables: dict[str, str]
) -> None:
    steps = read_steps()
    assert len(steps) > 20
    wrong = []
    for step in steps:
        request = make_request(step.command, variables)
        response = await service.client(None).send(request)
        if places := compare(step, response):
            wrong.append(f"{step.command}\n{response.status_code} {response.text}\n{places}")
        if request.method == "POST" and b"Grace GmbH" in request.content:
            variables |= {"CUSTOMER": response.json()["id"], "CLIENT": response.json()["id"].removeprefix("cust_")}
    assert wrong == [], "\n\n".join(wrong)


def read_tables() -> list[list[list[str]]]:
    """The rows of each table of the guide, without its head."""
    tables = re.findall(r"^\| .*\n\| ---.*\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()] for table in tables]


def names_in(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def table_with(cell: str) -> list[list[str]]:
    (table,) = [rows for rows in read_tables() if any(row[0] == cell for row in rows)]
    return table


def statuses(rows: Mapping[type[ExpectedError], tuple[int, str]]) -> set[tuple[int, str]]:
    return set(rows.values())


def test_the_guide_lists_every_error_of_the_customers_api() -> None:
    listed = {(int(status), *names_in(code)) for code, status, _ in table_with("`bad_request`")}
    assert listed == statuses(customers_errors.ROWS)


def test_the_guide_lists_every_error_of_v1() -> None:
    listed = {(int(status), name) for status, names, _ in table_with("403") for name in names_in(names) or [""]}
    assert listed == statuses(v1_errors.ROWS)


def routes_in(cell: str) -> Iterator[tuple[str, str]]:
    """The methods and paths in a cell such as `GET`, `PUT /a`, `…/b`. The dots stand for the path before."""
    methods: list[str] = []
    before = ""
    for name in names_in(cell):
        *named, place = name.split()
        methods += named or ([] if "/" in place else [place])
        if "/" in place:
            path = place.replace("…", before)
            before = before or path
            yield from ((method, path) for method in methods)


def test_the_guide_lists_every_route_of_webhooks() -> None:
    rows = table_with("`POST /v1/webhooks/{id}/test`")
    assert {route for cell, _ in rows for route in routes_in(cell)} == set(WEBHOOK_ROUTES)


def test_the_guide_lists_every_field_with_two_names() -> None:
    listed = [
        pair
        for v1, customer in table_with("`zip`")
        for pair in zip(names_in(v1.partition(":")[0]), names_in(customer.partition(":")[0]), strict=True)
    ]
    assert sorted(listed) == sorted(
        (row.v1, row.customer) for row in TABLE if row.v1 and row.customer and row.v1 != row.customer
    )
    same = [row.v1 for row in TABLE if row.v1 and row.v1 == row.customer]
    assert f"`{'`, `'.join(same[:-1])}` and `{same[-1]}` have the same name in both." in GUIDE.replace("\n", " ")


def test_the_guide_lists_every_language_of_a_reminder() -> None:
    sentence = re.search(r"in the language `l`: (.*?)\.", GUIDE, re.DOTALL)
    assert sentence is not None
    assert names_in(sentence[1]) == [*LANGUAGES]


def test_the_guide_lists_every_operator() -> None:
    rows = table_with("Equal, not equal")
    assert {*LOOPBACK.operators, *LOOPBACK.logic} <= {name for row in rows for name in names_in(row[1])}
    spelled = {name for name in MONGO.operators if not name.startswith("$")}
    assert spelled <= {name for row in rows for name in names_in(row[2])}
