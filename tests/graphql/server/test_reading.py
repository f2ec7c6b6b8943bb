"""The thread that reads long documents and large variables."""

import asyncio
import gc
from contextlib import suppress
from functools import partial
from threading import Event

import pytest

from app.graphql.schema.schema import core_schema
from app.graphql.server.documents import READ_AT_ONCE, Documents
from app.graphql.server.reading import ReadingThread
from tests.graphql.conftest import GraphQLApi


async def queue(thread: ReadingThread, *names: str, held: Event) -> tuple[list[str], list["asyncio.Task[None]"]]:
    """Work of owners in this order; the owner is the first letter of the name. The first one runs until `held` is set."""
    done: list[str] = []

    def work(name: str) -> None:
        held.wait(30)
        done.append(name)

    tasks = []
    for name in names:
        tasks.append(asyncio.create_task(thread.run(name[0], partial(work, name))))
        await asyncio.sleep(0)
    return done, tasks


async def test_owners_take_turns_however_much_one_of_them_sends() -> None:
    held = Event()
    done, tasks = await queue(ReadingThread(), "a1", "a2", "a3", "a4", "b1", "c1", "b2", held=held)
    held.set()
    await asyncio.gather(*tasks)
    assert done == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


@pytest.mark.parametrize("cancelled", ["a1", "a2", "b1"])
async def test_work_that_is_cancelled_keeps_no_other_from_its_turn(cancelled: str) -> None:
    held, names = Event(), ["a1", "a2", "b1", "c1"]
    thread = ReadingThread()
    done, tasks = await queue(thread, *names, held=held)
    tasks[names.index(cancelled)].cancel()
    await asyncio.sleep(0)
    held.set()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    assert sorted({*done, "a1"}) == sorted({*names} - {cancelled} | {"a1"})
    assert await thread.run("d", lambda: "next") == "next"


async def test_an_error_of_work_reaches_its_caller_and_frees_the_thread() -> None:
    thread = ReadingThread()
    with pytest.raises(ZeroDivisionError):
        await thread.run("a", lambda: 1 // 0)
    assert await thread.run("b", lambda: "next") == "next"


async def test_large_variables_are_read_as_small_ones(api: GraphQLApi) -> None:
    query = "query($f: ClientFilter) { clients(filter: $f) { totalCount } }"
    assert await api.data(query, f={"name": {"in": ["x"] * 900}}) == {"clients": {"totalCount": 0}}
    mutation = "mutation($r: [CreateClientInput!]!) { createClients(input: $r) { results { client { name } } } }"
    made = await api.data(mutation, r=[{"name": f"Client {number}"} for number in range(300)])
    assert [row["client"]["name"] for row in made["createClients"]["results"]][-1] == "Client 299"
    error = await api.error(mutation, r=[{"name": "x"}] * 299 + [{"name": 5}])
    assert error["message"] == "String cannot represent a non string value: 5"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_long_documents_of_many_callers_are_read_at_the_same_time(api: GraphQLApi) -> None:
    padding = "#" * READ_AT_ONCE
    queries = [f"query Q{number} {{ __typename }} {padding}" for number in range(20)]
    assert await asyncio.gather(*map(api.data, queries)) == [{"__typename": "Query"}] * 20


@pytest.mark.parametrize(
    "end", ["", "}", " zzz", "{" * 300, "name " * 40_000], ids=["valid", "syntax", "name", "deep", "long"]
)
def test_a_document_that_is_not_kept_leaves_no_cycles(end: str) -> None:
    """Otherwise, the tokens of rejected documents fill the memory until a full garbage collection."""
    documents = Documents(core_schema(), introspection=True)
    text = f"{{ {'viewer { scopes } ' * 400}}}{end}"
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            documents._read(text)
        assert gc.collect() < 1000
    finally:
        gc.enable()


async def test_a_rejected_request_leaves_no_document_in_cycles(api: GraphQLApi) -> None:
    conditions = '{name: {eq: "a"}}' * 4000
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            error = await api.error(f"{{ clients(filter: {{or: [{conditions}]}}) {{ totalCount }} }}")
            assert error["extensions"]["code"] == "TOKEN_LIMIT_EXCEEDED"
        assert gc.collect() < 3000
    finally:
        gc.enable()
