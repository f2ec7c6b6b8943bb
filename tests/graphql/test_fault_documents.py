"""The operations that the fault runs take for sound are valid in this schema."""

import pytest
from graphql import parse, validate

from app.graphql.schema.schema import core_schema
from tests.faults.hostile.documents import MUTATIONS, QUERIES
from tests.faults.hostile.graphql import LIST
from tests.faults.promises.races import CHANGE, REMIND


@pytest.mark.parametrize("document", [*MUTATIONS, *QUERIES, LIST, CHANGE, REMIND])
def test_a_sound_document_of_a_fault_run_is_valid(document: str) -> None:
    assert validate(core_schema(), parse(document)) == []
