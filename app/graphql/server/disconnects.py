"""Departures: what a caller asked for is not worked out once he has hung up."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

T = TypeVar("T")


class Gone(Exception):
    """The caller has hung up: nobody reads the answer."""


async def while_heard(request: Request, work: Awaitable[T]) -> T:
    """The result of some work on a request whose body has been read. When the caller hangs up, the work is cancelled, its
    statements too. Raises Gone then."""
    working = asyncio.current_task()
    assert working is not None
    listening = asyncio.create_task(_cancel_on_departure(request, working))
    try:
        return await work
    except asyncio.CancelledError:
        if listening.done() and listening.result():
            working.uncancel()
            raise Gone from None
        raise
    finally:
        listening.cancel()


async def _cancel_on_departure(request: Request, working: "asyncio.Task[object]") -> bool:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return working.cancel()
