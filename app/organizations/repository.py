"""Organizations and accounts in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Select, Text, bindparam, func, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from app.organizations.faces import INCLUDED
from app.query.model import Predicate, Scalar
from app.query.sql.conditions import Places, condition, parametrize
from app.query.sql.render import Selection, needed_columns, render_row
from app.storage.connection import Connection
from app.storage.tables import account_organizations, accounts, organizations


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

    async def list_meeting(self, ids: Sequence[str], where: Predicate) -> list[Organization]:
        """As list_some, but only those that meet a predicate of the face INCLUDED."""
        values: list[Scalar] = []
        statement = meeting_statement(parametrize(where, values))
        parameters = {"ids": list(ids)} | {f"p{index}": value for index, value in enumerate(values)}
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

    async def add_account(self, account_id: str, email: str) -> bool:
        """Whether it was added: False when there is one with this e-mail address, whatever its case."""
        statement = upsert(accounts).values(id=account_id, email=email).on_conflict_do_nothing()
        return (await self.connection.execute(statement.returning(accounts.c.id))).first() is not None

    async def find_account(self, email: str) -> str | None:
        """The id of the account with an e-mail address, whatever its case."""
        folded = accounts.c.email_folded == func.fold(bindparam("email", type_=Text()))
        found: str | None = await self.connection.scalar(select(accounts.c.id).where(folded), {"email": email})
        return found

    async def account_email(self, account_id: str) -> str | None:
        found: str | None = await self.connection.scalar(select(accounts.c.email).where(accounts.c.id == account_id))
        return found

    async def join(self, account_id: str, organization_id: str) -> None:
        values = {"account_id": account_id, "organization_id": organization_id}
        await self.connection.execute(insert(account_organizations).values(values))
