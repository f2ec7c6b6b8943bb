"""Checking: whether every document of a file could be answered, before a front end relies on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLError

from app.graphql.schema.schema import core_schema
from app.graphql.server.costs import VariableCosts
from app.graphql.server.documents import Document, Documents
from app.graphql.server.trusted import Trusted


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one document, and where in its text if that is known."""

    document_id: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = "" if self.line is None else f" (line {self.line}, column {self.column})"
        return f"{self.document_id}: {self.message}{place}"


def check_documents(trusted: Trusted, cost_limit: int) -> list[Problem]:
    """Every problem of every document, in the order of the file. Costs are those without variables: a page whose size is
    a variable counts with that variable's default, or as a page of no given size."""
    documents = Documents(core_schema(), introspection=True)
    return [
        one
        for document_id, text in trusted.by_id.items()
        for one in _check(document_id, documents.find(text), cost_limit)
    ]


def _check(document_id: str, document: Document, cost_limit: int) -> Iterator[Problem]:
    for error in document.errors:
        yield _problem(document_id, error)
    for operation in document.operations() if document.ast is not None else ():
        cost = VariableCosts(operation, {}).cost(document.cost(operation))
        if cost > cost_limit:
            named = operation.name.value if operation.name else "the operation"
            yield Problem(document_id, f"{named} costs {cost}, and {cost_limit} is allowed")


def _problem(document_id: str, error: GraphQLError) -> Problem:
    line, column = error.locations[0] if error.locations else (None, None)
    return Problem(document_id, error.message, line, column)
