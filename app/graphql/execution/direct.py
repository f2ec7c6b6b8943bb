"""Queries whose root fields are rendered: the answer joins their texts, without the work of graphql-core's executor.

The fields' own resolvers run, with the arguments that graphql-core coerces. When a root field has an error or a value that
is not rendered, the executor completes the query. It gets the results, so that no statement runs twice.
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
    GraphQLSchema,
    MiddlewareManager,
    OperationType,
)
from graphql.execution import get_argument_values
from graphql.pyutils import Path

from app.graphql.execution.context import MOST_PLANS, find_switches
from app.graphql.execution.selections import SelectionReader
from app.graphql.internals import TYPENAME, Built, Rendered, RenderingExecutor, execute


@dataclass(frozen=True, slots=True, eq=False)
class RootField:
    """The nodes of one response key of a query. `label` is the key as JSON, with its colon.

    `constant` is the text of a field that has no resolver.
    """

    key: str
    label: bytes
    nodes: list[FieldNode]
    definition: GraphQLField
    constant: Rendered | None

    @property
    def nullable(self) -> bool:
        return not isinstance(self.definition.type, GraphQLNonNull)


Roots: TypeAlias = tuple[RootField, ...]


async def execute_operation(built: Built) -> list[bytes] | ExecutionResult:
    """The JSON of the members of `data`, in parts, or else the result of the executor.

    A query is rendered if the executor has once seen it with nothing but rendered root fields.
    """
    if isinstance(built, list) or built.operation.operation is not OperationType.QUERY:
        return await execute(built)
    plans: dict[Hashable, Any] = built.context_value.plans
    key = ("root fields", id(built.operation), find_switches(built.variable_values.coerced))
    roots: Roots | None = plans.get(key)
    if roots is not None and (parts := await _render(built, roots)) is not None:
        return parts
    result = await execute(built)
    if result.errors:
        return result
    if built.has_resolved_root:
        plans.pop(key, None)
    elif roots is None and len(plans) < MOST_PLANS:
        plans[key] = _read_roots(built)
    return result


async def _render(executor: RenderingExecutor, roots: Roots) -> list[bytes] | None:
    """The JSON of the members of `data`. None if the executor must complete the results, which it has then."""
    results = await _resolve_all(executor, roots)
    parts = _join(executor, roots, results)
    if parts is None:
        named = {root.key: result for root, result in zip(roots, results, strict=True)}
        executor.middleware_manager = MiddlewareManager(RootResults(named))
    else:
        executor.release()
    return parts


def _read_roots(executor: RenderingExecutor) -> Roots:
    query = executor.schema.query_type
    assert query is not None  # noqa: S101 - narrows the type
    reader = SelectionReader(executor.fragment_definitions, executor.variable_values.coerced)
    fields = reader.collect([executor.operation], frozenset({query.name}))
    return tuple(_read_root(executor.schema, query, key, nodes) for key, nodes in fields.items())


def _read_root(schema: GraphQLSchema, query: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> RootField:
    name = nodes[0].name.value
    definition = schema.get_field(query, name)
    assert definition is not None  # noqa: S101 - narrows the type
    constant = Rendered(f'"{query.name}"') if name == TYPENAME else None
    return RootField(key, f'"{key}":'.encode(), nodes, definition, constant)


async def _resolve_all(executor: RenderingExecutor, roots: Roots) -> Sequence[Any]:
    """The result or the exception of each root field. Several fields run at the same time.

    After an exception, the fields that are not ready yet are tasks.
    """
    if len(roots) == 1:
        try:
            return [await _resolve(executor, roots[0])]
        except Exception as error:
            return [error]
    tasks = [asyncio.ensure_future(_resolve(executor, root)) for root in roots]
    try:
        return await asyncio.gather(*tasks)
    except Exception:
        return tasks


async def _resolve(executor: RenderingExecutor, root: RootField) -> Any:
    if root.constant is not None:
        return root.constant
    arguments = get_argument_values(
        root.definition, root.nodes[0], executor.variable_values, None, executor.hide_suggestions
    )
    query, resolve = executor.schema.query_type, root.definition.resolve
    assert query is not None  # noqa: S101 - narrows the type
    assert resolve is not None  # noqa: S101 - narrows the type
    info = executor.build_resolve_info(root.definition, root.nodes, query, Path(None, root.key, query.name))
    result = resolve(executor.root_value, info, **arguments)
    return await result if isawaitable(result) else result


def _join(executor: RenderingExecutor, roots: Roots, results: Sequence[Any]) -> list[bytes] | None:
    """The members of `data` in parts. None if a result is not rendered, or if the result is too large."""
    parts: list[bytes] = []
    for root, result in zip(roots, results, strict=True):
        if type(result) is Rendered and executor.admit(result.size):
            parts += (root.label, result.json, b",")
        elif result is None and root.nullable:
            parts += (root.label, b"null", b",")
        else:
            return None
    return parts[:-1]


@dataclass(frozen=True, slots=True)
class RootResults:
    """Takes the place of the resolvers of root fields. A result may be a task, which the executor awaits."""

    results: Mapping[str, Any]

    def resolve(self, resolve: Callable[..., Any], source: object, info: Any, **arguments: Any) -> Any:
        if info.path.prev is not None:
            return resolve(source, info, **arguments)
        result = self.results[str(info.path.key)]
        if isinstance(result, Exception):
            raise result
        return result
