"""Nodes: the rows that have global ids, of any types, found by their ids and rendered in one statement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from app.accounts.faces import ACCESS_TOKEN, GRAPHQL_ACCOUNT
from app.auth import Access
from app.caller_tokens import MANAGEABLE, SHOWN_COLUMNS, describe_caller
from app.changes.columns import CODED_FACES, bare_id, read_bare_id
from app.changes.sources import CHANGE_FACES
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.mail.faces import REMINDER
from app.mail.sources import IS_SHOWN, MESSAGE_COLUMNS
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.query.face import Face
from app.query.sql.render import BoundSelection, Selection, needed_columns, render_object
from app.records.statements import of_organizations
from app.storage.kept import keep_statements
from app.storage.tables import accounts, client_changes, clients, organizations, outbox, webhook_deliveries, webhooks
from app.webhooks.faces import GRAPHQL_DELIVERY, GRAPHQL_WEBHOOK

NodeKey: TypeAlias = tuple[str, str]
"""The name of the face of a node, and its bare id."""
TEXT = Text()
KEY, OWNER = "a key", "an owner"
"""Names with a space, so that they differ from all columns."""
NO_OWNER: ColumnElement[Any] = null()


class NodeRow(NamedTuple):
    """A rendered node, and the organization that it belongs to. An account and a token belong to none."""

    organization_id: str | None
    json: str


@dataclass(frozen=True, slots=True, eq=False)
class NodeRows:
    """The rows under a face that a caller can access.

    - `columns` are their columns by name, and `where` the conditions on them.
    - `owner` is their organization.
    - `key` is the bare id of a row. `read_id` gives the id in the table, of the type `id_type`, for a bare id.
    """

    face: Face
    columns: Mapping[str, ColumnElement[Any]]
    where: Sequence[ColumnElement[bool]]
    owner: ColumnElement[Any]
    key: ColumnElement[str]
    id_type: Any = TEXT
    read_id: Callable[[str], object] = str

    def select(self, names: Iterable[str], ids: str) -> Subquery:
        """The rows with the ids of a parameter, with their keys and owners, and the columns `names`."""
        shown = (self.columns[name].label(name) for name in names)
        wanted = self.columns["id"] == func.any(bindparam(ids, type_=ARRAY(self.id_type)))
        rows = select(self.key.label(KEY), self.owner.label(OWNER), *shown)
        return rows.where(wanted, *self.where).subquery("c")


def _find_number(bare: str) -> int:
    change = read_bare_id(bare)
    return -1 if change is None else change[0]


def _find_records(face: Face, table: Table = clients) -> NodeRows:
    own = table.c
    return NodeRows(face, dict(own.items()), (of_organizations(table),), own.organization_id, own.id)


def _find_changes(record: Face) -> NodeRows:
    own, of_caller = client_changes.c, of_organizations(client_changes)
    key = bare_id(own.id, record)
    face, columns = CHANGE_FACES[record.name], dict(own.items())
    return NodeRows(face, columns, (of_caller,), own.organization_id, key, BigInteger(), _find_number)


def _find_all() -> Sequence[NodeRows]:
    of_caller = of_organizations(organizations), of_organizations(outbox)
    is_own = accounts.c.id == bindparam("account", type_=Text())
    tokens = {column.name: column for column in SHOWN_COLUMNS}
    return (
        _find_records(GRAPHQL_CLIENT),
        _find_records(GRAPHQL_CUSTOMER),
        _find_records(GRAPHQL_WEBHOOK, webhooks),
        _find_records(GRAPHQL_DELIVERY, webhook_deliveries),
        NodeRows(
            GRAPHQL_ORGANIZATION,
            dict(organizations.c.items()),
            of_caller[:1],
            organizations.c.id,
            organizations.c.id,
        ),
        *map(_find_changes, CODED_FACES),
        NodeRows(REMINDER, MESSAGE_COLUMNS, (of_caller[1], IS_SHOWN), outbox.c.organization_id, outbox.c.id),
        NodeRows(ACCESS_TOKEN, tokens, (MANAGEABLE,), NO_OWNER, tokens["id"]),
        NodeRows(GRAPHQL_ACCOUNT, dict(accounts.c.items()), (is_own,), NO_OWNER, accounts.c.id),
    )


ROWS: Mapping[str, NodeRows] = {rows.face.name: rows for rows in _find_all()}
"""The rows of each type by the name of their face. A change has two faces, and each has ids of its own."""
FACES: Mapping[str, Face] = {
    rows.face.type_name: rows.face for rows in ROWS.values() if rows.face.type_name != "Change"
}

NODE_TYPES = frozenset({"Change", *FACES})
"""The types whose nodes are rendered."""


def read_node_key(type_name: str, bare: str) -> NodeKey | None:
    """The key of the node of a type with a bare id. None if it is not a valid id of a change."""
    if type_name != "Change":
        return FACES[type_name].name, bare
    change = read_bare_id(bare)
    return None if change is None else (CHANGE_FACES[change[1].name].name, bare)


@keep_statements
def nodes_statement(selection: Selection) -> Select[Any]:
    """(name of the face, bare id, organization, JSON) of nodes. The selection has a row for each name of a face."""
    selects = [_select_rows(name, field.codec.row) for name, field in selection]
    statement: Select[Any] = selects[0] if len(selects) == 1 else union_all(*selects)  # type: ignore[assignment]
    return statement


def _select_rows(name: str, selection: Selection) -> Select[Any]:
    rows = ROWS[name].select(needed_columns(selection), _name_ids(name))
    own = (literal_column(f"'{name}'", Text()), rows.c[KEY], rows.c[OWNER])
    return select(*own, render_object(selection, rows.c))


def _name_ids(name: str) -> str:
    """The name of the parameter with the ids under a face."""
    return f"ids{list(ROWS).index(name)}"


async def find_nodes(access: Access, keys: Iterable[NodeKey], selection: BoundSelection) -> dict[NodeKey, NodeRow]:
    """The live nodes with some keys that the caller can access, rendered, by their keys. Their faces are in the selection."""
    ids: dict[str, list[object]] = {_name_ids(name): [] for name, _ in selection}
    for name, bare in keys:
        ids[_name_ids(name)].append(ROWS[name].read_id(bare))
    parameters = {**describe_caller(access.principal), **selection.parameters, **ids}
    async with access.database.read() as connection:
        rows = await connection.execute(nodes_statement(selection), parameters)
    return {(name, bare): NodeRow(organization_id, json) for name, bare, organization_id, json in rows}
