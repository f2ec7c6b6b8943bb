"""OutboxWorker: sends what the outbox holds, again and again until it is taken or given up."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from app.mail.addresses import check_sender
from app.mail.mailer import Mailer, OutgoingMail, Undeliverable, Undelivered
from app.mail.message import one_line
from app.mail.mime import write_mail
from app.mail.outbox import Claim, claim_due, mark_failed, mark_sent, mark_waiting, release, renew
from app.storage.connection import Connection
from app.storage.database import Database

log = logging.getLogger(__name__)

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200))
"""The wait after each failed attempt, two days in all, nearly; the attempt after the last of them is the last."""
SETTLING = (0.2, 1.0, 5.0, 15.0)
"""Seconds between the tries to note an outcome, so that a short outage of the database sends no mail twice."""
LONGEST_PAUSE = 60.0

Mark = Callable[[Connection], Awaitable[None]]


def add_jitter(delay: timedelta) -> timedelta:
    """A fifth more or less, so that what failed together is not tried again together."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311


class OutboxWorker:
    """Delivers the outbox's messages of every organization through one mailer. Any number of workers may run at once.

    Times are seconds. `batch` messages are sent side by side; one send gets `send_limit`. A worker holds messages by
    leases that it renews: `lease` is the time after which one that a dead worker held is due again. `poll` is how often
    the outbox is looked at when nobody wakes the worker. Cancelled, it gives the sends under way `grace` to end and
    gives back the others.
    Raises Misconfigured when `mail_from` is no address.
    """

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        mail_from: str,
        *,
        batch: int = 5,
        send_limit: float = 90.0,
        lease: float = 30.0,
        poll: float = 5.0,
        grace: float = 10.0,
        jitter: Callable[[timedelta], timedelta] = add_jitter,
    ) -> None:
        self.database = database
        self.mailer = mailer
        self.mail_from = check_sender(mail_from)
        self.batch = batch
        self.send_limit = send_limit
        self.lease = timedelta(seconds=lease)
        self.poll = poll
        self.grace = grace
        self.jitter = jitter
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Says that a message has been committed; call it on the worker's event loop."""
        self._awake.set()

    async def run(self) -> None:
        """Delivers until it is cancelled. A failing round, such as without a database, is logged and tried again."""
        self._stopping = False
        pause = self.poll
        while True:
            self._awake.clear()
            try:
                await self._finish(asyncio.create_task(self.deliver_due()))
                pause = self.poll
            except Exception:
                pause = min(pause * 2, LONGEST_PAUSE)
                log.exception("The outbox could not be worked on; next try in %g seconds", pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._awake.wait()

    async def _finish(self, round_: "asyncio.Task[int]") -> None:
        """Waits for a round; when cancelled, lets it end within the grace, and then makes it let go."""
        try:
            await asyncio.shield(round_)
        except asyncio.CancelledError:
            self._stopping = True
            try:
                await asyncio.wait([round_], timeout=self.grace)
            finally:
                round_.cancel()
                await asyncio.wait([round_])
            raise

    async def deliver_due(self) -> int:
        """Tries every message that is due now, once; how many of them were delivered."""
        delivered = 0
        claims = await self._claim()
        while claims:
            for outcome in await self._deliver_all(claims):
                if isinstance(outcome, BaseException):
                    raise outcome
                delivered += outcome
            claims = await self._claim() if len(claims) == self.batch and not self._stopping else []
        return delivered

    async def _claim(self) -> list[Claim]:
        async with self.database.write() as connection:
            return await claim_due(connection, most=self.batch, lease=self.lease)

    async def _deliver_all(self, claims: Sequence[Claim]) -> list[bool | BaseException]:
        holding = asyncio.create_task(self._hold(claims))
        try:
            return await asyncio.gather(*map(self._deliver, claims), return_exceptions=True)
        finally:
            holding.cancel()
            await asyncio.wait([holding])

    async def _hold(self, claims: Sequence[Claim]) -> None:
        """Renews the leases for as long as this process lives; without a database they run out."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            for claim in claims:
                with suppress(Exception):
                    await self._note(partial(renew, claim=claim, lease=self.lease))

    async def _deliver(self, claim: Claim) -> bool:
        """Whether it was delivered; every other outcome is noted in the outbox and logged."""
        try:
            await self._send(claim)
        except asyncio.CancelledError:
            await self._let_go(claim)
            raise
        except Undeliverable as error:
            await self._give_up(claim, str(error))
        except Undelivered as error:
            await self._put_off(claim, str(error))
        except Exception as error:
            log.exception("Message %s met an unforeseen error", claim.id)
            await self._put_off(claim, type(error).__name__)
        else:
            await self._settle(lambda connection: mark_sent(connection, claim))
            return True
        return False

    async def _send(self, claim: Claim) -> None:
        if claim.attempt > len(DELAYS) + 1:
            raise Undeliverable("the last attempt was cut off")
        try:
            async with asyncio.timeout(self.send_limit):
                await self.mailer.send(self._write(claim))
        except TimeoutError as error:
            raise Undelivered(f"not sent within {self.send_limit:g} seconds") from error

    def _write(self, claim: Claim) -> OutgoingMail:
        try:
            return write_mail(claim.message, id=claim.id, created_at=claim.created_at, sender=self.mail_from)
        except ValueError as error:
            raise Undeliverable("the recipient is not a valid e-mail address") from error

    async def _put_off(self, claim: Claim, error: str) -> None:
        if claim.attempt > len(DELAYS):
            return await self._give_up(claim, error)
        delay = self.jitter(DELAYS[claim.attempt - 1])
        log.warning("Message %s was not sent at attempt %d: %s", claim.id, claim.attempt, one_line(error))
        return await self._settle(lambda connection: mark_waiting(connection, claim, one_line(error), delay))

    async def _give_up(self, claim: Claim, error: str) -> None:
        log.warning("Message %s has failed at attempt %d: %s", claim.id, claim.attempt, one_line(error))
        await self._settle(lambda connection: mark_failed(connection, claim, one_line(error)))

    async def _settle(self, mark: Mark) -> None:
        """Notes an outcome, holding on through a short outage; after that the lease makes the message due again."""
        for pause in SETTLING:
            try:
                return await self._note(mark)
            except Exception as error:
                log.warning("The outcome of a message could not be noted yet: %s", type(error).__name__)
                await asyncio.sleep(pause)
        return await self._note(mark)

    async def _let_go(self, claim: Claim) -> None:
        """Without a database the lease does the same, later."""
        with suppress(Exception):
            await self._note(lambda connection: release(connection, claim))

    async def _note(self, mark: Mark) -> None:
        async with self.database.write() as connection:
            await mark(connection)
