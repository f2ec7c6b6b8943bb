"""Face plans: the selections of a written record under each of its faces in a payload, and how its rows are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import FieldNode

from app.graphql.execution.compiler import bind_position, count_selection
from app.graphql.execution.context import Info
from app.graphql.execution.loading import Record, whole_record
from app.graphql.execution.plans import record_edge_face, render_faces
from app.graphql.execution.root_plans import Compiled, plan_inside
from app.graphql.execution.selections import Reason, SelectionReader, Step
from app.graphql.internals.operations import Rendered
from app.graphql.schema.connections import Edge, make_edge
from app.graphql.schema.inputs import camel
from app.query.sql.render import BoundSelection, Selection

NOTHING_NESTED = Compiled(BoundSelection((), {}))
EDGE = "_edge"
"""The end of the names of edges."""


@dataclass(frozen=True, slots=True)
class FacePlans:
    """The selections of a payload's record under each of its faces, by the field of the payload.

    A selection is None when some of it needs a resolver, and empty when the face is not selected. A selected edge has a
    selection, too. `rendered` renders every selected face of a row. If a resolver is needed, it renders the whole record
    under all faces, since a resolver can go from one face to the other. `nested` renders every selected face with the rows
    of other tables, which must be read after the write; its selection is empty where that is not needed, or None.
    """

    types: Mapping[str, type[Record]]
    selections: Mapping[str, Selection | None]
    rendered: Selection
    nested: Compiled

    def read(self, row: str) -> dict[str, Any]:
        """The record under each face, from a row that was rendered with `rendered`."""
        texts: dict[str, str] = orjson.loads(row)
        wholes = self._read_wholes(texts)
        for record in wholes.values():
            record.same_row = wholes
        return {
            name: self._resolve(name, wholes) if selection is None else Rendered(texts.get(name, "{}"))
            for name, selection in self.selections.items()
        }

    def _resolve(self, name: str, wholes: Mapping[type[Record], Record]) -> Record | Edge[Record]:
        """The record or its edge, whose fields are resolved one by one."""
        record = wholes[self.types[name.removesuffix(EDGE)]]
        return make_edge(record) if name.endswith(EDGE) else record

    def _read_wholes(self, texts: Mapping[str, str]) -> dict[type[Record], Record]:
        return {
            type_: type_.read(texts[key]) for name, type_ in self.types.items() if (key := whole_key(name)) in texts
        }

    async def read_all(self, info: Info, rows: Sequence[str], key: str | None) -> list[dict[str, Any]]:
        """As `read`, for the rows of one request. The rows of other tables are read by one statement for all of them.

        A request with an idempotency key gets the record as it was written, also when the request comes again. A record
        that is erased is shown as it was.
        """
        nested = await bind_position(info, self.nested) if key is None and rows else None
        if not nested:
            needs_resolvers = None in self.selections.values()
            count_selection((self.nested.reason or Reason.WRITTEN) if needs_resolvers else None)
            return [self.read(row) for row in rows]
        ids = [self._read_id(row) for row in rows]
        get_many = next(iter(self.types.values())).reads.get_many
        shown = await get_many(info.context.access, ids, nested, deleted_too=True)
        count_selection(None if shown.keys() >= set(ids) else Reason.WRITTEN)
        return [
            self._show(shown[record_id]) if record_id in shown else self.read(row)
            for record_id, row in zip(ids, rows, strict=True)
        ]

    def _read_id(self, row: str) -> str:
        record = next(iter(self._read_wholes(orjson.loads(row)).values()))
        return record.key[1]

    def _show(self, row: str) -> dict[str, Any]:
        """The faces in a row that was rendered with `nested`."""
        texts: dict[str, str] = orjson.loads(row)
        return {name: Rendered(texts.get(name, "{}")) for name in self.selections}


def plan_faces(
    reader: SelectionReader,
    nodes: Sequence[FieldNode],
    named: tuple[tuple[str, type[Record]], ...],
    steps: Sequence[Step],
    holder: str,
) -> FacePlans:
    """The plans of the records in the fields of `holder`, and of those of their edges that are selected."""
    types = dict(named)
    faces = {name: type_.face for name, type_ in types.items()}
    for name, type_ in types.items():
        if reader.find_groups(nodes, *steps, (holder, camel(name + EDGE))):
            faces[name + EDGE] = record_edge_face(type_.face)
    places = {name: (*steps, (holder, camel(name))) for name in faces}
    selections = {name: plan_inside(reader, nodes, face, *places[name]).selection for name, face in faces.items()}
    if None not in selections.values():
        return FacePlans(types, selections, render_faces(selections), NOTHING_NESTED)
    bound = reader.nest(bound=True)
    nested = {name: plan_inside(bound, nodes, face, *places[name]) for name, face in faces.items()}
    wholes = {whole_key(name): whole_record(type_.face) for name, type_ in types.items()}
    reason = next((plan.reason for plan in nested.values() if plan.reason), None)
    further = render_faces({name: plan.selection for name, plan in nested.items()})
    plan = Compiled(None, reason) if reason else Compiled.of(further, reader.notes)
    return FacePlans(types, selections, render_faces({**selections, **wholes}), plan)


def whole_key(name: str) -> str:
    """The key of a whole record in a rendered row. No field of a payload has a space in its name."""
    return f"whole {name}"
