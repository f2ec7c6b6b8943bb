"""A TCP proxy in front of PostgreSQL that can fall silent, as a stopped server or a dead network path does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from app.storage.connector import connect


@dataclass
class Proxy:
    """Forwards connections. While it is frozen, it accepts connections and bytes and passes nothing on."""

    server: str | tuple[str, int]
    url: str
    port: int = 0
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.through(self.port)

    def through(self, *ports: int) -> str:
        """The libpq URL of the database with these ports of loopback as its hosts."""
        parts = urlsplit(self.url)
        user = parts.netloc.rpartition("@")[0]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return parts._replace(netloc=f"{user}@{hosts}", query=urlencode({"sslmode": "disable"})).geturl()

    def freeze(self) -> None:
        self.flowing.clear()

    def thaw(self) -> None:
        self.flowing.set()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with suppress(OSError):
            await self.flowing.wait()
            opening = (
                asyncio.open_unix_connection(self.server)
                if isinstance(self.server, str)
                else asyncio.open_connection(*self.server[:2])
            )
            there, back = await opening
            self.writers.append(back)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self.pump(reader, back))
                pumps.create_task(self.pump(there, writer))

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                await self.flowing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy of the database at `url`, whose role and password stand in the URL."""
    driver = await connect(url)
    peer = driver._transport.get_extra_info("peername")  # type: ignore[attr-defined]
    await driver.close()
    proxy = Proxy(peer, url)
    proxy.thaw()
    server = await asyncio.start_server(proxy.forward, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.thaw()
        for writer in proxy.writers:
            writer.transport.abort()
