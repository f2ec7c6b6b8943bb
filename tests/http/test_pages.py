"""The pages for browsers: the landing page, the reference, and the ways that lead there. API clients get JSON as before."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from app.config import Config
from app.http.pages import routes
from app.http.pages.reference.page import reference_page
from app.http.preferences import prefers_html
from app.main import create_app
from app.server.output import describe
from app.version import VERSION
from tests.conftest import Service

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
API_CLIENTS = (
    "*/*",
    "application/json",
    "application/json, text/plain, */*",
    "application/json, text/html;q=0.9",
    None,
)
SCRIPT = "console.log('hello');\n" * 400


@asynccontextmanager
async def visiting(service: Service, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token, of a service with these settings."""
    app = create_app(replace(service.config, **settings), service.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http:
        yield http


def read_policy(response: httpx.Response | Response) -> dict[str, list[str]]:
    directives = [part.split() for part in response.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("text/html;q=0.9, application/json;q=0.5", True),
        ("text/html, application/json", False),
        ("text/html;q=0", False),
        ("application/xhtml+xml", False),
        *((accept or "", False) for accept in API_CLIENTS),
    ],
)
def test_only_a_caller_that_names_html_before_json_prefers_it(accept: str, html: bool) -> None:
    assert prefers_html([accept]) is html


async def test_a_browser_gets_the_landing_page(shared_service: Service) -> None:
    async with visiting(shared_service) as http:
        page = await http.get("/", headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert VERSION in page.text
        links = re.findall(r'<a[^>]* href="([^"]+)"', page.text)
        assert links == [
            "/graphql", "/docs#v1", "/openapi/v1.json", "/docs#customers", "/openapi/customers.json", "/healthz", "/readyz"
        ]  # fmt: skip
        for path in ("/graphql", "/docs", "/healthz", "/readyz"):
            assert (await http.get(path, headers=BROWSER)).status_code == 200
        assert "clientele token create --account EMAIL" in page.text
        assert "'http://service/customers?limit=3'" in page.text
        head = await http.head("/", headers=BROWSER)
        assert (head.status_code, head.headers["content-type"]) == (200, page.headers["content-type"])


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_is_protected_and_loads_nothing_from_other_hosts(shared_service: Service, path: str) -> None:
    async with visiting(shared_service) as http:
        pages = [await http.get(path, headers=BROWSER) for _ in range(2)]
    policies = [read_policy(page) for page in pages]
    for page, policy in zip(pages, policies, strict=True):
        assert (
            policy["default-src"]
            == policy["frame-ancestors"]
            == policy["base-uri"]
            == policy["form-action"]
            == ["'none'"]
        )
        assert policy["connect-src"] == ["'self'"]
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & {*policy["script-src"], *policy["style-src"]}
        assert page.headers.get_list("cache-control") == ["no-store"]
        assert page.headers.get_list("x-content-type-options") == ["nosniff"]
        assert (page.headers["x-frame-options"], page.headers["referrer-policy"]) == ("DENY", "no-referrer")
        assert page.headers["vary"].split(",")[0] == "Accept"
        assert not re.search(r'<[^>]+ (style|on\w+)="', page.text)
    assert policies[0]["style-src"] != policies[1]["style-src"]


async def test_the_landing_page_has_no_script_and_no_request_of_its_own(shared_service: Service) -> None:
    async with visiting(shared_service) as http:
        page = await http.get("/", headers=BROWSER)
    assert read_policy(page)["script-src"] == ["'none'"]
    assert "<script" not in page.text
    assert "https://" not in page.text


@pytest.mark.parametrize(
    ("path", "api"), [("/v1", "v1"), ("/v1/", "v1"), ("/customers", "customers"), ("/customers/", "customers")]
)
async def test_a_browser_at_an_api_is_led_to_its_reference(shared_service: Service, path: str, api: str) -> None:
    async with visiting(shared_service) as http:
        led = await http.get(f"{path}?limit=3", headers=BROWSER)
    assert (led.status_code, led.headers["location"], led.headers["vary"]) == (303, f"/docs#{api}", "Accept")
    assert led.headers["cache-control"] == "no-store"


PATHS = ("/", "/v1", "/v1/", "/customers", "/customers/", "/customers?limit=1", "/v1/nothing", "/nothing")


@pytest.mark.parametrize("path", PATHS)
async def test_api_clients_get_what_they_get_without_pages(shared_service: Service, path: str) -> None:
    """Those that accept JSON, and those that have a token, get the same bytes and headers as if there were no pages."""
    token = {"Authorization": f"Bearer {shared_service.token}"}
    requests = [
        *(("GET", {"Accept": accept} if accept else {}) for accept in API_CLIENTS),
        *(
            ("GET", BROWSER | credentials)
            for credentials in (token, {"X-Access-Token": "unknown"}, {"Authorization": "x"})
        ),
        ("GET", {"Accept": "application/json"} | token),
        ("POST", BROWSER),
        ("DELETE", BROWSER),
    ]
    async with visiting(shared_service) as http, visiting(shared_service, pages=False) as plain:
        for method, headers in requests:
            answers = [
                await caller.request(method, path, headers={"X-Request-Id": "1"} | headers) for caller in (http, plain)
            ]
            shown, expected = ((answer.status_code, answer.content, [*answer.headers]) for answer in answers)
            assert shown == expected
            assert "text/html" not in answers[0].headers.get("content-type", "")


async def test_a_setting_turns_the_pages_off(shared_service: Service) -> None:
    async with visiting(shared_service, pages=False) as http:
        for path, status in (
            ("/", 404),
            ("/docs", 404),
            ("/docs/assets/main.js", 404),
            ("/v1", 404),
            ("/customers", 401),
        ):
            answer = await http.get(path, headers=BROWSER)
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (
                status,
                "application/json",
            )


def test_the_text_at_the_start_names_the_reference_if_there_is_one() -> None:
    assert "  Docs       http://127.0.0.1:8000/docs\n" in describe(Config(), "http://127.0.0.1:8000", None)
    assert "/docs" not in describe(Config(pages=False), "http://127.0.0.1:8000", None)


@pytest.mark.parametrize("settings", [{"graphiql": False}, {"documents_only": True}])
async def test_the_pages_lead_to_graphiql_only_if_there_is_one(
    shared_service: Service, settings: dict[str, Any]
) -> None:
    for path in ("/", "/docs"):
        async with visiting(shared_service) as http:
            assert 'href="/graphql"' in (await http.get(path, headers=BROWSER)).text
    config = replace(shared_service.config, **settings)
    for path in ("/", "/docs"):
        request = Request(
            {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "server": ("x", 80)}
        )
        page = routes.PageRoute(config).respond(request, path)
        assert 'href="/graphql"' not in bytes(page.body).decode()


async def test_below_a_root_path_every_address_has_it(shared_service: Service) -> None:
    async with visiting(shared_service, root_path="/erp") as http:
        for prefix in ("", "/erp"):
            landing = await http.get(f"{prefix}/", headers=BROWSER)
            reference = await http.get(f"{prefix}/docs", headers=BROWSER)
            for page in (landing, reference):
                assert all(link.startswith("/erp/") for link in re.findall(r'href="(/[^"]*)"', page.text))
            assert "'http://service/erp/customers?limit=3'" in landing.text
            assert [document["url"] for document in read_settings(reference.text)["documents"]] == [
                "/erp/openapi/v1.json",
                "/erp/openapi/customers.json",
            ]
            assert (await http.get(f"{prefix}/v1", headers=BROWSER)).headers["location"] == "/erp/docs#v1"
        assert (await http.get("/erp", headers=BROWSER)).text.startswith("<!doctype html>")


def read_settings(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="reference-settings">(.*?)</script>', page)
    assert found is not None
    settings: dict[str, Any] = json.loads(found[1])
    return settings


async def test_the_token_of_the_demo_is_in_the_reference_only_and_only_without_a_proxy(shared_service: Service) -> None:
    async with visiting(shared_service, demo_token="sk_live_demo") as http:
        landing, reference = [await http.get(path, headers=BROWSER) for path in ("/", "/docs")]
        assert read_settings(reference.text)["token"] == "sk_live_demo"
        assert "sk_live_demo" not in landing.text
        assert "This is the demo." in landing.text
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via"):
            landing, reference = [
                await http.get(path, headers=BROWSER | {name: "192.0.2.1"}) for path in ("/", "/docs")
            ]
            assert "sk_live_demo" not in landing.text + reference.text
            assert "This is the demo." not in landing.text


async def test_a_first_request_has_the_address_that_the_visitor_used(shared_service: Service) -> None:
    async with visiting(shared_service) as http:
        page = await http.get("/", headers=BROWSER | {"Host": "erp.example", "X-Forwarded-Proto": "https"})
        assert "'https://erp.example/customers?limit=3'" in page.text
        strange = await http.get("/", headers=BROWSER | {"Host": "<b>'", "X-Forwarded-Proto": "javascript"})
        assert "<b>" not in strange.text
        assert "javascript" not in strange.text


async def test_other_origins_may_not_read_the_pages(shared_service: Service) -> None:
    async with visiting(shared_service, cors_origins=("*",)) as http:
        for path in ("/", "/docs"):
            page = await http.get(path, headers=BROWSER | {"Origin": "https://evil.example"})
            assert [name for name in page.headers if name.startswith("access-control-")] == []


async def test_the_pages_are_not_limited(shared_service: Service) -> None:
    async with visiting(shared_service, source_requests=1, rate_burst=1.0) as http:
        for path in ["/", "/docs", "/v1"] * 5:
            assert (await http.get(path, headers=BROWSER)).status_code in (200, 303)


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the build leaves it."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    entry = {"src/main.js": {"file": "assets/main-1a2B.js", "css": ["assets/main-3c4D.css"]}}
    (assets.parent / "manifest.json").write_text(json.dumps(entry))
    (assets / "main-1a2B.js").write_text(SCRIPT)
    (assets / "main-1a2B.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (assets / "main-3c4D.css").write_text("body {}")
    monkeypatch.setattr(routes, "DIST", assets.parent)
    return assets.parent


async def test_the_files_of_the_reference_are_served_and_kept(shared_service: Service, dist: Path) -> None:
    async with visiting(shared_service) as http:
        script = await http.get("/docs/assets/main-1a2B.js", headers={"Accept-Encoding": "gzip"})
        assert (script.text, script.headers["content-encoding"]) == (SCRIPT, "gzip")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await http.get("/docs/assets/main-3c4D.css")).text == "body {}"
        for name in ("absent.js", "..%2fmanifest.json", "main-1a2B.js.gz", ""):
            assert (await http.get(f"/docs/assets/{name}")).status_code == 404


def show_reference(dist: Path, config: Config) -> Response:
    scope = {"type": "http", "method": "GET", "path": "/docs", "headers": [], "query_string": b""}
    return reference_page(Request(scope), config, dist)


def test_the_built_reference_loads_nothing_from_other_hosts(dist: Path) -> None:
    page = show_reference(dist, Config())
    body = bytes(page.body).decode()
    assert "https://" not in body + page.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="(/docs/[^"]+)"', body) == [
        "/docs/assets/main-3c4D.css",
        "/docs/assets/main-1a2B.js",
    ]
    assert 'role="note"' not in body


def test_without_a_bundle_the_file_of_the_cdn_is_pinned_and_the_page_says_so(tmp_path: Path) -> None:
    page = show_reference(tmp_path, Config())
    body, policy = bytes(page.body).decode(), read_policy(page)
    assert re.search(r'<p class="note" role="note">.*from a CDN.*scripts/build-pages', body)
    (tag,) = re.findall(r'<(?:script|link)[^>]*"https://[^>]*>', body)
    assert re.search(r'"https://cdn\.jsdelivr\.net/npm/@scalar/api-reference@\d+\.\d+\.\d+/[\w./-]+"', tag)
    assert re.search(r'integrity="sha384-[A-Za-z0-9+/]{64}" crossorigin="anonymous"', tag)
    address, *hashes = policy["script-src"]
    assert f'src="{address}"' in tag
    assert len(hashes) == body.count("<script>") == 2
    assert all(source.startswith("'sha256-") for source in hashes)
    assert policy["connect-src"] == ["'self'"]


def test_a_value_cannot_leave_the_settings(dist: Path) -> None:
    page = bytes(show_reference(dist, Config(demo_token="</script><script>alert(1)</script>")).body).decode()
    assert "alert(1)</script>" not in page
    assert read_settings(page)["token"] == "</script><script>alert(1)</script>"
