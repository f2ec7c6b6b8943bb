"""What may be done with clients: within reach only, one winner per version, and text that stays text."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from app.auth import Access, Principal, Scope
from app.clients import service
from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from app.clients.repository import ChangedRow, ClientRepository
from app.clients.service import (
    add_clients,
    change_client,
    count_clients,
    erase_client,
    get_client,
    get_clients,
    list_clients,
    remove_client,
    restore_client,
    search_clients,
    search_words,
)
from app.errors import Forbidden, Invalid, NotFound, Stale
from app.idempotency import StoredResponse
from app.mail.files import NO_FILES
from app.query import operators
from app.query.cursor import positions
from app.query.model import Compare, Order, Page, Query
from app.query.request import Wanted, complete_orders, count_request
from tests.clients.conftest import SELECTION, Office
from tests.seeding import make_organization, principal, request_of, target_of

NOTHING = object()
"""What a stranger must be told: NotFound, or an answer without the record."""


def answer(_: object) -> StoredResponse:
    return StoredResponse(200, b"")


Case = Callable[[Access, str, str, str], Awaitable[Any]]

CASES: dict[str, Case] = {
    "get_client": lambda access, org, live, gone: get_client(access, live, SELECTION),
    "get_clients": lambda access, org, live, gone: get_clients(access, [live, gone], SELECTION),
    "list_clients": lambda access, org, live, gone: list_clients(
        access, org, request_of(V1, Query(), Page(10), SELECTION, Wanted(total=True))
    ),
    "count_clients": lambda access, org, live, gone: count_clients(access, org, count_request(V1, Query())),
    "search_clients": lambda access, org, live, gone: search_clients(access, org, "Ann", None, SELECTION),
    "add_clients": lambda access, org, live, gone: add_clients(
        access, org, [{"name": "Intruder"}], SELECTION, answer=answer
    ),
    "change_client": lambda access, org, live, gone: change_client(access, live, {"name": "X"}, SELECTION),
    "erase_client": lambda access, org, live, gone: erase_client(access, live, SELECTION, files=NO_FILES),
    "remove_client": lambda access, org, live, gone: remove_client(access, live, SELECTION),
    "restore_client": lambda access, org, live, gone: restore_client(access, gone, SELECTION),
}
NO_RECORDS = {"search_words", "advising"}
"""Functions that name no record and no organization of a caller's choice."""


def public_functions() -> set[str]:
    made = inspect.getmembers(service, inspect.isfunction)
    return {name for name, one in made if one.__module__ == service.__name__ and not name.startswith("_")}


def test_every_function_has_a_case() -> None:
    assert public_functions() == set(CASES) | NO_RECORDS


async def state(office: Office, *ids: str) -> list[Any]:
    return [(await office.row(one), len(await office.changes(one))) for one in ids] + [await office.total()]


@pytest.mark.parametrize("name", sorted(CASES))
async def test_records_of_another_organization_are_none(office: Office, name: str) -> None:
    live, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    stranger = principal(await make_organization(office.database))
    before = await state(office, live, gone)
    try:
        given = await CASES[name](Access(office.database, stranger), office.organization, live, gone)
    except NotFound as refused:
        given, message = NOTHING, refused.message
        none = await refusal(office, stranger, name)
        assert message == none
    assert given is NOTHING or given == {}
    assert await state(office, live, gone) == before


async def refusal(office: Office, stranger: Principal, name: str) -> str:
    """What the stranger is told about records and organizations that do not exist at all."""
    absent = "0" * 24
    with pytest.raises(NotFound) as refused:
        await CASES[name](Access(office.database, stranger), absent, absent, absent)
    return refused.value.message


@pytest.mark.parametrize("name", sorted(CASES))
async def test_records_within_reach_are_served(office: Office, name: str) -> None:
    live, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    both = principal(await make_organization(office.database), office.organization)
    assert await CASES[name](Access(office.database, both), office.organization, live, gone)


@pytest.mark.parametrize("name", sorted(CASES))
async def test_token_that_may_only_read_writes_nothing(office: Office, name: str) -> None:
    live, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    reader, before = principal(office.organization, scope=Scope.READ), await state(office, live, gone)
    if name.startswith(("add", "change", "erase", "remove", "restore")):
        with pytest.raises(Forbidden):
            await CASES[name](Access(office.database, reader), office.organization, live, gone)
    else:
        assert await CASES[name](Access(office.database, reader), office.organization, live, gone)
    assert await state(office, live, gone) == before


REPOSITORY = {
    "get", "get_many", "addressee", "taxpayer", "page", "joined_page", "count", "rank",
    "add", "change", "change_many", "keep_check", "remove", "restore", "erase", "forget_images",
    "former_addresses",
}  # fmt: skip


def test_every_method_of_the_repository_is_asked_below() -> None:
    made = inspect.getmembers(ClientRepository, inspect.isfunction)
    assert {name for name, _ in made if not name.startswith("_")} == REPOSITORY


async def test_repository_touches_only_the_organizations_it_is_given(office: Office) -> None:
    live, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    other, before = await make_organization(office.database), await state(office, live, gone)
    async with office.database.write() as connection:
        repository = ClientRepository(connection)
        assert await repository.get(target_of(other, record=live), SELECTION) is None
        assert await repository.get(target_of(record=live), SELECTION) is None
        assert await repository.addressee(target_of(other, record=live)) is None
        assert await repository.addressee(target_of(office.organization, record=live)) is not None
        assert await repository.taxpayer(target_of(other, record=live)) is None
        foreign = await repository.change_many((other,), "x", [ChangedRow(0, live, {"name": "X"})], SELECTION)
        assert isinstance(foreign[0], NotFound)
        known = await repository.taxpayer(target_of(office.organization, record=live))
        assert known is not None
        assert await repository.get_many([other], [live, gone], SELECTION) == {}
        assert await repository.page(other, request_of(V1, Query(deleted_too=True), Page(9), SELECTION)) == []
        facts = Wanted(rows=True, total=True, beyond=True)
        request = request_of(V1, Query(), Page(9), SELECTION, wanted=facts)
        assert await repository.joined_page(other, request) == (None, 0, "[null]", "[null]", False, False, 0)
        assert await repository.count(other, count_request(V1, Query(deleted_too=True))) == 0
        assert await repository.rank(other, "ann", ["ann"], None, SELECTION) == []
        for refused in (
            repository.change(target_of(other, record=live), {"name": "X"}, SELECTION),
            repository.keep_check(target_of(other, record=live), known, {}, SELECTION),
            repository.remove(target_of(other, record=live), SELECTION),
            repository.restore(target_of(other, record=gone), SELECTION),
            repository.erase(target_of(other, record=live), SELECTION),
            repository.erase(target_of(other, record=gone), SELECTION),
        ):
            with pytest.raises(NotFound):
                await refused
        await repository.forget_images(other, live)
        assert await repository.former_addresses(other, live) == []
    assert await state(office, live, gone) == before


async def test_same_id_in_two_organizations_is_two_records(office: Office) -> None:
    client, other = await office.add(name="Ann"), await make_organization(office.database)
    async with office.database.write() as connection:
        repository = ClientRepository(connection)
        await repository.add([{"id": client, "organization_id": other, "name": "Bob"}], "x", SELECTION)
        await repository.change(target_of(other, record=client), {"name": "Bo"}, SELECTION)
        await repository.remove(target_of(other, record=client), SELECTION)
        await repository.erase(target_of(other, record=client), SELECTION)
        await repository.forget_images(other, client)
    assert (await office.row(client))["name"] == "Ann"
    mine = [change for change in await office.changes(client) if change["organization_id"] == office.organization]
    assert [change["after"]["name"] for change in mine] == ["Ann"]
    assert await office.total() == 1


async def test_erasing_reaches_no_record_of_another_organization(office: Office) -> None:
    live, gone = await office.add(), await office.add()
    await remove_client(office.access, gone, SELECTION)
    stranger, before = principal(await make_organization(office.database)), await state(office, live, gone)
    reader = principal(office.organization, scope=Scope.READ)
    for client in (live, gone, "x"):
        with pytest.raises(NotFound):
            await erase_client(Access(office.database, stranger), client, SELECTION, files=NO_FILES)
        with pytest.raises(Forbidden):
            await erase_client(Access(office.database, reader), client, SELECTION, files=NO_FILES)
    assert await state(office, live, gone) == before


@pytest.mark.parametrize(
    "client", ["", "x", "0" * 23, "0" * 25, "A" * 24, "1; DROP TABLE clients", "\x00" * 24, "\ud800"]
)
async def test_id_of_another_form_is_the_id_of_nothing(office: Office, client: str) -> None:
    for name in ("get_client", "change_client", "remove_client", "restore_client"):
        with pytest.raises(NotFound):
            await CASES[name](office.access, office.organization, client, client)


async def test_deleted_record_is_none_until_it_is_restored(office: Office) -> None:
    client = await office.add()
    where = (office.access, client)
    await remove_client(*where, SELECTION)
    for again in (get_client(*where, SELECTION), change_client(*where, {"name": "B"}, SELECTION)):
        with pytest.raises(NotFound):
            await again
    assert client in await get_clients(office.access, [client], SELECTION)
    assert await office.search("ann") == []
    await restore_client(*where, SELECTION)
    assert orjson.loads((await get_client(*where, SELECTION)).json)["deleted_at"] is None


async def test_one_of_twenty_writers_wins_each_round(busy_office: Office) -> None:
    office = busy_office
    client = await office.add(name="0")

    async def write(version: int, name: str) -> str | None:
        try:
            await change_client(office.access, client, {"name": name}, SELECTION, expected=version)
        except Stale:
            return None
        return name

    for version in range(1, 6):
        names = await asyncio.gather(*(write(version, f"{version}-{index}") for index in range(20)))
        (winner,) = [name for name in names if name is not None]
        row = await office.row(client)
        assert (row["version"], row["name"]) == (version + 1, winner)
    assert len(await office.changes(client)) == 6


async def test_one_of_many_deleters_and_restorers_wins(busy_office: Office) -> None:
    office = busy_office
    client = await office.add()
    for write in (remove_client, restore_client) * 2:
        done = await asyncio.gather(
            *(write(office.access, client, SELECTION) for _ in range(12)), return_exceptions=True
        )
        assert sum(isinstance(one, NotFound) for one in done) == 11
    assert await office.total() == 1
    assert (await office.row(client))["version"] == 5


async def test_metadata_is_merged_by_key(office: Office) -> None:
    client = await office.add(metadata={"kept": "1", "changed": "1", "gone": "1"})

    async def write(metadata: dict[str, Any] | None) -> Any:
        values = {"metadata": metadata}
        await change_client(office.access, client, values, SELECTION)
        return (await office.row(client))["metadata"]

    merged = await write({"changed": "2", "gone": None, "new": "'; --", "never": None})
    assert merged == {"kept": "1", "changed": "2", "new": "'; --"}
    assert await write({}) == merged
    assert await write(None) == {}
    assert await write({"only": "x"}) == {"only": "x"}


async def test_metadata_never_grows_over_fifty_keys(office: Office) -> None:
    client = await office.add(metadata={str(index): "x" for index in range(49)})
    where = (office.access, client)
    await change_client(*where, {"metadata": {"49": "x"}}, SELECTION)
    with pytest.raises(Invalid):
        await change_client(*where, {"metadata": {"50": "x"}}, SELECTION)
    await change_client(*where, {"metadata": {"0": None, "50": "x"}}, SELECTION)
    assert len((await office.row(client))["metadata"]) == 50


async def test_merges_of_writers_at_once_lose_no_key(busy_office: Office) -> None:
    office = busy_office
    client = await office.add()
    await asyncio.gather(
        *(change_client(office.access, client, {"metadata": {str(key): "x"}}, SELECTION) for key in range(40))
    )
    assert len((await office.row(client))["metadata"]) == 40


HOSTILE = [
    "'; DROP TABLE clients; --", "$1", ":name", "%(name)s", "%s", "{}", "\\", "\\'", '"', "`", "NULL", "null", "/*", "--",
    "E'\\x41'", "\u2028", "\x01", "\x7f", "\ufeff", "😀", "a\u0301", "<script>", " ", "\t\r\n", "0x00", "::text", "?", "@>",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_text_that_looks_like_sql_is_text(office: Office, text: str) -> None:
    texts = {"name": text, "email": text, "note": text}
    first = await office.add(**texts, custom={text: text}, metadata={text: text}, unit_ids=[text])
    second = await office.add(name="plain")
    await change_client(office.access, second, {**texts, "custom": {text: [text]}, "data": [{"name": text}]}, SELECTION)
    for client in (first, second):
        record = orjson.loads((await get_client(office.access, client, SELECTION)).json)
        assert record.items() >= texts.items()
    assert record["custom"] == {text: [text]}
    query = Query(Compare("custom", operators.EQ, text, (text,)))
    assert await count_clients(office.access, office.organization, count_request(V1, query)) == 1
    query = Query(Compare("name", operators.CONTAINS, text, ignore_case=True))
    assert await count_clients(office.access, office.organization, count_request(CUSTOMER, query)) == 2


async def walk(office: Office, query: Query, page: Page) -> tuple[list[str], bool, bool, list[Any]]:
    listing = await list_clients(
        office.access, office.organization, request_of(GRAPHQL_CLIENT, query, page, SELECTION, Wanted(beyond=True))
    )
    orders = complete_orders(query.orders)
    places = [positions(GRAPHQL_CLIENT, orders, orjson.loads(keys or "")) for _, keys in listing.rows]
    names = [orjson.loads(json)["name"] for json, _ in listing.rows]
    return names, listing.has_previous, listing.has_next, places


async def test_page_knows_what_lies_on_both_sides(office: Office) -> None:
    await office.add_all(*({"name": name} for name in "abcde"))
    query = Query(orders=(Order("name"),))
    names, previous, following, places = await walk(office, query, Page(5))
    assert (names, previous, following) == (list("abcde"), False, False)
    expected: list[tuple[Page, str, bool, bool]] = [
        (Page(2), "ab", False, True),
        (Page(2, after=places[1]), "cd", True, True),
        (Page(2, after=places[3]), "e", True, False),
        (Page(2, after=places[4]), "", True, False),
        (Page(2, backward=True), "de", True, False),
        (Page(2, before=places[3], backward=True), "bc", True, True),
        (Page(2, before=places[1], backward=True), "a", False, True),
        (Page(2, before=places[0], backward=True), "", False, True),
        (Page(9, after=places[0], before=places[4]), "bcd", True, True),
        (Page(0), "", False, True),
        (Page(2, skip=4), "e", False, False),
    ]
    for page, shown, before, behind in expected:
        names, previous, following, _ = await walk(office, query, page)
        assert ("".join(names), previous, following) == (shown, before, behind), page


async def test_position_of_a_record_that_is_gone_has_none_before_it(office: Office) -> None:
    made = await office.add_all(*({"name": name} for name in "ab"))
    query = Query(orders=(Order("name"),))
    *_, places = await walk(office, query, Page(5))
    await remove_client(office.access, made[0], SELECTION)
    assert (await walk(office, query, Page(5, after=places[0])))[:3] == (["b"], False, False)


def test_search_words_are_the_first_twenty_different_ones() -> None:
    assert search_words("  a b\ta\n c ") == ("a", "b", "c")
    assert search_words(" ") == ()
    assert search_words(" ".join(map(str, range(30)))) == tuple(map(str, range(20)))
