"""The modules of `app` that one list request runs: an engineer opens each of them to follow the request."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

import app
from tests.conftest import Service

ROOT = f"{Path(app.__file__).parent}/"
SHARED = ("http/", "storage/", "auth/", "ids.py")
"""Modules that every request runs, before and after the list itself. They are not counted."""

traced: ContextVar[bool] = ContextVar("traced", default=False)
"""True in the request and in the tasks that it starts. The background tasks of the service have contexts of their own."""

GRAPHQL = '{ clients(filter: {name: {eq: "Ana"}}, orderBy: [{field: NAME}]) { nodes { id name } } }'

Ask = Callable[[Service], Awaitable[httpx.Response]]


async def list_customers(service: Service) -> httpx.Response:
    return await service.http.get("/customers", params={"query": '{"name":"Ana"}', "order_by": "name"})


async def list_v1_clients(service: Service) -> httpx.Response:
    path = f"/v1/organizations/{service.organization}/clients"
    return await service.http.get(path, params={"filter": '{"where":{"name":"Ana"},"order":"name"}'})


async def list_graphql_clients(service: Service) -> httpx.Response:
    return await service.http.post("/graphql", json={"query": GRAPHQL})


REQUESTS: list[tuple[Ask, int]] = [(list_customers, 16), (list_v1_clients, 18), (list_graphql_clients, 20)]
"""A list with one filter and one order on each API, and the most modules that it may run."""


@contextmanager
def tracing() -> Iterator[set[str]]:
    """The modules of `app` in which functions or coroutines run inside the block, as paths."""
    modules: set[str] = set()

    def note_module(frame: FrameType, event: str, argument: Any) -> None:
        if traced.get() and frame.f_code.co_filename.startswith(ROOT):
            modules.add(frame.f_code.co_filename.removeprefix(ROOT))

    previous, token = sys.gettrace(), traced.set(True)
    sys.settrace(note_module)
    try:
        yield modules
    finally:
        sys.settrace(previous)
        traced.reset(token)


@pytest.mark.parametrize(("ask", "most"), REQUESTS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_list_request_runs_few_modules(service: Service, ask: Ask, most: int) -> None:
    await service.http.post("/customers", json={"name": "Ana"})
    first = await ask(service)
    with tracing() as modules:
        second = await ask(service)
    assert "Ana" in second.text
    assert second.content == first.content
    counted = sorted(module for module in modules if not module.startswith(SHARED))
    assert {"clients/service.py", "query/request.py", "query/sql/pages.py"} <= set(counted)
    assert len(counted) <= most, f"{len(counted)} modules, at most {most}:\n" + "\n".join(counted)
