"""Subscriptions: their events, each executed once for all followers that ask for the same."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import orjson
from graphql import ExecutionResult

from app.config import Config
from app.graphql.internals.executor import open_events
from app.graphql.server.prepared import OperationResult, PreparedOperation
from app.graphql.server.shared_results import Event, SharedResults, ask_about_events
from app.graphql.server.streams import subscription_places

OPENING = 16
"""The most subscriptions that begin at the same time. Each reads the database."""


Execute: TypeAlias = Callable[[PreparedOperation, str], Awaitable[OperationResult]]
"""Executes an operation for one event. The text is the id of the request."""


class Subscriptions:
    """Opens subscriptions within their limits, and executes their events with `execute`."""

    def __init__(self, config: Config, execute: Execute) -> None:
        self.execute = execute
        self.places = subscription_places(config)
        self._opening = asyncio.Semaphore(OPENING)
        self.shared_results: SharedResults[OperationResult] = SharedResults()

    async def open(self, prepared: PreparedOperation) -> AsyncGenerator[Event, None] | ExecutionResult:
        """The events of a subscription, or the errors that prevent it. None of the bytes that it reads are an answer."""
        with closing(prepared):
            async with self._opening:
                return await open_events(prepared.execution)

    async def follow(
        self, prepared: PreparedOperation, events: AsyncGenerator[Event, None], request_id: str
    ) -> AsyncGenerator[OperationResult, None]:
        """The results of a subscription's events. Followers that ask for the same share the execution of an event."""
        request, principal = prepared.request, prepared.context.principal
        question = ask_about_events(prepared.ast, prepared.operation, request.variables, principal)
        async for event in events:
            await self.shared_results.wait_for_turn()
            execute = partial(self._execute_event, prepared, event, request_id)
            result = await self.shared_results.find(question.about(event), execute)
            database = prepared.context.access.renew().database
            try:
                database.hold(result.size)
                yield result
            finally:
                database.end()

    async def _execute_event(self, prepared: PreparedOperation, event: Event, request_id: str) -> OperationResult:
        with closing(prepared.for_event(event)) as current:
            result = await self.execute(current, request_id)
            return replace(result, rendered=orjson.dumps(result.payload), cursor=event.position)
