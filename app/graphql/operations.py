"""Operations: the one way from a request to an answer, whatever it came by; a transport only reads and writes messages."""

from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType, execute

from app.auth import Principal
from app.config import Config
from app.graphql.context import Context
from app.graphql.documents import Documents
from app.graphql.failures import CODES, Refused, Rejected, show_error
from app.graphql.rendered import RenderingExecutor
from app.graphql.requests import Asked
from app.graphql.schema import core_schema
from app.mail.worker import OutboxWorker
from app.storage.database import Database


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed: its document is valid and within the limits."""

    ast: DocumentNode
    operation: OperationDefinitionNode
    asked: Asked
    context: Context

    @property
    def kind(self) -> OperationType:
        return self.operation.operation


@dataclass(frozen=True, slots=True)
class Answer:
    """The members of an answer, ready for orjson; `executed` is false when there is no data because nothing ran."""

    body: dict[str, Any]
    executed: bool


class Operations:
    """The schema with its kept documents, and everything that an operation needs."""

    def __init__(self, database: Database, outbox: OutboxWorker, config: Config) -> None:
        self.database, self.outbox, self.config = database, outbox, config
        self.schema = core_schema()
        self.documents = Documents(self.schema, introspection=config.introspection)

    def prepare(self, asked: Asked, principal: Principal) -> Prepared:
        """The operation that is asked for. Raises Rejected for a document that is not valid or over a limit, and
        Refused (400) when `operationName` chooses no operation of it."""
        document = self.documents.find(asked.query)
        if document.errors or document.ast is None:
            raise Rejected(document.errors)
        operation = document.operation(asked.operation_name)
        if operation is None:
            what = f"no operation named {asked.operation_name!r}" if asked.operation_name else "no single operation"
            raise Refused(400, f"The document has {what}; operationName says which to run", "BAD_REQUEST")
        context = Context(self.database, principal, document.plans, self.outbox)
        return Prepared(document.ast, operation, asked, context)

    async def execute(self, prepared: Prepared, request_id: str) -> Answer:
        """The answer to a query or a mutation."""
        result = execute(
            self.schema,
            prepared.ast,
            context_value=prepared.context,
            variable_values=prepared.asked.variables,
            operation_name=prepared.asked.operation_name,
            executor_class=RenderingExecutor,
            hide_suggestions=self.documents.hide_suggestions,
        )
        return self.show(result if isinstance(result, ExecutionResult) else await result, request_id)

    def show(self, result: ExecutionResult, request_id: str) -> Answer:
        """An execution's result, or one event's of a subscription, as it is answered."""
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return self.reject(result.errors, request_id)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [show_error(error, request_id) for error in result.errors]
        return Answer(body, executed=True)

    def reject(self, errors: list[GraphQLError], request_id: str) -> Answer:
        """The answer to an operation that is not executed."""
        shown = [show_error(error, request_id, CODES["request"]) for error in errors]
        return Answer({"errors": shown}, executed=False)
