"""The check of a customer's tax number: kept with the customer, and gone as soon as it is about another number."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.auth import Scope
from app.config import Config
from app.errors import Misconfigured
from app.storage.database import Database
from app.storage.tables import client_changes
from tests.conftest import Service, running
from tests.rest.customers.test_customers import check_error, create
from tests.vat.standin import INVALID, VALID, StandIn, http, standing_in

NUMBER = {"tax_number": "SI50223054", "country_code": "SI", "country": "Slovenia"}
SAID = {"name": VALID["name"], "address": VALID["address"], "request_identifier": "WAPIAAAAY1"}
UNSAID = dict.fromkeys(SAID)


@pytest.fixture(autouse=True)
def unproxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, whatever proxy this machine has."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with standing_in() as standin:
        yield standin


@pytest.fixture
async def asking(config: Config, database_url: str, standin: StandIn) -> AsyncIterator[Service]:
    """A service that asks the stand-in. It has one connection, which a check that waits must not hold."""
    database = Database(database_url, pool_size=1, statement_timeout=30)
    async with running(replace(config, vies_url=standin.url, vies_timeout=20), database) as service:
        yield service
    await database.close()


async def check(service: Service, customer: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Checks a customer: the answer is as expected, and what it is shown with from then on."""
    answer = await service.http.post(f"/customers/{customer['id']}/vies-check")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found == {**UNSAID, "message": None, **expected, "checked_at": found["checked_at"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["checked_at"])
    read = await service.http.get(f"/customers/{customer['id']}")
    assert read.json()["vies"] == found
    assert read.headers["etag"] == answer.headers["etag"]
    return found


@pytest.mark.parametrize(
    ("number", "valid", "message"),
    [
        ({"tax_number": "SI50223054"}, True, None),
        ({"tax_number": "50223054", "country": "Slovenija"}, True, None),
        ({"tax_number": "10259033P", "country": "Κύπρος"}, True, None),
        ({"tax_number": "ATU13585627", "country": "O\u0308sterreich"}, True, None),
        ({"tax_number": "SI\u200b50\t22\u00a030\u00ad54\ufeff"}, True, None),
        ({"tax_number": "12345676-2-41", "country_code": "HU"}, True, None),
        ({"tax_number": "556012-3456", "country": "Sweden"}, True, None),
        ({"tax_number": "GB980780684", "country_code": "XI"}, True, None),
        (
            {"tax_number": "12345678", "country_code": "EE"},
            None,
            "Not a VAT number of EE: it has the form of a register code (registrikood)",
        ),
        ({"tax_number": "SI50223055"}, False, "Not a VAT number of SI: its check digits are wrong"),
        (
            {"tax_number": "12-3456789", "country_code": "US"},
            None,
            "No member state of the European Union is known for the number",
        ),
    ],
)
async def test_without_vies_the_form_and_the_check_digits_are_told(
    shared_service: Service, number: dict[str, str], valid: bool | None, message: str | None
) -> None:
    made = await create(shared_service, **number)
    await check(shared_service, made, {"valid": valid, "source": "offline", "message": message})


async def test_vies_says_whose_number_it_is(asking: Service, standin: StandIn) -> None:
    made = await create(asking, **NUMBER)
    await check(asking, made, {"valid": True, "source": "vies", **SAID})
    standin.response = http(INVALID)
    await check(asking, made, {"valid": False, "source": "vies"})
    question = {"countryCode": "SI", "vatNumber": "50223054"}
    assert [body for _, body in standin.requests] == [question] * 2


async def test_a_number_that_cannot_be_right_is_not_asked_about(asking: Service, standin: StandIn) -> None:
    for number in ({"tax_number": "SI1"}, {"tax_number": "1", "country_code": "US"}):
        made = await create(asking, **number)
        assert (await asking.http.post(f"/customers/{made['id']}/vies-check")).json()["source"] == "offline"
    assert standin.requests == []


async def test_vies_without_an_answer_is_an_answer(asking: Service, standin: StandIn) -> None:
    made = await create(asking, **NUMBER)
    for answer, why in (
        (http({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}), "MS_UNAVAILABLE"),
        (http(b"", "500 Internal Server Error"), "it responded with status 500"),
        (http(VALID, "429 Too Many Requests"), "it responded with status 429"),
        (http(b"<html>"), "its response cannot be read"),
        (b"garbage\r\n\r\n", "it cannot be reached"),
    ):
        standin.response = answer
        await check(asking, made, {"valid": True, "source": "offline", "message": f"VIES gave no result: {why}"})


async def test_vies_that_is_slow_is_an_answer(config: Config, database: Database, standin: StandIn) -> None:
    standin.open.clear()
    async with running(replace(config, vies_url=standin.url, vies_timeout=0.1), database) as service:
        why = "VIES gave no result: it did not respond within 0.1 seconds"
        await check(service, await create(service, **NUMBER), {"valid": True, "source": "offline", "message": why})


async def test_vies_that_is_down_is_an_answer(config: Config, database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with running(replace(config, vies_url=f"http://127.0.0.1:{port}"), database) as service:
        why = "VIES gave no result: it cannot be reached"
        await check(service, await create(service, **NUMBER), {"valid": True, "source": "offline", "message": why})


async def test_a_check_is_a_change_like_any_other(service: Service) -> None:
    made = await create(service, **NUMBER)
    path = f"/customers/{made['id']}/vies-check"
    for tag in ('"2"', 'W/"1"', "nonsense"):
        check_error(await service.http.post(path, headers={"if-match": tag}), 412, "precondition_failed")
    answer = await service.http.post(path, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    read = (await service.http.get(f"/customers/{made['id']}")).json()
    assert read == made | {"vies": answer.json(), "updated_at": read["updated_at"]}
    assert read["updated_at"] > made["updated_at"]
    async with service.database.read() as connection:
        logged = select(client_changes).where(client_changes.c.version == 2)
        (change,) = await connection.execute(logged)
    assert (change["action"], change["before"]["vies"], change["after"]["vies"]) == ("updated", None, answer.json())


async def test_graphql_shows_the_check(service: Service) -> None:
    made = await create(service, **NUMBER)
    answer = await service.http.post(f"/customers/{made['id']}/vies-check")
    check = answer.json()
    query = f'{{ customer(id: "{made["id"]}") {{ vies {{ outcome source checkedAt requestIdentifier message }} }} }}'
    shown = (await service.http.post("/graphql", json={"query": query})).json()
    assert shown["data"]["customer"]["vies"] == {
        "outcome": {True: "VALID", False: "INVALID", None: "UNKNOWN"}[check["valid"]],
        "source": check["source"].upper(),
        "checkedAt": check["checked_at"],
        "requestIdentifier": check["request_identifier"],
        "message": check["message"],
    }


@pytest.mark.parametrize("number", [None, "", "  "])
async def test_there_must_be_a_number_to_check(service: Service, number: str | None) -> None:
    made = await create(service, tax_number=number)
    answer = await service.http.post(f"/customers/{made['id']}/vies-check")
    assert list(check_error(answer, 422, "validation_error")["cause"]) == ["tax_number"]
    assert (await service.http.get(f"/customers/{made['id']}")).headers["etag"] == '"1"'


async def test_only_who_may_change_a_customer_may_check_it(service: Service) -> None:
    path = f"/customers/{(await create(service, **NUMBER))['id']}"
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    refusals = [(None, 401, "unauthorized"), (reader, 403, "forbidden"), (stranger, 404, "not_found")]
    for token, status, code in refusals:
        async with service.client(token) as http:
            check_error(await http.post(f"{path}/vies-check"), status, code)
    second = await service.make_organization("Second", account_email=service.email)
    elsewhere = await service.http.post(f"{path}/vies-check", headers={"x-entity-id": f"ent_{second}"})
    check_error(elsewhere, 404, "not_found")
    check_error(await service.http.get(f"{path}/vies-check"), 405, "method_not_allowed")
    for odd in ("cust_x", "x", "%00", "cust_" + "0" * 24):
        check_error(await service.http.post(f"/customers/{odd}/vies-check"), 404, "not_found")
    await service.http.delete(path)
    check_error(await service.http.post(f"{path}/vies-check"), 404, "not_found")


async def graphql(service: Service, kind: str, customer: str, changes: str) -> None:
    own = customer if "Customer" in kind else customer.removeprefix("cust_")
    mutation = f'mutation {{ {kind}(id: "{own}", input: {{{changes}}}) {{ userErrors {{ message }} }} }}'
    answer = (await service.http.post("/graphql", json={"query": mutation})).json()
    assert answer["data"] == {kind: {"userErrors": []}}


Change = Callable[[Service, str], Awaitable[object]]
AS_V1 = {"taxNumber": "SI50223054", "countryAlpha2Code": "SI", "country": "Slovenia"}


def v1(service: Service, method: str, customer: str, body: dict[str, Any]) -> Awaitable[object]:
    return service.http.request(method, f"/v1/clients/{customer.removeprefix('cust_')}", json=body)


def rest(service: Service, customer: str, **body: Any) -> Awaitable[object]:
    return service.http.patch(f"/customers/{customer}", json=body)


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        (False, lambda s, c: rest(s, c, tax_number="SI15012557")),
        (False, lambda s, c: rest(s, c, tax_number=None)),
        (False, lambda s, c: rest(s, c, country_code="HR")),
        (False, lambda s, c: rest(s, c, country=None, city="Graz")),
        (False, lambda s, c: rest(s, c, country="Italy", metadata={"a": "b"})),
        (False, lambda s, c: v1(s, "PATCH", c, {"taxNumber": "1"})),
        (False, lambda s, c: v1(s, "PATCH", c, {"countryAlpha2Code": None})),
        (False, lambda s, c: v1(s, "PUT", c, {"name": "A"})),
        (False, lambda s, c: graphql(s, "updateClient", c, 'taxNumber: "1"')),
        (False, lambda s, c: graphql(s, "updateCustomer", c, "countryCode: null")),
        (False, lambda s, c: graphql(s, "replaceClient", c, 'name: "A"')),
        (True, lambda s, c: rest(s, c, **NUMBER, city="Graz", vies=None)),
        (True, lambda s, c: v1(s, "PUT", c, {"name": "A", **AS_V1})),
        (True, lambda s, c: graphql(s, "updateCustomer", c, 'name: "B", taxNumber: "SI50223054"')),
        (True, lambda s, c: s.http.delete(f"/customers/{c}")),
    ],
)
async def test_a_check_of_another_number_does_not_stand(shared_service: Service, kept: bool, change: Change) -> None:
    customer = (await create(shared_service, **NUMBER))["id"]
    checked = (await shared_service.http.post(f"/customers/{customer}/vies-check")).json()
    await change(shared_service, customer)
    await shared_service.http.post(f"/customers/{customer}/restore")
    read = await shared_service.http.get(f"/customers/{customer}")
    assert read.json()["vies"] == (checked if kept else None)
    assert read.headers["etag"] != '"2"'


@asynccontextmanager
async def held(service: Service, standin: StandIn, customer: str) -> AsyncIterator["asyncio.Task[Any]"]:
    """A check that VIES has been asked for and answers at the end of the block."""
    standin.open.clear()
    task = asyncio.create_task(service.http.post(f"/customers/{customer}/vies-check"))
    async with asyncio.timeout(20):
        await standin.reached.wait()
        yield task
        standin.open.set()
        await task


async def test_a_number_that_changes_meanwhile_gets_no_stale_check(asking: Service, standin: StandIn) -> None:
    customer = (await create(asking, **NUMBER))["id"]
    async with held(asking, standin, customer) as checking:
        await rest(asking, customer, tax_number="SI15012557")
    check_error(checking.result(), 409, "conflict")
    read = await asking.http.get(f"/customers/{customer}")
    assert (read.json()["vies"], read.headers["etag"]) == (None, '"2"')


async def test_a_customer_that_is_deleted_meanwhile_is_not_found(asking: Service, standin: StandIn) -> None:
    customer = (await create(asking, **NUMBER))["id"]
    async with held(asking, standin, customer) as checking:
        await asking.http.delete(f"/customers/{customer}")
    check_error(checking.result(), 404, "not_found")


async def test_other_changes_meanwhile_do_not_hinder_a_check(asking: Service, standin: StandIn) -> None:
    customer = (await create(asking, **NUMBER))["id"]
    async with held(asking, standin, customer) as checking:
        await rest(asking, customer, city="Celje")
    read = await asking.http.get(f"/customers/{customer}")
    assert (read.json()["vies"], read.json()["city"]) == (checking.result().json(), "Celje")


@pytest.mark.parametrize("wrong", ["vies", "ftp://vies.example", "https://", "https://vies.example/a b"])
def test_an_address_that_cannot_be_asked_stops_the_start(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="VIES_URL"):
        Config.from_environment({"VIES_URL": wrong})


def test_vies_is_set_by_its_address() -> None:
    assert Config.from_environment({}).vies_url is None
    read = Config.from_environment({"VIES_URL": "https://vies.example:8443/rest-api", "CLIENTELE_VIES_TIMEOUT": "2.5"})
    assert (read.vies_url, read.vies_timeout) == ("https://vies.example:8443/rest-api", 2.5)
