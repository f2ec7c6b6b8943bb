"""Actors: the authors of changes."""

from collections.abc import Sequence
from enum import Enum
from functools import partial
from typing import Self

import strawberry
from strawberry import field

from app.auth import Access
from app.changes.authors import Author, AuthorKey, AuthorKind, find_authors
from app.graphql.execution.context import Info, write_global_id


@strawberry.enum(description="The kind of an author of changes.")
class ActorType(Enum):
    ACCOUNT = strawberry.enum_value("account", description="An account, through any of its tokens.")
    TOKEN = strawberry.enum_value("token", description="A token of the organization.")
    OPERATOR = strawberry.enum_value("operator", description="The operator of the service, through the command line.")
    SYSTEM = strawberry.enum_value("system", description="The service itself.")


NODE_TYPES = {AuthorKind.ACCOUNT: "Account", AuthorKind.TOKEN: "AccessToken"}


@strawberry.type(description="The author of a change.")
class Actor:
    type: ActorType = field(description="The kind of the author.")
    id: strawberry.ID | None = field(
        description="The global id of the account or the token. Null for the operator and the service, for an account that "
        "is deleted or can no longer access the organization, and for a revoked token."
    )
    name: str = field(
        description="The e-mail address of the account, the label of the token, `operator` or `system`. An account that is "
        "deleted or can no longer access the organization is `former member`. With a token of an organization, other "
        "accounts are `member`. A token without a label is `token`, and a revoked one `revoked token`."
    )

    @classmethod
    def of(cls, author: Author) -> Self:
        global_id = None if author.id is None else strawberry.ID(write_global_id(NODE_TYPES[author.kind], author.id))
        return cls(type=ActorType(author.kind.value), id=global_id, name=author.name)


async def load_actor(info: Info, organization_id: str, actor: str) -> Actor:
    """The author of a change. The authors of all changes of a page are loaded together."""
    load = partial(_load_authors, info.context.access)
    return Actor.of(await info.context.loader("authors", load).load((organization_id, actor)))


async def _load_authors(access: Access, keys: Sequence[AuthorKey]) -> list[Author]:
    return await find_authors(access, keys)
