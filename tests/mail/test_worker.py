"""The worker between a real database and a real SMTP server: no message is lost or needlessly sent twice."""

import asyncio
import logging
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from app.errors import Misconfigured
from app.mail.mailer import OutgoingMail
from app.mail.message import LANGUAGES
from app.mail.smtp import SmtpMailer
from app.mail.worker import DELAYS, OutboxWorker, add_jitter
from app.storage.database import Database
from tests.mail.conftest import SENDER, Outbox, PostOffice, eventually, make_message, wait_until

RECIPIENT = "buchhaltung@mueller.example.com"


def make_worker(box: Outbox, office: PostOffice, **options: Any) -> OutboxWorker:
    mailer = SmtpMailer.from_url(office.url)
    return OutboxWorker(box.database, mailer, SENDER, **({"jitter": lambda delay: delay} | options))


@asynccontextmanager
async def running(worker: OutboxWorker) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass
class HoldingMailer:
    """Holds each mail until `may_go` is set."""

    holds: asyncio.Event = field(default_factory=asyncio.Event)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    gone: list[str] = field(default_factory=list)

    async def send(self, mail: OutgoingMail) -> None:
        self.holds.set()
        await self.may_go.wait()
        self.gone.append(mail.id)


@dataclass
class BrokenMailer:
    error: Callable[[], Exception]

    async def send(self, mail: OutgoingMail) -> None:
        raise self.error()


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"


async def test_a_reminder_arrives_in_each_language(box: Outbox, post_office: PostOffice) -> None:
    messages = [make_message(language=language) for language in LANGUAGES]
    puts = [await box.put(message) for message in messages]
    assert await make_worker(box, post_office).deliver_due() == 6
    arrived = {mail["Message-ID"]: mail for mail in post_office.mails}
    for put, message in zip(puts, messages, strict=True):
        mail = arrived[f"<{put}.reminder@mailer.example.com>"]
        assert (mail["Subject"], mail["Content-Language"]) == (message.subject, message.language)
        assert [str(part.get_content()).replace("\r\n", "\n") for part in mail.iter_parts()] == [
            message.text,
            message.html,
        ]
    for listed in await box.deliveries():
        assert (listed.state, listed.attempts, listed.last_error) == ("sent", 1, None)
        assert listed.sent_at is not None
        assert listed.sent_at >= listed.created_at


async def test_a_transient_error_is_retried_and_then_delivered(box: Outbox, post_office: PostOffice) -> None:
    post_office.rejections[RECIPIENT] = ["451 4.7.1 Greylisted", "452 4.2.2 Mailbox full"]
    await box.put()
    worker = make_worker(box, post_office)
    for attempt, answer in enumerate(["451 4.7.1 Greylisted", "452 4.2.2 Mailbox full"], start=1):
        before = datetime.now(UTC)
        assert await worker.deliver_due() == 0
        waiting = await box.only()
        assert (waiting.state, waiting.attempts, waiting.last_error) == ("waiting", attempt, answer)
        assert waiting.next_attempt_at is not None
        assert waiting.next_attempt_at > before + DELAYS[attempt - 1] / 2
        assert await worker.deliver_due() == 0
        assert (await box.only()).attempts == attempt
        await box.make_due()
    assert await worker.deliver_due() == 1
    assert len(post_office.mails) == 1
    sent = await box.only()
    assert (sent.state, sent.attempts, sent.last_error) == ("sent", 3, "452 4.2.2 Mailbox full")


async def test_a_permanent_error_ends_as_failed(box: Outbox, post_office: PostOffice) -> None:
    post_office.rejections[RECIPIENT] = ["550 5.1.1 No such user"]
    await box.put()
    worker = make_worker(box, post_office)
    assert await worker.deliver_due() == 0
    failed = await box.only()
    assert (failed.state, failed.attempts, failed.last_error) == ("failed", 1, "550 5.1.1 No such user")
    assert failed.next_attempt_at is None
    await box.make_due()
    assert await worker.deliver_due() == 0
    assert post_office.mails == []


async def test_a_message_waits_while_the_server_is_down(box: Outbox) -> None:
    async with PostOffice().opened() as office:
        pass
    await box.put()
    worker = make_worker(box, office)
    assert await worker.deliver_due() == 0
    waiting = await box.only()
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "127.0.0.1" in (waiting.last_error or "")
    await box.make_due()
    async with office.opened():
        assert await worker.deliver_due() == 1


async def test_the_last_attempt_ends_as_failed(box: Outbox, post_office: PostOffice) -> None:
    post_office.rejections[RECIPIENT] = ["451 Later", "451 Later"]
    await box.put()
    worker = make_worker(box, post_office)
    await box.set_attempts(len(DELAYS) - 1)
    await worker.deliver_due()
    assert (await box.only()).state == "waiting"
    await box.make_due()
    await worker.deliver_due()
    failed = await box.only()
    assert (failed.state, failed.attempts, failed.last_error) == ("failed", len(DELAYS) + 1, "451 Later")


async def test_an_interrupted_last_attempt_is_not_repeated(box: Outbox, post_office: PostOffice) -> None:
    await box.put()
    await box.set_attempts(len(DELAYS) + 1)
    assert await make_worker(box, post_office).deliver_due() == 0
    assert ((await box.only()).state, post_office.mails) == ("failed", [])


def test_the_delays_grow_over_two_days_and_vary_by_a_fifth() -> None:
    assert list(DELAYS) == sorted(DELAYS)
    assert timedelta(hours=40) < sum(DELAYS, timedelta()) < timedelta(hours=50)
    drawn = [add_jitter(timedelta(seconds=100)) for _ in range(200)]
    assert all(timedelta(seconds=80) <= delay <= timedelta(seconds=120) for delay in drawn)
    assert len(set(drawn)) > 1


async def test_two_workers_deliver_each_of_fifty_messages_once(
    box: Outbox, database_url: str, post_office: PostOffice
) -> None:
    puts = [await box.put() for _ in range(50)]
    second = Database(database_url)
    try:
        workers = [make_worker(box, post_office), make_worker(Outbox(second), post_office)]
        assert sum(await asyncio.gather(*(worker.deliver_due() for worker in workers))) == 50
    finally:
        await second.close()
    arrived = Counter(mail["Message-ID"] for mail in post_office.mails)
    assert arrived == Counter(f"<{put}.reminder@mailer.example.com>" for put in puts)
    assert {(delivery.state, delivery.attempts) for delivery in await box.deliveries()} == {("sent", 1)}


HOLDING_PROCESS = """
import asyncio, sys
from app.mail.worker import OutboxWorker
from app.storage.database import Database

class Holding:
    async def send(self, mail):
        print(mail.id, flush=True)
        await asyncio.Event().wait()

asyncio.run(OutboxWorker(Database(sys.argv[1]), Holding(), "reminders@mailer.example.com", poll=0.1).run())
"""


async def test_another_worker_delivers_the_messages_of_a_killed_process(
    box: Outbox, database_url: str, post_office: PostOffice
) -> None:
    put = await box.put()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDING_PROCESS, database_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 120)).decode().strip() == put
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    worker = make_worker(box, post_office)
    assert await worker.deliver_due() == 0
    assert (await box.only()).state == "sending"
    await box.make_due()
    assert await worker.deliver_due() == 1
    sent = await box.only()
    assert (sent.state, sent.attempts) == ("sent", 2)


async def test_a_living_worker_renews_its_leases(box: Outbox) -> None:
    await box.put()
    mailer = HoldingMailer()
    async with running(OutboxWorker(box.database, mailer, SENDER, lease=0.6)):
        await asyncio.wait_for(mailer.holds.wait(), 20)
        claimed = await box.only()
        held = await eventually(box.only, lambda delivery: delivery.next_attempt_at != claimed.next_attempt_at)
        assert (held.state, held.attempts) == ("sending", 1)
        mailer.may_go.set()


async def test_a_woken_worker_sends_at_once(box: Outbox, post_office: PostOffice) -> None:
    worker = make_worker(box, post_office, poll=3600)
    async with running(worker):
        for sent in (1, 2):
            await box.put()
            worker.wake()
            await wait_until(partial(post_office.has_taken, sent))


async def test_a_worker_finds_messages_without_being_woken(box: Outbox, post_office: PostOffice) -> None:
    async with running(make_worker(box, post_office, poll=0.05)):
        await box.put()
        await wait_until(partial(post_office.has_taken, 1))


async def test_a_cancelled_worker_releases_unfinished_messages(box: Outbox) -> None:
    await box.put()
    mailer = HoldingMailer()
    worker = OutboxWorker(box.database, mailer, SENDER, grace=0)
    async with running(worker) as task:
        await asyncio.wait_for(mailer.holds.wait(), 20)
        assert (await box.only()).state == "sending"
    assert task.cancelled()
    released = await box.only()
    assert (released.state, released.attempts, mailer.gone) == ("waiting", 0, [])


async def test_a_cancelled_worker_finishes_running_sends_and_claims_no_more(box: Outbox) -> None:
    puts = [await box.put() for _ in range(2)]
    mailer = HoldingMailer()
    task = asyncio.create_task(OutboxWorker(box.database, mailer, SENDER, grace=60, batch=1).run())
    await asyncio.wait_for(mailer.holds.wait(), 20)
    task.cancel()
    asyncio.get_running_loop().call_soon(mailer.may_go.set)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert mailer.gone == puts[:1]
    assert sorted((delivery.state, delivery.attempts) for delivery in await box.deliveries()) == [
        ("sent", 1),
        ("waiting", 0),
    ]


async def test_a_send_that_does_not_end_is_retried_later(box: Outbox) -> None:
    await box.put()
    assert await OutboxWorker(box.database, HoldingMailer(), SENDER, send_limit=0.05).deliver_due() == 0
    waiting = await box.only()
    assert (waiting.state, waiting.last_error) == ("waiting", "not sent within 0.05 seconds")


@dataclass
class SilentOnce(HoldingMailer):
    """Holds the first mail and sends every other."""

    async def send(self, mail: OutgoingMail) -> None:
        if not self.holds.is_set():
            return await super().send(mail)
        self.gone.append(mail.id)
        return None


async def test_a_mail_without_an_answer_takes_only_its_own_place(box: Outbox) -> None:
    puts = [await box.put() for _ in range(11)]
    mailer = SilentOnce()
    worker = OutboxWorker(box.database, mailer, SENDER, poll=3600)
    async with running(worker):
        await wait_until(lambda: len(mailer.gone) == 10)
        puts += [await box.put() for _ in range(3)]
        worker.wake()
        await wait_until(lambda: len(mailer.gone) == 13)
        assert not mailer.may_go.is_set()
        mailer.may_go.set()
        await wait_until(lambda: len(mailer.gone) == 14)
    assert sorted(mailer.gone) == sorted(puts)


async def test_an_unexpected_error_is_retried_later_without_its_text(box: Outbox) -> None:
    await box.put()
    mailer = BrokenMailer(lambda: RuntimeError("password=s3cret"))
    assert await OutboxWorker(box.database, mailer, SENDER).deliver_due() == 0
    waiting = await box.only()
    assert (waiting.state, waiting.last_error) == ("waiting", "RuntimeError")


async def test_an_invalid_recipient_fails_and_delays_no_other_message(box: Outbox, post_office: PostOffice) -> None:
    await box.put(make_message(recipient="nobody@example.com\r\nBcc: all@example.com"))
    await box.put()
    assert await make_worker(box, post_office).deliver_due() == 1
    assert sorted(delivery.state for delivery in await box.deliveries()) == ["failed", "sent"]
    assert post_office.recipients == [RECIPIENT]


async def test_a_worker_outlives_an_outage_of_the_database(
    box: Outbox, server_url: str, post_office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    async with box.database.read() as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
    server = Database(server_url)
    try:
        with caplog.at_level(logging.WARNING, "app.mail.worker"):
            async with running(make_worker(box, post_office, poll=0.05)) as task, server.read() as connection:
                await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
                await connection.execute(text(CUT), {"name": name})
                await wait_until(lambda: "could not be processed" in caplog.text)
                await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
                await box.put()
                await wait_until(partial(post_office.has_taken, 1))
                assert not task.done()
    finally:
        await server.close()


async def test_an_outcome_is_recorded_after_a_short_outage(
    box: Outbox, database_url: str, server_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The database is closed while the mail is being sent, so that the first attempt to record its outcome fails."""
    await box.put()
    mailer = HoldingMailer()
    async with box.database.read() as connection:
        name = await connection.scalar(text("SELECT current_database()"))
    worked_on, server = Database(database_url, pool_size=1), Database(server_url)
    try:
        round_ = asyncio.create_task(OutboxWorker(worked_on, mailer, SENDER).deliver_due())
        await asyncio.wait_for(mailer.holds.wait(), 20)
        async with server.read() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            await connection.execute(text(CUT), {"name": name})
            mailer.may_go.set()
            await wait_until(lambda: "could not be recorded" in caplog.text)
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        assert await asyncio.wait_for(round_, 60) == 1
    finally:
        await worked_on.close()
        await server.close()
    assert ((await box.only()).state, len(mailer.gone)) == ("sent", 1)


def test_an_invalid_sender_stops_the_start(database: Database) -> None:
    with pytest.raises(Misconfigured):
        OutboxWorker(database, HoldingMailer(), "nobody")
