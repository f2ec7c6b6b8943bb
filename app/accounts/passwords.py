"""Passwords: hashed with argon2id and verified away from the event loop, a few at a time.

RFC 9106's second profile (3 passes, 4 lanes) with as much memory as is set; the hash tells with what it was made.
"""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.errors import TooMany

AT_ONCE = 2
"""How many hashes one process computes at once: each takes its memory, and some lanes of the processors."""
MOST_WAITING = 100


class Passwords:
    """`memory` is MiB for each hash."""

    def __init__(self, memory: int) -> None:
        self.hasher = PasswordHasher(memory_cost=memory * 1024)
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.waiting = 0
        self.nobodys = self._invent()

    def _invent(self) -> str:
        """A hash of no password; comparing with it takes as long as with an account's."""
        salt, digest = (
            b64encode(secrets.token_bytes(length)).decode().rstrip("=")
            for length in (self.hasher.salt_len, self.hasher.hash_len)
        )
        cost = f"m={self.hasher.memory_cost},t={self.hasher.time_cost},p={self.hasher.parallelism}"
        return f"$argon2id$v=19${cost}${salt}${digest}"

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A block in which one password is looked at. Raises TooMany when too many are waiting for theirs."""
        if self.waiting >= MOST_WAITING:
            raise TooMany("Too many are logging in at this moment", 1)
        self.waiting += 1
        try:
            async with self.turns:
                yield
        finally:
            self.waiting -= 1

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self.hasher.hash, _bytes(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of a hash; as much work when there is none."""
        try:
            await asyncio.to_thread(self.hasher.verify, stored or self.nobodys, _bytes(password))
        except VerifyMismatchError:
            return False
        return stored is not None

    def outgrown(self, stored: str) -> bool:
        """Whether a hash was made at another cost than new ones are."""
        return self.hasher.check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    """The same bytes for the same letters, however a keyboard composes them."""
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
