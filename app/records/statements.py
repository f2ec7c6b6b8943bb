"""Statements that read the records of any table: one by id, several by id, and a count. Each is built once per shape.

Every statement names organizations. A record belongs to the organization in its `organization_id`; an organization is
its own. Lists are in app/query/sql/pages.py.
"""

from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Select, Table, Text, and_, bindparam, cast, func, select

from app.query.face import Face
from app.query.model import Predicate
from app.query.search_terms import TermShape
from app.query.sql.page_rows import meets, scope
from app.query.sql.render import Selection, needed_columns, render_object
from app.storage.kept import keep_statements


def tenant_column(table: Table) -> Column[Any]:
    """The column with the organization that a record belongs to."""
    return table.c.organization_id if "organization_id" in table.c else table.c.id


def of_organizations(table: Table, *, deleted: bool | None = False) -> ColumnElement[bool]:
    """The records of the parameter `organizations`: live ones, deleted ones, or with None both.

    The list stands in a subquery, so that its length changes no plan. Otherwise PostgreSQL plans anew at each execution
    (some 90 µs) for lists that are shorter than its estimate.
    """
    listed = select(bindparam("organizations", type_=ARRAY(Text))).scalar_subquery()
    owned: ColumnElement[bool] = tenant_column(table) == func.any(cast(listed, ARRAY(Text)))
    if deleted is None or "deleted_at" not in table.c:
        return owned
    return and_(owned, table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None))


@keep_statements
def get_statement(table: Table, selection: Selection) -> Select[Any]:
    """(JSON, version, organization) of the live record `record` in `organizations`."""
    tenant = tenant_column(table).name
    names = dict.fromkeys((*needed_columns(selection), "version", tenant))
    where = and_(table.c.id == bindparam("record", type_=Text()), of_organizations(table))
    record = select(*(table.c[name] for name in names)).where(where).subquery("c")
    return select(render_object(selection, record.c), record.c.version, record.c[tenant])


@keep_statements
def get_many_statement(
    table: Table, selection: Selection, *, deleted_too: bool = True, order: tuple[str, ...] = ()
) -> Select[Any]:
    """(id, JSON) of the records `ids` in `organizations`, ordered by the columns of `order`."""
    names = dict.fromkeys((*needed_columns(selection), "id", *order))
    owned = of_organizations(table, deleted=None if deleted_too else False)
    where = and_(table.c.id == func.any(bindparam("ids", type_=ARRAY(Text))), owned)
    records = select(*(table.c[name] for name in names)).where(where).subquery("c")
    return select(records.c.id, render_object(selection, records.c)).order_by(*(records.c[name] for name in order))


@keep_statements
def count_statement(
    table: Table,
    face: Face,
    where: Predicate,
    terms: tuple[TermShape, ...] = (),
    deleted_too: bool = False,
    skip_tenant_key: bool = False,
) -> Select[Any]:
    """The number of records in the scope of a page that meet the conditions and have every term."""
    counted = select(func.count()).select_from(table)
    owned = scope(table, deleted_too, skip_tenant_key=skip_tenant_key)
    return counted.where(owned, meets(face, where, terms, table.c))
