"""Operations: the one way from a request to an answer, whatever it came by; a transport only reads and writes messages."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute,
)

from app.auth import Access, Principal
from app.changes.reader import ChangeReader
from app.config import Config
from app.graphql.execution.context import Context
from app.graphql.internals import RenderingExecutor
from app.graphql.schema.schema import core_schema
from app.graphql.server.costs import VariableCosts
from app.graphql.server.documents import Documents
from app.graphql.server.errors import CODES, Refused, Rejected, is_overdue, show_error
from app.graphql.server.requests import GraphQLRequest
from app.graphql.server.trusted import hash_document, load_trusted
from app.mail.worker import OutboxWorker
from app.storage.database import Database
from app.storage.deadline import time_limit

NOT_FOUND = GraphQLError("PersistedQueryNotFound", extensions={"code": "PERSISTED_QUERY_NOT_FOUND"})
"""What Apollo's clients know it by; they then send the text."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed: its document is valid and within the limits."""

    ast: DocumentNode
    operation: OperationDefinitionNode
    asked: GraphQLRequest
    context: Context
    cost: int

    @property
    def kind(self) -> OperationType:
        return self.operation.operation

    def renewed(self) -> "Prepared":
        """The same operation for another event: nothing that was loaded for the last one is kept."""
        return replace(self, context=replace(self.context, rendered=0, loaders={}))


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The members of an answer, ready for orjson; `executed` is false when there is no data because nothing ran.

    `overdue` says that there is none because it took too long.
    """

    body: dict[str, Any]
    executed: bool
    overdue: bool = False


class Operations:
    """The schema with its kept documents, and everything that an operation needs."""

    def __init__(self, database: Database, outbox: OutboxWorker, config: Config, changes: ChangeReader) -> None:
        self.database, self.outbox, self.config, self.changes = database, outbox, config, changes
        self.schema = core_schema()
        self.trusted = load_trusted(config.documents)
        told = config.introspection and not config.documents_only
        self.documents = Documents(self.schema, introspection=told, trusted=self.trusted)
        self._mutating: set[asyncio.Task[OperationResult]] = set()

    def prepare(self, asked: GraphQLRequest, principal: Principal) -> Prepared:
        """The operation that is asked for. Raises Rejected for a document that is not valid or over a limit, and
        Refused (400) when `operationName` chooses no operation of it."""
        document = self.documents.find(self._text(asked))
        if document.errors:
            raise Rejected(document.errors)
        operation = document.operation(asked.operation_name)
        if operation is None:
            what = f"no operation named {asked.operation_name!r}" if asked.operation_name else "no single operation"
            raise Refused(400, f"The document has {what}; operationName says which to run", "BAD_REQUEST")
        cost = VariableCosts(operation, asked.variables).cost(document.cost(operation))
        if cost > self.config.cost_limit:
            raise Rejected([_too_costly(cost, self.config.cost_limit)], cost)
        assert document.ast is not None
        context = Context(Access(self.database, principal), document.plans, self.outbox, self.changes)
        return Prepared(document.ast, operation, asked, context, cost)

    def _text(self, asked: GraphQLRequest) -> str:
        """The text of the document. One that is sent along with its hash is run as it would be alone, and never kept."""
        listed = None if asked.document_id is None else self.trusted.find(asked.document_id)
        if listed is not None and asked.query in (None, listed):
            return listed
        if asked.query is None:
            raise Rejected([NOT_FOUND])
        if asked.document_id is not None and hash_document(asked.query) != asked.document_id:
            raise Refused(400, "The sha256Hash is not that of the query", "BAD_REQUEST")
        if self.config.documents_only and not self.trusted.lists(asked.query):
            raise Refused(403, "Only trusted documents are answered, by their ids", "DOCUMENT_NOT_TRUSTED")
        return asked.query

    async def stream(self, prepared: Prepared, request_id: str) -> AsyncGenerator[OperationResult, None]:
        """One answer to a query or a mutation, and one for each event of a subscription.

        A subscription that cannot begin has one, which is not executed. A mutation that has begun is finished, also when
        nobody waits for its answer any more.
        """
        if prepared.kind is not OperationType.SUBSCRIPTION:
            executed = self.execute(prepared, request_id)
            yield await (executed if prepared.kind is OperationType.QUERY else self._finish(executed))
            return
        events = await self._open_events(prepared)
        if isinstance(events, ExecutionResult):
            yield self.reject(Rejected(events.errors or [], prepared.cost), request_id)
            return
        async with aclosing(events):
            async for event in events:
                yield await self.execute(prepared.renewed(), request_id, event)

    async def _finish(self, executed: Coroutine[Any, Any, OperationResult]) -> OperationResult:
        mutating = asyncio.create_task(executed)
        self._mutating.add(mutating)
        mutating.add_done_callback(self._mutating.discard)
        return await asyncio.shield(mutating)

    async def _open_events(self, prepared: Prepared) -> Any:
        """The events of a subscription, or an ExecutionResult that says why there are none."""
        executor = RenderingExecutor.build(
            self.schema,
            prepared.ast,
            context_value=prepared.context,
            raw_variable_values=prepared.asked.variables,
            operation_name=prepared.asked.operation_name,
            hide_suggestions=self.documents.hide_suggestions,
        )
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        events = create_source_event_stream(executor)
        return await events if executor.is_awaitable(events) else events

    async def execute(self, prepared: Prepared, request_id: str, event: object = None) -> OperationResult:
        """The answer to a query, a mutation, or an event of a subscription.

        Fields that the database has not answered in time are null, with an error whose code is TIMEOUT; the others keep
        their values.
        """
        with time_limit(self.config.operation_timeout):
            result = execute(
                self.schema,
                prepared.ast,
                event,
                context_value=prepared.context,
                variable_values=prepared.asked.variables,
                operation_name=prepared.asked.operation_name,
                executor_class=RenderingExecutor,
                hide_suggestions=self.documents.hide_suggestions,
            )
            done = result if isinstance(result, ExecutionResult) else await result
        return self.show(done, prepared.cost, request_id)

    def show(self, result: ExecutionResult, cost: int, request_id: str) -> OperationResult:
        """An execution's result, or one event's of a subscription, as it is answered."""
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return self.reject(Rejected(result.errors, cost), request_id)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [show_error(error, request_id) for error in result.errors]
        overdue = is_overdue(result.data, result.errors or ())
        return OperationResult(body | self._extensions(cost), executed=True, overdue=overdue)

    def reject(self, rejected: Rejected, request_id: str) -> OperationResult:
        """The answer to an operation that is not executed."""
        shown = [show_error(error, request_id, CODES["request"]) for error in rejected.errors]
        return OperationResult({"errors": shown} | self._extensions(rejected.cost), executed=False)

    def _extensions(self, cost: int | None) -> dict[str, Any]:
        return {"extensions": {"cost": {"requested": cost, "limit": self.config.cost_limit}}}


def _too_costly(cost: int, limit: int) -> GraphQLError:
    message = f"The operation costs {cost}, and {limit} is allowed: ask for smaller pages or fewer fields"
    return GraphQLError(message, extensions={"code": "MAX_COST_EXCEEDED"})
