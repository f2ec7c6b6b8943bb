"""The statements that read pages of changes: those of organizations, and those of records."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)

from app.changes.statements import MOST, select_changes, select_followed_changes
from app.query.face import Face
from app.storage.tables import client_changes

_above = bindparam("above", type_=BigInteger())
_below = bindparam("below", type_=BigInteger())
_between = (client_changes.c.id > _above, client_changes.c.id < _below)
_organization = client_changes.c.organization_id == bindparam("organization", type_=Text())
_clients = bindparam("clients", type_=ARRAY(Text))
_actions = bindparam("actions", type_=ARRAY(Text))


def _in_order(number: ColumnElement[int], descending: bool) -> ColumnElement[int]:
    return number.desc() if descending else number.asc()


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk through the changes of an organization between two numbers, in SQL.

    It gives at most `most` changes: those of `clients` and those with one of `actions`, where None stands for all.
    """

    organization: ColumnElement[str]
    above: ColumnElement[int]
    below: ColumnElement[int]
    most: ColumnElement[int]
    clients: ColumnElement[Any] | None
    actions: ColumnElement[Any] | None


def _find_walk(by_client: bool, by_action: bool) -> Walk:
    """The walk of the parameters."""
    organization = bindparam("organization", type_=Text())
    return Walk(organization, _above, _below, MOST, _clients if by_client else None, _actions if by_action else None)


def select_numbers(walk: Walk, descending: bool) -> Select[Any]:
    """(id) The numbers of a walk.

    Each wanted client or action is a walk along an index of its own, so a rare one costs no more than a frequent one.
    """
    changes = client_changes.c
    own = (changes.organization_id == walk.organization, changes.id > walk.above, changes.id < walk.below)
    numbers = select(changes.id).where(*own).order_by(_in_order(changes.id, descending)).limit(walk.most)
    numbers = numbers.correlate_except(client_changes)
    if walk.clients is None and walk.actions is None:
        return numbers
    key = changes.action if walk.clients is None else changes.client_id
    values = func.unnest(walk.actions if walk.clients is None else walk.clients)
    wanted = values.table_valued(column("value", Text())).render_derived(name="wanted")
    numbers = numbers.where(key == wanted.c.value)
    if walk.clients is not None and walk.actions is not None:
        numbers = numbers.where(changes.action == func.any(walk.actions))
    each = numbers.lateral("each")
    merged = select(each.c.id).select_from(wanted.join(each, true()))
    return merged.order_by(_in_order(each.c.id, descending)).limit(walk.most)


@lru_cache(maxsize=8)
def numbers_statement(by_client: bool, by_action: bool) -> Select[Any]:
    """(id) The first changes of an organization, as `changes_statement` finds them."""
    return select_numbers(_find_walk(by_client, by_action), descending=False)


def _chosen(by_client: bool, by_action: bool, descending: bool) -> Subquery:
    numbers = select_numbers(_find_walk(by_client, by_action), descending).subquery("numbers")
    rows = select(*client_changes.c).select_from(numbers.join(client_changes, client_changes.c.id == numbers.c.id))
    return rows.where(_organization).subquery("c")


@lru_cache(maxsize=16)
def changes_statement(face: Face, by_client: bool, by_action: bool, descending: bool) -> Select[Any]:
    """At most `most` changes of an organization between two numbers, with the fields of PastChange.

    With `by_client` those of `clients`, and with `by_action` those with one of `actions`. `descending` starts from the end.
    """
    changes = _chosen(by_client, by_action, descending)
    return select_changes(changes, face).order_by(_in_order(changes.c.id, descending))


@lru_cache(maxsize=4)
def followed_statement(by_client: bool, by_action: bool) -> Select[Any]:
    """As `changes_statement`, in the order of the numbers, with the columns of SETTLED_CHANGES."""
    return select_followed_changes(_chosen(by_client, by_action, descending=False))


@lru_cache(maxsize=4)
def count_statement(by_client: bool, by_action: bool) -> Select[Any]:
    """(count) The changes of an organization between two numbers."""
    counted = select(func.count()).select_from(client_changes).where(_organization, *_between)
    if by_client:
        counted = counted.where(client_changes.c.client_id == func.any(_clients))
    return counted.where(client_changes.c.action == func.any(_actions)) if by_action else counted


@lru_cache(maxsize=2)
def get_statement(face: Face) -> Select[Any]:
    """The changes of some organizations with some numbers, with the fields of PastChange."""
    wanted = (
        client_changes.c.organization_id == func.any(bindparam("organizations", type_=ARRAY(Text))),
        client_changes.c.id == func.any(bindparam("numbers", type_=ARRAY(BigInteger))),
    )
    changes = select(client_changes).where(*wanted).subquery("c")
    return select_changes(changes, face)


_record = (
    func.unnest(bindparam("organizations", type_=ARRAY(Text)), bindparam("clients", type_=ARRAY(Text)))
    .table_valued(column("organization_id", Text()), column("client_id", Text()))
    .render_derived(name="record")
)
_of_record = (
    client_changes.c.organization_id == _record.c.organization_id,
    client_changes.c.client_id == _record.c.client_id,
)


@lru_cache(maxsize=4)
def history_statement(face: Face, descending: bool) -> Select[Any]:
    """At most `most` changes of each record between two numbers, with the fields of PastChange."""
    number = client_changes.c.id
    own = select(client_changes).where(*_of_record, *_between).order_by(_in_order(number, descending)).limit(MOST)
    each = own.correlate(_record).lateral("each")
    changes = select(*each.c).select_from(_record.join(each, true())).subquery("c")
    return select_changes(changes, face).order_by(_in_order(changes.c.id, descending))


def _has_changes(bound: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal_column("1")).where(*_of_record, bound).correlate(_record).exists()


HISTORY_BOUNDS = select(
    _record.c.organization_id,
    _record.c.client_id,
    _has_changes(client_changes.c.id >= _below),
    _has_changes(client_changes.c.id <= _above),
).select_from(_record)
"""(organization, client, whether it has changes from `below` on, whether it has changes up to `above`) of each record."""

HISTORY_LENGTHS = (
    select(client_changes.c.organization_id, client_changes.c.client_id, func.count())
    .select_from(_record.join(client_changes, and_(*_of_record)))
    .group_by(client_changes.c.organization_id, client_changes.c.client_id)
)
"""(organization, client, the number of its changes)"""
