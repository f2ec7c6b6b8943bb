"""Requests, the operations that they choose, and the results of these."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import DocumentNode, OperationDefinitionNode

from app.errors import TooMany
from app.graphql.execution.context import Context
from app.graphql.internals.operations import Built


@dataclass(slots=True)
class GraphQLRequest:
    """A well-formed GraphQL request. It has the text of a document, the id of a trusted document, or a text with its own
    SHA-256 as the id. `last_event_id` is the cursor of the last event, if an event stream is opened again."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: dict[str, Any]
    last_event_id: str | None = None


@dataclass(slots=True)
class PreparedOperation:
    """An operation that may be executed: its document is valid, and its cost is within the limit."""

    ast: DocumentNode
    operation: OperationDefinitionNode
    request: GraphQLRequest
    context: Context
    cost: int
    execution: Built

    def for_event(self, event: object) -> "PreparedOperation":
        """The same operation for an event of its subscription. It reads every record again."""
        assert not isinstance(self.execution, list)  # noqa: S101 - narrows the type
        context = replace(self.context, access=self.context.access.renew(), loaders={})
        execution = self.execution.for_event(event, context, context.access.database.show)
        return replace(self, context=context, execution=execution)

    def close(self) -> None:
        """Says that the result was sent."""
        self.context.access.database.end()


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The beginning of a subscription. Its events follow the cursor."""

    cursor: str


@dataclass(slots=True)
class OperationResult:
    """A result: its members in `body`, ready for orjson, or its JSON in `rendered`.

    `executed` is false if nothing was executed, so that there is no data.
    `unavailable` is true if no field has a value because the operation timed out or had no database. `limited` is the
    limit because of which no field has a value. The result of an event has its `cursor`."""

    body: dict[str, Any]
    executed: bool
    unavailable: bool = False
    limited: TooMany | None = None
    rendered: bytes | None = None
    cursor: str | None = None

    @property
    def payload(self) -> dict[str, Any] | orjson.Fragment:
        """The body for orjson."""
        return self.body if self.rendered is None else orjson.Fragment(self.rendered)

    @property
    def size(self) -> int:
        """The number of bytes that are rendered."""
        return len(self.rendered or b"")
