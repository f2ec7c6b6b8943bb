"""The changes of an organization as a list inside of it, and the positions of changes as fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.changes.listed import ListedChanges
from app.changes.record import ChangeFilter, read_change_position
from app.changes.settled import ChangePosition, SettledPosition
from app.changes.sources import CHANGE_FACES
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.errors import Malformed
from app.graphql.execution.context import read_coerced_page, read_id
from app.graphql.execution.selections import NotRendered, Reason, SelectionReader
from app.query.face import Codec, Computed, Face, Field
from app.query.key_page import KeyPage
from app.query.request import CursorArgument

CHANGES = ("Organization", "changes")
"""The type and the name of the field that lists changes."""
MOST_CLIENT_IDS = 100
IMAGES: Mapping[str, Face] = {"client": GRAPHQL_CLIENT, "customer": GRAPHQL_CUSTOMER}
"""The faces of the images of a change, by the words of the argument `face`."""


def _make_position(name: str, position: Computed) -> Field:
    codec = Codec(computed=position)
    return Field(name, "", codec=codec, writable=False, filterable=False, sortable=False, nullable=False)


POSITIONS: Mapping[tuple[str, str], Field] = {
    ("Organization", "changesCursor"): _make_position("changesCursor", SettledPosition()),
    ("Change", "cursor"): _make_position("cursor", ChangePosition()),
}
"""The fields that show settled positions, by their type and name."""


def read_change_filter(client_ids: Sequence[str] | None, actions: Sequence[str] | None) -> ChangeFilter:
    """The filter. Ids of no record match nothing. Raises Malformed for more than 100 ids."""
    if client_ids is not None and len(client_ids) > MOST_CLIENT_IDS:
        message = f"`clientIds` must hold at most {MOST_CLIENT_IDS} ids; got {len(client_ids)}."
        raise Malformed(message, "clientIds")
    ids = None if client_ids is None else frozenset(read_id("Client", text) for text in client_ids) - {""}
    return ChangeFilter(ids, None if actions is None else frozenset(action.lower() for action in actions))


def read_changes(reader: SelectionReader, arguments: Mapping[str, Any]) -> tuple[ListedChanges, Face]:
    """The page of changes, and their face, from the arguments that graphql-core has coerced.

    The values in the arguments become parameters. Raises NotRendered for a cursor that may belong to another organization,
    and Malformed.
    """
    page = read_coerced_page(arguments)
    after, before = [_read_number(reader, cursor) for cursor in (page.after, page.before)]
    wanted = read_change_filter(arguments.get("clientIds"), arguments.get("actions"))
    keys = KeyPage(page.limit, after, before, page.backward)
    listed, parameters = ListedChanges.of(keys, wanted, f"{reader.next_name()}_")
    reader.notes.parameters.update(parameters)
    return listed, CHANGE_FACES[IMAGES[arguments["face"].value].name]


def _read_number(reader: SelectionReader, cursor: CursorArgument | None) -> int | None:
    """The number in a cursor. Its epoch is compared when the position of the organization is known."""
    if cursor is None:
        return None
    organization_id, start = read_change_position(cursor.text, cursor.name)
    if not reader.accept_owner((organization_id, organization_id)):
        raise NotRendered(Reason.ARGUMENT)
    reader.notes.starts.append(start)
    return start.number
