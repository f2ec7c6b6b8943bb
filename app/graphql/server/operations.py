"""The one way from a request to its result. Every transport uses it; a transport itself only reads and writes messages."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, closing
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any

from graphql import ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType

from app.accounts.service import LoginDesk
from app.auth import Access
from app.changes.reader import ChangeReader
from app.config import Config
from app.graphql.execution.context import Context
from app.graphql.execution.direct import execute_operation
from app.graphql.internals.operations import Built, build_execution
from app.graphql.schema.schema import core_schema
from app.graphql.server.codes import ErrorCode
from app.graphql.server.disclosure import hide_value_error
from app.graphql.server.documents import Document, Documents
from app.graphql.server.errors import (
    OperationError,
    RequestError,
    find_limit,
    format_error,
    is_unavailable,
    limit_error,
)
from app.graphql.server.limits import MAX_INPUT_WEIGHT, TOO_HEAVY, WEIGHT_READ_AT_ONCE, weigh_variables
from app.graphql.server.prepared import GraphQLRequest, OperationResult, PreparedOperation, StreamStart
from app.graphql.server.subscriptions import Subscriptions
from app.graphql.server.trusted import hash_document, load_trusted
from app.http.redaction import hide_tokens
from app.mail.worker import OutboxWorker
from app.observability.figures import current_figures
from app.storage.deadline import time_limit
from app.vat.vies import Vies
from app.webhooks.service import NO_WORKER, WebhookDesk

NOT_FOUND = GraphQLError("PersistedQueryNotFound", extensions={"code": ErrorCode.PERSISTED_QUERY_NOT_FOUND})
"""Apollo's clients know this message. They then send the text of the document."""
NOT_SUPPORTED = GraphQLError("PersistedQueryNotSupported", extensions={"code": ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED})
"""Apollo's clients know this message, too. They then send texts without a hash, also in all later requests."""

NESTED = frozenset({dict, list})
"""The types of variables that have values inside."""
LONGEST_NAME = 100
"""The most characters of an operation's name that are logged."""


class Operations:
    """Executes operations of the schema; it keeps the documents."""

    def __init__(
        self,
        outbox: OutboxWorker,
        config: Config,
        changes: ChangeReader,
        desk: LoginDesk,
        vies: Vies,
        webhooks: WebhookDesk = NO_WORKER,
    ) -> None:
        self.webhooks = webhooks
        self.outbox, self.config, self.changes, self.desk, self.vies = outbox, config, changes, desk, vies
        self.database = desk.database
        self.deletion_delay = timedelta(days=config.deletion_days)
        self.schema = core_schema()
        self.trusted = load_trusted(config.documents)
        introspection = config.introspection and not config.documents_only
        self.documents = Documents(self.schema, introspection=introspection, trusted=self.trusted)
        self.subscriptions = Subscriptions(config, self.execute)
        self._mutations: set[asyncio.Task[OperationResult]] = set()

    async def prepare(self, request: GraphQLRequest, access: Access) -> PreparedOperation:
        """The operation that a request chooses.

        Each root field of a mutation counts as a write. Raises TooMany over the limit of writes, OperationError for a
        document that is invalid or exceeds a limit, and RequestError for a document that is not allowed (403) or an
        `operationName` that chooses no operation (400).
        """
        text = self._find_text(request)
        document = self.documents.find_kept(text) or await self.documents.read(text, access.principal.tenant)
        if document.errors:
            raise OperationError(document.errors)
        operation = document.operation(request.operation_name)
        if operation is None:
            message = _explain_missing_operation(request.operation_name)
            raise RequestError(ErrorCode.OPERATION_RESOLUTION_FAILURE, message)
        plain = NESTED.isdisjoint(map(type, request.variables.values()))
        weight = 0 if plain else weigh_variables(self.schema, operation, request.variables)
        if weight > MAX_INPUT_WEIGHT:
            code = ErrorCode.VARIABLE_LIMIT_EXCEEDED
            raise OperationError([limit_error(code, TOO_HEAVY, MAX_INPUT_WEIGHT, operation)])
        cost = document.cost(operation, request.variables, plain=plain)
        self._check_cost(cost)
        self._note_operation(operation, request.document_id, cost)
        if operation.operation is OperationType.MUTATION:
            access.principal.meter.count_writes(document.count_roots(operation))
        assert document.ast is not None  # noqa: S101 - narrows the type
        context = Context(access, document.plans, self.outbox, self.changes, self.desk, self.vies, self.deletion_delay)
        context.last_event_id, context.webhooks = request.last_event_id, self.webhooks
        if weight <= WEIGHT_READ_AT_ONCE:
            execution = self._build_execution(document, operation, request, context)
        else:
            build = partial(self._build_execution, document, operation, request, context)
            execution = await self.documents.thread.run(access.principal.tenant, build)
        resolved = document.find_resolved(operation, execution)
        if resolved:
            cost = document.cost(operation, request.variables, resolved)
            self._check_cost(cost)
        return PreparedOperation(document.ast, operation, request, context, cost, execution)

    def _check_cost(self, cost: int) -> None:
        if cost > self.config.cost_limit:
            raise OperationError([_too_expensive(cost, self.config.cost_limit)], cost)

    def _build_execution(
        self, document: Document, operation: OperationDefinitionNode, request: GraphQLRequest, context: Context
    ) -> Built:
        return build_execution(
            self.schema,
            document.definitions,
            operation,
            context=context,
            variables=request.variables,
            hide_suggestions=self.documents.hide_suggestions,
            show=context.access.database.show,
        )

    def _note_operation(self, operation: OperationDefinitionNode, document_id: str | None, cost: int) -> None:
        """Notes the operation in the figures of the request. Its name is known if its document is trusted."""
        figures = current_figures.get()
        figures.operation = show_operation(operation.operation.value, operation.name.value if operation.name else "")
        figures.cost, figures.known = cost, document_id is not None and self.trusted.find(document_id) is not None
        figures.streams = figures.streams or operation.operation is OperationType.SUBSCRIPTION

    def _find_text(self, request: GraphQLRequest) -> str:
        """The text of the request's document. A text that is sent with its hash is not registered."""
        query, document_id = request.query, request.document_id
        trusted = None if document_id is None else self.trusted.find(document_id)
        if trusted is not None and query in (None, trusted):
            return trusted
        if query is None:
            raise OperationError([NOT_FOUND if self.trusted.by_id else NOT_SUPPORTED])
        if document_id is not None and hash_document(query) != document_id:
            message = "`sha256Hash` is not the SHA-256 of `query`."
            raise RequestError(ErrorCode.PERSISTED_QUERY_HASH_MISMATCH, message)
        if self.config.documents_only and not self.trusted.has_text(query):
            message = "This service executes trusted documents only. Send the id of one in `documentId`."
            raise RequestError(ErrorCode.DOCUMENT_NOT_TRUSTED, message)
        return query

    async def stream(
        self, prepared: PreparedOperation, request_id: str
    ) -> AsyncGenerator[OperationResult | StreamStart, None]:
        """One result for a query or a mutation. For a subscription its start, and one result for each event.

        A subscription that cannot begin has a single result that is not executed. A mutation that has begun is finished,
        even if the client no longer waits for its result.
        """
        if prepared.operation.operation is not OperationType.SUBSCRIPTION:
            executed = self.execute(prepared, request_id)
            with closing(prepared):
                yield await (
                    executed if prepared.operation.operation is OperationType.QUERY else self._shield(executed)
                )
            return
        principal = prepared.context.principal
        with self.subscriptions.places.take(principal.tenant, principal.token_id):
            events = await self.subscriptions.open(prepared)
            if isinstance(events, ExecutionResult):
                errors = OperationError(self._show_errors(events, prepared), prepared.cost)
                yield self.reject(errors, request_id, ErrorCode.BAD_USER_INPUT)
                return
            if prepared.context.start is not None:
                yield StreamStart(prepared.context.start)
            async with aclosing(events), aclosing(self.subscriptions.follow(prepared, events, request_id)) as results:
                async for result in results:
                    yield result

    async def _shield(self, executed: Coroutine[Any, Any, OperationResult]) -> OperationResult:
        """Waits for a mutation that goes on when the waiting is cancelled."""
        mutation = asyncio.create_task(executed)
        self._mutations.add(mutation)
        mutation.add_done_callback(self._mutations.discard)
        return await asyncio.shield(mutation)

    async def execute(self, prepared: PreparedOperation, request_id: str) -> OperationResult:
        """The result of a query or a mutation, or of one event of a subscription.

        A field that the database does not answer in time is null, with an error whose code is TIMEOUT. The other fields
        keep their values.
        """
        with time_limit(self.config.operation_timeout):
            done = await execute_operation(prepared.execution)
        if isinstance(done, list):
            return self._join_result(done, prepared.cost)
        return self._format_result(done, prepared, request_id)

    def _join_result(self, parts: Sequence[bytes], cost: int) -> OperationResult:
        """The result of a query that is rendered whole, with its members as orjson writes those of other results."""
        end = b'},"extensions":{"cost":{"requested":%d,"limit":%d}}}' % (cost, self.config.cost_limit)
        return OperationResult({}, executed=True, rendered=b"".join((b'{"data":{', *parts, end)))

    def _format_result(self, result: ExecutionResult, prepared: PreparedOperation, request_id: str) -> OperationResult:
        errors = self._show_errors(result, prepared)
        if isinstance(prepared.execution, list):  # the variables are wrong
            return self.reject(OperationError(errors, prepared.cost), request_id, ErrorCode.BAD_USER_INPUT)
        body: dict[str, Any] = {"data": result.data} | self._extensions(prepared.cost)
        if not errors:
            return OperationResult(body, executed=True)
        body["errors"] = [format_error(error, request_id) for error in errors]
        unavailable, limited = is_unavailable(result.data, errors), find_limit(result.data, errors)
        return OperationResult(body, executed=True, unavailable=unavailable, limited=limited)

    def _show_errors(self, result: ExecutionResult, prepared: PreparedOperation) -> list[GraphQLError]:
        """The errors of a result, without names of the schema where introspection is off."""
        errors = result.errors or []
        if not errors or self.documents.introspection:
            return errors
        return [hide_value_error(error, prepared.ast, prepared.request.variables) for error in errors]

    def reject(
        self,
        rejected: OperationError,
        request_id: str,
        code: ErrorCode = ErrorCode.GRAPHQL_VALIDATION_FAILED,
    ) -> OperationResult:
        """The result of an operation that is not executed. `code` is for errors without one."""
        errors = [format_error(error, request_id, code) for error in rejected.errors]
        return OperationResult({"errors": errors} | self._extensions(rejected.cost), executed=False)

    def _extensions(self, cost: int | None) -> dict[str, Any]:
        return {"extensions": {"cost": {"requested": cost, "limit": self.config.cost_limit}}}


@lru_cache(maxsize=1000)
def show_operation(kind: str, name: str) -> str:
    """The kind and the name of an operation for the log, without tokens. A long name is left out."""
    return f"{kind} {hide_tokens(name)}" if 0 < len(name) <= LONGEST_NAME else kind


def _explain_missing_operation(name: str | None) -> str:
    if name is None:
        return "The document has several operations. Choose one with `operationName`."
    return f"The document has no operation named {name!r}. Set `operationName` to the name of one of its operations."


def _too_expensive(cost: int, limit: int) -> GraphQLError:
    message = f"The operation costs {cost:,}; at most {limit:,} is allowed. Ask for smaller pages or fewer fields."
    return limit_error(ErrorCode.COST_LIMIT_EXCEEDED, message, limit)
