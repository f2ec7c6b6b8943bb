"""KnownTokens: a token that was looked up costs no further statement until access changes anywhere.

The database keeps one row, `access_revision`. Triggers give it another value in each transaction that ends a token, or
that changes the organizations of a token. Each process reads the row twice a second, and a change makes it forget
everything. The process that makes the change forgets at once: the triggers tell its connection.
"""

import asyncio
import logging
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.auth.principals import ENVIRONMENTS, SCOPES, Environment, Scope
from app.auth.statements import FIND_TOKEN, FIND_TOKENS
from app.errors import TooSlow, Unavailable
from app.observability.totals import CACHE_USES
from app.storage.database import Database
from app.storage.deadline import time_limit
from app.storage.tables import access_revision

log = logging.getLogger("clientele")

READ_REVISION = select(access_revision.c.revision)
INTERVAL = 0.5
"""Seconds between two reads of the revision."""
PAUSE = 0.02
"""The fewest seconds between two reads, also while this process changes access all the time."""
TRUST = 2.0
"""Seconds for which a read of the revision counts. Then each request asks the database again."""
MOST_IDS = 50_000
"""The most ids of tokens and their organizations that are remembered. An id takes about 100 bytes."""
AT_ONCE = 500
"""The most tokens of streams that one statement looks up."""
UNKNOWN_REVISION = object()
HIT, MISS = ("tokens", "hit"), ("tokens", "miss")


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token that was looked up. `ends_at` is its expiry on the monotonic clock; infinity without one."""

    hash: bytes
    id: str
    account_id: str | None
    organizations: tuple[str, ...]
    scope: Scope
    environment: Environment
    ends_at: float
    expired: bool

    @property
    def tenant(self) -> str:
        """The account, or the organization of a token without an account."""
        return self.account_id or self.organizations[0]

    @property
    def size(self) -> int:
        """The number of ids: its own, and those of its organizations."""
        return 1 + len(self.organizations)


class KnownTokens:
    """The tokens that one process remembers. It remembers nothing unless `run` reads the revision.

    Tokens that are invalid are not remembered.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.next_change = asyncio.Event()
        """Is set at the next change of access. Then another event takes its place."""
        self._tokens: OrderedDict[bytes, KnownToken] = OrderedDict()
        self._ids = 0
        self._revision: object = UNKNOWN_REVISION
        self._trusted_until = -math.inf
        self._forgotten = self._announced = 0
        """The number of times that everything was forgotten, and that number when `next_change` was last set."""
        self._awake = asyncio.Event()
        self._watched: Counter[bytes] = Counter()

    def find(self, hash_: bytes) -> KnownToken | None:
        """The token with a hash, if it is remembered and certainly valid."""
        token = self._tokens.get(hash_)
        now = time.monotonic()
        if token is None or now >= self._trusted_until or now >= token.ends_at:
            CACHE_USES[MISS] += 1
            return None
        CACHE_USES[HIT] += 1
        return token

    async def look_up(self, hashes: Sequence[bytes]) -> list[KnownToken]:
        """The tokens with these hashes that are in the database, including expired ones. Remembers the valid ones.

        A change since the statement began, in this process or another, prevents that. The statement reads the revision
        and the tokens in one snapshot.
        """
        forgotten, began = self._forgotten, time.monotonic()
        async with self.database.read() as connection:
            if len(hashes) == 1:
                rows = await connection.execute(FIND_TOKEN, {"hash": hashes[0]})
            else:
                rows = await connection.execute(FIND_TOKENS, {"hashes": hashes})
        tokens = [_read_row(row, began) for row in rows]
        if rows and forgotten == self._forgotten and rows[0][7] == self._revision:
            for token in tokens:
                self._remember(token)
        return tokens

    def seconds_left(self, hash_: bytes) -> float:
        """The seconds until a token expires; infinity if it never does or is not remembered."""
        token = self._tokens.get(hash_)
        return math.inf if token is None else token.ends_at - time.monotonic()

    def forget(self) -> None:
        """Forgets everything. Nothing is remembered until the revision has been read again, which happens at once."""
        self._tokens.clear()
        self._ids = 0
        self._revision = UNKNOWN_REVISION
        self._forgotten += 1
        self._awake.set()

    @contextmanager
    def watch(self, hashes: Sequence[bytes]) -> Iterator[None]:
        """Looks up these tokens after each change, for the length of the block, before `next_change` is set."""
        self._watched.update(hashes)
        try:
            yield
        finally:
            self._watched.subtract(hashes)
            for hash_ in hashes:
                if not self._watched[hash_]:
                    del self._watched[hash_]

    async def run(self) -> None:
        """Reads the revision until it is cancelled."""
        self.database.access_listeners.add(self.forget)
        failing = False
        try:
            while True:
                self._awake.clear()
                try:
                    await self._read_revision()
                    failing = False
                except Exception as error:
                    _report(error, again=failing)
                    failing = True
                await asyncio.sleep(PAUSE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(INTERVAL - PAUSE):
                        await self._awake.wait()
        finally:
            self.database.access_listeners.discard(self.forget)
            self._trusted_until = -math.inf

    async def _read_revision(self) -> None:
        forgotten, began = self._forgotten, time.monotonic()
        with time_limit(TRUST):
            async with self.database.read() as connection:
                revision = await connection.scalar(READ_REVISION)
            if forgotten != self._forgotten:
                self._awake.set()
                return
            if revision != self._revision:
                self.forget()
                self._awake.clear()
                self._revision = revision
            self._trusted_until = began + TRUST
            await self._announce()

    async def _announce(self) -> None:
        """Tells the streams about a change. Their tokens are looked up together first, not one by one."""
        if self._announced == self._forgotten:
            return
        forgotten, watched = self._forgotten, list(self._watched)
        for start in range(0, len(watched), AT_ONCE):
            await self.look_up(watched[start : start + AT_ONCE])
        self._announced = forgotten
        self.next_change.set()
        self.next_change = asyncio.Event()

    def _remember(self, token: KnownToken) -> None:
        known = self._tokens.pop(token.hash, None)
        if known is not None:
            self._ids -= known.size
        if token.expired or token.size > MOST_IDS:
            return
        self._tokens[token.hash] = token
        self._ids += token.size
        while self._ids > MOST_IDS:
            _, oldest = self._tokens.popitem(last=False)
            self._ids -= oldest.size


def _read_row(row: Any, began: float) -> KnownToken:
    """The token of a row. Its statement began at the time `began`, so the token ends rather too early than too late."""
    hash_, id_, account_id, ids, scope, seconds_left, environment, _ = row
    ends_at, expired = (math.inf, False) if seconds_left is None else (began + seconds_left, seconds_left <= 0)
    return KnownToken(hash_, id_, account_id, tuple(ids), SCOPES[scope], ENVIRONMENTS[environment], ends_at, expired)


def _report(error: Exception, *, again: bool) -> None:
    if not isinstance(error, Unavailable | TooSlow):
        log.error("Cannot read whether access has changed", exc_info=error)
    elif not again:
        reason = getattr(error, "reason", error.message)
        log.warning("Cannot read whether access has changed; each request asks the database again: %s", reason)
