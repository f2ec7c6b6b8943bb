"""OutboxWorker: sends the messages of the outbox and retries until a message is sent or has failed permanently."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from app.errors import TooSlow, Unavailable
from app.mail.addresses import check_sender
from app.mail.files import NO_FILES, MailFiles
from app.mail.mailer import Mailer, OutgoingMail, Undeliverable, Undelivered
from app.mail.mime import write_mail
from app.mail.names import one_line
from app.mail.outbox import (
    Claim,
    claim_due,
    erased_messages,
    mark_failed,
    mark_sent,
    mark_waiting,
    release,
    renew_lease,
)
from app.mail.quotas import NO_LIMITS, ReminderLimits
from app.mail.rejections import Rejections
from app.observability.totals import DELIVERIES
from app.storage.connection import Connection
from app.storage.database import Database

log = logging.getLogger(__name__)

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3_600, 10_800, 21_600, 43_200, 43_200, 43_200))
"""The delay after each failed attempt, almost two days in total. The attempt after the last delay is the last."""
RECORDING_PAUSES = (0.2, 1.0, 5.0, 15.0)
"""Seconds between attempts to record an outcome, so that no mail is sent twice after a short database outage."""
LONGEST_PAUSE = 60.0
STUCK = 300.0
"""Seconds without a look at the outbox after which the worker is stuck. A look waits for a send, which takes at most 90."""

Outcome = Callable[[Connection], Awaitable[None]]
"""Records the outcome of an attempt."""


def add_jitter(delay: timedelta) -> timedelta:
    """The delay changed by up to a fifth, so that messages that failed together are not retried together."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads attempts, nothing secret


def hide_addresses(error: str) -> str:
    """The error for the log, without e-mail addresses: logs hold nothing personal."""
    return " ".join("(address)" if "@" in word else word for word in one_line(error).split())


class OutboxWorker:
    """Delivers the messages of every organization through one mailer. Any number of workers may run at once.

    Times are seconds:

    - `batch`: the number of messages that are sent at the same time.
    - `send_limit`: the longest time for one message.
    - `lease`: the time after which a message of a dead worker is due again. A living worker renews its leases.
    - `poll`: the interval between two reads of the outbox if wake() is not called.
    - `grace`: the time that running sends get after a cancellation. Unfinished messages are released.

    `files` are the mail files in the data directory. `limits` are those of the reminders that may be stored. Raises
    Misconfigured if `mail_from` is not an address.
    """

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        mail_from: str,
        *,
        files: MailFiles = NO_FILES,
        limits: ReminderLimits = NO_LIMITS,
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
        self.files = files
        self.limits = limits
        self.rejections = Rejections()
        self.batch = batch
        self.send_limit = send_limit
        self.lease = timedelta(seconds=lease)
        self.poll = poll
        self.grace = grace
        self.jitter = jitter
        self._awake = asyncio.Event()
        self._sending: set[asyncio.Task[bool]] = set()
        self._stopping = False
        self._looked_at: float | None = None
        """The last time at which the worker was about to read the outbox; None before it starts."""
        self._ended = False

    async def find_problem(self) -> str | None:
        """The reason for which no mail is delivered by this process, or None. An outage of the mail server is none."""
        if self._ended:
            return "the outbox worker has ended"
        silent = 0.0 if self._looked_at is None else time.monotonic() - self._looked_at
        return f"the outbox worker has done nothing for {silent:.0f} seconds" if silent > STUCK else None

    def wake(self) -> None:
        """Reads the outbox now, because a message has been committed. Call it on the worker's event loop."""
        self._awake.set()

    async def run(self) -> None:
        """Delivers until it is cancelled. Then the running sends get `grace` seconds to end, and are cancelled too."""
        self._stopping = False
        working = asyncio.create_task(self._work())
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            self._stopping = True
            self._awake.set()
            try:
                await asyncio.wait([working], timeout=self.grace)
            finally:
                working.cancel()
                await asyncio.wait([working])
            raise

    async def deliver_due(self) -> int:
        """Tries every message that is due now once. Returns the number of delivered messages."""
        sends: list[asyncio.Task[bool]] = []
        while (started := await self._fill_places()) or self._sending:
            sends += started
            if self._sending:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        return sum(send.result() for send in sends)

    async def _work(self) -> None:
        """Claims a message for each place that becomes free, so that a slow send takes only its own place."""
        pause = self.poll
        try:
            self._ended = False
            while not self._stopping:
                self._looked_at = time.monotonic()
                self._awake.clear()
                try:
                    pause = await self._deliver_next()
                except Exception as error:
                    pause = min(max(pause, self.poll) * 2, LONGEST_PAUSE)
                    _report(error, pause)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._awake.wait()
            if self._sending:
                await asyncio.wait(self._sending)
        finally:
            self._ended = True
            await self._cancel_sends()

    async def _deliver_next(self) -> float:
        """Fills the free places. Returns the seconds until the next look: 0 when more messages may be due."""
        free = self.batch - len(self._sending)
        if len(await self._fill_places()) < free:
            return self.poll
        if len(self._sending) == self.batch:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        return 0.0

    async def _fill_places(self) -> list["asyncio.Task[bool]"]:
        """Starts to send as many due messages as there are free places."""
        free = self.batch - len(self._sending)
        claims = await self._claim(free) if free else []
        started = [asyncio.create_task(self._deliver_leased(claim)) for claim in claims]
        for sending in started:
            self._sending.add(sending)
            sending.add_done_callback(self._end_send)
        return started

    def _end_send(self, sending: "asyncio.Task[bool]") -> None:
        self._sending.discard(sending)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            log.warning("The outcome of a message is not recorded; it is due again: %s", type(error).__name__)

    async def _cancel_sends(self) -> None:
        sends = list(self._sending)
        for sending in sends:
            sending.cancel()
        if sends:
            await asyncio.wait(sends)

    async def _claim(self, most: int) -> list[Claim]:
        async with self.database.write() as connection:
            return await claim_due(connection, most=most, lease=self.lease)

    async def _deliver_leased(self, claim: Claim) -> bool:
        renewing = asyncio.create_task(self._renew_lease(claim))
        try:
            return await self._deliver(claim)
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _renew_lease(self, claim: Claim) -> None:
        """Renews the lease until it is cancelled. Errors are ignored: without a database the lease ends."""
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            with suppress(Exception):
                await self._record(partial(renew_lease, claim=claim, lease=self.lease))

    async def _deliver(self, claim: Claim) -> bool:
        """True if the message was delivered. Every other outcome is recorded in the outbox and logged."""
        try:
            await self._send(claim)
        except asyncio.CancelledError:
            await self._release(claim)
            raise
        except Undeliverable as error:
            await self._give_up(claim, str(error))
        except Undelivered as error:
            await self._retry_later(claim, str(error))
        except Exception as error:
            log.exception("Message %s failed with an unexpected error", claim.id)
            await self._retry_later(claim, type(error).__name__)
        else:
            DELIVERIES["sent"] += 1
            await self._record_outcome(lambda connection: self._mark_sent(connection, claim))
            return True
        return False

    async def _send(self, claim: Claim) -> None:
        if claim.attempt > len(DELAYS) + 1:
            raise Undeliverable("the process ended during the last attempt")
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

    async def _mark_sent(self, connection: Connection, claim: Claim) -> None:
        """Deletes the file of a message whose recipient was erased while it was being sent."""
        if not await mark_sent(connection, claim):
            await self.files.remove(await erased_messages(connection, [claim.id]))

    async def _retry_later(self, claim: Claim, error: str) -> None:
        if claim.attempt > len(DELAYS):
            return await self._give_up(claim, error)
        DELIVERIES["retried"] += 1
        delay = self.jitter(DELAYS[claim.attempt - 1])
        log.warning("Message %s was not sent in attempt %d: %s", claim.id, claim.attempt, hide_addresses(error))
        return await self._record_outcome(lambda connection: mark_waiting(connection, claim, one_line(error), delay))

    async def _give_up(self, claim: Claim, error: str) -> None:
        DELIVERIES["failed"] += 1
        log.warning(
            "Message %s has failed permanently in attempt %d: %s", claim.id, claim.attempt, hide_addresses(error)
        )
        await self._record_outcome(lambda connection: mark_failed(connection, claim, one_line(error)))

    async def _record_outcome(self, outcome: Outcome) -> None:
        """Records an outcome, with retries during a short outage. After that the message is due again when its lease ends."""
        for pause in RECORDING_PAUSES:
            try:
                return await self._record(outcome)
            except Exception as error:
                log.warning("The outcome of a message could not be recorded; trying again: %s", type(error).__name__)
                await asyncio.sleep(pause)
        return await self._record(outcome)

    async def _release(self, claim: Claim) -> None:
        """Releases the message. Errors are ignored: without a database the lease ends later."""
        with suppress(Exception):
            await self._record(lambda connection: release(connection, claim))

    async def _record(self, outcome: Outcome) -> None:
        async with self.database.write() as connection:
            await outcome(connection)


def _report(error: Exception, pause: float) -> None:
    if isinstance(error, Unavailable | TooSlow):
        reason = getattr(error, "explanation", error.message)
        log.warning("The outbox could not be processed; trying again in %g seconds. %s", pause, reason)
    else:
        log.error("The outbox could not be processed; trying again in %g seconds", pause, exc_info=error)
