"""The root path: the service works below a prefix, which a proxy passes on or removes, and its page names it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from app.config import Config
from app.errors import Misconfigured
from app.http.root_path import find_root_path, remove_root_path
from app.main import create_app
from app.server.output import describe
from tests.conftest import Service
from tests.live_server import open_client, served

BROWSER = {"Accept": "text/html"}
QUERY = {"query": "{ clients { totalCount } }"}


def below(service: Service, root_path: str) -> Starlette:
    return create_app(replace(service.config, root_path=root_path), service.database)


@asynccontextmanager
async def visiting(service: Service, app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http:
        yield http


async def check_paths(http: httpx.AsyncClient, prefix: str) -> None:
    """Asks each API and the health check below a prefix."""
    assert (await http.post(f"{prefix}/graphql", json=QUERY)).json()["data"] == {"clients": {"totalCount": 0}}
    assert (await http.get(f"{prefix}/customers")).status_code == 200
    assert (await http.get(f"{prefix}/v1/accounts/authorized")).status_code == 200
    assert (await http.get(f"{prefix}/healthz")).status_code == 200


def page_addresses(page: httpx.Response) -> set[str]:
    """The paths in the settings of the page."""
    text = page.text.partition('id="graphiql-settings">')[2].partition("</script>")[0]
    return {json.loads(text)["endpoint"]}


@pytest.mark.parametrize("root_path", ["/erp", "/apps/clients-2"])
async def test_a_setting_serves_all_apis_with_and_without_the_prefix(service: Service, root_path: str) -> None:
    async with visiting(service, below(service, root_path)) as http:
        await check_paths(http, root_path)
        await check_paths(http, "")
        for path in (f"{root_path}/graphql", "/graphql"):
            assert page_addresses(await http.get(path, headers=BROWSER)) == {f"{root_path}/graphql"}
        assert (await http.get(f"{root_path}2/customers")).status_code == 404


async def test_a_mounted_application_has_the_prefix_of_its_mount(service: Service) -> None:
    outer = Starlette(routes=[Mount("/erp", app=create_app(service.config, service.database))])
    async with visiting(service, outer) as http:
        await check_paths(http, "/erp")
        assert page_addresses(await http.get("/erp/graphql", headers=BROWSER)) == {"/erp/graphql"}


async def test_the_root_path_of_the_server_wins_over_the_setting(service: Service) -> None:
    outer = Starlette(routes=[Mount("/outer", app=below(service, "/erp"))])
    async with visiting(service, outer) as http:
        assert page_addresses(await http.get("/outer/graphql", headers=BROWSER)) == {"/outer/graphql"}


async def test_a_websocket_opens_below_the_prefix(service: Service) -> None:
    async with served(below(service, "/erp"), service.config) as address, open_client(f"{address}/erp") as line:
        await line.send("connection_init", payload={"Authorization": f"Bearer {service.token}"})
        assert (await line.receive())["type"] == "connection_ack"


async def test_an_error_of_v1_names_the_path_without_the_prefix(service: Service) -> None:
    async with visiting(service, below(service, "/erp")) as http:
        error = (await http.get("/erp/v1/nothing")).json()["error"]
        assert error == (await service.http.get("/v1/nothing")).json()["error"]


def test_the_text_at_the_start_names_the_prefix() -> None:
    text = describe(Config(), "http://127.0.0.1:8000/erp", None)
    assert "http://127.0.0.1:8000/erp/graphql" in text
    assert "http://127.0.0.1:8000/erp/customers" in text


@pytest.mark.parametrize(
    ("text", "path"), [("/erp", "/erp"), ("/erp/", "/erp"), ("/", ""), ("", ""), ("/a/b.c/~d", "/a/b.c/~d")]
)
def test_a_setting_is_a_path_without_a_slash_at_its_end(text: str, path: str) -> None:
    assert Config.from_environment({"CLIENTELE_ROOT_PATH": text}).root_path == path


@pytest.mark.parametrize(
    "text", ["erp", "//erp", "/erp//x", "/../erp", "/.", "/a b", "/<b>", "https://a.example/erp", "/é"]
)
def test_any_other_setting_is_an_error(text: str) -> None:
    with pytest.raises(Misconfigured, match="CLIENTELE_ROOT_PATH must be a path"):
        Config.from_environment({"CLIENTELE_ROOT_PATH": text})


@pytest.mark.parametrize(
    ("root", "path", "rest"),
    [
        ("/erp", "/erp/v1", "/v1"),
        ("/erp", "/v1", "/v1"),
        ("/erp", "/erp2/v1", "/erp2/v1"),
        ("/erp", "/erp", ""),
        ("/é", "/%C3%A9/v1", "/v1"),
        ("", "/v1", "/v1"),
    ],
)
def test_only_whole_segments_are_removed(root: str, path: str, rest: str) -> None:
    assert remove_root_path(path, {"root_path": root}) == rest


def test_a_root_path_in_a_url_begins_with_one_slash() -> None:
    assert [find_root_path({"root_path": path}) for path in ("", "/", "/erp/", "//erp", "/a b")] == [
        "", "", "/erp", "/erp", "/a%20b"
    ]  # fmt: skip
