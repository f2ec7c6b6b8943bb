"""Counts of limited acts in the database, such as logins. All processes share them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.errors import Quota, TooMany
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import limit_counts

Parameters = Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Counter:
    """The acts of one key, such as an e-mail address, under a limit. `message` tells the caller what happened."""

    quota: Quota
    key: str
    message: str

    @property
    def hash(self) -> bytes:
        """The stored form of the key, so that the table holds no address of anybody."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).digest()


_counts = limit_counts.c
_sent = (
    func.unnest(
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("hashes", type_=ARRAY(LargeBinary)),
        bindparam("numbers", type_=ARRAY(Double)),
    )
    .table_valued(column("kind", Text), column("hash", LargeBinary), column("number", Double))
    .render_derived(name="sent")
)
_is_sent = tuple_(_counts.kind, _counts.hash) == tuple_(_sent.c.kind, _sent.c.hash)
_window_end = NOW + func.make_interval(0, 0, 0, 0, 0, 0, _sent.c.number)
_new = insert(limit_counts).from_select(
    ["kind", "hash", "count", "ends_at"],
    select(_sent.c.kind, _sent.c.hash, literal(1, Integer), _window_end).order_by(_sent.c.kind, _sent.c.hash),
)
"""The order of the rows is the order of their locks, so that two transactions never wait for each other."""
_ENDED: ColumnElement[bool] = _counts.ends_at <= func.now()
_SECONDS_LEFT = func.extract("epoch", _counts.ends_at - func.now()).cast(Double)

COUNT = _new.on_conflict_do_update(
    index_elements=["kind", "hash"],
    set_={
        "count": case((_ENDED, 1), else_=_counts.count + 1),
        "ends_at": case((_ENDED, _new.excluded.ends_at), else_=_counts.ends_at),
    },
).returning(_counts.kind, _counts.count, _SECONDS_LEFT)
FIND = select(_counts.kind, _counts.count, _SECONDS_LEFT).where(_is_sent, ~_ENDED)
MARK = _new.on_conflict_do_update(index_elements=["kind", "hash"], set_={"ends_at": _new.excluded.ends_at})

_locked = (
    select(_counts.kind, _counts.hash, _sent.c.number)
    .where(_is_sent)
    .order_by(_counts.kind, _counts.hash)
    .with_for_update(of=limit_counts)
    .cte("locked")
)
TAKE_BACK = (
    update(limit_counts)
    .where(tuple_(_counts.kind, _counts.hash) == tuple_(_locked.c.kind, _locked.c.hash))
    .values(count=func.greatest(_counts.count - _locked.c.number, 0))
)


async def check_counts(connection: Connection, counters: Sequence[Counter]) -> None:
    """Raises TooMany if a limit is used up. Counts nothing."""
    rows = await connection.execute(FIND, _parameters(counters, [0] * len(counters)))
    _judge(counters, {kind: (count + 1, left) for kind, count, left in rows})


async def count_acts(connection: Connection, counters: Sequence[Counter]) -> None:
    """Counts one act with each counter. Raises TooMany over a limit; then the transaction must be rolled back."""
    rows = await connection.execute(COUNT, _parameters(counters, [counter.quota.seconds for counter in counters]))
    _judge(counters, {kind: (count, left) for kind, count, left in rows})


async def take_back(connection: Connection, amounts: Mapping[Counter, int]) -> None:
    """Takes a number of acts back from each counter, at most as many as it has counted."""
    await connection.execute(TAKE_BACK, _parameters(list(amounts), list(amounts.values())))


async def set_mark(connection: Connection, mark: Counter) -> None:
    """Remembers a key for the time of its quota from now."""
    await connection.execute(MARK, _parameters([mark], [mark.quota.seconds]))


async def has_mark(connection: Connection, mark: Counter) -> bool:
    return bool(await connection.execute(FIND, _parameters([mark], [0])))


def _parameters(counters: Sequence[Counter], numbers: Sequence[float]) -> Parameters:
    return {
        "kinds": [counter.quota.name for counter in counters],
        "hashes": [counter.hash for counter in counters],
        "numbers": numbers,
    }


def _judge(counters: Sequence[Counter], counted: Mapping[str, tuple[int, float]]) -> None:
    """Raises TooMany with the longest wait among the limits that are exceeded."""
    exceeded = [
        (left, counter)
        for counter in counters
        for count, left in (counted.get(counter.quota.name, (0, 0.0)),)
        if count > counter.quota.amount
    ]
    if exceeded:
        left, counter = max(exceeded, key=lambda pair: pair[0])
        raise TooMany(counter.message, max(ceil(left), 1), counter.quota)
