"""`outbox list`, `outbox retry` and `outbox cancel`: the delivery of messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.output import Json, Rows, report
from app.cli.running import with_database
from app.errors import Malformed

if TYPE_CHECKING:
    from app.mail.repository import Delivery
    from app.storage.database import Database

Ids = Annotated[list[str] | None, typer.Argument(help="The ids of messages, from `outbox list`.")]
Organization = Annotated[
    str | None, typer.Option(help="Only the messages of the organization with this id.", show_default="all")
]
TITLES = ("id", "client", "recipient", "language", "state", "attempts", "created at", "sent at", "last error")


def outbox_list(
    organization: Organization = None,
    state: Annotated[
        Literal["waiting", "sending", "sent", "failed"] | None, typer.Option(help="Only the messages in this state.")
    ] = None,
    json: Json = False,
) -> None:
    """List the messages, the newest first.

    The columns are id, client, recipient, language, state, attempts, created at, sent at and last error. A column is
    empty if it has no value yet. The recipient is empty if the person has been erased.
    """
    from app.mail.repository import State, list_messages

    async def work(database: "Database") -> None:
        async with database.snapshot() as connection:
            with Rows(TITLES, as_json=json) as rows:
                async for delivery in list_messages(connection, organization, State(state) if state else None):
                    rows.add(_cells(delivery), delivery)

    with_database(work)


def outbox_retry(
    ids: Ids = None,
    failed: Annotated[bool, typer.Option("--failed", help="Retry all messages that have failed.")] = False,
    organization: Organization = None,
    json: Json = False,
) -> None:
    """Send messages now that have failed or wait for their next attempt. With ids, all of them are sent, or none.

    The text of a message must still be there: it is deleted after CLIENTELE_MESSAGE_DAYS, and when the person is erased.
    """
    from app.mail.outbox import retry_failed, retry_messages

    if failed == bool(ids):
        raise Malformed("Give the ids of messages, or --failed for all that have failed.")

    async def work(database: "Database") -> list[str]:
        async with database.write() as connection:
            if ids:
                return _require_all(ids, await retry_messages(connection, ids), "cannot be sent again")
            return await retry_failed(connection, organization)

    changed = with_database(work)
    report(f"Messages to send again: {len(changed)}", json, retried=changed)


def outbox_cancel(
    ids: Annotated[list[str], typer.Argument(help="The ids of messages, from `outbox list --state waiting`.")],
    json: Json = False,
) -> None:
    """Cancel messages that wait: all of them, or none if one does not wait. `outbox retry` sends them after all."""
    from app.mail.outbox import cancel_messages

    async def work(database: "Database") -> list[str]:
        async with database.write() as connection:
            return _require_all(ids, await cancel_messages(connection, ids), "does not wait")

    changed = with_database(work)
    report(f"Cancelled messages: {len(changed)}", json, cancelled=changed)


def _require_all(ids: Sequence[str], changed: list[str], problem: str) -> list[str]:
    """Returns the changed ids. Raises Malformed for the first id that is missing, so that nothing is changed."""
    for message_id in ids:
        if message_id not in changed:
            raise Malformed(
                f"The message {message_id} {problem}. Nothing was changed; clientele outbox list shows the states."
            )
    return changed


def _cells(delivery: "Delivery") -> tuple[str, ...]:
    return (
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


def _describe_time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else ""
