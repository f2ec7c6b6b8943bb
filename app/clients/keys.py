"""Keys of the caller's own: a member of `custom` or `metadata` that identifies the live clients of an organization.

The first upsert by a member registers it. From then on triggers keep its values unique, whichever way a client is written.
A value is a text, or a number in the spelling of JSON; other values and the empty text are none. Deleting a client frees its
values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from app.clients.record import LONGEST_KEY, LONGEST_METADATA
from app.errors import Conflict, Invalid, KeyTaken, Problem
from app.query.invisible import has_visible_character
from app.query.values import check_text
from app.records.bodies import Values
from app.storage.connection import Connection
from app.storage.tables import client_key_values, client_keys, clients

MOST_KEYS = 5
"""Keys of one organization. One without any value makes room for another."""
SHOWN_DUPLICATES = 5
LOCK_SEED = 4017
"""The triggers on clients take the same lock, shared."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """The member `name` of the column `document`, which is `custom` or `metadata`, with a value."""

    document: str
    name: str
    value: str

    def add_to(self, values: Values) -> Values:
        """The values of a client with this key. Raises Invalid if their document has another value for it."""
        document = values.get(self.document) or {}
        if not isinstance(document, dict):
            message = f"must be an object, because the key {self.name!r} is a member of it"
            raise Invalid([Problem(self.document, "type", message)])
        if document.get(self.name, self.value) != self.value:
            message = f"has another value for the key {self.name!r} than the key of this request"
            raise Invalid([Problem(self.document, "contradiction", message, path=(self.name,))])
        return {**values, self.document: {**document, self.name: self.value}}


def check_key(document: str, name: str, value: str) -> ClientKey:
    """The key itself. Raises Invalid for a name or a value that is blank or too long."""
    limits = (("name", name, LONGEST_KEY), ("value", value, LONGEST_METADATA))
    problems = [
        Problem("key", *problem, path=(part,)) for part, text, most in limits for problem in _check_part(text, most)
    ]
    if problems:
        raise Invalid(problems)
    return ClientKey(document, name, value)


def _check_part(text: str, most: int) -> Sequence[tuple[str, str]]:
    check_text(text, "key")
    if not has_visible_character(text):
        return [("presence", "must not be blank")]
    if len(text) > most:
        return [("length", f"must have at most {most} characters; got {len(text)}")]
    return []


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


_organization = _text("organization")
LOCK_KEYS = select(func.pg_advisory_xact_lock(func.hashtextextended(_organization, literal_column(str(LOCK_SEED)))))
_is_registered = and_(
    client_keys.c.organization_id == _organization,
    client_keys.c.document == _text("document"),
    client_keys.c.name == _text("name"),
)
FIND_KEY = select(client_keys.c.name).where(_is_registered)
KEEP_KEY = FIND_KEY.with_for_update(read=True, key_share=True)
LIST_KEYS = (
    select(client_keys.c.document.concat(".").concat(client_keys.c.name))
    .where(client_keys.c.organization_id == _organization)
    .order_by(client_keys.c.document, client_keys.c.name)
)
_has_value = (
    select(client_key_values.c.digest)
    .where(
        client_key_values.c.organization_id == client_keys.c.organization_id,
        client_key_values.c.document == client_keys.c.document,
        client_key_values.c.name == client_keys.c.name,
    )
    .exists()
)
DROP_UNUSED_KEYS = delete(client_keys).where(client_keys.c.organization_id == _organization, ~_has_value)
ADD_KEY = insert(client_keys)


def _document(source: Any) -> ColumnElement[Any]:
    """The document of the parameter `document`."""
    return case((_text("document") == literal("custom"), source.c.custom), else_=source.c.metadata)


_stored = (
    select(clients.c.organization_id, clients.c.id, func.key_digest(_document(clients), _text("name")).label("digest"))
    .where(clients.c.organization_id == _organization, clients.c.deleted_at.is_(None))
    .subquery("stored")
)
DUPLICATES = (
    select(func.array_agg(aggregate_order_by(_stored.c.id, _stored.c.id)))
    .where(_stored.c.digest.is_not(None))
    .group_by(_stored.c.digest)
    .having(func.count() > 1)
    .order_by(func.min(_stored.c.id))
    .limit(literal_column(str(SHOWN_DUPLICATES)))
)
"""(ids) of the live clients that share a value of a member."""
ADD_VALUES = insert(client_key_values).from_select(
    ["organization_id", "document", "name", "digest", "client_id"],
    select(_stored.c.organization_id, _text("document"), _text("name"), _stored.c.digest, _stored.c.id).where(
        _stored.c.digest.is_not(None)
    ),
    include_defaults=False,
)

_wanted_value = (
    func.jsonb_to_recordset(bindparam("keys", type_=JSONB()))
    .table_valued(column("position", Integer), column("value", Text))
    .render_derived(name="wanted", with_types=True)
)
FIND_CLIENTS = select(_wanted_value.c.position, client_key_values.c.client_id).where(
    client_key_values.c.organization_id == _organization,
    client_key_values.c.document == _text("document"),
    client_key_values.c.name == _text("name"),
    client_key_values.c.digest == func.sha256(func.convert_to(_wanted_value.c.value, "UTF8")),
)
"""(position, client) of the values that a client has."""


async def is_registered(connection: Connection, organization_id: str, key: ClientKey) -> bool:
    """True if the member is a key. Then it is one until the transaction ends."""
    parameters = {"organization": organization_id, "document": key.document, "name": key.name}
    return bool(await connection.execute(KEEP_KEY, parameters))


async def register_key(connection: Connection, organization_id: str, key: ClientKey) -> None:
    """Makes a member a key, in the caller's transaction. Does nothing if it is one.

    Waits for transactions that are writing clients of the organization. Raises Conflict if live clients share a value, and
    Invalid if the organization has too many keys.
    """
    parameters = {"organization": organization_id, "document": key.document, "name": key.name}
    await connection.execute(LOCK_KEYS, parameters)
    if await connection.execute(FIND_KEY, parameters):
        return
    if len(await connection.scalars(LIST_KEYS, parameters)) >= MOST_KEYS:
        await connection.execute(DROP_UNUSED_KEYS, parameters)
    keys = await connection.scalars(LIST_KEYS, parameters)
    if len(keys) >= MOST_KEYS:
        message = f"is not one of the keys of the organization, which can have {MOST_KEYS}: {', '.join(keys)}"
        raise Invalid([Problem("key", "inclusion", message, key.name, path=("name",), allowed=tuple(keys))])
    duplicates = await connection.scalars(DUPLICATES, parameters)
    if duplicates:
        raise _shared_values(key, duplicates)
    await connection.execute(ADD_KEY, {"organization_id": organization_id, "document": key.document, "name": key.name})
    await connection.execute(ADD_VALUES, parameters)


def _shared_values(key: ClientKey, duplicates: Sequence[Sequence[str]]) -> Conflict:
    groups = "; ".join(" and ".join(ids[:SHOWN_DUPLICATES]) for ids in duplicates)
    return Conflict(
        f"The member {key.name!r} of `{key.document}` cannot identify the clients, because some have the same value: "
        f"{groups}. Change them first.",
        "key",
    )


async def find_clients(connection: Connection, organization_id: str, keys: Mapping[int, ClientKey]) -> dict[int, str]:
    """The live clients that have the keys, by the positions of the keys. All keys name the same member."""
    key = next(iter(keys.values()))
    parameters = {
        "organization": organization_id,
        "document": key.document,
        "name": key.name,
        "keys": [{"position": position, "value": wanted.value} for position, wanted in keys.items()],
    }
    return {position: client_id for position, client_id in await connection.execute(FIND_CLIENTS, parameters)}  # noqa: C416


_sent = (
    func.jsonb_to_recordset(bindparam("rows", type_=JSONB()))
    .table_valued(column("position", Integer), column("id", Text), column("custom", JSONB), column("metadata", JSONB))
    .render_derived(name="sent", with_types=True)
)
_is_custom = client_keys.c.document == literal("custom")
_wanted = (
    select(
        _sent.c.position,
        _sent.c.id,
        client_keys.c.organization_id,
        client_keys.c.document,
        client_keys.c.name,
        func.key_digest(case((_is_custom, _sent.c.custom), else_=_sent.c.metadata), client_keys.c.name).label("digest"),
    )
    .where(
        client_keys.c.organization_id == _organization,
        or_(
            and_(_is_custom, _sent.c.custom.is_not(None)),
            and_(~_is_custom, _sent.c.metadata.op("?", is_comparison=True)(client_keys.c.name)),
        ),
    )
    .cte("wanted")
)
"""The keys that the rows write, with the digest of each value, which is null where a row has none."""
_other = _wanted.alias("other")


def _same_key(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(
        one.c.organization_id == other.c.organization_id,
        one.c.document == other.c.document,
        one.c.name == other.c.name,
    )


_freed = (
    select(_other.c.id)
    .where(
        _same_key(_other, client_key_values),
        _other.c.id == client_key_values.c.client_id,
        _other.c.digest.is_distinct_from(client_key_values.c.digest),
    )
    .exists()
)
_held: Any = select(_wanted.c.position, _wanted.c.document, _wanted.c.name, _wanted.c.id, client_key_values.c.client_id)
_repeated: Any = select(_wanted.c.position, _wanted.c.document, _wanted.c.name, _wanted.c.id, _other.c.id)
TAKEN = _held.where(
    _same_key(client_key_values, _wanted),
    client_key_values.c.digest == _wanted.c.digest,
    client_key_values.c.client_id != _wanted.c.id,
    ~_freed,
).union_all(
    _repeated.where(
        _same_key(_other, _wanted), _other.c.digest == _wanted.c.digest, _other.c.position < _wanted.c.position
    )
)
"""(position, document, name, client, holder) of the values that a client outside of `rows`, or an earlier row, has."""


async def find_taken(connection: Connection, organization_id: str, rows: Mapping[int, Values]) -> dict[int, KeyTaken]:
    """The errors of rows, by position, whose values of keys other clients have, or an earlier row. A row has an `id`."""
    sent = [
        {"position": position, **{name: row.get(name) for name in ("id", "custom", "metadata")}}
        for position, row in rows.items()
    ]
    taken = await connection.execute(TAKEN, {"rows": sent, "organization": organization_id})
    return {position: KeyTaken(*error) for position, *error in taken}
