"""Organizations in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    bindparam,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.organizations.faces import INCLUDED
from app.query.model import Predicate, Scalar
from app.query.request import ListRequest
from app.query.sql.conditions import ParameterNames, condition, parametrize
from app.query.sql.pages import condition_parameters
from app.query.sql.render import Selection
from app.records.repository import RecordRepository, count_records, get_records, list_records
from app.storage.kept import keep_statements
from app.storage.tables import account_organizations, organizations


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization. The fields are columns."""

    id: str
    name: str
    email: str | None
    country: str | None
    locale: str
    version: int
    environment: str
    address: str | None
    address2: str | None
    zip: str | None
    city: str | None
    state: str | None
    country_alpha2_code: str | None
    tax_number: str | None
    tax_subject: bool | None
    company_number: str | None
    iban: str | None
    bank: str | None
    swift: str | None
    website: str | None
    phone: str | None
    timezone: str | None
    brand: str | None
    custom: object
    created_at: datetime
    updated_at: datetime


SHOWN = tuple(organizations.c[field.name] for field in fields(Organization))
BY_IDS = (
    select(*SHOWN)
    .where(organizations.c.id == func.any(bindparam("ids", type_=ARRAY(Text))))
    .order_by(organizations.c.created_at, organizations.c.id)
)


@keep_statements
def meeting_statement(where: Predicate) -> Select[Any]:
    """BY_IDS with a predicate of the face INCLUDED, whose values are parameters."""
    return BY_IDS.where(condition(where, INCLUDED, organizations.c, ParameterNames()))


class OrganizationRepository(RecordRepository):
    """Over one connection."""

    table = organizations

    async def list_all(self) -> list[tuple[Organization, datetime | None]]:
        """Every organization, and the moment of its permanent deletion if it is deleted."""
        listed = select(*SHOWN, organizations.c.purge_at).order_by(organizations.c.created_at, organizations.c.id)
        return [(Organization(*shown), purge_at) for *shown, purge_at in await self.connection.execute(listed)]

    async def find(self, organization_id: str) -> tuple[Organization, datetime | None] | None:
        """An organization, also a deleted one, and the moment of its permanent deletion."""
        statement = select(*SHOWN, organizations.c.purge_at).where(organizations.c.id == organization_id)
        row = (await self.connection.execute(statement)).first()
        return None if row is None else (Organization(*row[:-1]), row[-1])

    async def render(self, ids: Sequence[str], selection: Selection) -> list[str]:
        """The organizations of `ids`, oldest first, rendered."""
        order = ("created_at", "id")
        return [*(await get_records(self.connection, organizations, ids, ids, selection, order=order)).values()]

    async def page(self, ids: Sequence[str], request: ListRequest) -> list[str]:
        """One page of the organizations among `ids` that the request matches, rendered."""
        rows = await list_records(self.connection, organizations, {"organizations": list(ids)}, request)
        return [json for json, _ in rows]

    async def count(self, ids: Sequence[str], request: ListRequest) -> int:
        """The number of organizations among `ids` that the request matches."""
        return await count_records(self.connection, organizations, {"organizations": list(ids)}, request)

    async def list_meeting(self, ids: Sequence[str], where: Predicate) -> list[Organization]:
        """The organizations of `ids` that meet a predicate of the face INCLUDED, oldest first."""
        values: list[Scalar] = []
        statement = meeting_statement(parametrize(where, values))
        parameters = {"ids": list(ids), **condition_parameters(values, ())}
        return [Organization(*row) for row in await self.connection.execute(statement, parameters)]

    async def environment(self, organization_id: str) -> str | None:
        """`live` or `sandbox`; None if the organization does not exist or is deleted."""
        live = (organizations.c.id == organization_id, organizations.c.purge_at.is_(None))
        statement = select(organizations.c.environment).where(*live)
        environment: str | None = await self.connection.scalar(statement)
        return environment

    async def add(self, values: dict[str, Any]) -> bool:
        """Adds an organization. False if its id is taken."""
        statement = upsert(organizations).values(values).on_conflict_do_nothing().returning(organizations.c.id)
        return (await self.connection.execute(statement)).first() is not None

    async def any_exist(self) -> bool:
        return (await self.connection.execute(select(organizations.c.id).limit(1))).first() is not None

    async def join(self, account_id: str, organization_id: str) -> None:
        values = {"account_id": account_id, "organization_id": organization_id}
        await self.connection.execute(insert(account_organizations).values(values))
