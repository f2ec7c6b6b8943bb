"""Idempotency keys: the first response to a request is stored, and returned again when the same request is repeated."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, SmallInteger, Text, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import IdempotencyKeyReused, Malformed, NotFound
from app.storage.connection import Connection
from app.storage.database import ConnectionSource
from app.storage.retries import retried
from app.storage.tables import idempotency_keys

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An idempotency key of an owner, which is an account or organization, with the hash of the request."""

    owner: str
    text: str
    request_hash: bytes

    @classmethod
    def of(cls, owner: str, text: str, *request: object) -> "RequestKey":
        """`request` identifies the request: the operation, and what was read of the body, as JSON values.

        How the body spelled the values does not matter: the order of members, white space, escapes, 1.0 or 1.
        Raises Malformed for an invalid key.
        """
        if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
            raise Malformed(
                f"An idempotency key must have 1 to {LONGEST_KEY} printable characters; got {len(text)} characters.",
                "Idempotency-Key",
            )
        return cls(owner, text, hashlib.sha256(write_canonical(request).encode()).digest())


def write_canonical(value: object) -> str:
    """The one JSON text, in ASCII, of all equal JSON values. Numbers are equal by value; texts are not normalised."""
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), default=str)


def _canonical(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The stored response: the status code of the API and the body."""

    status: int
    body: bytes


_matches = and_(
    idempotency_keys.c.owner == bindparam("key_owner", type_=Text()),
    idempotency_keys.c.id == bindparam("key_text", type_=Text()),
)
_CLAIM = insert(idempotency_keys).on_conflict_do_nothing().returning(idempotency_keys.c.id)
_FIND = select(idempotency_keys.c.request_hash, idempotency_keys.c.status, idempotency_keys.c.body).where(_matches)
_REMEMBER = (
    update(idempotency_keys)
    .where(_matches)
    .values(
        status=bindparam("answer_status", type_=SmallInteger()),
        body=bindparam("answer_body", type_=LargeBinary()),
        organization_id=bindparam("organization", type_=Text()),
        client_id=bindparam("client", type_=Text()),
    )
)
"""Each statement is built once. A statement with its own values would stay in memory with them."""


async def claim(connection: Connection, key: RequestKey) -> StoredResponse | None:
    """The stored response of the key. None if the key is new; then it is claimed until this transaction ends.

    A second request with the key waits here for the first. Raises Conflict if the key was used for another request, and
    NotFound if the response showed a person who has been erased since.
    """
    values = {"owner": key.owner, "id": key.text, "request_hash": key.request_hash}
    if (await connection.execute(_CLAIM, values)).first() is not None:
        return None
    return _read_row((await connection.execute(_FIND, _named(key))).one(), key)


async def find_stored(connection: Connection, key: RequestKey) -> StoredResponse | None:
    """As `claim`, without claiming a new key and without waiting for a request that is using it."""
    row = (await connection.execute(_FIND, _named(key))).first()
    return None if row is None else _read_row(row, key)


def _read_row(row: Any, key: RequestKey) -> StoredResponse:
    if row[1] is None:
        raise NotFound("There is no such record", "Idempotency-Key")
    if row[0] != key.request_hash:
        raise IdempotencyKeyReused("The idempotency key was used for another request; use a new key for each request.")
    return StoredResponse(row[1], row[2])


async def remember(
    connection: Connection,
    key: RequestKey,
    response: StoredResponse,
    organization_id: str | None,
    client_id: str | None = None,
) -> None:
    """Stores the response for the claimed key, in the transaction that does the work.

    `client_id` is the client that the response shows. It is None if the response shows several clients or none; then
    the body contains the id of each client that it shows.
    """
    values = {
        "answer_status": response.status,
        "answer_body": response.body,
        "organization": organization_id,
        "client": client_id,
    }
    await connection.execute(_REMEMBER, {**_named(key), **values})


def _named(key: RequestKey) -> dict[str, str]:
    return {"key_owner": key.owner, "key_text": key.text}


@retried
async def run_once(
    database: ConnectionSource,
    key: RequestKey | None,
    work: Callable[[Connection], Awaitable[StoredResponse]],
    organization_id: str,
    client_id: str | None = None,
) -> StoredResponse:
    """The response of `work`, or with a `key` that was used before, the response of the first time.

    Without a key the work is a single statement. `organization_id` and `client_id` are as in remember().
    """
    if key is None:
        async with database.statement() as connection:
            return await work(connection)
    async with database.write() as connection:
        stored = await claim(connection, key)
        if stored is not None:
            return stored
        response = await work(connection)
        await remember(connection, key, response, organization_id, client_id)
        return response


_shows = or_(
    idempotency_keys.c.client_id == bindparam("client", type_=Text()),
    and_(
        idempotency_keys.c.client_id.is_(None),
        func.position(bindparam("needle", type_=LargeBinary()).op("IN")(idempotency_keys.c.body)) > 0,
    ),
)
_DELETE_RESPONSES = (
    update(idempotency_keys)
    .where(idempotency_keys.c.organization_id == bindparam("organization", type_=Text()), _shows)
    .values(status=None, body=None, request_hash=b"", client_id=bindparam("client", type_=Text()))
)


async def forget_record(connection: Connection, organization_id: str, record_id: str) -> None:
    """Deletes the stored responses that show a client or a webhook. Their keys stay: claim() raises NotFound for them."""
    parameters = {"organization": organization_id, "client": record_id, "needle": record_id.encode()}
    await connection.execute(_DELETE_RESPONSES, parameters)
