"""`outbox list`: the delivery status of messages."""

from datetime import datetime
from typing import Annotated

import typer

from app.cli.output import say
from app.cli.running import with_database
from app.mail.repository import Delivery, State, list_messages
from app.storage.database import Database


def outbox_list(
    organization: Annotated[
        str | None, typer.Option(help="List only the messages of the organization with this id.")
    ] = None,
    state: Annotated[State | None, typer.Option(help="List only the messages in this state.")] = None,
) -> None:
    """Print the messages, the newest first, as tab-separated columns.

    The columns are id, client, recipient, language, state, attempts, created at, sent at and last error. A column is
    empty if it has no value yet. The recipient is empty if the person has been erased.
    """

    async def work(database: Database) -> None:
        async with database.snapshot() as connection:
            async for delivery in list_messages(connection, organization, state):
                say(describe_message(delivery))

    with_database(work)


def describe_message(delivery: Delivery) -> str:
    columns = (
        delivery.id,
        delivery.client_id,
        delivery.recipient,
        delivery.language,
        delivery.state,
        str(delivery.attempts),
        _describe_time(delivery.created_at),
        _describe_time(delivery.sent_at),
        delivery.last_error or "",
    )
    return "\t".join(columns)


def _describe_time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else ""
