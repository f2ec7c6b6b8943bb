"""The compiler: whether the database renders a selection whole, and how often it does not, by reason.

This is the only place that decides for the path of resolvers.
"""

from collections import Counter

from app.graphql.execution.context import Info, find_plan, selects_position
from app.graphql.execution.plans import Compiled, ConnectionPlan, plan_connection, plan_one, plan_rows
from app.graphql.execution.selections import Reason
from app.query.face import Face
from app.query.sql.render import BoundSelection

RENDERED = "rendered"
COUNTS: Counter[str] = Counter()
"""How many selections of this process the database rendered, and how many took the path of resolvers, by reason."""


UNSETTLED = Compiled(None, Reason.POSITION)


def compile_rows(info: Info, face: Face, *, bound: bool = False) -> BoundSelection | None:
    """The selection of the rows under the field that is resolved, or None when it needs resolvers.

    Only with `bound` it may have parameters, whose values it has.
    """
    return _decide(info, find_plan(info, plan_rows, face, bound)).selection


def compile_record(info: Info, face: Face) -> Compiled:
    """The plan of the one record under the field that is resolved. Its selection has the values of its parameters."""
    return _decide(info, find_plan(info, plan_one, face))


def compile_connection(info: Info, face: Face) -> ConnectionPlan:
    """The plan of the root connection that is resolved. Its selection has the values of its parameters."""
    plan = find_plan(info, plan_connection, face)
    COUNTS[plan.rendered.reason or RENDERED] += 1
    return plan


def _decide(info: Info, compiled: Compiled) -> Compiled:
    """The plan, unless the position of the operation must be read before some of its lists."""
    decided = UNSETTLED if compiled.settled and selects_position(info) else compiled
    COUNTS[decided.reason or RENDERED] += 1
    return decided
