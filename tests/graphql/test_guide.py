"""The guide for callers: every operation in docs/graphql.md is valid, and every query and mutation runs as it stands."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from app.graphql.schema.schema import core_schema
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

GUIDE = Path(__file__).parents[2] / "docs" / "graphql.md"
BLOCK = re.compile(r"^```(\w+)( variables)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE_ID = "6561a1b2c3d4e5f607182930"
"""The id that stands for a client of the reader."""


@dataclass(frozen=True)
class Operation:
    """A block with an operation. `variables` is the text of the JSON block that follows it, or ''."""

    name: str
    document: DocumentNode
    text: str
    variables: str

    @property
    def kind(self) -> OperationType:
        (operation,) = self.document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        return operation.operation

    def values(self, client_id: str) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.variables.replace(EXAMPLE_ID, client_id) or "{}")
        return values


def read_operations() -> list[Operation]:
    """The operations of the guide, in their order."""
    blocks = [match.groups(default="") for match in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]
    following = [*blocks[1:], ("", "", "")]
    return [
        read_operation(text, after[2] if after[1] else "")
        for (language, _, text), after in zip(blocks, following, strict=True)
        if language == "graphql"
    ]


def read_operation(text: str, variables: str) -> Operation:
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None, text
    return Operation(operation.name.value, document, text, variables)


OPERATIONS = read_operations()
RUN = [operation for operation in OPERATIONS if operation.kind is not OperationType.SUBSCRIPTION]


@pytest.fixture
async def client_id(service: Service) -> str:
    (bare_id,) = await add_records(service, [{"name": "Ljubljana Župan", "metadata": {"level": "gold"}}])
    return bare_id


def test_the_guide_has_operations_of_every_kind_with_names_of_their_own() -> None:
    assert {operation.kind for operation in OPERATIONS} == set(OperationType)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS) >= 10


def test_the_guide_names_every_root_field() -> None:
    schema = core_schema()
    text = GUIDE.read_text(encoding="utf-8")
    fields = [name for kind in OperationType for name in get_root(schema, kind).fields]
    assert len(fields) > 20
    assert [name for name in fields if not re.search(rf"\b{name}\b", text)] == []


def get_root(schema: GraphQLSchema, kind: OperationType) -> GraphQLObjectType:
    root = schema.get_root_type(kind)
    assert root is not None
    return root


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_of_the_guide_is_valid(operation: Operation) -> None:
    assert validate(core_schema(), operation.document) == []


@pytest.mark.parametrize("operation", RUN, ids=lambda operation: operation.name)
async def test_every_query_and_mutation_of_the_guide_runs(
    api: GraphQLApi, client_id: str, operation: Operation
) -> None:
    data = await api.data(operation.text, **operation.values(client_id))
    for value in data.values():
        assert value is not None
        assert not value.get("userErrors")
