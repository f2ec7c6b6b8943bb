"""The compiler: whether the database renders a selection whole, and how often it does not, by reason.

This is the only place that decides for the path of resolvers.
"""

from collections import Counter

from app.graphql.execution.context import Info, find_plan
from app.graphql.execution.plans import Compiled, ConnectionPlan, plan_connection, plan_one, plan_rows
from app.query.face import Face
from app.query.sql.render import Selection

RENDERED = "rendered"
COUNTS: Counter[str] = Counter()
"""How many selections of this process the database rendered, and how many took the path of resolvers, by reason."""


def compile_rows(info: Info, face: Face) -> Selection | None:
    """The selection of the rows under the field that is resolved, or None when it needs resolvers. It has no parameters."""
    return count(find_plan(info, face.name, plan_rows, face)).selection


def compile_record(info: Info, face: Face) -> Compiled:
    """The plan of the one record under the field that is resolved. Its selection has the values of its parameters."""
    return count(find_plan(info, f"one {face.name}", plan_one, face))


def compile_connection(info: Info, face: Face) -> ConnectionPlan:
    """The plan of the root connection that is resolved. Its selection has the values of its parameters."""
    plan = find_plan(info, f"{face.name} connection", plan_connection, face)
    count(plan.rendered)
    return plan


def count(compiled: Compiled) -> Compiled:
    COUNTS[compiled.reason or RENDERED] += 1
    return compiled
