"""Sends attacks over connections, and reads what the service answers."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.hostile.scene import Attack

LONGEST_ANSWER = 8.0
"""Seconds after which an attack counts as not answered."""
PATIENCE = 0.1
"""Seconds for what the service need not answer, such as half a request."""
CUT_OFF = "cut off"
LARGEST_OWED = 1_500_000
"""Bytes of a request. The service closes the connection of a larger one while it arrives, and its answer can be lost."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS = re.compile(rb"(?:^|\n|\}|\.)HTTP/1\.1 (\d{3}) ")
BARE = frozenset({b"204", b"304", b"101"})


@dataclass
class Answer:
    """The answer to an attack: statuses of HTTP, the bytes, when it began and how many seconds it took.

    `fault` says why an answer that the service owed did not come.
    """

    statuses: list[int] = field(default_factory=list)
    data: bytes = b""
    began: float = 0.0
    seconds: float = 0.0
    fault: str = ""

    @property
    def label(self) -> str:
        return str(self.statuses[0]) if self.statuses else "none"


@dataclass
class Sender:
    """A connection to the service, which is opened again when it was closed."""

    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def send(self, attack: Attack) -> Answer:
        """Sends an attack; once more if a connection that was used before has been closed, as any client does.

        Only whole requests share a connection.
        """
        if not attack.whole or attack.is_stream:
            self.close()
        was_used = self.writer is not None
        answer = await self._try(attack)
        if answer.fault == CUT_OFF and was_used:
            answer = await self._try(attack)
        if not attack.whole or attack.is_stream:
            self.close()
        return answer

    async def _try(self, attack: Attack) -> Answer:
        answer = Answer(began=time.monotonic())
        is_owed = attack.whole and len(attack.data) <= LARGEST_OWED
        try:
            await self._exchange(attack, answer)
        except TimeoutError:
            answer.fault = "no answer" if is_owed else ""
            self.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            answer.fault = CUT_OFF if is_owed else ""
            self.close()
        answer.seconds = time.monotonic() - answer.began
        answer.statuses = [int(status) for status in STATUS.findall(answer.data)]
        return answer

    def close(self) -> None:
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def _exchange(self, attack: Attack, answer: Answer) -> None:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        reader, writer = self.reader, self.writer
        writer.write(attack.data)
        if attack.whole:
            async with asyncio.timeout(LONGEST_ANSWER):
                await self._read_response(attack, answer, reader)
            return
        if attack.frames:
            async with asyncio.timeout(LONGEST_ANSWER):
                answer.data = await reader.readuntil(b"\r\n\r\n")
            writer.writelines(attack.frames)
        await self._read_all(answer, reader)

    async def _read_response(self, attack: Attack, answer: Answer, reader: asyncio.StreamReader) -> None:
        """Reads one response, and closes the connection if it ends with it."""
        head = await reader.readuntil(b"\r\n\r\n")
        answer.data = head
        if head[9:12] == b"100":
            head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if attack.is_stream and length is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    answer.data += await reader.read(1 << 16)
        elif length and not attack.data.startswith(b"HEAD") and head[9:12] not in BARE:
            answer.data += await reader.readexactly(int(length[1]))
        elif b"chunked" in head.lower() and not attack.data.startswith(b"HEAD"):
            answer.data += await reader.readuntil(b"0\r\n\r\n")
        if b"connection: close" in head.lower():
            self.close()

    async def _read_all(self, answer: Answer, reader: asyncio.StreamReader) -> None:
        """Reads until the service closes the connection, or sends nothing for a short time."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(PATIENCE):
                    part = await reader.read(1 << 18)
                if not part:
                    return
                answer.data += part
