"""Nodes: the objects with some global ids, of any types, rendered in one statement."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.auth import Access
from app.graphql.execution.compiler import bind_position, compile_nodes, count_selection, fits, is_complete
from app.graphql.execution.context import Info, split_global_id
from app.graphql.execution.loading import show_values
from app.graphql.execution.root_plans import Compiled
from app.graphql.execution.selections import Reason
from app.graphql.internals.operations import Rendered
from app.nodes import NODE_TYPES, NodeKey, NodeRow, find_nodes, read_node_key
from app.query.sql.render import BoundSelection

LARGEST_REPETITION = 1_000_000
"""The most characters that a list of nodes as one text has more than its nodes, because an id may occur more than once. Each node
is received once, so no limit on answers of the database counts the others."""


async def render_nodes(info: Info, global_ids: Sequence[str]) -> list[Rendered | None] | None:
    """The nodes in the order of their global ids, where None stands for one that does not exist; None if they need resolvers."""
    parts = [split_global_id(global_id) for global_id in global_ids]
    if not {type_name for type_name, _ in filter(None, parts)} <= NODE_TYPES:
        count_selection(Reason.RESOLVER)
        return None
    keys = [None if each is None else read_node_key(*each) for each in parts]
    shown = await _render(info, list(dict.fromkeys(key for key in keys if key is not None)))
    return None if shown is None else [None if key is None else shown.get(key) for key in keys]


async def _render(info: Info, keys: Sequence[NodeKey]) -> Mapping[NodeKey, Rendered] | None:
    """The nodes with some keys, each of which occurs once."""
    if not keys:
        return {}
    plan = compile_nodes(info, sorted({name for name, _ in keys}), known=len(keys) == 1)
    selection = await bind_position(info, plan)
    if selection is None:
        return None
    rows = await _read_rows(info, selection, keys)
    shown = {key: Rendered(row.json) for key, row in rows.items()}
    return shown if plan.owner is None or all(_is_valid(plan, key, rows[key], shown[key]) for key in shown) else None


def _is_valid(plan: Compiled, key: NodeKey, row: NodeRow, shown: Rendered) -> bool:
    """False if a cursor in the selection of the node belongs to another one, or has lost its changes."""
    return fits(plan, (row.organization_id or "", key[1])) and is_complete(plan, shown)


async def _read_rows(info: Info, selection: BoundSelection, keys: Sequence[NodeKey]) -> Mapping[NodeKey, NodeRow]:
    """The rows of some keys. Fields with one selection that want one row each are one statement."""
    if len(keys) > 1 or info.context.is_alone:
        return await find_nodes(info.context.access, keys, selection)
    load = partial(_load_rows, info.context.access, selection)
    row = await info.context.loader(("nodes", selection, show_values(selection)), load).load(keys[0])
    return {} if row is None else {keys[0]: row}


async def _load_rows(access: Access, selection: BoundSelection, keys: Sequence[NodeKey]) -> list[NodeRow | None]:
    rows = await find_nodes(access, keys, selection)
    return [rows.get(key) for key in keys]


def join_nodes(nodes: Sequence[Rendered | None]) -> Rendered | None:
    """The list of some nodes as one text; None if some occur so often that it is too long."""
    repeated = sum(node.size for node in nodes if node) - sum(node.size for node in set(nodes) if node)
    if repeated > LARGEST_REPETITION:
        return None
    return Rendered(b"[%b]" % b",".join(b"null" if node is None else node.json for node in nodes))
