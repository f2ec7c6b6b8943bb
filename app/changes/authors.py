"""Authors: the accounts, tokens and programs that made changes, as a caller may see them."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, Boolean, Select, Text, bindparam, column, func, select

from app.auth import Access
from app.changes.columns import author_columns
from app.query.sql.render import Selection, render_object
from app.storage.kept import keep_statements

AuthorKey: TypeAlias = tuple[str, str]
"""The id of an organization, and the actor of a change as it is stored."""

_author = (
    func.unnest(bindparam("organizations", type_=ARRAY(Text)), bindparam("actors", type_=ARRAY(Text)))
    .table_valued(column("organization_id", Text()), column("actor", Text()))
    .render_derived(name="author")
)


@keep_statements
def authors_statement(selection: Selection) -> Select[Any]:
    """(organization, actor, JSON) of each author."""
    key = (_author.c.organization_id, _author.c.actor)
    columns = author_columns(_author.c.actor, _author.c.organization_id, bindparam("shows_addresses", type_=Boolean()))
    shown = select(*key, *(value.label(name) for name, value in columns.items())).subquery("a")
    return select(shown.c.organization_id, shown.c.actor, render_object(selection, shown.c))


async def find_authors(access: Access, keys: Sequence[AuthorKey], selection: Selection) -> list[str]:
    """The authors of changes with the fields of the face ACTOR, rendered, in the order of the keys."""
    organizations, actors = map(list, zip(*sorted(set(keys)), strict=True))
    shows_addresses = access.principal.account_id is not None
    parameters = {"organizations": organizations, "actors": actors, "shows_addresses": shows_addresses}
    async with access.database.read() as connection:
        rows = await connection.execute(authors_statement(selection), parameters)
    authors = {(organization, actor): json for organization, actor, json in rows}
    return [authors[key] for key in keys]
