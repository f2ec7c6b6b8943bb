"""Notices: the check that PostgreSQL's notifications from one address reach another one."""

import asyncio
import secrets
from contextlib import AsyncExitStack

import asyncpg

from app.errors import Misconfigured
from app.storage.connector import connect
from app.storage.driver import Driver
from app.storage.listener import LOSSES

LIMIT = 3.0
"""Seconds for the connections and the notification."""


async def find_notice_problem(url: str, listen_url: str) -> str | None:
    """Returns the reason for which notices sent through `url` do not arrive at `listen_url`; None when they do.

    Raises Misconfigured when `listen_url` is not an address of PostgreSQL.
    """
    try:
        async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
            listening = await _open(stack, listen_url)
            await _exchange(listening, await _open(stack, url))
    except asyncpg.ClientConfigurationError as error:
        raise Misconfigured(f"CLIENTELE_LISTEN_URL must be a libpq URL: {error}", "CLIENTELE_LISTEN_URL") from error
    except TimeoutError as error:
        return str(error) or "a notification did not arrive; it must lead to the same database, without a pooler"
    except LOSSES as error:
        return next(iter(str(error).splitlines()), "") or type(error).__name__
    return None


async def _open(stack: AsyncExitStack, url: str) -> Driver:
    driver = await connect(url, command_timeout=LIMIT)
    stack.callback(driver.terminate)
    return driver


async def _exchange(listening: Driver, sending: Driver) -> None:
    channel, arrived = f"clientele_{secrets.token_hex(8)}", asyncio.Event()
    await listening.add_listener(channel, lambda *_: arrived.set())
    await sending.execute(f"NOTIFY {channel}")
    await arrived.wait()
