"""`outbox list`: what has become of messages."""

from typing import Annotated

import typer

from app.cli.running import with_database
from app.mail.repository import Delivery, State, list_messages
from app.server import say
from app.storage.database import Database


def outbox_list(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those that are at this.")] = None,
) -> None:
    """Print messages, the newest first, with tabs between: id, client, to, language, state, attempts, created, sent, last error.

    The recipient of somebody who has been erased is empty, as is what has not happened.
    """

    async def work(database: Database) -> None:
        async with database.snapshot() as connection:
            async for one in list_messages(connection, organization, state):
                say(describe_message(one))

    with_database(work)


def describe_message(one: Delivery) -> str:
    times = [moment.isoformat(timespec="milliseconds") if moment else "" for moment in (one.created_at, one.sent_at)]
    told = (
        one.id,
        one.client_id,
        one.recipient,
        one.language,
        one.state,
        str(one.attempts),
        *times,
        one.last_error or "",
    )
    return "\t".join(told)
