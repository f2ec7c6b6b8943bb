"""The changes of an organization: the filter of changes, and the connection that catches up without a stream."""

from typing import Annotated, Any

import strawberry

from app.changes.record import write_change_cursor
from app.changes.service import ChangeQuery, list_changes
from app.graphql.execution.change_pages import MOST_CLIENT_IDS, read_change_filter
from app.graphql.execution.context import Info, read_page
from app.graphql.execution.positions import load_settled
from app.graphql.schema.history import FACES, ChangeAction, RecordFace
from app.graphql.schema.inputs import argument
from app.graphql.schema.key_pages import Before, First, Last, find_wanted, show_rows

CHANGES = (
    "The changes of the organization's clients through every API, each once and in order, oldest first. A change is listed "
    "once all changes before it are committed, which takes a moment. The cursors are those of `clientChanges`: with them a "
    "front end catches up without a stream, and then follows. A cursor after which changes are lost is the error "
    "CHANGES_RESET."
)
CHANGES_CURSOR = (
    "The position after the newest change of the organization's clients. `changes` and `clientChanges` can continue after it. "
    "The lists of the same operation are read after it, so one query gives both."
)

AfterChange = Annotated[
    str | None,
    argument("The cursor of the last change that you have received. The default is the start of all changes."),
]
ClientIds = Annotated[
    list[strawberry.ID] | None,
    argument(
        f"Only changes of these records: at most {MOST_CLIENT_IDS} global or bare ids of clients or customers. The default "
        "is all records."
    ),
]
Actions = Annotated[list[ChangeAction] | None, argument("Only changes of these kinds. The default is all kinds.")]
FaceArgument = Annotated[
    RecordFace, argument("The type whose field names `changes`, `before` and `after` of a change have.")
]


async def resolve_changes(
    root: Any,
    info: Info,
    first: First = None,
    after: AfterChange = None,
    last: Last = None,
    before: Before = None,
    client_ids: ClientIds = None,
    actions: Actions = None,
    face: FaceArgument = RecordFace.CLIENT,
) -> Any:
    """A page of the changes of the organization `root`, which makes the objects of its changes."""
    arguments = read_page(first, after, last, before)
    query = ChangeQuery(root.organization_id, FACES[face], read_change_filter(client_ids, actions))
    wanted = find_wanted(info, "ChangeConnection")
    page = await list_changes(info.context.access, query, arguments, bounds=wanted.bounds, total=wanted.total)
    keyed = []
    for past in page.rows.rows:
        cursor = write_change_cursor(past.organization_id, past.number, page.settled.epoch)
        keyed.append((cursor, root.make_change(past, query.face, cursor)))
    return show_rows(keyed, page.rows, page.total or 0)


async def resolve_changes_cursor(root: Any, info: Info) -> str:
    """The position up to which the changes of the organization `root` are settled."""
    settled = (await load_settled(info, [root.organization_id]))[root.organization_id]
    return write_change_cursor(root.organization_id, settled.number, settled.epoch)
