"""Root plans: the selections of what root fields and payloads show, or the reasons why they need resolvers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from graphql import FieldNode

from app.changes.record import Position
from app.graphql.execution.links import RecordKey
from app.graphql.execution.plans import plan_parts, plan_selection, render_faces, row_field
from app.graphql.execution.selections import Notes, NotRendered, Reason, SelectionReader, Step
from app.query.face import Face
from app.query.sql.connections import EDGE_CURSOR, list_name
from app.query.sql.render import BoundSelection, Selection


@dataclass(frozen=True, slots=True)
class Compiled:
    """The plan of a selection. `selection` is None if it needs resolvers, for the `reason`.

    - `owner` is the only record that the selection is valid for, if a cursor in it belongs to a record.
    - `settled`: it has lists that are read after the position of the same operation.
    - `shows_position`: the positions of organizations are parameters of it. `starts` are the positions in its cursors.
    - `needs_position`: positions may have to be read before it is rendered.
    """

    selection: BoundSelection | None
    reason: Reason | None = None
    owner: RecordKey | None = None
    settled: bool = False
    shows_position: bool = False
    starts: tuple[Position, ...] = ()
    needs_position: bool = False

    @classmethod
    def of(cls, selection: Selection, notes: Notes) -> Self:
        """The plan of a selection with what its reader has noted."""
        return cls(
            BoundSelection(selection, notes.parameters),
            owner=notes.owner,
            settled=notes.settled,
            shows_position=notes.shows_position,
            starts=tuple(notes.starts),
            needs_position=notes.shows_position or notes.settled,
        )


def plan_rows(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, bound: bool) -> Compiled:
    """The plan of rows of a face. With `bound` it may have parameters."""
    reader = reader.nest(bound=bound)
    return _finish(reader, partial(plan_selection, reader, nodes, face))


def plan_one(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Compiled:
    """The plan of one record that is named by its id."""
    reader = reader.nest(bound=True, known=True)
    return _finish(reader, partial(plan_selection, reader, nodes, face))


def plan_nodes(reader: SelectionReader, nodes: Sequence[FieldNode], faces: tuple[Face, ...], known: bool) -> Compiled:
    """The plan of rows of some faces: its selection has a row for the name of each. `known`: it is that of one row."""
    reader = reader.nest(bound=True, known=known)
    return _finish(reader, partial(_plan_faces, reader, nodes, faces))


def _plan_faces(reader: SelectionReader, nodes: Sequence[FieldNode], faces: tuple[Face, ...]) -> Selection:
    return tuple((face.name, row_field(face.name, plan_selection(reader, nodes, face))) for face in faces)


def _finish(reader: SelectionReader, plan: Callable[[], Selection]) -> Compiled:
    """The plan with what the reader has noted."""
    try:
        selection = plan()
    except NotRendered as error:
        return Compiled(None, error.reason)
    return Compiled.of(selection, reader.notes)


def plan_payload(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, step: Step) -> Compiled:
    """The plan of a row in a field of a payload. The row is read after the write, so it may have lists inside."""
    return plan_inside(reader.nest(bound=True), nodes, face, step)


def plan_inside(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face, *steps: Step) -> Compiled:
    """The plan of the records that lie `steps` below a field. Its selection is empty when no record is selected."""
    try:
        selections = [plan_selection(reader, group, face) for group in reader.find_groups(nodes, *steps)]
    except NotRendered as error:
        return Compiled(None, error.reason)
    if len(set(selections)) > 1:
        return Compiled(None, Reason.PLACES)
    return Compiled.of(selections[0] if selections else (), reader.notes)


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """The parts of a root connection that its selection needs.

    - `total`, `next`, `previous`, `ends`, `edges`: the selected facts; the last two are cursors of the page info and of edges.
    - `lists`: the columns of its lists. `shown` has its fields.
    - `rendered` is the selection of one row: that of the only list, or one text for each list.
    """

    rows: bool
    total: bool
    next: bool
    previous: bool
    ends: bool
    edges: bool
    rendered: Compiled
    lists: tuple[str, ...] = ()
    shown: Selection = ()


def plan_connection(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> ConnectionPlan:
    """The plan of the fields under a root connection of a face's records."""
    reader = reader.nest(bound=True)
    lists, shown, reason = _try_parts(reader, nodes, face)
    row = lists[0] if len(lists) == 1 else render_faces({str(index): each for index, each in enumerate(lists)})
    fields = reader.collect(nodes, frozenset({f"{face.type_name}Connection"})).values()
    names = {group[0].name.value for group in fields}
    infos = (reader.collect(group, frozenset({"PageInfo"})) for group in fields if group[0].name.value == "pageInfo")
    wanted = {group[0].name.value for info in infos for group in info.values()}
    return ConnectionPlan(
        rows=bool(names & {"nodes", "edges"} or wanted - {"__typename"}),
        total="totalCount" in names,
        next="hasNextPage" in wanted,
        previous="hasPreviousPage" in wanted,
        ends=not wanted.isdisjoint({"startCursor", "endCursor"}),
        edges=any(field is EDGE_CURSOR for each in lists for _, field in each),
        rendered=Compiled(None, reason) if reason else Compiled.of(row, reader.notes),
        lists=tuple(map(list_name, range(len(lists)))),
        shown=shown,
    )


def _try_parts(
    reader: SelectionReader, nodes: Sequence[FieldNode], face: Face
) -> tuple[tuple[Selection, ...], Selection, Reason | None]:
    """As `plan_parts`, with the reason why the connection needs resolvers."""
    try:
        return *plan_parts(reader, nodes, face), None
    except NotRendered as error:
        return (), (), error.reason
