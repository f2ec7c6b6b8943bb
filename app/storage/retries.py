"""Retries: a transaction that PostgreSQL rolled back because of another one is run again a few times."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from app.errors import Contended

PAUSES = (0.02, 0.06, 0.2)
"""Seconds before each further attempt."""

T = TypeVar("T")
P = ParamSpec("P")


def retried(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Calls a function again that raises Contended.

    The function must do everything that cannot be undone inside one transaction, or after it.
    """

    @wraps(function)
    async def call(*arguments: P.args, **options: P.kwargs) -> T:
        for pause in PAUSES:
            try:
                return await function(*arguments, **options)
            except Contended:
                await wait_about(pause)
        return await function(*arguments, **options)

    return call


async def wait_about(seconds: float) -> None:
    """Waits, half as long to half as long again by chance, so that two transactions do not meet a second time."""
    await asyncio.sleep(seconds * random.uniform(0.5, 1.5))  # noqa: S311 - spreads attempts, nothing secret
