"""Checks at the start of `serve`: what would fail later, in a worker or in silence, is said once."""

import typer

from app.config import Config
from app.graphql.server.trusted import load_trusted
from app.mail.addresses import check_sender
from app.main import choose_mailer, open_database
from app.storage.notices import find_notice_problem
from app.storage.readiness import Readiness

START_LIMIT = 15.0
"""Seconds for the check of the database at the start."""


def check_settings(config: Config) -> None:
    """Raises Misconfigured for a setting with which a worker cannot start."""
    load_trusted(config.documents)
    choose_mailer(config)
    check_sender(config.mail_from)


async def check_database(config: Config) -> bool:
    """Tells whether the service will be ready, and says once why not.

    Raises Misconfigured for a server or a pooler that is never suitable.
    """
    readiness = Readiness(open_database(config), logs=False)
    try:
        problem = await readiness.find_problem(START_LIMIT)
        if readiness.flaw is not None:
            raise readiness.flaw
        if problem is not None:
            _warn(f"The service is not ready: {problem}. /readyz answers 503 until it is.")
        return problem is None
    finally:
        await readiness.close()


async def check_notices(config: Config) -> None:
    """Says once why notices of changes do not arrive at CLIENTELE_LISTEN_URL. Raises Misconfigured for an invalid address."""
    if config.listen_url is None:
        return
    problem = await find_notice_problem(config.database_url or "", config.listen_url)
    if problem is not None:
        _warn(f"CLIENTELE_LISTEN_URL does not work: {problem}. Subscriptions receive a change up to a second later.")


def _warn(message: str) -> None:
    typer.echo(f"clientele: {message}", err=True)
