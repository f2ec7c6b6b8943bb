"""Operations whose root fields are rendered: the answer joins their texts, without graphql-core's executor.

The fields' own resolvers run, with the arguments that graphql-core coerces. When a root field has an error or a value that
is not rendered, the executor completes the operation. It gets the results, so that no statement runs twice.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    MiddlewareManager,
    OperationType,
    VariableNode,
    print_ast,
)
from graphql.execution import get_argument_values
from strawberry.types.field import StrawberryField

from app.graphql.execution.context import MOST_PLANS
from app.graphql.execution.payloads import Members, read_members, show_payload
from app.graphql.execution.selections import SelectionReader
from app.graphql.internals.executor import TYPENAME, execute
from app.graphql.internals.operations import Built, Execution, Rendered, call_resolver
from app.graphql.internals.schemas import convert_values, find_strawberry_field, is_passed_on, name_parameters


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of a root field's resolver whose arguments are converted already, apart from the values of variables.

    `variables` are pairs of a parameter and of the variable that is its value: nothing converts it.
    """

    field: StrawberryField
    constants: Mapping[str, Any]
    variables: tuple[tuple[str, str], ...]

    def fill(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The arguments. None without the value of a variable, since the argument then has its default or is an error."""
        arguments = dict(self.constants)
        for parameter, variable in self.variables:
            if (value := values.get(variable)) is None:
                return None
            arguments[parameter] = value
        return arguments


@dataclass(frozen=True, slots=True, eq=False)
class RootField:
    """The nodes of one response key of a query or a mutation. `label` is the key as JSON, with its colon.

    `constant` is the text of a field that has no resolver. `call` is None if graphql-core reads the arguments each time.
    `payload` has what is selected of a mutation's payload; None if the executor must complete it.
    """

    key: str
    label: bytes
    nodes: list[FieldNode]
    definition: GraphQLField
    constant: Rendered | None
    call: Call | None
    payload: Members | None = None

    @property
    def nullable(self) -> bool:
        return not isinstance(self.definition.type, GraphQLNonNull)


Roots: TypeAlias = tuple[RootField, ...]


async def execute_operation(built: Built) -> list[bytes] | ExecutionResult:
    """The JSON of the members of `data`, in parts, or else the result of the executor.

    A query or a mutation is rendered if the executor has once seen it with nothing but rendered root fields or payloads.
    """
    if isinstance(built, list) or built.operation.operation is OperationType.SUBSCRIPTION:
        return await execute(built)
    plans: dict[Hashable, Any] = built.context.plans
    key = ("root fields", id(built.operation), built.switches)
    roots: Roots | None = plans.get(key)
    if roots is None:
        result = await execute(built)
        if not result.errors and not built.has_resolved_root and len(plans) < MOST_PLANS:
            plans[key] = _read_roots(built)
        return result
    if len(roots) == 1:
        built.context.is_alone = True
        results = await _resolve_one(built, roots[0])
        built.context.is_alone = False
    elif built.operation.operation is OperationType.QUERY:
        results = await _resolve_all(built, roots)
    else:
        results = await _resolve_in_turn(built, roots)
    parts = _join(built, roots, results)
    if parts is not None:
        return parts
    named = {root.key: result for root, result in zip(roots, results, strict=False)}
    result = await execute(built, MiddlewareManager(RootResults(named)))
    if not result.errors and built.has_resolved_root:
        plans.pop(key, None)
    return result


def _read_roots(execution: Execution) -> Roots:
    parent = execution.schema.get_root_type(execution.operation.operation)
    assert parent is not None  # noqa: S101 - narrows the type
    reader = SelectionReader(execution.definitions.fragments, execution.variables.coerced)
    fields = reader.collect([execution.operation], frozenset({parent.name}))
    return tuple(_read_root(execution, reader, parent, *field) for field in fields.items())


def _read_root(
    execution: Execution, reader: SelectionReader, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]
) -> RootField:
    name = nodes[0].name.value
    definition = execution.schema.get_field(parent, name)
    assert definition is not None  # noqa: S101 - narrows the type
    is_payload = parent is execution.schema.mutation_type and name != TYPENAME
    return RootField(
        key,
        f'"{key}":'.encode(),
        nodes,
        definition,
        constant=Rendered(f'"{parent.name}"') if name == TYPENAME else None,
        call=_make_call(execution, definition, nodes[0]),
        payload=read_members(reader, definition.type, nodes) if is_payload else None,
    )


def _make_call(execution: Execution, definition: GraphQLField, node: FieldNode) -> Call | None:
    """The call of a resolver. None for a field of introspection, and for variables that are converted or lie inside of lists
    and objects."""
    field = find_strawberry_field(definition)
    if field is None:
        return None
    variables = {
        argument.name.value: argument.value.name.value
        for argument in node.arguments or ()
        if isinstance(argument.value, VariableNode)
    }
    if any(
        "$" in print_ast(argument.value) for argument in node.arguments or () if argument.name.value not in variables
    ):
        return None
    if not all(is_passed_on(definition.args[name].type) for name in variables):
        return None
    parameters = name_parameters(execution.schema, field)
    values = get_argument_values(definition, node, execution.variables)
    constants = convert_values(execution.schema, field, values)
    pairs = tuple((parameters[name], variable) for name, variable in variables.items())
    return Call(field, constants, pairs)


async def _resolve_one(execution: Execution, root: RootField) -> Sequence[Any]:
    """The result or the exception of the only root field."""
    try:
        result = _resolve(execution, root)
        return (await result if isawaitable(result) else result,)
    except Exception as error:
        return (error,)


async def _resolve_all(execution: Execution, roots: Roots) -> Sequence[Any]:
    """The result or the exception of each root field. They run at the same time.

    After an exception, the fields that are not ready yet are tasks.
    """
    tasks = [asyncio.ensure_future(_finish(execution, root)) for root in roots]
    try:
        return await asyncio.gather(*tasks)
    except Exception:
        return tasks


async def _resolve_in_turn(execution: Execution, roots: Roots) -> Sequence[Any]:
    """The results of the root fields of a mutation, one after the other.

    The executor must complete a result that is not rendered before the next field begins. Such a result is the last one.
    """
    results: list[Any] = []
    for root in roots:
        results += await _resolve_one(execution, root)
        if root is not roots[-1] and _show(root, results[-1]) is None:
            break
    return results


async def _finish(execution: Execution, root: RootField) -> Any:
    result = _resolve(execution, root)
    return await result if isawaitable(result) else result


def _resolve(execution: Execution, root: RootField) -> Any:
    """The result of a root field, which may have to be awaited."""
    if root.constant is not None:
        return root.constant
    info = execution.make_info(root.nodes)
    arguments = root.call.fill(execution.variables.coerced) if root.call else None
    if root.call is None or arguments is None:
        return _resolve_slowly(execution, root, info)
    return call_resolver(root.call.field, info, arguments)


def _resolve_slowly(execution: Execution, root: RootField, info: Any) -> Any:
    """The result of the resolver of the schema, with the arguments as graphql-core reads them."""
    values = get_argument_values(root.definition, root.nodes[0], execution.variables, None, execution.hide_suggestions)
    assert root.definition.resolve is not None  # noqa: S101 - narrows the type
    return root.definition.resolve(execution.event, info, **values)


def _join(execution: Execution, roots: Roots, results: Sequence[Any]) -> list[bytes] | None:
    """The members of `data` in parts. None if a result is missing or not rendered, or if the result is too large."""
    if len(results) < len(roots):
        return None
    parts: list[bytes] = []
    size = 0
    for root, result in zip(roots, results, strict=True):
        text = _show(root, result)
        if text is None:
            return None
        if parts:
            parts.append(b",")
        parts += (root.label, text)
        size += len(text)
    return parts if execution.admit(size) else None


def _show(root: RootField, result: Any) -> bytes | None:
    """The JSON of a result. None if the executor must complete it."""
    if type(result) is Rendered:
        return result.json
    if result is None:
        return b"null" if root.nullable else None
    return None if root.payload is None or isinstance(result, Exception) else show_payload(root.payload, result)


@dataclass(frozen=True, slots=True)
class RootResults:
    """Takes the place of the resolvers of root fields that have results. A result may be a task, which the executor awaits."""

    results: Mapping[str, Any]

    def resolve(self, resolve: Callable[..., Any], source: object, info: Any, **arguments: Any) -> Any:
        if info.path.prev is not None or info.path.key not in self.results:
            return resolve(source, info, **arguments)
        result = self.results[str(info.path.key)]
        if isinstance(result, Exception):
            raise result
        return result
