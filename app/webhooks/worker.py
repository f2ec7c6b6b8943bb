"""DeliveryWorker: sends the events of the queue to their webhooks, and records the outcome of each attempt."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from app.deliveries.outcomes import Failure, Outcome, record_failure, record_success, release
from app.deliveries.queue import MOST_AT_ONCE, Claim, claim, find_due
from app.deliveries.sender import Response, Sender, Unsent
from app.deliveries.signatures import Envelope
from app.deliveries.slots import Slots
from app.errors import TooSlow, Unavailable
from app.observability.totals import WEBHOOK_ATTEMPTS
from app.storage.database import Database
from app.webhooks.bodies import MissingImage, find_body
from app.webhooks.notices import put_notices

log = logging.getLogger("clientele")

LEASE = timedelta(seconds=60)
"""The time after which a delivery of a dead worker is due again. An attempt with its statements takes less."""
POLL, SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 0.02, 60.0
"""Seconds between two looks at the queue: if nothing wakes the worker, at least, and at most while looks fail."""
STUCK = 300.0
RECORDING_PAUSES = (0.2, 1.0, 5.0)
"""Seconds between attempts to record an outcome, so that no event is sent twice after a short outage of the database."""
GONE = "the client was erased, or the record of the change is older than the service keeps it"


def _ignore() -> None:
    pass


class DeliveryWorker:
    """Delivers the events of every organization. Any number of workers may run at once.

    `poll` is the interval in seconds between two looks at the queue if wake() is not called. `grace` is the time that running
    attempts get after a cancellation. `notify` is called when a notice was put into the outbox.
    """

    def __init__(
        self,
        database: Database,
        sender: Sender,
        notify: Callable[[], None] = _ignore,
        *,
        poll: float = POLL,
        grace: float = 12.0,
    ) -> None:
        self.database, self.sender, self.notify = database, sender, notify
        self.poll, self.grace = poll, grace
        self.slots = Slots(sender.connections)
        self._awake = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._looked_at: float | None = None
        self._ended = False

    def wake(self) -> None:
        """Looks at the queue soon. Call it on the worker's event loop."""
        self._awake.set()

    async def find_problem(self) -> str | None:
        """The reason for which this process delivers no events, or None. A dead receiver is none."""
        if self._ended:
            return "the worker of webhooks has ended"
        silent = 0.0 if self._looked_at is None else time.monotonic() - self._looked_at
        return f"the worker of webhooks has done nothing for {silent:.0f} seconds" if silent > STUCK else None

    async def run(self) -> None:
        """Delivers until it is cancelled. Then running attempts get `grace` seconds, and are cancelled and released."""
        self._stopping, self._ended, pause = False, False, self.poll
        try:
            while True:
                self._looked_at = time.monotonic()
                self._awake.clear()
                pause = await self._look(pause)
                await asyncio.sleep(SHORTEST_PAUSE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._awake.wait()
        finally:
            self._ended = True
            await self._end_attempts()

    async def _look(self, pause: float) -> float:
        """Starts what is due. Gives the seconds until the next look, more and more while the database fails."""
        try:
            await self.start_due()
        except Exception as error:
            pause = min(max(pause, self.poll) * 2, LONGEST_PAUSE)
            _report(error, pause)
            return pause
        return self.poll

    async def deliver_due(self) -> None:
        """Makes an attempt of every delivery that is due now, and of those that become due by that."""
        self._awake.clear()
        while await self.start_due() or self._attempts:
            await self._awake.wait()
            self._awake.clear()

    async def start_due(self) -> int:
        """Starts as many due attempts as there are free slots. Gives their number."""
        if not self.slots.free:
            return 0
        async with self.database.read() as connection:
            due = await find_due(connection, self.slots.busy(MOST_AT_ONCE))
        numbers = self.slots.share(due)
        if not numbers:
            return 0
        async with self.database.statement() as connection:
            claims = await claim(connection, numbers, LEASE)
        for claimed in claims:
            self._start(claimed)
        return len(claims)

    def _start(self, claimed: Claim) -> None:
        self.slots.take(claimed.organization_id, claimed.webhook_id)
        attempt = asyncio.create_task(self._deliver(claimed))
        self._attempts.add(attempt)
        attempt.add_done_callback(lambda task: self._end(task, claimed))

    def _end(self, attempt: "asyncio.Task[None]", claimed: Claim) -> None:
        self._attempts.discard(attempt)
        self.slots.give_back(claimed.organization_id, claimed.webhook_id)
        self._awake.set()
        if not attempt.cancelled() and (error := attempt.exception()) is not None:
            log.warning("The outcome of an event is not recorded; it is due again: %s", type(error).__name__)

    async def _end_attempts(self) -> None:
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=self.grace)
        for attempt in tuple(self._attempts):
            attempt.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts)

    async def _deliver(self, claimed: Claim) -> None:
        try:
            result = await self._attempt(claimed)
        except asyncio.CancelledError:
            with suppress(Exception):
                async with self.database.write() as connection:
                    await release(connection, claimed)
            raise
        outcome = await self._record(claimed, result)
        WEBHOOK_ATTEMPTS[outcome] += 1
        if outcome is Outcome.DISABLED:
            log.warning("Webhook %s is disabled: no attempt has succeeded for three days", claimed.webhook_id)
            self.notify()

    async def _attempt(self, claimed: Claim) -> Response | Failure:
        """The successful response, or the failure."""
        try:
            async with self.database.read() as connection:
                body = await find_body(connection, claimed)
            headers = _envelope(claimed).headers(body)
            response = await self.sender.post(claimed.url, headers, body)
        except MissingImage:
            return Failure(GONE, final=True)
        except Unsent as error:
            return Failure(str(error))
        except (Unavailable, TooSlow) as error:
            return Failure(f"the service could not read the change: {error.message}")
        except Exception as error:
            log.exception("Event %s failed with an unexpected error", claimed.event_id)
            return Failure(type(error).__name__)
        if response.is_success:
            return response
        redirect = "; redirects are not followed" if 300 <= response.status < 400 else ""
        return Failure(f"the response has the status {response.status}{redirect}", response)

    async def _record(self, claimed: Claim, result: Response | Failure) -> Outcome:
        """Records an outcome, with retries during a short outage. After that the event is due again when its lease ends."""
        for pause in RECORDING_PAUSES:
            try:
                return await self._record_once(claimed, result)
            except Exception as error:
                log.warning("The outcome of an event could not be recorded; trying again: %s", type(error).__name__)
                await asyncio.sleep(pause)
        return await self._record_once(claimed, result)

    async def _record_once(self, claimed: Claim, result: Response | Failure) -> Outcome:
        async with self.database.write() as connection:
            if isinstance(result, Response):
                return await record_success(connection, claimed, result)
            outcome = await record_failure(connection, claimed, result)
            if outcome is Outcome.DISABLED:
                await put_notices(connection, claimed.organization_id, claimed.url)
            return outcome


def _envelope(claimed: Claim) -> Envelope:
    return Envelope(claimed.webhook_id, claimed.event, claimed.event_id, int(time.time()), claimed.secrets)


def _report(error: Exception, pause: float) -> None:
    if isinstance(error, Unavailable | TooSlow):
        reason = getattr(error, "explanation", error.message)
        log.warning("The events could not be delivered; trying again in %g seconds. %s", pause, reason)
    else:
        log.error("The events could not be delivered; trying again in %g seconds", pause, exc_info=error)
