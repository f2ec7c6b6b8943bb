"""create_app wires the service together: its database, background tasks, routes and middleware."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from app.accounts.limits import AccountLimits
from app.accounts.passwords import Passwords
from app.accounts.service import LoginDesk
from app.auth import Authentication, KnownTokens
from app.changes.reader import ChangeNotifier, ChangeReader
from app.clients.quota import StorageQuota
from app.config import Config
from app.deliveries.addresses import Destinations
from app.deliveries.queue import measure_deliveries
from app.deliveries.sender import Sender
from app.errors import Misconfigured
from app.graphql.execution.compiler import COUNTS
from app.graphql.server.http import PATH, GraphQLApi
from app.http.application import Application
from app.http.compression import Compression
from app.http.cors import cors_middleware
from app.http.disk import DiskCheck
from app.http.health import Check, Health
from app.http.pages.reference.page import DOCUMENTS
from app.http.pages.routes import browser_paths, page_routes
from app.http.paths import ApiRoutes, EveryPath
from app.http.rates import RateLimits, Rates
from app.http.request_ids import RequestIds
from app.http.root_path import RootPath
from app.mail.files import FileMailer, MailFiles
from app.mail.mailer import Mailer
from app.mail.quotas import ReminderLimits
from app.mail.repository import measure_outbox
from app.mail.smtp import SmtpMailer
from app.mail.worker import OutboxWorker
from app.observability.observer import Observer
from app.observability.request_log import RequestLog
from app.observability.spans import find_tracing
from app.postgres.folders import find_cluster_folder
from app.privacy.policy import Retention
from app.privacy.worker import RetentionWorker
from app.rest.call import Services
from app.rest.customers import customers_api
from app.rest.openapi.routes import openapi_routes
from app.rest.v1 import v1_api
from app.storage.database import Database
from app.storage.readiness import Readiness
from app.token_uses import TokenUses
from app.vat.vies import Vies
from app.webhooks.reader import EventReader
from app.webhooks.service import WebhookDesk
from app.webhooks.worker import DeliveryWorker

if TYPE_CHECKING:
    from app.observability.metrics import Metrics
    from app.observability.sampler import Sampler

COLLECTIONS = (5_000, 5, 10)
"""The thresholds of the garbage collector. Hardly any object is in a cycle, and a full collection looks at every follower."""
GRACE = 15.0
"""Seconds that a cancelled task gets to end; longer than the grace of the outbox worker."""


def create_app(config: Config, database: Database | None = None, observer: Observer | None = None) -> Starlette:
    """The application over `config.database_url`, or over an open `database`, which it does not close.

    `observer` gets the figures of each request. Raises Misconfigured without either of them.
    """
    store = database or open_database(config)
    store.is_full = StorageQuota(store, config.record_quota, config.history_quota * 1_000_000).is_full
    background = make_background(config, store, observer, owns_database=database is None)
    services = make_services(config, background)
    desk = LoginDesk(store, services.passwords, services.account_limits)
    graphql = GraphQLApi(background.outbox, config, background.changes, desk, background.vies, services.webhooks)
    v1 = v1_api(services)
    segments: dict[str, ASGIApp] = {**customers_api(services), "v1": v1}
    paths: dict[str, ASGIApp] = {PATH: graphql, **browser_paths(config, {name: segments[name] for name in DOCUMENTS})}
    return Application(
        routes=[
            *make_health(config, background).routes(),
            *graphql.routes(),
            *openapi_routes(config),
            *page_routes(config),
            EveryPath(v1),
        ],
        middleware=[*make_middleware(config, background), Middleware(ApiRoutes, paths=paths, segments=segments)],
        lifespan=background.lifespan,
    )


def make_background(
    config: Config, database: Database, observer: Observer | None, *, owns_database: bool
) -> "Background":
    """The tasks beside the requests. They start with the lifespan."""
    files = MailFiles(config.data_dir / "mail")
    outbox = OutboxWorker(
        database, choose_mailer(config), config.mail_from, files=files, limits=ReminderLimits.of(config)
    )
    deliveries = DeliveryWorker(database, Sender(Destinations.of(config)), outbox.wake)
    return Background(
        database=database,
        readiness=Readiness(database),
        outbox=outbox,
        events=EventReader(database, deliveries.wake),
        deliveries=deliveries,
        retention=RetentionWorker(database, files, Retention.of(config)),
        changes=ChangeReader(database, config.listen_url),
        vies=Vies(config.vies_url, config.vies_timeout),
        uses=TokenUses(database),
        known=KnownTokens(database),
        observer=observer,
        owns_database=owns_database,
    )


def make_services(config: Config, background: "Background") -> Services:
    """The services of the REST APIs, some of which GraphQL shares."""
    deliveries = background.deliveries
    return Services(
        database=background.database,
        outbox=background.outbox,
        vies=background.vies,
        passwords=Passwords(config.password_memory),
        page_cap=config.page_cap,
        body_cap=config.body_cap,
        sign_up=bool(config.sign_up),
        account_limits=AccountLimits.of(config),
        deletion_delay=timedelta(days=config.deletion_days),
        webhooks=WebhookDesk(deliveries.sender.destinations, deliveries.wake),
    )


def make_health(config: Config, background: "Background") -> Health:
    """The checks of the database, of the tasks, and of the disk of the embedded PostgreSQL."""
    checks: dict[str, Check] = {
        "outbox": background.outbox.find_problem,
        "events": background.events.find_problem,
        "webhooks": background.deliveries.find_problem,
    }
    if (folder := find_cluster_folder(config.data_dir, background.database.url)) is not None:
        checks["disk"] = DiskCheck(folder).find_problem
    return Health(background.readiness, lambda: background.changes.delay.seconds, checks)


def make_middleware(config: Config, background: "Background") -> list[Middleware]:
    """The middleware that every request passes before its API is found, the outermost first."""
    observer, rates = background.observer, Rates(RateLimits.of(config))
    return [
        *([Middleware(RootPath, path=config.root_path)] if config.root_path else []),
        Middleware(RequestIds, observe=observer.observe if observer else None, describe_span=find_tracing()),
        *cors_middleware(config.cors_origins),
        *([Middleware(Compression)] if config.compression else []),
        Middleware(
            Authentication,
            database=background.database,
            note_use=background.uses.note,
            rates=rates,
            known=background.known,
        ),
    ]


def app_from_environment() -> Starlette:
    """The application of a worker process. The settings come from the environment."""
    config = Config.from_environment()
    app = create_app(config, observer=make_observer(config))
    collect_rarely()
    return app


def collect_rarely() -> None:
    """The garbage collector never looks at the present objects again, and at others rarely.

    Otherwise each full collection looks at all of the schema, which takes a third of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)


def make_observer(config: Config) -> Observer:
    """The observer of a worker process, which logs requests and counts them."""
    if config.metrics_port is None:
        return Observer(RequestLog.of(config))
    from app.observability.metrics import Metrics

    return Observer(RequestLog.of(config), Metrics())


def make_sampler(metrics: "Metrics", database: Database, changes: ChangeReader) -> "Sampler":
    """The sampler of a worker process."""
    from app.observability.sampler import PoolFigures, Sampler, Sources

    def pool() -> PoolFigures:
        shares = database.pool.shares
        return PoolFigures(database.pool_size, database.pool_size - shares.free, database.pool.idle, shares.waiting)

    async def measure() -> tuple[int, float]:
        async with database.read() as connection:
            return await measure_outbox(connection)

    async def measure_webhooks() -> tuple[int, float, int]:
        async with database.read() as connection:
            return await measure_deliveries(connection)

    sources = Sources(pool, lambda: changes.followers, lambda: changes.delay.seconds, measure, measure_webhooks, COUNTS)
    return Sampler(metrics.process, sources)


def open_database(config: Config) -> Database:
    if config.database_url is None:
        raise Misconfigured("create_app needs DATABASE_URL; clientele serve starts the embedded PostgreSQL for it")
    return Database(
        config.database_url,
        pool_size=config.pool_size,
        statement_timeout=config.statement_timeout,
        answer_cap=config.answer_cap,
        pattern_timeout=config.pattern_timeout,
    )


def choose_mailer(config: Config) -> Mailer:
    """SMTP if SMTP_URL is set, otherwise .eml files in the data directory."""
    return SmtpMailer.from_url(config.smtp_url) if config.smtp_url else FileMailer(config.data_dir / "mail")


@dataclass(frozen=True)
class Background:
    """The tasks that run beside the requests, and the connections that end with them."""

    database: Database
    readiness: Readiness
    outbox: OutboxWorker
    events: EventReader
    deliveries: DeliveryWorker
    retention: RetentionWorker
    changes: ChangeReader
    vies: Vies
    uses: TokenUses
    known: KnownTokens
    observer: Observer | None
    owns_database: bool

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        """Starts the tasks, and at the end stops them and closes the connections."""
        notifier = ChangeNotifier(self.database, self._wake_readers)
        delivering = asyncio.create_task(self.outbox.run())
        reading_events = asyncio.create_task(self.events.run())
        calling = asyncio.create_task(self.deliveries.run())
        reading = asyncio.create_task(self.changes.run())
        notifier.start()
        cleaning = asyncio.create_task(self.retention.run())
        noting = asyncio.create_task(self.uses.run())
        knowing = asyncio.create_task(self.known.run())
        sampling = asyncio.create_task(self._sample())
        yield {"observe": self.observer.observe if self.observer else None}
        await cancel(sampling)
        await cancel(knowing)
        await cancel(noting)
        await cancel(cleaning)
        await cancel(reading_events)
        await asyncio.gather(cancel(calling), cancel(delivering))
        await notifier.stop()
        await cancel(reading)
        await self.vies.close()
        await self.deliveries.sender.close()
        await self.readiness.close()
        if self.owns_database:
            await self.database.close()

    def _wake_readers(self) -> None:
        self.changes.wake()
        self.events.wake()

    async def _sample(self) -> None:
        """Writes the figures of this process into its metrics, if there are any."""
        if self.observer is not None and self.observer.metrics is not None:
            await make_sampler(self.observer.metrics, self.database, self.changes).run()


async def cancel(task: "asyncio.Task[None]") -> None:
    """Cancels a task and waits for it. Cancels again if a library inside the task swallowed the cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=GRACE)
