"""The executor: graphql-core's, by way of Strawberry, for operations that are not answered without it."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    MiddlewareManager,
    OperationType,
    create_source_event_stream,
    default_field_resolver,
    default_type_resolver,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql.internals.operations import Built, Execution, RenderedValue, Show, ignore_size

TYPENAME, USER_ERRORS = "__typename", "userErrors"
SMALL = 100
"""The longest text in characters that is not counted. An operation has at most some 50,000 values."""
NOTHING = orjson.Fragment(b"null")
"""Takes the place of values in a result that is too large, which is then dropped."""


NO_HELPERS: Any = None
"""Takes the place of the helpers for resolvers, which no resolver of the service uses."""


class RenderingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which takes rendered values as complete and counts the size of the result.

    A document can select one long value under 500 names, so the result may be far larger than all that was loaded.
    `too_large` is the exception of `show`. From then on the executor makes no more values. `has_resolved_root` tells
    whether a root field, or a field in the payload of a mutation, has a value that is not rendered.
    """

    show: Show = staticmethod(ignore_size)
    too_large: Exception | None = None
    has_resolved_root = False

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if isinstance(result, RenderedValue):
            return orjson.Fragment(result.json) if self.admit(result.size) else NOTHING
        if path.prev is None or path.prev.prev is None:
            self._note_resolved(return_type, info, path, result)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    def _note_resolved(self, return_type: Any, info: Any, path: Any, result: Any) -> None:
        """Notes the value of a root field, or of a field in the payload of a mutation. Its errors and scalars do not count."""
        if result is None or info.field_name in (TYPENAME, USER_ERRORS):
            return
        if self.operation.operation is not OperationType.MUTATION:
            self.has_resolved_root = self.has_resolved_root or path.prev is None
        elif path.prev is not None and not is_leaf_type(get_nullable_type(return_type)):
            self.has_resolved_root = True

    def complete_leaf_value(self, return_type: Any, result: Any) -> Any:  # type: ignore[override]
        """The value of a scalar or an enum. A document is written as JSON here, so that its size is known."""
        value = super().complete_leaf_value(return_type, result)
        if type(value) is str:
            if len(value) <= SMALL:
                return value
            size = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, dict | list):
            if self.too_large is not None:
                return NOTHING
            data = orjson.dumps(value)
            value, size = orjson.Fragment(data), len(data)
        else:
            return value
        return value if self.admit(size) else NOTHING

    def admit(self, size: int) -> bool:
        """Counts bytes of the result. Returns False when there are too many."""
        if self.too_large is None:
            try:
                self.show(size)
            except Exception as error:
                self.too_large = error.with_traceback(None)
        return self.too_large is None

    def release(self) -> None:
        """Drops what holds the executor. So it leaves memory with its context, and not with the next collection.

        Fields beside an error may still run, in the background. They need no helpers.
        """
        self.async_helpers = NO_HELPERS
        self.middleware_manager = None


def make_executor(execution: Execution, middleware: MiddlewareManager | None = None) -> RenderingExecutor:
    executor = RenderingExecutor(
        execution.schema,
        execution.definitions.fragments,
        execution.definitions.details,
        execution.event,
        execution.context,
        execution.operation,
        execution.variables,
        default_field_resolver,
        default_type_resolver,
        default_field_resolver,
        middleware_manager=middleware,
        hide_suggestions=execution.hide_suggestions,
    )
    executor.show = execution.show
    return executor


async def execute(built: Built, middleware: MiddlewareManager | None = None) -> ExecutionResult:
    """The result of a query or a mutation, or of one event of a subscription. A result that is too large is an error."""
    if isinstance(built, list):
        return ExecutionResult(None, built)
    executor = make_executor(built, middleware)
    try:
        result: Any = executor.execute_operation()
        done: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    finally:
        executor.release()
    built.has_resolved_root = executor.has_resolved_root
    if executor.too_large is None:
        return done
    path = list(done.data or ())[:1]
    return ExecutionResult(None, [GraphQLError(str(executor.too_large), path=path, original_error=executor.too_large)])


async def open_events(built: Built) -> AsyncGenerator[Any, None] | ExecutionResult:
    """The source events of a subscription, or an ExecutionResult with the errors that prevent it.

    graphql-core's public `subscribe` maps each event to a result by itself; here each event is executed with a context of
    its own.
    """
    if isinstance(built, list):
        return ExecutionResult(None, built)
    executor = make_executor(built)
    events: Any = create_source_event_stream(executor)
    opened: AsyncGenerator[Any, None] | ExecutionResult = await events if executor.is_awaitable(events) else events
    executor.release()
    return opened
