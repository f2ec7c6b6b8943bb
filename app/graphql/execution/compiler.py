"""The compiler: whether the database renders a selection whole, and how often it does not, by reason.

This is the only place that decides for the path of resolvers.
"""

from collections import Counter
from collections.abc import Sequence

from app.changes.listed import LOST
from app.changes.record import Position
from app.changes.settled import position_parameters
from app.graphql.execution.context import Info, find_plan, selects_position
from app.graphql.execution.links import RecordKey
from app.graphql.execution.positions import load_settled
from app.graphql.execution.root_plans import (
    Compiled,
    ConnectionPlan,
    plan_connection,
    plan_nodes,
    plan_one,
    plan_payload,
    plan_rows,
)
from app.graphql.execution.selections import Reason, Step
from app.graphql.internals.operations import Rendered
from app.nodes import ROWS
from app.query.face import Face
from app.query.sql.render import BoundSelection

RENDERED = "rendered"
COUNTS: Counter[str] = Counter()
"""How many selections of this process the database rendered, and how many took the path of resolvers, by reason. A selection
that was rendered in vain counts for both."""


def compile_rows(info: Info, face: Face) -> BoundSelection | None:
    """The selection of the rows under the field that is resolved, or None when it needs resolvers. It has no parameters."""
    return _note(find_plan(info, plan_rows, face, False)).selection


async def compile_bound_rows(info: Info, face: Face) -> BoundSelection | None:
    """As `compile_rows`, with the values of parameters."""
    return await bind_position(info, _note(find_plan(info, plan_rows, face, True)))


def compile_record(info: Info, face: Face, record_id: str) -> Compiled:
    """The plan of the record with an id. Its selection has the values of its parameters."""
    plan = find_plan(info, plan_one, face)
    return _note(plan if plan.owner is None or plan.owner[1] == record_id else FOREIGN_CURSOR)


def compile_nodes(info: Info, names: Sequence[str], *, known: bool) -> Compiled:
    """The plan of nodes whose faces have these names. `known`: there is one of them."""
    return _note(find_plan(info, plan_nodes, tuple(ROWS[name].face for name in names), known))


def compile_connection(info: Info, face: Face) -> ConnectionPlan:
    """The plan of the root connection that is resolved. Its selection has the values of its parameters."""
    plan = find_plan(info, plan_connection, face)
    _note(plan.rendered)
    return plan


async def compile_payload(info: Info, face: Face, step: Step) -> BoundSelection | None:
    """The selection of the row in a field of the payload that is made. It is called after the write, and rendered then."""
    return await bind_position(info, _note(find_plan(info, plan_payload, face, step)))


FOREIGN_CURSOR = Compiled(None, Reason.ARGUMENT)


def count_selection(reason: Reason | None) -> None:
    """Counts a selection that the database has rendered, or for the reason that it has not."""
    COUNTS[reason or RENDERED] += 1


def _note(plan: Compiled) -> Compiled:
    COUNTS[plan.reason or RENDERED] += 1
    return plan


def fits(plan: Compiled, owner: RecordKey) -> bool:
    """False if a cursor in the selection belongs to another record than the one that was read."""
    if plan.owner in (None, owner):
        return True
    count_selection(Reason.ARGUMENT)
    return False


def is_complete(plan: Compiled, shown: Rendered) -> bool:
    """False if changes after a cursor have lost their images, which only a resolver can say."""
    if not plan.starts or LOST.encode() not in shown.json:
        return True
    count_selection(Reason.LOST)
    return False


async def bind_position(
    info: Info, plan: Compiled, organizations: Sequence[str] | None = None
) -> BoundSelection | None:
    """The selection of a plan, for the rows of some organizations; by default of all that the caller can access.

    Their settled positions are read first if the plan shows them, or has lists that must be read after them. None when the
    selection needs resolvers: a cursor of changes may not be valid any more.
    """
    selection = plan.selection
    if selection is None or not (plan.shows_position or (plan.settled and selects_position(info))):
        return selection
    if organizations is None:
        organizations = info.context.principal.organizations
    positions = await load_settled(info, organizations)
    if not plan.shows_position:
        return selection
    if plan.owner and not _are_valid(plan, positions.get(plan.owner[0])):
        count_selection(Reason.ARGUMENT)
        return None
    return BoundSelection(selection, {**selection.parameters, **position_parameters(positions)})


def _are_valid(plan: Compiled, position: Position | None) -> bool:
    """True if the cursors of changes belong to the epoch of the settled position, and do not lie after it."""
    return not plan.starts or (
        position is not None
        and all(start.epoch == position.epoch and start.number <= position.number for start in plan.starts)
    )
