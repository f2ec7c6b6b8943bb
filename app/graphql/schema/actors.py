"""Actors: the authors of changes."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import strawberry
from strawberry import field

from app.auth import Access
from app.changes.authors import AuthorKey, find_authors
from app.changes.faces import ACTOR
from app.graphql.execution.compiler import compile_rows
from app.graphql.execution.context import Info
from app.graphql.execution.loading import ShownRow, make_record, whole_row
from app.graphql.schema.words import Word
from app.query.face import Face
from app.query.sql.render import Selection


@strawberry.enum(description="The kind of an author of changes.")
class ActorType(Word):
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="An account, through any of its tokens.")
    TOKEN = strawberry.enum_value("TOKEN", description="A token of the organization.")
    OPERATOR = strawberry.enum_value("OPERATOR", description="The operator of the service, through the command line.")
    SYSTEM = strawberry.enum_value("SYSTEM", description="The service itself.")


@strawberry.type(description="The author of a change.")
class Actor(ShownRow):
    face: ClassVar[Face] = ACTOR

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


async def load_actor(info: Info, organization_id: str, actor: str) -> Actor:
    """The author of a change, rendered if its selection allows it. The authors of all changes of a page are loaded together."""
    selection = compile_rows(info, ACTOR)
    load = partial(_load_authors, info.context.access, selection)
    return await info.context.loader(("authors", selection), load).load((organization_id, actor))


async def _load_authors(access: Access, selection: Selection | None, keys: Sequence[AuthorKey]) -> list[Actor]:
    authors = await find_authors(access, keys, selection if selection is not None else whole_row(Actor))
    return [make_record(Actor, selection, author) for author in authors]
