"""Compressed bodies and charsets: every API reads the same ones, up to the cap, and says in its own shape what it does not read."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import Service

JSON = "application/json"


@dataclass(frozen=True)
class Api:
    """A request that writes, and where its response has the name and the message of an error."""

    path: str
    write: Callable[[str], Any]
    name: Callable[[Any], Any]
    message: Callable[[Any], Any]


MUTATION = "mutation ($name: String!) { createClient(input: {name: $name}) { client { name } } }"
APIS = [
    Api("/customers", lambda name: {"name": name}, lambda body: body["name"], lambda body: body["message"]),
    Api(
        "/v1/organizations/{}/clients",
        lambda name: {"name": name},
        lambda body: body["name"],
        lambda body: body["error"]["message"],
    ),
    Api(
        "/graphql",
        lambda name: {"query": MUTATION, "variables": {"name": name}},
        lambda body: body["data"]["createClient"]["client"]["name"],
        lambda body: body["errors"][0]["message"],
    ),
]
every_api = pytest.mark.parametrize("api", APIS, ids=lambda api: api.path)


async def post(
    service: Service, api: Api, content: bytes, kind: str = JSON, encodings: tuple[str, ...] = ()
) -> httpx.Response:
    headers = [("Content-Type", kind), *(("Content-Encoding", encoding) for encoding in encodings)]
    return await service.http.post(api.path.format(service.organization), content=content, headers=headers)


def write(api: Api, name: str = "Žiga", charset: str = "utf-8") -> bytes:
    return json.dumps(api.write(name), ensure_ascii=False).encode(charset)


def members(data: bytes) -> bytes:
    return gzip.compress(data[:7]) + gzip.compress(b"") + gzip.compress(data[7:])


@every_api
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", members),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
async def test_a_compressed_body_is_unpacked(
    shared_service: Service, api: Api, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    answer = await post(shared_service, api, pack(write(api)), encodings=(encoding,))
    assert answer.status_code in (200, 201), answer.text
    assert api.name(answer.json()) == "Žiga"


@every_api
@pytest.mark.parametrize(
    "charset", ["utf-8", "UTF-8", "utf8", "utf-16", "UTF-16LE", "utf-16be", "utf-32", "utf-32le", "utf-32be"]
)
async def test_a_body_in_any_form_of_unicode_is_read(shared_service: Service, api: Api, charset: str) -> None:
    for kind in (f"{JSON}; charset={charset}", f'{JSON};CharSet="{charset}"; x=y'):
        answer = await post(shared_service, api, write(api, charset=charset), kind)
        assert answer.status_code in (200, 201), answer.text
        assert api.name(answer.json()) == "Žiga"


@every_api
async def test_a_compressed_body_may_have_another_charset(shared_service: Service, api: Api) -> None:
    packed = gzip.compress(write(api, charset="utf-16"))
    answer = await post(shared_service, api, packed, f"{JSON}; charset=utf-16", ("gzip",))
    assert api.name(answer.json()) == "Žiga"


@every_api
@pytest.mark.parametrize("encodings", [("br",), ("zstd",), ("compress",), ("gzip, gzip",), ("gzip", "br"), ("x",)])
async def test_another_content_encoding_is_415(shared_service: Service, api: Api, encodings: tuple[str, ...]) -> None:
    answer = await post(shared_service, api, write(api), encodings=encodings)
    assert answer.status_code == 415
    assert encodings[-1] in api.message(answer.json())


@every_api
@pytest.mark.parametrize("charset", ["latin1", "iso-8859-2", "windows-1250", "utf-7", "idna", "rot13"])
async def test_another_charset_is_415(shared_service: Service, api: Api, charset: str) -> None:
    answer = await post(shared_service, api, write(api), f"{JSON}; charset={charset}")
    assert answer.status_code == 415
    assert charset in api.message(answer.json()).lower()


BROKEN = [
    (gzip.compress(b"{}")[:-6], JSON, "gzip"),
    (gzip.compress(b"{}") + b"rest", JSON, "gzip"),
    (gzip.compress(b"{}") * 101, JSON, "gzip"),
    (zlib.compress(b"{}") * 2, JSON, "deflate"),
    (b"{}", JSON, "gzip"),
    (b"{}", JSON, "deflate"),
    (zlib.compress(b"{}"), JSON, "gzip"),
    (gzip.compress(b"{}"), JSON, "deflate"),
    (b"{}x", f"{JSON}; charset=utf-16", ""),
    ("\ud800".encode("utf-16le", "surrogatepass"), f"{JSON}; charset=utf-16le", ""),
    ("{}".encode("utf-16"), JSON, ""),
    (b'{"a": "\xff"}', JSON, ""),
    (b'{"a": NaN}', JSON, ""),
    (b'{"a": ', JSON, ""),
    (b"{'a': 1}", JSON, ""),
    (b'{"a": 1,}', JSON, ""),
    (b'{"a": 1} {', JSON, ""),
    (b'"\x01"', JSON, ""),
]
PYTHON = ("codec", "decode", "char ", "0x", "delimiter", "Expecting", "Extra data", "zlib", "Error", "position")


@every_api
@pytest.mark.parametrize(("content", "kind", "encoding"), BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_body_is_400_without_words_of_python(
    shared_service: Service, api: Api, content: bytes, kind: str, encoding: str
) -> None:
    answer = await post(shared_service, api, content, kind, (encoding,))
    assert answer.status_code == 400
    message = api.message(answer.json())
    assert not [word for word in PYTHON if word in message], message


@every_api
async def test_the_cap_is_for_the_unpacked_body_and_unpacking_stops_there(shared_service: Service, api: Api) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    assert len(bomb) < shared_service.config.body_cap
    started = time.process_time()
    answer = await post(shared_service, api, bomb, encodings=("gzip",))
    assert answer.status_code == 413
    assert time.process_time() - started < 0.1
