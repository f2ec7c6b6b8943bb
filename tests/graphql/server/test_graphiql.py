import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.graphql.server.graphiql.files import graphiql_routes
from app.graphql.server.graphiql.page import graphiql_page, load_examples, read_example, trusted_documents_page

SCRIPT = "console.log('hello');\n" * 10


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder as the build leaves it, beside a file that must not be served."""
    (tmp_path / "secret.js").write_text("secret")
    folder = tmp_path / "dist"
    assets = folder / "assets"
    assets.mkdir(parents=True)
    entry = {"src/main.jsx": {"file": "assets/main-1a2B.js", "css": ["assets/main-3c4D.css"]}}
    (folder / "manifest.json").write_text(json.dumps(entry))
    (assets / "main-1a2B.js").write_text(SCRIPT)
    (assets / "main-1a2B.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (assets / "main-3c4D.css").write_text("body {}")
    (assets / "codicon-5e6F.ttf").write_bytes(b"\0\1\0\0")
    (assets / "inner.js").mkdir()
    return folder


@pytest.fixture
async def browser(dist: Path) -> AsyncIterator[httpx.AsyncClient]:
    async def show_page(request: Request) -> Response:
        return graphiql_page(dist=dist)

    app = Starlette(routes=[Route("/graphql", show_page), *graphiql_routes(dist=dist)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


def read_settings(page: Response) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="graphiql-settings">(.*?)</script>', read_body(page))
    assert found is not None
    settings: dict[str, object] = json.loads(found[1])
    return settings


def read_body(page: Response) -> str:
    return bytes(page.body).decode()


def read_policy(page: Response) -> dict[str, list[str]]:
    directives = [part.split() for part in page.headers["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in directives}


async def test_every_file_of_the_page_is_served(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/graphql")
    names = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert names == ["/graphql/assets/main-3c4D.css", "/graphql/assets/main-1a2B.js"]
    assert [(await browser.get(name)).status_code for name in names] == [200, 200]


def test_the_bundled_page_loads_nothing_from_other_hosts(dist: Path) -> None:
    page = graphiql_page(dist=dist)
    assert "https://" not in read_body(page)
    assert "https://" not in page.headers["Content-Security-Policy"]
    assert 'role="note"' not in read_body(page)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("main-1a2B.js", "text/javascript; charset=utf-8"),
        ("main-3c4D.css", "text/css; charset=utf-8"),
        ("codicon-5e6F.ttf", "font/ttf"),
    ],
)
async def test_a_built_file_has_its_type_and_is_cached_forever(
    browser: httpx.AsyncClient, name: str, media_type: str
) -> None:
    answer = await browser.get(f"/graphql/assets/{name}")
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, br", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip; q=0", None),
        ("gzip;q=0.0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_a_file_is_compressed_only_for_a_browser_that_accepts_it(
    browser: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    answer = await browser.get("/graphql/assets/main-1a2B.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.text == SCRIPT


@pytest.mark.parametrize(
    "name",
    [
        "absent.js",
        "inner.js",
        "main-1a2B.js.gz",
        "..%2f..%2fsecret.js",
        "%2e%2e/%2e%2e/secret.js",
        "..%5c..%5csecret.js",
        "..%2fmanifest.json",
        "main-1a2B.js%00.js",
        ".js",
    ],
)
async def test_only_built_files_are_served(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/graphql/assets/{name}")).status_code == 404


async def test_without_a_build_files_are_404(tmp_path: Path) -> None:
    app = Starlette(routes=graphiql_routes(dist=tmp_path / "absent"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        assert (await client.get("/graphql/assets/main-1a2B.js")).status_code == 404


def test_without_a_bundle_each_cdn_file_is_pinned_and_the_page_says_so(tmp_path: Path) -> None:
    body = read_body(graphiql_page(dist=tmp_path))
    note = re.search(r'<p class="note" role="note">(.*?)</p>', body)
    assert note is not None
    assert "from a CDN" in note[1]
    tags = re.findall(r'<(?:script|link)[^>]*"https://[^>]*>', body)
    assert len(tags) == len(re.findall("https://", body)) == 5
    for tag in tags:
        assert re.search(r'"https://cdn\.jsdelivr\.net/npm/[a-z-]+@\d+\.\d+\.\d+/[\w./-]+"', tag)
        assert re.search(r'integrity="sha384-[A-Za-z0-9+/]{64}" crossorigin="anonymous"', tag)


def test_without_a_bundle_the_policy_allows_only_the_pinned_files(tmp_path: Path) -> None:
    page = graphiql_page(dist=tmp_path)
    policy = read_policy(page)
    scripts = [source for source in policy["script-src"] if source.startswith("https:")]
    assert scripts == re.findall(r'<script src="([^"]+)"', read_body(page))
    assert len(policy["script-src"]) == len(scripts) + 1
    assert policy["script-src"][-1].startswith("'sha256-")
    assert policy["connect-src"] == ["'self'"]


@pytest.mark.parametrize("built", [True, False])
def test_the_policy_allows_style_elements_by_a_nonce_of_each_page(dist: Path, tmp_path: Path, built: bool) -> None:
    pages = [graphiql_page(dist=dist if built else tmp_path) for _ in range(2)]
    nonces = [re.findall(r'<style nonce="([^"]+)">', read_body(page))[0] for page in pages]
    for page, nonce in zip(pages, nonces, strict=True):
        policy = read_policy(page)
        assert f"'nonce-{nonce}'" in policy["style-src"]
        assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
        assert re.findall(r"<style[^>]*>", read_body(page)) == [f'<style nonce="{nonce}">']
        assert not re.search(r'<[^>]+ style="', read_body(page))
    assert nonces[0] != nonces[1]


@pytest.mark.parametrize("built", [True, False])
def test_the_policy_allows_no_other_script_and_no_frame(dist: Path, tmp_path: Path, built: bool) -> None:
    page = graphiql_page(dist=dist if built else tmp_path)
    policy = read_policy(page)
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:"} & set(policy["script-src"])
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_a_token_is_in_the_token_field_and_in_no_tab(dist: Path) -> None:
    settings = read_settings(graphiql_page(token="secret-token", dist=dist))
    assert settings["token"] == "secret-token"
    assert all(set(tab) == {"query", "variables"} for tab in as_tabs(settings))
    assert read_settings(graphiql_page(dist=dist))["token"] == ""


def test_a_page_without_a_token_shows_where_one_comes_from(dist: Path) -> None:
    page = read_body(graphiql_page(dist=dist))
    assert '<details class="help" open>' in page
    assert "clientele token create --account EMAIL" in page
    assert '<details class="help">' in read_body(graphiql_page(token="secret-token", dist=dist))


@pytest.mark.parametrize("built", [True, False])
def test_without_introspection_the_page_says_so(dist: Path, tmp_path: Path, built: bool) -> None:
    page = graphiql_page(introspection=False, dist=dist if built else tmp_path)
    assert "Introspection is off on this service." in read_body(page)
    assert read_settings(page)["introspection"] is False
    assert "Introspection" not in read_body(graphiql_page(dist=dist))


def test_with_trusted_documents_only_the_page_says_so_and_runs_nothing() -> None:
    page = trusted_documents_page()
    assert "trusted documents only" in read_body(page)
    assert "<script" not in read_body(page)
    assert read_policy(page)["script-src"] == ["'none'"]


def as_tabs(settings: dict[str, object]) -> list[dict[str, str]]:
    tabs = settings["tabs"]
    assert isinstance(tabs, list)
    return tabs


def test_a_tab_holds_each_example_in_order(dist: Path) -> None:
    tabs = as_tabs(read_settings(graphiql_page(dist=dist)))
    examples = load_examples()
    assert [tab["query"] for tab in tabs] == [example.query for example in examples]
    assert [json.loads(tab["variables"] or "{}") for tab in tabs] == [example.variables for example in examples]


def test_a_value_cannot_leave_the_settings(dist: Path) -> None:
    page = graphiql_page(token="</script><script>alert(1)</script>", dist=dist)
    assert "alert(1)</script>" not in read_body(page)
    assert "</script><script>alert(1)</script>" in str(read_settings(page)["token"])


def test_the_page_works_behind_a_prefix(dist: Path) -> None:
    page = graphiql_page(endpoint="/clients/graphql", dist=dist)
    assert read_settings(page)["endpoint"] == "/clients/graphql"
    assert 'src="/clients/graphql/assets/main-1a2B.js"' in read_body(page)


def test_the_page_has_a_title_and_a_heading_and_a_language(dist: Path) -> None:
    body = read_body(graphiql_page(dist=dist))
    assert '<html lang="en">' in body
    assert "<title>Clientele GraphiQL: explore the GraphQL API</title>" in body
    assert "<h1>Clientele: explore the GraphQL API</h1>" in body


def test_each_example_has_a_name_of_its_own() -> None:
    names = [example.name for example in load_examples()]
    assert names == [
        "ClientsByName",
        "SearchClients",
        "ClientScreen",
        "CreateClient",
        "CreateClients",
        "UpsertClient",
        "FindDuplicates",
        "Customers",
        "ClientHistory",
        "CatchUp",
        "ClientChanges",
    ]


def test_an_example_without_a_name_is_rejected() -> None:
    with pytest.raises(ValueError, match="needs a named operation"):
        read_example("{ viewer { organizations { name } } }", {})
