"""Pages of other origins may call an API only when the setting names them."""

from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from app.config import Config
from app.errors import Misconfigured
from app.main import create_app
from tests.conftest import Service

ORIGIN = "https://app.example"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "authorization,content-type,if-match,x-entity-id",
}


@pytest.fixture(scope="module")
def service(shared_service: Service) -> Service:
    """These tests change nothing."""
    return shared_service


def allowing(service: Service, *origins: str) -> httpx.AsyncClient:
    app = create_app(replace(service.config, cors_origins=origins), service.database)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers)


def cors_headers(headers: Mapping[str, str]) -> list[str]:
    return [name for name in headers if name.startswith("access-control-")]


async def test_no_origin_is_allowed_until_one_is_set(service: Service) -> None:
    answer = await service.http.get("/customers", headers={"origin": ORIGIN})
    assert answer.status_code == 200
    assert cors_headers(answer.headers) == []
    assert cors_headers((await service.http.options("/customers", headers=PREFLIGHT)).headers) == []


@pytest.mark.parametrize("path", ["/customers", "/v1/clients/count", "/graphql", "/healthz", "/nothing"])
async def test_every_api_answers_the_allowed_origin(service: Service, path: str) -> None:
    async with allowing(service, "https://other.example", ORIGIN) as http:
        asked = await http.options(path, headers=PREFLIGHT)
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert asked.headers["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
        assert {"PATCH", "DELETE", "PUT"} <= set(asked.headers["access-control-allow-methods"].split(", "))
        answer = await http.get(path, headers={"origin": ORIGIN})
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed == {"x-request-id", "etag", "x-total-count", "retry-after", "ratelimit", "ratelimit-policy"}
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in answer.headers


async def test_refusals_can_be_read_by_the_page_too(service: Service) -> None:
    async with allowing(service, ORIGIN) as http:
        answer = await http.get("/customers", headers={"origin": ORIGIN, "authorization": "Bearer unknown"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == ORIGIN


async def test_other_origins_stay_out(service: Service) -> None:
    async with allowing(service, ORIGIN) as http:
        for origin in ("https://evil.example", "http://app.example", "https://app.example:8443", "null"):
            answer = await http.get("/customers", headers={"origin": origin})
            assert "access-control-allow-origin" not in answer.headers
    async with allowing(service, "*") as http:
        answer = await http.get("/customers", headers={"origin": "https://anyone.example"})
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_setting_is_a_list_of_origins() -> None:
    def read(text: str) -> tuple[str, ...]:
        return Config.from_environment({"CLIENTELE_CORS_ORIGINS": text}).cors_origins

    assert read("") == ()
    assert read("*") == ("*",)
    assert read("https://a.example, http://localhost:3000") == ("https://a.example", "http://localhost:3000")
    assert read("http://[::1]:3000") == ("http://[::1]:3000",)
    for wrong in ("app.example", "https://a.example/", "https://a.example,*", "ftp://a.example", "https://"):
        with pytest.raises(Misconfigured, match="CLIENTELE_CORS_ORIGINS"):
            read(wrong)
