"""Organizations in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.organizations.faces import INCLUDED
from app.query.face import Face
from app.query.model import Predicate, Scalar
from app.query.request import ListRequest
from app.query.sql.conditions import Places, condition, parametrize
from app.query.sql.pages import condition_parameters, meets, page_statement, scope
from app.query.sql.render import Selection, needed_columns, render_row
from app.storage.columns import NOW
from app.storage.connection import Connection
from app.storage.tables import account_organizations, organizations


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    email: str | None
    country: str | None
    locale: str


SHOWN = (
    organizations.c.id,
    organizations.c.name,
    organizations.c.email,
    organizations.c.country,
    organizations.c.locale,
)
REACHED = (
    select(*SHOWN)
    .where(organizations.c.id == func.any(bindparam("ids", type_=ARRAY(Text))))
    .order_by(organizations.c.created_at, organizations.c.id)
)


@lru_cache(maxsize=64)
def render_statement(selection: Selection) -> Select[Any]:
    """(JSON) of the organizations `ids`, the first created first."""
    names = dict.fromkeys((*needed_columns(selection), "id", "created_at"))
    wanted = organizations.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
    found = select(*(organizations.c[name] for name in names)).where(wanted).subquery("c")
    json, row = render_row(selection, found)
    return select(json).select_from(found.join(row, true())).order_by(found.c.created_at, found.c.id)


OF_ID = organizations.c.id == bindparam("organization", type_=Text())


@lru_cache(maxsize=64)
def get_statement(selection: Selection) -> Select[Any]:
    """(JSON, version) of the organization `organization`."""
    names = dict.fromkeys((*needed_columns(selection), "version"))
    found = select(*(organizations.c[name] for name in names)).where(OF_ID).subquery("c")
    json, row = render_row(selection, found)
    return select(json, found.c.version).select_from(found.join(row, true()))


@lru_cache(maxsize=256)
def change_statement(selection: Selection, names: frozenset[str]) -> Select[Any]:
    """Writes the parameters v_<column> of `names` into the organization `organization`; (JSON, version) afterwards.

    No row when its version is not among `expected`.
    """
    expected = bindparam("expected", type_=ARRAY(Integer))
    values: dict[str, Any] = {name: bindparam(f"v_{name}", type_=organizations.c[name].type) for name in names}
    later = func.greatest(NOW, organizations.c.updated_at + text("interval '1 millisecond'"))
    values |= {"version": organizations.c.version + 1, "updated_at": later}
    wanted = and_(OF_ID, or_(organizations.c.version == func.any(expected), expected.is_(None)))
    changed = update(organizations).values(values).where(wanted).returning(organizations).cte("ch")
    json, row = render_row(selection, changed)
    return select(json, changed.c.version).select_from(changed.join(row, true()))


@lru_cache(maxsize=256)
def count_statement(face: Face, where: Predicate) -> Select[Any]:
    """How many of `organizations` meet the conditions."""
    wanted = and_(scope(organizations, deleted_too=True), meets(face, where, (), organizations.c))
    return select(func.count(literal_column("*"))).select_from(organizations).where(wanted)


@lru_cache(maxsize=256)
def meeting_statement(where: Predicate) -> Select[Any]:
    """REACHED, narrowed to a predicate of the face INCLUDED whose values are apart from it."""
    return REACHED.where(condition(where, INCLUDED, organizations.c, Places()))


class OrganizationRepository:
    """Over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def list_all(self) -> list[Organization]:
        rows = await self.connection.execute(select(*SHOWN).order_by(organizations.c.created_at, organizations.c.id))
        return [Organization(*row) for row in rows]

    async def render(self, ids: Sequence[str], selection: Selection) -> list[str]:
        """Those of `ids` that exist, the first created first, rendered."""
        return [str(json) for json in await self.connection.scalars(render_statement(selection), {"ids": list(ids)})]

    async def list_some(self, ids: Sequence[str]) -> list[Organization]:
        """Those of `ids` that exist, the first created first."""
        return [Organization(*row) for row in await self.connection.execute(REACHED, {"ids": list(ids)})]

    async def page(self, ids: Sequence[str], request: ListRequest) -> list[str]:
        """One page of the organizations among `ids` that the request matches, rendered."""
        statement, parameters = page_statement(organizations, request)
        return await self.connection.scalars(statement, {"organizations": list(ids), **parameters})

    async def count(self, ids: Sequence[str], request: ListRequest) -> int:
        """The number of organizations among `ids` that the request matches."""
        statement = count_statement(request.face, request.where)
        parameters = condition_parameters(request.values, ())
        return int(await self.connection.scalar(statement, {"organizations": list(ids), **parameters}))

    async def get(self, organization_id: str, selection: Selection) -> tuple[str, int] | None:
        """(JSON, version), or None when there is no such organization."""
        row = (await self.connection.execute(get_statement(selection), {"organization": organization_id})).first()
        return None if row is None else (row[0], row[1])

    async def change(
        self, organization_id: str, values: Mapping[str, Any], selection: Selection, expected: Sequence[int] | None
    ) -> tuple[str, int] | None:
        """(JSON, version) afterwards, or None when the version was not as expected, or there is no such organization."""
        parameters = {f"v_{name}": value for name, value in values.items()}
        scope = {"organization": organization_id, "expected": expected}
        statement = change_statement(selection, frozenset(values))
        row = (await self.connection.execute(statement, {**scope, **parameters})).first()
        return None if row is None else (row[0], row[1])

    async def list_meeting(self, ids: Sequence[str], where: Predicate) -> list[Organization]:
        """As list_some, but only those that meet a predicate of the face INCLUDED."""
        values: list[Scalar] = []
        statement = meeting_statement(parametrize(where, values))
        parameters = {"ids": list(ids), **condition_parameters(values, ())}
        return [Organization(*row) for row in await self.connection.execute(statement, parameters)]

    async def environment(self, organization_id: str) -> str | None:
        """`live` or `sandbox`; None when there is no such organization."""
        statement = select(organizations.c.environment).where(organizations.c.id == organization_id)
        found: str | None = await self.connection.scalar(statement)
        return found

    async def add(self, values: dict[str, Any]) -> bool:
        """Whether it was added: False when there is one with its id."""
        statement = upsert(organizations).values(values).on_conflict_do_nothing().returning(organizations.c.id)
        return (await self.connection.execute(statement)).first() is not None

    async def any_exist(self) -> bool:
        return (await self.connection.execute(select(organizations.c.id).limit(1))).first() is not None

    async def join(self, account_id: str, organization_id: str) -> None:
        values = {"account_id": account_id, "organization_id": organization_id}
        await self.connection.execute(insert(account_organizations).values(values))
