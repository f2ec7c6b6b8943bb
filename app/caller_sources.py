"""The caller of a request, with its account, organizations and tokens, rendered in one statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from app.auth import Access, Environment
from app.caller_tokens import describe_caller, show_scopes
from app.errors import Malformed
from app.ids import is_id
from app.query.cursor import read_cursor
from app.query.face import Face, Field
from app.query.request import CursorArgument
from app.query.sql.connections import count_rows, write_id_cursor
from app.query.sql.render import Columns, Selection, bind_values, needed_columns, render_list, render_object
from app.storage.kept import keep_statements
from app.storage.tables import access_tokens, accounts, organizations

SCOPE = "access tokens"
"""The scope of the cursors: a cursor of another list is not valid here."""

SCOPES = Field("scopes", "scopes", writable=False, nullable=False, is_list=True)
VIEWER = Face("graphql viewer", "Viewer", {SCOPES.name: SCOPES}, folds=False)


class CallerTokens:
    """The tokens that a caller may manage, newest first."""

    columns: Sequence[str] = ("account_id", "token_id", "environment", "organizations")
    descending = True
    key_type: Any = Text()

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = access_tokens.alias()
        shown = {
            **dict(own.c.items()),
            "scopes": show_scopes(own.c.scope),
            "is_current": own.c.id == owner["token_id"],
            "caller_account_id": owner["account_id"],
            "caller_organizations": owner["organizations"],
        }
        is_live = owner["environment"] == literal(Environment.LIVE.value)
        of_account = and_(
            own.c.account_id == owner["account_id"], or_(is_live, own.c.environment == owner["environment"])
        )
        is_own = or_(own.c.id == owner["token_id"], own.c.parent_id == owner["token_id"])
        rows = select(own.c.id.label("key"), *(shown[name].label(name) for name in names))
        return rows.where(or_(of_account, and_(owner["account_id"].is_(None), is_own))).correlate_except(own)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        return count_rows(self.select_rows(owner, ()))

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_id_cursor(literal_column(f"'{SCOPE}'"), key)


def read_token_cursor(cursor: CursorArgument) -> str:
    """The id of the token that a cursor names. Raises Malformed for any other text."""
    (token_id,) = read_cursor(SCOPE, cursor.text, cursor.name, 1)
    if not isinstance(token_id, str) or not is_id(token_id):
        raise Malformed("Invalid cursor: pass a cursor that this API returned.", cursor.name)
    return token_id


class CallerAccount:
    """The account of a caller; null for a token of an organization."""

    columns: Sequence[str] = ("account_id",)

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        return _render_one(accounts, members, accounts.c.id == owner["account_id"])


class TokenAccount:
    """The account of a token, if it is the caller's."""

    columns: Sequence[str] = ("account_id", "caller_account_id")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        is_own = accounts.c.id == owner["caller_account_id"]
        return _render_one(accounts, members, is_own, accounts.c.id == owner["account_id"])


class TokenOrganization:
    """The only organization that a token can access, if the caller can access it, too."""

    columns: Sequence[str] = ("organization_id", "caller_organizations")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        is_accessible = organizations.c.id == func.any(owner["caller_organizations"])
        return _render_one(organizations, members, is_accessible, organizations.c.id == owner["organization_id"])


class CallerOrganizations:
    """The organizations that a caller can access, oldest first."""

    columns: Sequence[str] = ("organizations",)

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        rows = _select(organizations, members, "created_at", organizations.c.id == func.any(owner["organizations"]))
        listed = render_list(render_object(members, rows.c), rows.c.created_at, rows.c.id)
        return select(listed).select_from(rows).correlate_except(rows).scalar_subquery()


def _select(table: Any, members: Selection, column: str, *where: ColumnElement[bool]) -> Any:
    names = dict.fromkeys(("id", column, *needed_columns(members)))
    return select(*(table.c[name] for name in names)).where(*where).correlate_except(table).subquery()


def _render_one(table: Any, members: Selection, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    row = _select(table, members, "id", *where)
    return render_object(members, row.c, row)


@keep_statements
def caller_statement(selection: Selection) -> Select[Any]:
    """(JSON) The caller of the parameters."""
    values = {name: bindparam(name, type_=Text()) for name in ("account", "token", "environment", "scope")}
    caller = (
        select(
            values["account"].label("account_id"),
            values["token"].label("token_id"),
            values["environment"].label("environment"),
            bindparam("organizations", type_=ARRAY(Text)).label("organizations"),
            show_scopes(values["scope"]).label("scopes"),
        )
        .offset(literal_column("0"))
        .subquery("caller")
    )
    return select(render_object(selection, caller.c)).select_from(caller)


async def show_caller(access: Access, selection: Selection) -> str:
    """The caller, rendered."""
    caller = {**describe_caller(access.principal), "scope": str(access.principal.scope)}
    async with access.database.read() as connection:
        json: str = await connection.scalar(caller_statement(selection), bind_values(selection, caller))
    return json
