"""No caller learns about the records of another tenant, or changes one, by any operation of any API."""

from collections.abc import AsyncIterator

import pytest
from graphql import parse, validate

from tests.conftest import cloned
from tests.tenancy.graphql import SCHEMA, all_fields, documents, graphql_probes, selected_fields
from tests.tenancy.rest import HEADERS, read_header_names, rest_probes
from tests.tenancy.walk import sample, walk
from tests.tenancy.world import World, make_world

FEW = ("misspelt token", "account of another tenant", "owner's account in the sandbox")
"""The callers of these tests, which send a part of the probes. `tests.faults.tenancy` has all of both."""


@pytest.fixture(scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with cloned(server_url, template) as url, make_world(url, tmp_path_factory.mktemp("data")) as world:
        yield world


def test_every_header_that_a_rest_api_reads_is_probed() -> None:
    assert read_header_names() <= HEADERS.keys()


def test_every_field_of_the_schema_is_selected() -> None:
    assert all_fields() == selected_fields()


def test_every_document_is_valid() -> None:
    assert [error.message for document in documents() for error in validate(SCHEMA, parse(document))] == []


async def test_a_foreign_record_is_answered_as_an_absent_one_on_rest(world: World) -> None:
    report = await walk(world, sample(rest_probes(), 4), FEW)
    assert report.findings == [], "\n".join(report.findings)


async def test_a_foreign_record_is_answered_as_an_absent_one_on_graphql(world: World) -> None:
    report = await walk(world, sample(graphql_probes(), 4), FEW)
    assert report.findings == [], "\n".join(report.findings)
