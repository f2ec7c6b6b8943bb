"""Checks every document of a file against the schema and the limits, before a front end relies on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLError

from app.graphql.schema.schema import core_schema
from app.graphql.server.documents import Document, Documents
from app.graphql.server.trusted import TrustedDocuments


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one document, with its line and column if they are known."""

    document_id: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = "" if self.line is None else f" (line {self.line}, column {self.column})"
        return f"{self.document_id}: {self.message}{position}"


def check_documents(trusted: TrustedDocuments, cost_limit: int) -> list[Problem]:
    """Every problem of every document, in the order of the file.

    Costs are computed without values of variables: a page size that is a variable counts with the variable's default, or
    with the default page size.
    """
    documents = Documents(core_schema(), introspection=True)
    return [
        problem
        for document_id, text in trusted.by_id.items()
        for problem in _check_document(document_id, documents.find(text), cost_limit)
    ]


def _check_document(document_id: str, document: Document, cost_limit: int) -> Iterator[Problem]:
    for error in document.errors:
        yield _to_problem(document_id, error)
    for operation in document.operations() if document.ast is not None else ():
        cost = document.cost(operation, {})
        if cost > cost_limit:
            name = operation.name.value if operation.name else "The operation"
            yield Problem(document_id, f"{name} costs {cost:,}; at most {cost_limit:,} is allowed.")


def _to_problem(document_id: str, error: GraphQLError) -> Problem:
    line, column = error.locations[0] if error.locations else (None, None)
    return Problem(document_id, error.message, line, column)
