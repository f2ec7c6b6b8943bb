"""An executor that counts the rendered values, over the rows of random documents."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute,
    parse,
    validate,
)
from sqlalchemy import ClauseElement

from app.auth import Access, Caller
from app.errors import DomainError
from app.graphql.execution.context import Context
from app.graphql.internals.executor import RenderingExecutor
from app.graphql.internals.operations import Built, Rendered, build_execution, read_definitions
from app.graphql.schema.schema import core_schema
from app.mail.files import FileMailer
from app.mail.worker import OutboxWorker
from app.storage.connection import Connection, compile_statement
from tests.conftest import Service
from tests.graphql.random_rows import make_rows

ROWS = r"FROM (clients|client_changes|outbox|client_totals)\b"
"""What a statement contains that reads records, changes or reminders, but not access."""
COUNTED: ContextVar[bool] = ContextVar("counted", default=False)
"""True in a test that counts its statements. The background tasks of the service began before it was set."""


@contextmanager
def counting_statements(patch: pytest.MonkeyPatch, pattern: str = ROWS) -> Iterator[list[str]]:
    """The statements of this test inside the block that contain the pattern."""
    statements: list[str] = []
    execute_statement = Connection.execute

    async def note(connection: Connection, statement: ClauseElement, *arguments: Any) -> Any:
        if COUNTED.get() and re.search(pattern, compile_statement(statement, None)[0]):
            statements.append(compile_statement(statement, None)[0])
        return await execute_statement(connection, statement, *arguments)

    token = COUNTED.set(True)
    with patch.context() as patched:
        patched.setattr(Connection, "execute", note)
        yield statements
    COUNTED.reset(token)


class CountingExecutor(RenderingExecutor):
    """The service's executor. It counts the rendered values that it takes."""

    rendered = 0

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        CountingExecutor.rendered += isinstance(result, Rendered)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


@dataclass
class Executor:
    """Executes documents, each with its own context."""

    service: Service = field(repr=False)
    variables: dict[str, Any]
    documents: dict[str, DocumentNode] = field(default_factory=dict, repr=False)

    async def run(self, source: str) -> tuple[str, int]:
        """The JSON of the data of a result without errors, and the number of rendered values."""
        result, rendered = await self.execute(source)
        assert not result.errors, (source, result.errors)
        return _show_data(result), rendered

    async def answer(self, source: str) -> tuple[str, list[Any], int]:
        """The JSON of the data, the expected errors in the order of their paths, and the number of rendered values."""
        result, rendered = await self.execute(source)
        errors = result.errors or []
        assert all(map(_is_expected, errors)), (source, errors)
        data = _show_data(result)
        shown = sorted((_show_error(error, json.loads(data)) for error in errors), key=str)
        return data, shown, rendered

    async def build(self, source: str, plans: dict[Any, Any]) -> Built:
        """The executor of a document, whose plans are kept."""
        self.documents.setdefault(source, parse(source))
        document = self.documents[source]
        (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        return build_execution(
            core_schema(),
            read_definitions(document),
            operation,
            context=await self.make_context(plans),
            variables=self.variables,
            hide_suggestions=False,
        )

    async def make_context(self, plans: dict[Any, Any]) -> Context:
        principal = await Caller((self.service.token,), self.service.database).principal()
        outbox = OutboxWorker(self.service.database, FileMailer(self.service.config.data_dir), "office@example.com")
        return Context(Access(self.service.database, principal), plans, outbox, None, None, None)  # type: ignore[arg-type]

    async def execute(self, source: str) -> tuple[ExecutionResult, int]:
        document = parse(source)
        assert validate(core_schema(), document) == [], source
        context = await self.make_context({})
        CountingExecutor.rendered = 0
        done = execute(
            core_schema(),
            document,
            context_value=context,
            variable_values=self.variables,
            executor_class=CountingExecutor,
        )
        result = done if isinstance(done, ExecutionResult) else await done
        return result, CountingExecutor.rendered


def _show_data(result: ExecutionResult) -> str:
    """The data as JSON with its members in order."""
    return json.dumps(json.loads(orjson.dumps(result.data)), ensure_ascii=False)


def _show_error(error: GraphQLError, data: Any) -> dict[str, Any]:
    """The error. Its path has no indexes below the field that it makes null: of several errors there, any one is shown."""
    path = list(error.path or ())
    depth = 0
    while depth < len(path) and data is not None:
        data, depth = data[path[depth]], depth + 1
    return {**error.formatted, "path": path[:depth] + [step for step in path[depth:] if isinstance(step, str)]}


def _is_expected(error: GraphQLError) -> bool:
    """True for an error that the caller can understand."""
    return isinstance(error.original_error, DomainError)


@pytest.fixture
async def executor(service: Service) -> Executor:
    return Executor(service, await make_rows(service))
