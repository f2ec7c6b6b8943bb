"""Authors: the accounts, tokens and programs that made changes, as a caller may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ARRAY, Text, and_, bindparam, column, func, literal_column, select

from app.auth import Access
from app.storage.tables import access_tokens, account_organizations, accounts

_author = (
    func.unnest(
        bindparam("organizations", type_=ARRAY(Text)),
        bindparam("kinds", type_=ARRAY(Text)),
        bindparam("ids", type_=ARRAY(Text)),
    )
    .table_valued(column("organization_id", Text()), column("kind", Text()), column("id", Text()))
    .render_derived(name="author")
)
_is_member = and_(
    _author.c.kind == literal_column("'account'"),
    account_organizations.c.account_id == _author.c.id,
    account_organizations.c.organization_id == _author.c.organization_id,
)
_is_live = and_(accounts.c.id == account_organizations.c.account_id, accounts.c.purge_at.is_(None))
_is_token = and_(
    _author.c.kind == literal_column("'token'"),
    access_tokens.c.id == _author.c.id,
    access_tokens.c.organization_id == _author.c.organization_id,
)

AUTHORS = select(
    _author.c.organization_id,
    _author.c.kind,
    _author.c.id,
    accounts.c.email,
    access_tokens.c.id.is_not(None),
    access_tokens.c.label,
).select_from(
    _author.outerjoin(account_organizations, _is_member)
    .outerjoin(accounts, _is_live)
    .outerjoin(access_tokens, _is_token)
)
"""(organization, kind, id, e-mail address, whether the token exists, label) of each author.

The address is null for an account that is deleted or cannot access the organization any more.
"""


class AuthorKind(StrEnum):
    ACCOUNT = "account"
    TOKEN = "token"  # noqa: S105 - the kind of an author
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a change. `id` is the bare id of an account or a token that still exists for the organization."""

    kind: AuthorKind
    id: str | None
    name: str


FORMER_MEMBER, MEMBER, REVOKED_TOKEN, UNNAMED_TOKEN = "former member", "member", "revoked token", "token"
"""The names of authors that have no name, or whose name the caller may not see."""

AuthorKey = tuple[str, str]
"""The id of an organization, and the actor of a change as it is stored."""


async def find_authors(access: Access, keys: Sequence[AuthorKey]) -> list[Author]:
    """The authors of changes, in the order of the keys.

    The address of an account is shown only while the account can access the organization, and only to callers with a token
    of an account: a token of an organization may belong to another company's program.
    """
    asked = [(organization, *_split(actor)) for organization, actor in keys]
    looked_up = sorted({key for key in asked if key[1] in (AuthorKind.ACCOUNT, AuthorKind.TOKEN)})
    rows: dict[tuple[str, str, str], tuple[str | None, bool, str | None]] = {}
    if looked_up:
        organizations, kinds, ids = map(list, zip(*looked_up, strict=True))
        async with access.database.read() as connection:
            parameters = {"organizations": organizations, "kinds": kinds, "ids": ids}
            rows = {tuple(row[:3]): tuple(row[3:]) for row in await connection.execute(AUTHORS, parameters)}
    shows_addresses = access.principal.account_id is not None
    return [_make_author(kind, id_, rows.get((home, kind, id_)), shows_addresses) for home, kind, id_ in asked]


def _split(actor: str) -> tuple[AuthorKind, str]:
    """The kind and the bare id in a stored actor, such as `account:` and an id. Any other text but `operator` is the system."""
    kind, colon, id_ = actor.partition(":")
    if colon and kind in (AuthorKind.ACCOUNT, AuthorKind.TOKEN):
        return AuthorKind(kind), id_
    return (AuthorKind.OPERATOR if actor == AuthorKind.OPERATOR else AuthorKind.SYSTEM), ""


def _make_author(
    kind: AuthorKind, id_: str, row: tuple[str | None, bool, str | None] | None, shows_addresses: bool
) -> Author:
    email, has_token, label = row or (None, False, None)
    if kind is AuthorKind.ACCOUNT:
        if email is None:
            return Author(kind, None, FORMER_MEMBER)
        return Author(kind, id_, email if shows_addresses else MEMBER)
    if kind is AuthorKind.TOKEN:
        return Author(kind, id_, label or UNNAMED_TOKEN) if has_token else Author(kind, None, REVOKED_TOKEN)
    return Author(kind, None, str(kind))
