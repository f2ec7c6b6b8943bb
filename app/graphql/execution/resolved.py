"""Records that the database does not render whole, found before an operation runs. Resolvers give their fields one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.graphql.execution.context import find_field_plan
from app.graphql.execution.root_plans import plan_connection, plan_inside, plan_one, plan_rows
from app.graphql.execution.selections import SelectionReader
from app.graphql.internals.operations import Execution
from app.query.face import Face

FACES: Mapping[str, Face] = {face.type_name: face for face in (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)}
CONNECTIONS: Mapping[str, Face] = {f"{name}Connection": face for name, face in FACES.items()}


def find_resolved(execution: Execution) -> frozenset[int]:
    """The ids of the field nodes that show records which the database does not render whole."""
    if execution.operation.operation is OperationType.SUBSCRIPTION:
        return frozenset()
    variables = execution.variables.coerced
    reader = SelectionReader(execution.definitions.fragments, variables, execution.schema)
    return frozenset(Search(execution, reader).find())


@dataclass(frozen=True, slots=True)
class Search:
    """The search through one operation. It ends at each record, because a record is rendered or resolved as a whole."""

    execution: Execution
    reader: SelectionReader

    def find(self) -> Iterator[int]:
        operation = self.execution.operation
        root = self.execution.schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101 - narrows the type
        return self._find_below([operation], root)

    def _find_below(
        self, nodes: Sequence[FieldNode | OperationDefinitionNode], parent: GraphQLObjectType
    ) -> Iterator[int]:
        names = frozenset({parent.name, *(interface.name for interface in parent.interfaces)})
        for group in self.reader.collect(nodes, names).values():
            definition = self.execution.schema.get_field(parent, group[0].name.value)
            if definition is not None and group[0].selection_set is not None:
                yield from self._find_in(group, get_named_type(definition.type), parent)

    def _find_in(self, group: list[FieldNode], type_: GraphQLNamedType, parent: GraphQLObjectType) -> Iterator[int]:
        if is_abstract_type(type_):
            abstract: GraphQLAbstractType = type_
            for possible in self.execution.schema.get_possible_types(abstract):
                yield from self._find_in(group, possible, parent)
        elif type_.name in FACES or type_.name in CONNECTIONS:
            if not self._is_rendered(group, type_.name, parent):
                yield from map(id, group)
        elif is_object_type(type_):
            yield from self._find_below(group, type_)

    def _is_rendered(self, group: list[FieldNode], type_name: str, parent: GraphQLObjectType) -> bool:
        """True if the database renders the record or the connection."""
        if type_name in CONNECTIONS:
            face = CONNECTIONS[type_name]
            return self._plan(group, plan_connection, face).rendered.selection is not None
        face = FACES[type_name]
        if self.execution.operation.operation is OperationType.MUTATION:
            return self._plan(group, plan_inside, face).selection is not None
        if parent is not self.execution.schema.query_type:
            plan = self._plan(group, plan_rows, face, False)
        elif group[0].name.value == "nodes" and self._count_ids(group[0]) != 1:
            plan = self._plan(group, plan_rows, face, True)
        else:
            plan = self._plan(group, plan_one, face)
        return plan.selection is not None

    def _count_ids(self, node: FieldNode) -> int:
        """The number of ids in the arguments of `nodes`; 0 if they are wrong."""
        try:
            return len(self.reader.read_arguments("Query", node)["ids"])
        except GraphQLError:
            return 0

    def _plan(self, group: list[FieldNode], plan: Callable[..., Any], *arguments: Any) -> Any:
        return find_field_plan(self.execution.make_info(group), plan, *arguments)
