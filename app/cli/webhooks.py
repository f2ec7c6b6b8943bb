"""The commands of webhooks: list, create, update, delete, rotate-secret, test, deliveries and redeliver."""

import json as json_module
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from app.cli.output import Json, Rows, print_record, report, show
from app.cli.running import with_database
from app.config import Config
from app.errors import Malformed

if TYPE_CHECKING:
    from app.auth import Access
    from app.deliveries.addresses import Destinations
    from app.storage.database import Database

T = TypeVar("T")

Organization = Annotated[str, typer.Option(help="The id of the organization.")]
Webhook = Annotated[str, typer.Argument(help="The id of the webhook, from `webhook list`.")]
State = Literal["queued", "waiting", "sending", "sent", "failed"]
WEBHOOK_COLUMNS = ("id", "url", "events", "enabled", "failingSince", "disabledAt", "description")
WEBHOOK_TITLES = ("id", "url", "events", "enabled", "failing since", "disabled at", "description")
DELIVERY_COLUMNS = ("id", "event", "state", "attempts", "createdAt", "nextAttemptAt", "responseStatus", "error")
DELIVERY_TITLES = ("id", "event", "state", "attempts", "created at", "next attempt at", "status", "error")
MOST_WEBHOOKS = 100
ONE_DAY, SEVEN_DAYS = 86_400, 604_800
"""Seconds: the default and the longest time for which a secret stays valid after a rotation."""


def with_access(work: "Callable[[Access], Awaitable[T]]") -> T:
    """Runs `work` with access to every organization that is not deleted. Raises Malformed if there is none."""

    async def run(database: "Database") -> T:
        from app.auth import Access, Principal, Scope
        from app.organizations.service import list_organizations

        live = [each.id for each, purge_at in await list_organizations(database) if purge_at is None]
        if not live:
            raise Malformed("There is no organization. Create one with clientele organization create.")
        return await work(Access.of(database, Principal("", None, tuple(live), Scope.WRITE)))

    return with_database(run)


def webhook_list(organization: Organization, json: Json = False) -> None:
    """List the webhooks of an organization with their id, URL, events, state and description, the oldest first."""
    from app.query.model import NO_CONDITIONS
    from app.query.request import ROWS, PageArguments, complete_request
    from app.webhooks.faces import V1_WEBHOOK, V1_WEBHOOK_FIELDS
    from app.webhooks.service import list_webhooks

    request = complete_request(V1_WEBHOOK, V1_WEBHOOK_FIELDS, NO_CONDITIONS, PageArguments(MOST_WEBHOOKS), ROWS)
    listing = with_access(lambda access: list_webhooks(access, organization, request))
    _print([row for row, _ in listing.rows], WEBHOOK_TITLES, WEBHOOK_COLUMNS, json)


def webhook_create(
    organization: Organization,
    url: Annotated[str, typer.Option(help="The URL that gets the events.")],
    event: Annotated[list[str], typer.Option(help="An event, such as customer.updated; give it once for each event.")],
    description: Annotated[str | None, typer.Option(help="A note.")] = None,
    json: Json = False,
) -> None:
    """Create a webhook, and print its id and its secret. The secret cannot be shown again."""
    from app.webhooks.faces import SECRET, V1_WEBHOOK
    from app.webhooks.record import V1_RULES, read_new_webhook
    from app.webhooks.service import create_webhook

    body = {"url": url, "events": event, "description": description}
    values = read_new_webhook(V1_WEBHOOK, body, V1_RULES, _destinations())
    selection = (("id", V1_WEBHOOK.fields["id"]), ("secret", SECRET))
    webhook = with_access(lambda access: create_webhook(access, organization, values, selection))
    print_record(json_module.loads(webhook.json), json)


def webhook_update(
    id: Webhook,  # noqa: A002
    url: Annotated[str | None, typer.Option(help="The URL that gets the events.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="An event; give it once for each event.")] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Send events, or none.")] = None,
    json: Json = False,
) -> None:
    """Change a webhook. One that is enabled again gets the changes from then on."""
    from app.webhooks.faces import V1_WEBHOOK
    from app.webhooks.record import V1_RULES, read_webhook_change
    from app.webhooks.service import change_webhook

    options = {"url": url, "events": event or None, "enabled": enabled}
    body = {name: value for name, value in options.items() if value is not None}
    if not body:
        raise Malformed("Give at least one of --url, --event, --enable and --disable.")
    values = read_webhook_change(V1_WEBHOOK, body, V1_RULES, _destinations())
    with_access(lambda access: change_webhook(access, id, values, ()))
    report("The webhook is changed.", json, id=id)


def webhook_delete(id: Webhook, json: Json = False) -> None:  # noqa: A002
    """Delete a webhook. Its events that are not sent yet are cancelled."""
    from app.webhooks.service import delete_webhook

    with_access(lambda access: delete_webhook(access, id, ()))
    report("The webhook is deleted.", json, id=id)


def webhook_rotate_secret(
    id: Webhook,  # noqa: A002
    keep_for: Annotated[
        int, typer.Option(min=0, max=SEVEN_DAYS, help="Seconds for which the secret before stays valid, too.")
    ] = ONE_DAY,
    json: Json = False,
) -> None:
    """Give a webhook a new secret, and print it. It cannot be shown again."""
    from app.webhooks.faces import PREVIOUS_SECRET_UNTIL, SECRET
    from app.webhooks.service import rotate_secret

    selection = (("secret", SECRET), ("previousSecretUntil", PREVIOUS_SECRET_UNTIL))
    webhook = with_access(lambda access: rotate_secret(access, id, selection, timedelta(seconds=keep_for)))
    print_record(json_module.loads(webhook.json), json)


def webhook_test(id: Webhook, json: Json = False) -> None:  # noqa: A002
    """Send a test event to a webhook, in one attempt, and print its delivery. A running service sends it within seconds."""
    from app.webhooks.faces import V1_DELIVERY_FIELDS
    from app.webhooks.service import NO_WORKER, send_test

    delivery = with_access(lambda access: send_test(access, NO_WORKER, id, V1_DELIVERY_FIELDS))
    _print_delivery(delivery, json)


def webhook_deliveries(
    id: Webhook,  # noqa: A002
    state: Annotated[State | None, typer.Option(help="Only the deliveries in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most deliveries.")] = 100,
    json: Json = False,
) -> None:
    """List the deliveries of a webhook, the newest first."""
    from app.query.model import And, Compare, Query
    from app.query.operators import EQ
    from app.query.request import DESCENDING_ID, ROWS, PageArguments, complete_request
    from app.records.repository import Listing
    from app.webhooks.faces import V1_DELIVERY, V1_DELIVERY_FIELDS
    from app.webhooks.service import get_webhook, list_deliveries

    conditions = [Compare("webhook_id", EQ, id), *([Compare("state", EQ, state)] if state else [])]
    query = Query(And(tuple(conditions)), orders=(DESCENDING_ID,))
    request = complete_request(V1_DELIVERY, V1_DELIVERY_FIELDS, query, PageArguments(limit), ROWS)

    async def work(access: "Access") -> Listing:
        webhook = await get_webhook(access, id, ())
        return await list_deliveries(access, webhook.organization_id, request)

    _print([row for row, _ in with_access(work).rows], DELIVERY_TITLES, DELIVERY_COLUMNS, json)


def webhook_redeliver(
    id: Annotated[str, typer.Argument(help="The id of the delivery; with --failed that of the webhook.")],  # noqa: A002
    failed: Annotated[bool, typer.Option("--failed", help="Deliver all failed events of the webhook again.")] = False,
    json: Json = False,
) -> None:
    """Deliver an event once more, with the same id and body. A running service sends it within seconds."""
    from app.webhooks.faces import V1_DELIVERY_FIELDS
    from app.webhooks.service import NO_WORKER, redeliver, redeliver_failed

    if failed:
        number = with_access(lambda access: redeliver_failed(access, NO_WORKER, id))
        report(f"Events to deliver again: {number}", json, redelivered=number)
    else:
        _print_delivery(with_access(lambda access: redeliver(access, NO_WORKER, id, V1_DELIVERY_FIELDS)), json)


def _destinations() -> "Destinations":
    from app.deliveries.addresses import Destinations

    return Destinations.of(Config.from_environment())


def _print(rows: list[str], titles: tuple[str, ...], columns: tuple[str, ...], as_json: bool) -> None:
    with Rows(titles, as_json=as_json) as table:
        for row in rows:
            members: Mapping[str, Any] = json_module.loads(row)
            table.add(tuple(show(members[name]) for name in columns), members)


def _print_delivery(delivery: str, as_json: bool) -> None:
    members = json_module.loads(delivery)
    print_record(members if as_json else {name: members[name] for name in DELIVERY_COLUMNS}, as_json)
