"""Passwords: hashed with argon2id and verified in a thread, one at a time and with low priority.

The parameters are RFC 9106's second profile (3 passes, 4 lanes) with the memory of the settings. A hash holds its own.
"""

import asyncio
import os
import secrets
import sys
import threading
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.accounts.turns import Turns

AT_ONCE = 1
"""The number of hashes that one process computes at once: each takes its memory and four lanes of the processors."""
NICENESS = 10
"""The event loop gets the processors first. On Linux each thread has a niceness of its own, and new threads inherit it."""
LONGEST_SPELLING = 3 * 72
"""Bytes. A spelling of a password of 72 bytes with decomposed letters is at most three times as long."""


class Passwords:
    """Hashes and verifies passwords. `memory` is in MiB for each hash."""

    def __init__(self, memory: int) -> None:
        self.hasher = PasswordHasher(memory_cost=memory * 1024)
        self.turns = Turns(AT_ONCE)
        self.thread = ThreadPoolExecutor(AT_ONCE, "passwords", initializer=lower_priority)
        self.dummy_hash = self._make_dummy_hash()

    def _make_dummy_hash(self) -> str:
        """A hash that no password matches; verifying against it takes as long as against an account's."""
        salt, digest = (
            b64encode(secrets.token_bytes(length)).decode().rstrip("=")
            for length in (self.hasher.salt_len, self.hasher.hash_len)
        )
        cost = f"m={self.hasher.memory_cost},t={self.hasher.time_cost},p={self.hasher.parallelism}"
        return f"$argon2id$v=19${cost}${salt}${digest}"

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """A block in which one password is hashed or verified for a source of requests. Raises TooMany."""
        await self.turns.take(source)
        try:
            yield
        finally:
            self.turns.give_back()

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._hash, password)

    def _hash(self, password: str) -> str:
        return self.hasher.hash(_normalise(password.encode("utf-8", "surrogatepass")))

    async def verify(self, stored: str | None, password: str) -> bool:
        """True if a hash is that of the password.

        Without a hash, or with a text that is longer than any password, the answer is False and takes the same time.
        """
        spelling = password.encode("utf-8", "surrogatepass")
        if len(spelling) > LONGEST_SPELLING:
            stored, spelling = None, b""
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.thread, self._verify, stored or self.dummy_hash, spelling)
        except VerifyMismatchError:
            return False
        return stored is not None

    def _verify(self, stored: str, spelling: bytes) -> None:
        self.hasher.verify(stored, _normalise(spelling))

    def needs_rehash(self, stored: str) -> bool:
        """True if a hash was made with other parameters than new ones."""
        return self.hasher.check_needs_rehash(stored)


def lower_priority() -> None:
    """Lets other threads of this process go first, where threads have priorities."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _normalise(spelling: bytes) -> bytes:
    """The bytes of the composed letters (NFC), so that two keyboards give the same password."""
    text = spelling.decode("utf-8", "surrogatepass")
    return normalize("NFC", text).encode("utf-8", "surrogatepass")
