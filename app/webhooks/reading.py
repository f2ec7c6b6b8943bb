"""The statements that turn changes into deliveries, for every organization."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    case,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
    values,
)

from app.deliveries.queue import LIVE
from app.storage.tables import client_changes, webhooks
from app.storage.tables import webhook_deliveries as deliveries
from app.webhooks.events import EVENTS, EVERY

CHUNK = 500
"""The changes of an organization that become deliveries in one transaction."""

_organization: ColumnElement[str] = bindparam("organization", type_=Text())
_last: ColumnElement[int] = bindparam("last", type_=BigInteger())
_is_read = (webhooks.c.enabled, LIVE)

ANY_ENABLED = select(select(literal_column("1")).where(*_is_read).select_from(webhooks).exists())
"""(true if any organization has an enabled webhook)"""

_is_new = (
    select(literal_column("1"))
    .where(client_changes.c.organization_id == webhooks.c.organization_id, client_changes.c.id > webhooks.c.read_to)
    .correlate(webhooks)
    .exists()
)
BEHIND = (
    select(webhooks.c.organization_id, func.min(webhooks.c.read_to))
    .where(*_is_read, _is_new)
    .group_by(webhooks.c.organization_id)
)
"""(organization, number) The organizations with changes that are no deliveries yet, and the number up to which all are."""

LOCK = (
    select(webhooks.c.read_to)
    .where(webhooks.c.organization_id == _organization, *_is_read)
    .order_by(webhooks.c.id)
    .with_for_update(key_share=True)
)
"""(number) Locks the enabled webhooks of an organization, and gives the number up to which each has read."""

_chunk = (
    select(client_changes.c.id)
    .where(
        client_changes.c.organization_id == _organization,
        client_changes.c.id > bindparam("after", type_=BigInteger()),
        client_changes.c.id <= _last,
    )
    .order_by(client_changes.c.id)
    .limit(literal_column(str(CHUNK)))
    .subquery("chunk")
)
END_OF_CHUNK = select(func.count().cast(Integer), func.max(_chunk.c.id)).select_from(_chunk)
"""(count, number) The number of the last change of the next chunk after `after`, up to `last`."""

_names = (
    values(column("action", Text()), column("v1", Text()), column("customer", Text()), name="names", literal_binds=True)
    .data([(action, names.v1, names.customer) for action, names in EVENTS.items()])
    .alias("names")
)


def _wants(event: ColumnElement[str]) -> ColumnElement[bool]:
    return webhooks.c.events.op("?", is_comparison=True)(event)


_event = case((_wants(_names.c.customer), _names.c.customer), else_=_names.c.v1)
_wanted = (
    select(
        client_changes.c.organization_id,
        webhooks.c.id.label("webhook_id"),
        client_changes.c.client_id,
        client_changes.c.id.label("change_number"),
        _event.label("event"),
        func.row_number().over(order_by=(client_changes.c.id, webhooks.c.id)).label("position"),
        func.row_number()
        .over(partition_by=(webhooks.c.id, client_changes.c.client_id), order_by=client_changes.c.id)
        .label("place"),
    )
    .select_from(
        webhooks.join(
            client_changes,
            (client_changes.c.organization_id == webhooks.c.organization_id)
            & (client_changes.c.id > webhooks.c.read_to)
            & (client_changes.c.id <= _last),
        ).join(_names, _names.c.action == client_changes.c.action)
    )
    .where(
        webhooks.c.organization_id == _organization,
        *_is_read,
        or_(_wants(literal_column(f"'{EVERY}'")), _wants(_names.c.v1), _wants(_names.c.customer)),
        or_(client_changes.c.after.is_not(None), client_changes.c.action == literal_column("'erased'")),
    )
    .cte("wanted")
)
_is_behind = (
    select(literal_column("1"))
    .where(
        deliveries.c.organization_id == _wanted.c.organization_id,
        deliveries.c.webhook_id == _wanted.c.webhook_id,
        deliveries.c.client_id == _wanted.c.client_id,
        literal_column("webhook_deliveries.state IN ('queued', 'waiting', 'sending')"),
    )
    .correlate(_wanted)
    .exists()
)


def _to_hex(number: ColumnElement[Any], digits: int) -> ColumnElement[str]:
    return func.lpad(func.to_hex(number), literal_column(str(digits)), literal_column("'0'"), type_=Text())


_milliseconds = (func.extract("epoch", func.now()) * 1000).cast(BigInteger)
_random = func.left(func.replace(func.gen_random_uuid().cast(Text), "-", ""), literal_column("6"))
_id = func.concat(_to_hex(_milliseconds, 12), _to_hex(_wanted.c.position, 6), _random, type_=Text())
"""An id as `app.ids` makes them, with the position in the chunk in place of some random digits."""
ADD = insert(deliveries).from_select(
    ["organization_id", "id", "webhook_id", "client_id", "change_number", "event", "event_id", "state"],
    select(
        _wanted.c.organization_id,
        _id,
        _wanted.c.webhook_id,
        _wanted.c.client_id,
        _wanted.c.change_number,
        _wanted.c.event,
        func.gen_random_uuid().cast(Text),
        case(
            (or_(_wanted.c.place > literal_column("1"), _is_behind), literal_column("'queued'")),
            else_=literal_column("'waiting'"),
        ),
    ),
    include_defaults=False,
)
"""Adds a delivery for each change up to `last` that a webhook wants and has not read. The first one of a client is due,
unless an earlier one is open. Changes of clients that were erased since are left out; the erasure itself is not."""

ADVANCE = (
    update(webhooks)
    .where(webhooks.c.organization_id == _organization, *_is_read, webhooks.c.read_to < _last)
    .values(read_to=_last)
)
"""Notes that the webhooks of an organization have read the changes up to `last`."""
