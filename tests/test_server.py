"""The end of a real server process: it leaves the balancer, answers what has begun, and ends with exit code 0."""

import asyncio
import resource
import signal
import time
from pathlib import Path

import httpx
import pytest

from app.config import Config
from app.http.protocol.state import fit_connections
from app.server.sockets import raise_descriptor_limit
from tests.raw_http import connected, request
from tests.test_cli import COMMAND, Served, refuses, serving

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


async def ends_listening(address: str) -> None:
    async with asyncio.timeout(10):
        while not await refuses(address):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def leaves_the_balancer(address: str) -> None:
    """Waits for the answer to a balancer that says so."""
    async with asyncio.timeout(10), httpx.AsyncClient(base_url=address) as http:
        while (answer := await http.get("/readyz")).status_code == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert answer.json()["reason"] == "the service is going to stop"
        assert answer.headers["connection"] == "close"


async def wait_for_end(served: Served) -> int:
    return await asyncio.wait_for(served.process.wait(), 20)


@WORKERS
async def test_sigterm_leaves_the_balancer_first_and_ends_with_exit_code_0(
    database_url: str, tmp_path: Path, workers: str
) -> None:
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_DRAIN": "2"}
    async with serving("--workers", workers, **settings) as served, connected(served.address) as kept:
        assert (await kept.ask(request("GET", "/healthz"))).status == 200
        served.process.send_signal(signal.SIGTERM)
        await leaves_the_balancer(served.address)
        answer = await kept.ask(request("GET", "/healthz"))
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        served.process.send_signal(signal.SIGTERM)
        await ends_listening(served.address)
        assert await wait_for_end(served) == 0
    assert "Traceback" not in served.logged.decode()


@WORKERS
async def test_after_the_drain_nothing_is_accepted_while_running_requests_end(
    database_url: str, tmp_path: Path, workers: str
) -> None:
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_DRAIN": "0.2"}
    async with serving("--workers", workers, **settings) as served, connected(served.address) as running:
        body = b'{"email": "a@example.com", "password": "unknown"}'
        await running.send(
            request("POST", "/v1/accounts/login", "Content-Type: application/json", f"Content-Length: {len(body)}")
            + body[:10]
        )
        await asyncio.sleep(0.2)
        served.process.send_signal(signal.SIGTERM)
        await ends_listening(served.address)
        assert served.process.returncode is None
        await running.send(body[10:])
        assert (await running.answer()).status == 401
        assert await wait_for_end(served) == 0


@WORKERS
async def test_ctrl_c_does_not_wait_for_the_balancer(database_url: str, tmp_path: Path, workers: str) -> None:
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_DRAIN": "60"}
    async with serving("--workers", workers, **settings) as served:
        began = time.monotonic()
        assert await served.stop() == 0
        assert time.monotonic() - began < 20
    assert "Traceback" not in served.logged.decode()


def test_a_worker_takes_no_more_connections_than_it_may_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(connections=2000, pool_size=10)
    for files, connections in ((256, 46), (1024, 814), (100_000, 2000), (resource.RLIM_INFINITY, 2000), (64, 16)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert fit_connections(config) == connections


def test_the_limit_of_open_files_is_raised_as_far_as_allowed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = [256, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.__setitem__(0, wanted[0]))
    raise_descriptor_limit(Config(connections=2000))
    assert (limits, caplog.messages) == ([4096, 4096], [])
    raise_descriptor_limit(Config(connections=100_000, pool_size=8))
    assert ["at most 3888 connections instead of 100000" in line for line in caplog.messages] == [True]


async def test_silent_connections_leave_room_for_others_when_few_files_may_be_open(
    database_url: str, tmp_path: Path
) -> None:
    """A process with 256 descriptors answers beside 300 silent connections."""
    limited = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *COMMAND]
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_HEAD_TIMEOUT": "2"}
    async with serving(command=limited, **settings) as served:
        writers = []
        for _ in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", int(served.address.rpartition(":")[2]))
            writers.append(writer)
        async with asyncio.timeout(20), httpx.AsyncClient(base_url=served.address) as http:
            while (await http.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        for writer in writers:
            writer.close()
    assert served.logged.decode().count("CLIENTELE_CONNECTIONS") == 1
