"""Errors of the v1 API: paths, tokens, bodies and filters, always in LoopBack's envelope."""

import gzip
from base64 import b64encode
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.auth import Scope
from app.main import create_app
from app.storage.database import Database
from tests.conftest import Service
from tests.rest.v1.requests import NOBODY, as_filter, clients_path, make


def error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body: dict[str, Any] = answer.json()["error"]
    assert body["statusCode"] == answer.status_code
    return body


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/v1/Clients", 'Shared class "Client" has no method handling GET /'),
        ("PUT", "/v1/clients/", 'Shared class "Client" has no method handling PUT /'),
        ("POST", "/v1/Clients/abc", 'Shared class "Client" has no method handling POST /abc'),
        (
            "PATCH",
            "/V1/Organizations/abc/clients",
            'Shared class "Organization" has no method handling PATCH /abc/clients',
        ),
        ("GET", "/v1/Clients/a/b?c=d", 'Shared class "Client" has no method handling GET /a/b?c=d'),
        ("GET", "/v1/Clients//", 'Shared class "Client" has no method handling GET //'),
        ("OPTIONS", "/v1/Nope/x", "There is no method to handle OPTIONS /Nope/x"),
        ("GET", "/v1", "There is no method to handle GET /"),
        ("DELETE", "/nowhere", "Cannot DELETE /nowhere"),
        ("GET", "/v10/Clients/x", "Cannot GET /v10/Clients/x"),
        ("POST", "/nowhere?a=b", "Cannot POST /nowhere?a=b"),
        ("GET", "//v1/Clients", "Cannot GET //v1/Clients"),
        ("GET", "/v%31/Clients", "Cannot GET /v%31/Clients"),
        ("GET", "/v1/Cl%69ents/a", "There is no method to handle GET /Cl%69ents/a"),
        ("GET", "/v1//Clients", "There is no method to handle GET //Clients"),
        ("OPTIONS", "/v1/Clients/a", 'Shared class "Client" has no method handling OPTIONS /a'),
    ],
)
async def test_a_path_where_nothing_is_says_so_to_anybody(
    service: Service, method: str, path: str, message: str
) -> None:
    async with service.client(None) as anybody:
        request = anybody.build_request(method, "/")
        request.url = request.url.copy_with(raw_path=path.encode())
        refused = error(await anybody.send(request))
    assert refused == {"statusCode": 404, "name": "Error", "message": message}


async def test_paths_have_no_case_and_may_end_in_a_slash(service: Service) -> None:
    made = await make(service)
    for path in (f"/V1/CLIENTS/{made['id']}", f"/v1/clients/{made['id']}/"):
        assert (await service.http.get(path)).json() == made
    assert (await service.http.get(f"/v1/oRGANIZATIONS/{service.organization}/Clients/COUNT/")).json() == {"count": 1}


@pytest.mark.parametrize(
    "encoded", ["..%2f..%2fetc%2fpasswd", "%7B%22neq%22%3A%22x%22%7D", "null", "%C3%BC", "a%20b%3F", "%00", "x" * 5000]
)
async def test_a_path_id_is_opaque_text(service: Service, encoded: str) -> None:
    await make(service)
    refused = error(await service.http.get(f"/v1/Clients/{encoded}"))
    decoded = httpx.URL(f"http://x/{encoded}").path.removeprefix("/")
    assert refused["message"] == f'Unknown "Client" id "{decoded}".'
    assert refused["code"] == "MODEL_NOT_FOUND"
    assert (await service.http.delete(f"/v1/Clients/{encoded}")).json() == {"count": 0}
    assert (await service.http.get(clients_path(service, "/count"))).json() == {"count": 1}


async def test_an_id_that_does_not_decode_is_rejected(service: Service) -> None:
    refused = error(await service.http.get("/v1/Clients/%ff"))
    assert refused == {"statusCode": 400, "name": "URIError", "message": "Failed to decode param '%ff'"}


async def test_only_a_valid_token_is_authorized(service: Service) -> None:
    path = clients_path(service, "/count")
    for token in (None, "nonsense"):
        async with service.client(token) as http:
            refused = error(await http.get(path))
            assert refused == {
                "statusCode": 401,
                "name": "Error",
                "message": "Authorization Required",
                "code": "AUTHORIZATION_REQUIRED",
            }
    async with service.client(None) as http:
        assert (await http.get(path, headers={"Authorization": service.token})).status_code == 200
        for scheme, credentials in (("Bearer", service.token), ("Basic", f"somebody:{service.token}")):
            encoded = b64encode(credentials.encode()).decode()
            assert (await http.get(path, headers={"Authorization": f"{scheme} {encoded}"})).status_code == 200
        assert (await http.get(path, headers={"X-Access-Token": service.token})).status_code == 200
        assert (await http.get(f"{path}?access_token={service.token}")).status_code == 200


async def test_a_token_that_may_only_read_writes_nothing(service: Service) -> None:
    made = await make(service)
    token = await service.make_token(account_email=service.email, scope=Scope.READ)
    async with service.client(token) as http:
        path = f"/v1/Clients/{made['id']}"
        assert (await http.get(path)).status_code == 200
        for method, where, body in (
            ("POST", clients_path(service), {"name": "x"}),
            ("PUT", path, {"name": "x"}),
            ("PATCH", path, {"name": "x"}),
            ("DELETE", path, None),
            ("POST", f"{path}/send-reminder", {"email": "a@b.example"}),
        ):
            assert error(await http.request(method, where, json=body))["code"] == "AUTHORIZATION_REQUIRED"
    assert (await service.http.get(path)).json() == made


async def test_errors_come_in_order(service: Service) -> None:
    """No such path, then what cannot be read, then who calls, then what is asked for, then what is wrong with it."""
    path = f"/v1/Clients/{NOBODY}"
    broken: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    async with service.client(None) as anybody:
        assert (await anybody.post(path, **broken)).status_code == 404
        assert (await anybody.put(path, **broken)).status_code == 400
        assert (await anybody.get(clients_path(service) + "?filter={bad}")).status_code == 400
        assert (await anybody.put(path, json={})).status_code == 401
        assert (await anybody.get(clients_path(service) + as_filter({"limit": -1}))).status_code == 401
    assert (await service.http.put(path, json={})).status_code == 422
    assert (await service.http.patch(path, json={"name": ""})).status_code == 404
    assert (await service.http.put(path, json={"name": "x"})).status_code == 404
    nowhere = f"/v1/Organizations/{NOBODY}/clients"
    assert (await service.http.post(nowhere, json={})).status_code == 404
    assert error(await service.http.get(nowhere))["message"] == f"could not find a model with id {NOBODY}"


@pytest.mark.parametrize(
    ("filter_", "named"),
    [
        ({"where": {"nope": 1}}, "nope"),
        ({"where": {"name": {"near": "x"}}}, "near"),
        ({"order": "nope ASC"}, "nope"),
        ({"order": "name sideways"}, "sideways"),
        ({"limit": 0.5}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"skip": -1}, "skip"),
        ({"include": "documents"}, "documents"),
        ({"where": {"createdAt": {"gt": "soon"}}}, "createdAt"),
        ({"where": {"name": {"regexp": "(a)\\1"}}}, "name"),
        ({"fields": None}, "fields"),
    ],
)
async def test_a_filter_is_rejected_by_name(service: Service, filter_: Any, named: str) -> None:
    refused = error(await service.http.get(clients_path(service) + as_filter(filter_)))
    assert refused["statusCode"] == 400
    assert named in refused["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "term is a required argument"),
        ("term=", "term is a required argument"),
        ("term=+", "term is a required argument"),
        ("term=a&term=b", "Value is not a string."),
        ("term[x]=1", "Value is not a string."),
        ("term=a&type[]=customer", "Value is not a string."),
        ("term=a%00", "The value of `term` contains a NUL character, which is not allowed."),
        ("term=" + "x" * 10_001, "The value of `term` may have at most 10000 characters; got 10001."),
        ("term=a&type=friend", "type must be one of customer, supplier, both; got 'friend'."),
    ],
)
async def test_a_search_is_rejected_by_its_arguments(shared_service: Service, query: str, message: str) -> None:
    for path in (
        clients_path(shared_service, "/search"),
        f"/v1/organizations/{shared_service.organization}/search-clients",
    ):
        refused = error(await shared_service.http.get(f"{path}?{query}"))
        assert refused == {"statusCode": 400, "name": "Error", "message": message}


@pytest.mark.parametrize(
    ("body", "codes", "message"),
    [
        ({}, {"name": ["presence"]}, "`name` can't be blank (value: undefined)"),
        ({"name": "x", "id": NOBODY}, {"id": ["absence"]}, f'`id` can\'t be set (value: "{NOBODY}")'),
        ({"name": "x", "nope": 1}, {"nope": ["unknown-property"]}, "`nope` is not defined in the model (value: 1)"),
        (
            {"nope": {"a": 1}},
            {"nope": ["unknown-property"], "name": ["presence"]},
            "`nope` is not defined in the model (value: { a: 1 }); `name` can't be blank (value: undefined)",
        ),
        ({"name": ["a"]}, {"name": ["type"]}, "`name` is not a text (value: [ 'a' ])"),
        ({"name": "x", "type": "friend"}, {"type": ["inclusion"]}, None),
        ({"name": "x" * 10_001}, {"name": ["length"]}, None),
    ],
)
async def test_a_body_that_is_not_valid_is_422_with_everything_wrong(
    service: Service, body: Any, codes: Any, message: str | None
) -> None:
    refused = error(await service.http.post(clients_path(service), json=body))
    assert (refused["statusCode"], refused["name"]) == (422, "ValidationError")
    assert refused["details"]["context"] == "Client"
    assert refused["details"]["codes"] == codes
    if message:
        assert refused["message"] == f"The `Client` instance is not valid. Details: {message}."


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b'{"name":"x"', 400, "SyntaxError"),
        (b"[5]", 400, "Error"),
        (b'"text"', 400, "Error"),
        (b'{"name":"x\\u0000"}', 400, "Error"),
        (b'{"name":"x","_data":{}}', 400, "Error"),
        (b'{"name":"x","custom":' + b'{"a":' * 40 + b"1" + b"}" * 41, 400, "Error"),
        (b'{"name":"' + b"x" * 102_400 + b'"}', 413, "PayloadTooLargeError"),
    ],
)
async def test_a_body_that_cannot_be_read_is_rejected(service: Service, body: bytes, status: int, name: str) -> None:
    answer = await service.http.post(clients_path(service), content=body, headers={"Content-Type": "application/json"})
    refused = error(answer)
    assert (refused["statusCode"], refused["name"]) == (status, name)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=latin1"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
    ],
)
async def test_a_patch_of_another_type_is_415_and_not_lost_in_silence(
    service: Service, headers: dict[str, str]
) -> None:
    made = await make(service)
    answer = await service.http.patch(f"/v1/Clients/{made['id']}", content=b'{"name":"x"}', headers=headers)
    assert error(answer)["statusCode"] == 415


async def test_a_question_that_takes_too_long_is_the_callers_mistake_when_it_has_a_pattern(service: Service) -> None:
    hasty = Database(service.database.url, statement_timeout=0.2)
    transport = httpx.ASGITransport(create_app(service.config, hasty))
    pattern, plain = {"where": {"or": [{"name": {"regexp": "x"}}, {"zip": "1"}]}}, {"where": {"zip": "1"}}
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=service.headers) as http,
        service.database.write() as locking,
    ):
        await locking.execute(text("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE"))
        refused = error(await http.get(clients_path(service) + as_filter(pattern)))
        busy = await http.get(clients_path(service) + as_filter(plain))
    await hasty.close()
    assert (refused["statusCode"], refused["message"]) == (
        400,
        "The pattern takes too long. Use a simpler pattern or add conditions.",
    )
    assert (error(busy)["statusCode"], busy.headers["retry-after"]) == (503, "5")


async def test_a_compressed_body_is_read_up_to_the_cap(service: Service) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    small = gzip.compress(b'{"name":"Zipped"}')
    answer = await service.http.post(clients_path(service), content=small, headers=headers)
    assert answer.json()["name"] == "Zipped"
    bomb = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
    assert (await service.http.post(clients_path(service), content=bomb, headers=headers)).status_code == 413
    torn = await service.http.post(clients_path(service), content=small[:-10], headers=headers)
    assert error(torn)["statusCode"] == 400


async def test_an_unreachable_database_is_503(service: Service) -> None:
    service.http._transport = httpx.ASGITransport(create_app(service.config, Database("postgresql://127.0.0.1:1/none")))
    answer = await service.http.get(clients_path(service))
    assert (error(answer)["statusCode"], answer.headers["retry-after"]) == (503, "5")


async def test_a_text_that_does_not_compress_is_stored(service: Service) -> None:
    name = "".join(map(chr, range(0x4E00, 0x4E00 + 9000)))
    answer = await service.http.post(clients_path(service), json={"name": name})
    assert answer.status_code == 200
    assert (await service.http.get(f"/v1/clients/{answer.json()['id']}")).json()["name"] == name
