"""The check of tenant scopes finds statements without an organization, and accepts the forms that the service uses."""

import pytest
from sqlalchemy import ClauseElement, and_, bindparam, delete, func, insert, or_, select, text, true, update

from app.storage.tables import accounts, client_totals, clients, organizations, outbox
from tests.tenant_scope import find_unscoped

OWN = clients.c.organization_id == bindparam("organization")
NAMED = clients.c.name == "Ann"
other = clients.alias("other")
all_totals = select(func.sum(client_totals.c.n)).scalar_subquery()
every = select(outbox.c.id).cte("every")
row = select(clients.c.name).where(clients.c.version > 1).lateral("row")


@pytest.mark.parametrize(
    ("statement", "unscoped"),
    [
        (select(clients).where(OWN, NAMED), []),
        (select(clients).where(and_(NAMED, and_(OWN, true()))), []),
        (select(clients).where(clients.c.organization_id.in_(["a"])), []),
        (select(clients).where(clients.c.organization_id == func.any(bindparam("organizations"))), []),
        (select(clients).where(or_(OWN, clients.c.organization_id == "b")), []),
        (
            select(clients, organizations)
            .join(organizations, organizations.c.id == clients.c.organization_id)
            .where(OWN),
            [],
        ),
        (select(row).select_from(clients.join(row, true())).where(OWN), []),
        (select(accounts), []),
        (insert(clients).values(organization_id="a", name="Ann"), []),
        (select(clients).where(NAMED), ["clients"]),
        (select(clients).where(or_(OWN, NAMED)), ["clients"]),
        (select(clients).where(~OWN), ["clients"]),
        (select(clients).where(clients.c.organization_id != "a"), ["clients"]),
        (select(clients).where(clients.c.organization_id == clients.c.organization_id), ["clients"]),
        (select(other).where(other.c.name == "Ann"), ["clients"]),
        (select(clients, other).where(OWN, other.c.name == clients.c.name), ["clients"]),
        (select(clients.c.id, all_totals).where(OWN), ["client_totals"]),
        (update(clients).where(OWN, clients.c.id == every.c.id).values(name="Ann"), ["outbox"]),
        (update(clients).where(NAMED).values(name="Bea"), ["clients"]),
        (delete(clients).where(NAMED), ["clients"]),
        (select(text("count(*) FROM clients")), ["clients"]),
    ],
)
def test_a_statement_without_an_organization_is_found(statement: ClauseElement, unscoped: list[str]) -> None:
    assert list(find_unscoped(statement)) == unscoped
