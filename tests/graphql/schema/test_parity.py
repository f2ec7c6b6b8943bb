"""Mutations of both faces: each succeeds, fails with codes and paths, is done once for its key, and shows both faces."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Scope
from app.graphql.schema.schema import core_schema
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

ERRORS = "userErrors { field code message }"


@dataclass(frozen=True)
class Side:
    """One face: the names of its mutations, the document of its keys, and the member of an input for it."""

    name: str
    document: str

    @property
    def plural(self) -> str:
        return f"{self.name}s"

    def keyed(self, value: Any) -> dict[str, Any]:
        return {self.document: {"erp": value}}


SIDES = [Side("Client", "custom"), Side("Customer", "metadata")]
side_of = pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)


def bulk(verb: str, side: Side, shown: str = "client { name version } customer { name version }") -> str:
    created = "created" if verb == "upsert" else ""
    return f"""mutation($input: [{_input(verb, side)}!]!, $policy: ErrorPolicy! = REJECT_ALL, $dry: Boolean! = false, $key: String,
      $of: ID) {{ m: {verb}{side.plural}(input: $input, errorPolicy: $policy, validateOnly: $dry, idempotencyKey: $key,
      organizationId: $of) {{ results {{ index {created} {shown} {ERRORS} }} {ERRORS} }} }}"""


def _input(verb: str, side: Side) -> str:
    return {
        "create": f"Create{side.name}Input",
        "update": f"Update{side.plural}Input",
        "upsert": f"Upsert{side.plural}Input",
    }[verb]


def errors(payload: Mapping[str, Any]) -> list[tuple[list[str] | None, str]]:
    return [(error["field"], error["code"]) for error in payload["userErrors"]]


async def counts(service: Service) -> list[int]:
    async with service.database.read() as connection:
        tables = ("clients", "client_changes", "client_keys", "client_key_values")
        return [int(await connection.scalar(text(f"SELECT count(*) FROM {table}"))) for table in tables]


@dataclass
class Keyed:
    """A record whose key `erp` is `A-1`, and a deleted one."""

    id: str
    deleted: str


@pytest.fixture
async def keyed(api: GraphQLApi, service: Service) -> Keyed:
    first, second = await add_records(service, [{"name": "Ana", "email": "ana@a.example"}, {"name": "Gone"}])
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { userErrors { code } } }", id=second)
    return Keyed(first, second)


SINGLE: Mapping[str, str] = {
    "update": 'update{0}(id: $id, input: {{name: "Bea"}}, expectedVersion: $version, idempotencyKey: $key)',
    "delete": "delete{0}(id: $id, expectedVersion: $version, idempotencyKey: $key)",
    "restore": "restore{0}(id: $id, expectedVersion: $version, idempotencyKey: $key)",
    "erase": "permanentlyDelete{0}(id: $id, expectedVersion: $version, idempotencyKey: $key)",
}


def single(name: str, side: Side) -> str:
    call = SINGLE[name].format(side.name)
    shown = "client { name version } customer { name version }"
    return f"mutation($id: ID!, $version: Int, $key: String) {{ m: {call} {{ {shown} {ERRORS} }} }}"


@side_of
@pytest.mark.parametrize("name", SINGLE)
async def test_a_write_of_one_record_is_done_once_for_its_key(
    api: GraphQLApi, service: Service, keyed: Keyed, side: Side, name: str
) -> None:
    record, version = (keyed.deleted, 2) if name == "restore" else (keyed.id, 1)
    document = single(name, side)
    stale = (await api.data(document, id=record, version=9))["m"]
    assert errors(stale) == [(["expectedVersion"], "STALE_VERSION")]
    first = (await api.data(document, id=record, version=version, key="k"))["m"]
    assert errors(first) == []
    assert first["client"] == first["customer"] != None  # noqa: E711
    before = await counts(service)
    again = (await api.data(document, id=record, version=version, key="k"))["m"]
    if name == "erase":
        first["client"] = first["customer"] = None
    assert again == first
    assert await counts(service) == before
    other = (await api.data(document, id=record, version=7, key="k"))["m"]
    assert errors(other) == [(["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")]


@side_of
@pytest.mark.parametrize("name", SINGLE)
async def test_a_write_of_one_record_needs_scope_and_access(
    service: Service, keyed: Keyed, side: Side, name: str
) -> None:
    record = keyed.deleted if name == "restore" else keyed.id
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    before = await counts(service)
    for token, expected in ((reader, (None, "READ_ONLY_TOKEN")), (stranger, (["id"], "NOT_FOUND"))):
        async with service.client(token) as http:
            payload = (await GraphQLApi(service, http).data(single(name, side), id=record, key="k"))["m"]
            assert errors(payload) == [expected]
            absent = (await GraphQLApi(service, http).data(single(name, side), id="5eed" * 6, key="l"))["m"]
            assert absent == payload
    assert await counts(service) == before


@side_of
async def test_many_records_are_changed_with_a_result_for_each(api: GraphQLApi, service: Service, side: Side) -> None:
    ids = await add_records(service, [{"name": f"N{n}"} for n in range(3)])
    rows: list[dict[str, Any]] = [
        {"id": ids[0], "name": "A"},
        {"id": ids[1], "name": "B", "expectedVersion": 4},
        {"id": "5eed" * 6, "name": "C"},
        {"id": ids[2], "name": ""},
        {"id": ids[0], "name": "D"},
        {"id": ids[2], "city": "Bled"},
    ]
    expected = [
        (["input", "1", "expectedVersion"], "STALE_VERSION"),
        (["input", "2", "id"], "NOT_FOUND"),
        (["input", "3", "name"], "BLANK"),
        (["input", "4", "id"], "REPEATED"),
    ]
    rows = [row for index, row in enumerate(rows) if index != 5]
    before = await counts(service)
    payload = (await api.data(bulk("update", side), input=rows))["m"]
    assert errors(payload) == expected[2:], "invalid input is found before anything is written"
    payload = (await api.data(bulk("update", side), input=rows, dry=True))["m"]
    assert errors(payload) == expected
    assert not any(row["client"] or row["customer"] for row in payload["results"])
    assert await counts(service) == before
    payload = (await api.data(bulk("update", side), input=rows, policy="REJECT_FAILED", key="k"))["m"]
    assert errors(payload) == expected
    assert [row["client"] for row in payload["results"]] == [{"name": "A", "version": 2}, None, None, None, None]
    assert [row["customer"] for row in payload["results"]] == [row["client"] for row in payload["results"]]
    after = await counts(service)
    assert (await api.data(bulk("update", side), input=rows, policy="REJECT_FAILED", key="k"))["m"] == payload
    assert await counts(service) == after
    payload = (await api.data(bulk("update", side), input=rows[:1], policy="REJECT_FAILED", key="k"))["m"]
    assert (payload["results"], errors(payload)) == ([], [(["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")])


@side_of
async def test_an_upsert_creates_and_changes_by_a_key(api: GraphQLApi, service: Service, side: Side) -> None:
    document = f"""mutation($key: ExternalKeyInput!, $input: Upsert{side.name}Input!, $version: Int, $once: String) {{
      m: upsert{side.name}(key: $key, input: $input, expectedVersion: $version, idempotencyKey: $once) {{
        created client {{ name city version custom }} customer {{ metadata }} clientEdge {{ cursor node {{ name }} }}
        {ERRORS} }} }}"""
    key = {"name": "erp", "value": "A-1"}
    nameless = (await api.data(document, key=key, input={"city": "Bled"}))["m"]
    assert errors(nameless) == [(["input", "name"], "BLANK")]
    made = (await api.data(document, key=key, input={"name": "Ana"}, once="k"))["m"]
    assert (made["created"], made["client"]["name"], made["client"]["version"]) == (True, "Ana", 1)
    assert made["clientEdge"]["node"] == {"name": "Ana"}
    held = made["client"]["custom"] if side.document == "custom" else made["customer"]["metadata"]
    assert held == {"erp": "A-1"}
    assert (await api.data(document, key=key, input={"name": "Ana"}, once="k"))["m"] == made
    changed = (await api.data(document, key=key, input={"city": "Bled"}, version=1))["m"]
    assert (changed["created"], changed["client"]["name"], changed["client"]["city"]) == (False, "Ana", "Bled")
    stale = (await api.data(document, key=key, input={"city": "Ptuj"}, version=1))["m"]
    assert errors(stale) == [(["expectedVersion"], "STALE_VERSION")]
    blank = (await api.data(document, key={"name": "", "value": "v" * 251}, input={}))["m"]
    assert errors(blank) == [(["key", "name"], "BLANK"), (["key", "value"], "TOO_LONG")]
    other = (await api.data(document, key=key, input=side.keyed("A-2")))["m"]
    assert errors(other) == [(["input", side.document, "erp"], "INVALID")]
    assert await counts(service) == [1, 2, 1, 1]


@side_of
async def test_many_records_are_upserted_with_a_result_for_each(api: GraphQLApi, service: Service, side: Side) -> None:
    def row(value: str, **fields: Any) -> dict[str, Any]:
        return {"key": {"name": "erp", "value": value}, **fields}

    document = bulk("upsert", side)
    rows = [row("1", name="A"), row("2", name="B")]
    dry = (await api.data(document, input=rows, dry=True))["m"]
    assert (errors(dry), await counts(service)) == ([], [0, 0, 0, 0])
    made = (await api.data(document, input=rows, key="k"))["m"]
    assert [(each["created"], each["client"]["name"]) for each in made["results"]] == [(True, "A"), (True, "B")]
    assert (await api.data(document, input=rows, key="k"))["m"] == made
    rows = [row("1", city="Bled"), row("3", name="C"), row("4"), row("2", expectedVersion=5), row("1", name="X")]
    expected = [
        (["input", "2", "name"], "BLANK"),
        (["input", "3", "expectedVersion"], "STALE_VERSION"),
        (["input", "4", "key"], "REPEATED"),
    ]
    rejected = (await api.data(document, input=rows[:4]))["m"]
    assert errors(rejected) == expected[:2]
    assert (await counts(service))[0] == 2
    mixed = (await api.data(document, input=rows, policy="REJECT_FAILED"))["m"]
    assert errors(mixed) == expected
    assert [(each["created"], each["client"] and each["client"]["name"]) for each in mixed["results"]] == [
        (False, "A"),
        (True, "C"),
        (False, None),
        (False, None),
        (False, None),
    ]


@side_of
async def test_a_value_of_a_key_is_taken_in_every_mutation(api: GraphQLApi, service: Service, side: Side) -> None:
    upserts = [{"key": {"name": "erp", "value": value}, "name": value} for value in ("1", "2", "3")]
    made = (await api.data(bulk("upsert", side, "client { clientId }"), input=upserts))["m"]
    ids = [row["client"]["clientId"] for row in made["results"]]
    taken = (["input", side.document, "erp"], "TAKEN")
    create = f"mutation($input: Create{side.name}Input!) {{ m: create{side.name}(input: $input) {{ {ERRORS} }} }}"
    payload = (await api.data(create, input={"name": "N", **side.keyed("1")}))["m"]
    assert errors(payload) == [taken]
    assert ids[0] in payload["userErrors"][0]["message"]
    update = f"mutation($id: ID!, $input: Update{side.name}Input!) {{ m: update{side.name}(id: $id, input: $input)"
    update += f" {{ {ERRORS} }} }}"
    assert errors((await api.data(update, id=ids[1], input=side.keyed("1")))["m"]) == [taken]
    rows = [{"name": "N", **side.keyed(value)} for value in ("1", "4", "4", "5")]
    payload = (await api.data(bulk("create", side), input=rows, policy="REJECT_FAILED"))["m"]
    at = [(["input", index, side.document, "erp"], "TAKEN") for index in ("0", "2")]
    assert errors(payload) == at
    assert [bool(row["client"]) for row in payload["results"]] == [False, True, False, True]
    swap = [{"id": ids[n], **side.keyed(f"{(n + 1) % 3 + 1}")} for n in range(3)]
    assert errors((await api.data(bulk("update", side), input=swap))["m"]) == []
    rows = [{"id": ids[0], **side.keyed("9")}, {"id": ids[1], **side.keyed("4")}]
    payload = (await api.data(bulk("update", side), input=rows))["m"]
    assert errors(payload) == [(["input", "1", side.document, "erp"], "TAKEN")]
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { userErrors { code } } }", id=ids[0])
    assert errors((await api.data(create, input={"name": "N", **side.keyed("2")}))["m"]) == []
    restore = f"mutation($id: ID!) {{ m: restore{side.name}(id: $id) {{ {ERRORS} }} }}"
    assert errors((await api.data(restore, id=ids[0]))["m"])[0][1] == "TAKEN"


async def test_twenty_upserts_of_one_key_make_one_record(service: Service, api: GraphQLApi) -> None:
    document = """mutation($city: String!) { upsertClient(key: {name: "erp", value: "1"}, input: {name: "A", city: $city}) {
      created client { clientId } userErrors { code } } }"""
    answers = await asyncio.gather(*(api.post(document, {"city": f"{n}"}) for n in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    payloads = [answer.json()["data"]["upsertClient"] for answer in answers]
    assert [payload["userErrors"] for payload in payloads] == [[]] * 20
    assert len({payload["client"]["clientId"] for payload in payloads}) == 1
    assert sum(payload["created"] for payload in payloads) == 1


async def test_registering_a_key_over_equal_values_names_the_records(api: GraphQLApi, service: Service) -> None:
    ids = await add_records(service, [{"name": "A", "custom": {"erp": 1}}, {"name": "B", "custom": {"erp": "1"}}])
    document = """mutation { upsertClient(key: {name: "erp", value: "2"}, input: {name: "C"}) {
      userErrors { field code message } } }"""
    payload = (await api.data(document))["upsertClient"]
    assert errors(payload) == [(["key"], "CONFLICT")]
    assert all(each in payload["userErrors"][0]["message"] for each in ids)
    assert await counts(service) == [2, 2, 0, 0]


@side_of
@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
async def test_bulk_mutations_need_scope_access_and_at_most_a_thousand_rows(
    service: Service, side: Side, verb: str
) -> None:
    row = {
        "create": {"name": "A"},
        "update": {"id": "5eed" * 6},
        "upsert": {"key": {"name": "erp", "value": "1"}, "name": "A"},
    }[verb]
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    for token, expected in ((reader, (None, "READ_ONLY_TOKEN")), (stranger, (["organizationId"], "NOT_FOUND"))):
        async with service.client(token) as http:
            payload = (
                await GraphQLApi(service, http).data(bulk(verb, side), input=[row], of=service.organization, key="k")
            )["m"]
        assert (payload["results"], errors(payload)) == ([], [expected])
    async with service.client(service.token) as http:
        payload = (await GraphQLApi(service, http).data(bulk(verb, side), input=[row] * 1001))["m"]
    assert (payload["results"], errors(payload)) == ([], [(["input"], "TOO_LONG")])
    assert await counts(service) == [0, 0, 0, 0]


@side_of
async def test_a_thousand_upserts_fit_into_one_request(api: GraphQLApi, service: Service, side: Side) -> None:
    rows = [{"key": {"name": "erp", "value": f"{n}"}, "name": f"N{n}", "city": "Bled"} for n in range(1000)]
    document = bulk("upsert", side, "client { version }")
    for version in (1, 2):
        payload = (await api.data(document, input=rows))["m"]
        assert errors(payload) == []
        assert {row["client"]["version"] for row in payload["results"]} == {version}
        rows = [{**row, "city": "Ptuj"} for row in rows]
    total = (await api.data("{ clients { totalCount } }"))["clients"]["totalCount"]
    assert (total, (await counts(service))[:2]) == (1000, [1000, 2000])


@side_of
async def test_an_unlisted_country_code_stays_where_the_record_has_it(
    api: GraphQLApi, service: Service, side: Side
) -> None:
    both = {"custom": {"erp": "1"}, "metadata": {"erp": "1"}}
    (record,) = await add_records(service, [{"name": "A", "country_alpha2_code": "XX", **both}])
    await api.data(bulk("upsert", side), input=[{"key": {"name": "erp", "value": "0"}, "name": "registers the key"}])
    code = "countryAlpha2Code" if side.name == "Client" else "countryCode"
    rows: list[dict[str, Any]] = [{"id": record, code: "XX", "city": "Bled"}]
    assert errors((await api.data(bulk("update", side), input=rows))["m"]) == []
    rows = [
        {"key": {"name": "erp", "value": "1"}, code: "XX"},
        {"key": {"name": "erp", "value": "2"}, code: "XX", "name": "B"},
    ]
    payload = (await api.data(bulk("upsert", side), input=rows, policy="REJECT_FAILED"))["m"]
    assert errors(payload) == [(["input", "1", code], "INVALID_COUNTRY_CODE")]


async def test_an_erasure_forgets_the_results_of_bulk_mutations(api: GraphQLApi, service: Service) -> None:
    side = SIDES[0]
    rows = [{"key": {"name": "erp", "value": "1"}, "name": "Erased Person"}]
    document = bulk("upsert", side)
    made = (await api.data(document, input=rows, key="k"))["m"]
    (record,) = [
        row["id"] for row in (await service.http.get(f"/v1/organizations/{service.organization}/clients")).json()
    ]
    assert made["results"][0]["created"]
    await api.data(
        'mutation($id: ID!) { permanentlyDeleteClient(id: $id, idempotencyKey: "e") { userErrors { code } } }',
        id=record,
    )
    async with service.database.read() as connection:
        bodies = await connection.scalars(
            text("SELECT convert_from(body, 'UTF8') FROM idempotency_keys WHERE body IS NOT NULL")
        )
    assert not [body for body in bodies if "Erased" in body]
    again = (await api.data(document, input=rows, key="k"))["m"]
    assert errors(again) == [(["idempotencyKey"], "NOT_FOUND")]


MUTATIONS = core_schema().mutation_type.fields  # type: ignore[union-attr]
UNVERSIONED = frozenset({"sendClientReminder", "sendCustomerReminder", "createClient", "createCustomer"})
"""The mutations of one record that change no record that exists."""


def test_every_mutation_takes_an_idempotency_key() -> None:
    assert [name for name, field in MUTATIONS.items() if "idempotencyKey" not in field.args] == []


def test_every_change_of_a_record_takes_its_expected_version() -> None:
    changes = [name for name in MUTATIONS if re.search("(Client|Customer)(Vat)?$", name) and name not in UNVERSIONED]
    assert len(changes) == 13
    assert [name for name in (*changes, "updateOrganization") if "expectedVersion" not in MUTATIONS[name].args] == []


def test_clients_and_customers_have_the_same_mutations() -> None:
    of_clients = {name.replace("Client", "Customer") for name in MUTATIONS if "Client" in name}
    of_customers = {name for name in MUTATIONS if "Customer" in name}
    assert of_clients - of_customers == {"replaceCustomer"}
    assert of_customers - of_clients == set()
