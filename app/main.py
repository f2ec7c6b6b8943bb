"""create_app: the only wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware

from app.accounts.passwords import Passwords
from app.auth import TokenBackend
from app.changes.notifier import ChangeNotifier
from app.changes.reader import ChangeReader
from app.config import Config
from app.errors import Misconfigured
from app.graphql.server.http import graphql_routes
from app.http.health import health_routes
from app.http.request_ids import RequestIds
from app.idempotency import forget_regularly
from app.mail.files import FileMailer
from app.mail.mailer import Mailer
from app.mail.smtp import SmtpMailer
from app.mail.worker import OutboxWorker
from app.rest.call import Services
from app.rest.customers import customers_api
from app.rest.router import RestRoute
from app.rest.v1 import v1_api
from app.storage.database import Database
from app.vat.vies import Vies

GRACE = 15.0
"""Seconds for the sends under way when the service ends; longer than the outbox's own."""


def choose_mailer(config: Config) -> Mailer:
    """SMTP where it is set, .eml files where it is not."""
    return SmtpMailer.from_url(config.smtp_url) if config.smtp_url else FileMailer(config.data_dir / "mail")


def cross_origin(config: Config) -> list[Middleware]:
    """Lets the pages of the configured origins call every door; no cookies are used, so none are allowed."""
    if not config.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=config.cors_origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("*",),
            expose_headers=("X-Request-Id", "ETag", "X-Total-Count", "Retry-After"),
            max_age=3600,
        )
    ]


async def end(task: "asyncio.Task[None]") -> None:
    """Cancels a task and waits for it, and again where a library in it has swallowed the cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=GRACE)


def create_app(config: Config, database: Database | None = None) -> Starlette:
    """The application over `config.database_url`, or over an open `database`, which it then leaves open."""
    if database is None and config.database_url is None:
        raise Misconfigured("create_app needs DATABASE_URL; clientele serve starts the embedded PostgreSQL for it")
    own = database is None
    store = database or Database(
        config.database_url or "", pool_size=config.pool_size, statement_timeout=config.statement_timeout
    )

    outbox = OutboxWorker(store, choose_mailer(config), config.mail_from)
    changes = ChangeReader(store, config.listen_url)
    notifier = ChangeNotifier(store, changes.wake)
    vies = Vies(config.vies_url, config.vies_timeout)

    passwords = Passwords(config.password_memory)
    services = Services(store, outbox, vies, passwords, config.page_cap, config.body_cap, config.sign_up)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        delivering = asyncio.create_task(outbox.run())
        reading = asyncio.create_task(changes.run())
        notifier.start()
        forgetting = asyncio.create_task(forget_regularly(store, stopping))
        yield
        stopping.set()
        await end(delivering)
        await notifier.stop()
        await end(reading)
        await forgetting
        await vies.close()
        if own:
            await store.close()

    return Starlette(
        routes=[
            *health_routes(store),
            *graphql_routes(store, outbox, config, changes),
            RestRoute(customers_api(services), fallback=v1_api(services)),
        ],
        middleware=[
            Middleware(RequestIds),
            *cross_origin(config),
            Middleware(AuthenticationMiddleware, backend=TokenBackend(store)),
        ],
        lifespan=lifespan,
    )


def app_from_environment() -> Starlette:
    """The application of a worker process, as its environment says."""
    return create_app(Config.from_environment())
