"""Organizations: an account creates and finds its own, and every API knows them at once."""

from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Environment, Scope
from tests.conftest import Service
from tests.rest.v1.requests import NOBODY, as_filter
from tests.rest.v1.sign_up import member
from tests.rest.v1.test_errors import error

KEYS = {
    *("id", "name", "address", "address2", "city", "zip", "state", "country", "countryAlpha2Code", "taxNumber"),
    *("taxSubject", "companyNumber", "IBAN", "bank", "SWIFT", "website", "email", "phone", "locale", "timezone"),
    *("active", "activatedAt", "deactivatedAt", "custom", "createdAt", "updatedAt", "_defaults", "supportPin", "brand"),
}


async def test_a_new_organization_is_known_to_every_api_at_once(service: Service) -> None:
    async with member(service) as ana:
        made = await ana.make_organization(
            id="", name="Studio", country="Österreich", taxSubject="1", custom={"a": [1]}, countryAlpha2Code="XX"
        )
        assert set(made) == KEYS
        assert (made["countryAlpha2Code"], made["taxSubject"], made["custom"]) == ("AT", True, {"a": [1]})
        assert (made["_defaults"], made["active"], made["locale"]) == ([], True, "en")
        assert made["activatedAt"] == made["createdAt"]
        client = (await ana.http.post(f"/v1/organizations/{made['id']}/clients", json={"name": "First"})).json()
        assert client["organizationId"] == made["id"]
        bearer = {"Authorization": f"Bearer {ana.token}"}
        listed = (await ana.http.get("/customers", headers=bearer)).json()["data"]
        assert [(one["id"], one["entity_id"]) for one in listed] == [(f"cust_{client['id']}", f"ent_{made['id']}")]
        query = {"query": "{ clients { nodes { name } } viewer { account { email } } }"}
        answer = (await ana.http.post("/graphql", json=query, headers=bearer)).json()
        assert answer["data"]["clients"]["nodes"] == [{"name": "First"}]
        (entity,) = (await ana.http.get("/entities", headers=bearer)).json()["data"]
        assert (entity["name"], entity["country"]) == ("Studio", "Österreich")


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({}, {"name": ["presence"], "country": ["presence"]}),
        ({"name": "", "country": None}, {"name": ["presence"], "country": ["presence"]}),
        ({"name": "x", "country": "y", "id": NOBODY}, {"id": ["absence"]}),
        ({"name": "x", "country": "y", "nope": 1}, {"nope": ["unknown-property"]}),
        ({"name": ["x"], "country": "y", "taxSubject": "maybe"}, {"name": ["type"], "taxSubject": ["type"]}),
        ({"name": "x" * 10_001, "country": "y"}, {"name": ["length"]}),
    ],
)
async def test_an_organization_that_is_not_valid_says_everything_that_is_wrong(
    shared_service: Service, body: Any, codes: Any
) -> None:
    own = (await shared_service.http.get("/v1/accounts/authorized")).json()["id"]
    refused = error(await shared_service.http.post(f"/v1/accounts/{own}/organizations", json=body))
    assert (refused["statusCode"], refused["details"]["context"]) == (422, "Organization")
    assert refused["details"]["codes"] == codes


async def test_errors_come_in_order(service: Service) -> None:
    broken: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    own = (await service.http.get("/v1/accounts/authorized")).json()["id"]
    there, nowhere = f"/v1/accounts/{own}/organizations", f"/v1/accounts/{NOBODY}/organizations"
    one = f"/v1/organizations/{service.organization}"
    async with service.client(None) as anybody, service.client(reader) as reading:
        assert (await anybody.put(there, **broken)).status_code == 404
        assert (await anybody.post(nowhere, **broken)).status_code == 400
        assert (await anybody.get(f"{nowhere}?filter={{bad}}")).status_code == 400
        assert (await anybody.post(nowhere, json={})).status_code == 401
        assert (await anybody.patch(one, json={"nope": 1})).status_code == 401
        assert (await reading.post(there, json={"name": "x", "country": "y"})).status_code == 401
        assert (await reading.patch(one, json={"name": "x"})).status_code == 401
        assert [row["id"] for row in (await reading.get(there)).json()] == [service.organization]
    assert (await service.http.post(nowhere, json={})).status_code == 404
    assert error(await service.http.patch(f"/v1/organizations/{NOBODY}", json={"nope": 1}))["statusCode"] == 404
    assert error(await service.http.patch(one, json={"nope": 1}))["statusCode"] == 422
    for content_type in ("text/plain", "application/xml"):
        answer = await service.http.patch(one, content=b"x", headers={"Content-Type": content_type})
        assert error(answer)["statusCode"] == 415


async def test_a_list_takes_the_filter_of_v1(service: Service) -> None:
    async with member(service) as ana:
        for number, city in enumerate(("Kranj", None, "Celje", "Kranj")):
            await ana.make_organization(name=f"O{number}", city=city, custom={"rank": number})
        path = ana.path("/organizations")

        async def names(filter_: Any) -> list[str]:
            return [one["name"] for one in (await ana.http.get(path + as_filter(filter_))).json()]

        assert await names({}) == ["O0", "O1", "O2", "O3"]
        assert await names({"where": {"city": "Kranj"}, "order": "name DESC"}) == ["O3", "O0"]
        assert await names({"where": {"or": [{"custom.rank": 1}, {"city": {"ilike": "cel%"}}]}}) == ["O1", "O2"]
        assert await names({"order": ["city ASC", "name DESC"], "limit": 2, "skip": 1}) == ["O3", "O0"]
        bracketed = await ana.http.get(f"{path}/?filter[where][name][inq][]=O1&filter[fields][]=name")
        assert (bracketed.json(), bracketed.headers["x-total-count"]) == ([{"name": "O1"}], "1")
        some = await ana.http.get(path + as_filter({"limit": 1}))
        assert (len(some.json()), some.headers["x-total-count"]) == (1, "4")
        assert (await ana.http.get(f"{path}/count")).json() == {"count": 4}
        assert (await ana.http.get(f"{path}/count?where[city]=Kranj")).json() == {"count": 2}
        assert await names({"where": {"id": service.organization}}) == []
        for wrong, named in (
            ({"where": {"iban": 1}}, "iban"),
            ({"order": "_defaults"}, "_defaults"),
            ({"include": "clients"}, "Organization model"),
        ):
            refused = error(await ana.http.get(path + as_filter(wrong)))
            assert refused["statusCode"] == 400
            assert named in refused["message"]


async def test_a_list_has_a_cap(service: Service) -> None:
    async with member(service) as ana:
        await service.make_organization("First", account_email="ana@studio.example")
        async with service.database.write() as connection:
            await connection.execute(
                text(
                    "WITH made AS (INSERT INTO organizations (id, name) SELECT lpad(n::text, 24, '0'), 'x'"
                    " FROM generate_series(1, 100) n RETURNING id)"
                    f" INSERT INTO account_organizations (account_id, organization_id) SELECT '{ana.id}', id FROM made"
                )
            )
        for query in ("", as_filter({"limit": 500})):
            answer = await ana.http.get(ana.path("/organizations") + query)
            assert (len(answer.json()), answer.headers["x-total-count"]) == (100, "101")


async def test_one_organization_is_shown_and_patched_by_whoever_reaches_it(service: Service) -> None:
    entity = await service.make_token(organization_id=service.organization)
    path = f"/v1/Organizations/{service.organization}"
    async with member(service) as ana, service.client(entity) as http:
        refused = error(await ana.http.get(path))
        assert refused["message"] == f'Unknown "Organization" id "{service.organization}".'
        assert error(await ana.http.patch(path, json={"name": "x"}))["code"] == "MODEL_NOT_FOUND"
        shown = await http.get(f"{path}/")
        assert set(shown.json()) == KEYS
        assert (await http.get(path, headers={"If-None-Match": shown.headers["etag"]})).status_code == 304
        changed = await http.patch(path, json={**shown.json(), "country": "Slovenija", "phone": 5, "locale": None})
        assert changed.status_code == 200
        body = changed.json()
        assert (body["countryAlpha2Code"], body["phone"], body["locale"]) == ("SI", "5", "en")
        assert body["name"] == "Studio Example"
        assert body["updatedAt"] > shown.json()["updatedAt"]
        assert (await http.get(path)).json() == body
        only = await http.get(path, params={"filter": '{"fields":["name","country"]}'})
        assert only.json() == {"name": "Studio Example", "country": "Slovenija"}


async def test_a_patch_holds_to_the_version_and_the_rules(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}"
    old = (await service.http.get(path)).headers["etag"]
    new = (await service.http.patch(path, json={"city": "Kranj"}, headers={"If-Match": old})).headers["etag"]
    assert old != new
    for body in ({"city": "Celje"}, {}):
        stale = await service.http.patch(path, json=body, headers={"If-Match": old})
        assert error(stale)["statusCode"] == 412
    assert (await service.http.patch(path, json={}, headers={"If-Match": new})).headers["etag"] == new
    for name, value in (("name", ""), ("country", None)):
        refused = error(await service.http.patch(path, json={name: value}))
        assert refused["details"]["codes"] == {name: ["presence"]}
    refused = error(await service.http.patch(path, json={"id": NOBODY}))
    assert refused["message"] == (
        f"id cannot be updated from {service.organization} to {NOBODY} when forceId is set to true"
    )
    assert (await service.http.get(path)).json()["city"] == "Kranj"


async def test_a_key_that_comes_again_makes_one_organization(service: Service) -> None:
    async with member(service) as ana:
        path, keyed = ana.path("/organizations"), {"Idempotency-Key": "once"}
        body = {"name": "Once", "country": "Italy"}
        first, second = [await ana.http.post(path, json=body, headers=keyed) for _ in range(2)]
        assert first.json() == second.json()
        assert (await ana.http.get(f"{path}/count")).json() == {"count": 1}
        assert error(await ana.http.post(path, json={**body, "name": "x"}, headers=keyed))["statusCode"] == 409


async def test_an_organization_is_of_the_environment_of_its_token(service: Service) -> None:
    own = (await service.http.get("/v1/accounts/authorized")).json()["id"]
    path = f"/v1/accounts/{own}/organizations"
    token = await service.make_token(account_email=service.email, environment=Environment.SANDBOX)
    async with service.client(token) as trying:
        made = (await trying.post(path, json={"name": "Trial", "country": "Italy"})).json()
        assert [one["id"] for one in (await trying.get(path)).json()] == [made["id"]]
        second = (await trying.post(f"/v1/accounts/{own}/accessTokens", json={})).json()["id"]
        assert (await trying.get(path, headers={"Authorization": second})).headers["x-total-count"] == "1"
    assert [one["id"] for one in (await service.http.get(path)).json()] == [service.organization]


async def test_a_form_makes_an_organization(service: Service) -> None:
    async with member(service) as ana:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = "name=Pixel+%26+Co&country=USA&taxSubject=true&custom[a]=1&id="
        made = (await ana.http.post(ana.path("/Organizations/"), content=sent, headers=headers)).json()
        assert (made["name"], made["countryAlpha2Code"], made["taxSubject"]) == ("Pixel & Co", "US", True)
        assert made["custom"] == {"a": "1"}


async def test_a_put_changes_an_organization_as_a_patch_does(service: Service) -> None:
    async with member(service) as ana:
        made = await ana.make_organization(name="Studio", city="Kranj")
        own, of_account = f"/v1/organizations/{made['id']}", ana.path(f"/organizations/{made['id']}")
        for version, path in enumerate((own, of_account), 2):
            answer = await ana.http.put(path, json={"name": f"Studio {version}"})
            assert (answer.status_code, answer.headers["etag"]) == (200, f'"{version}"')
            assert (answer.json()["name"], answer.json()["city"]) == (f"Studio {version}", "Kranj")
            whole = (await ana.http.get(own)).json()
            assert (await ana.http.put(path, json=whole)).json() == whole
            assert error(await ana.http.put(path, json={"nope": 1}))["statusCode"] == 422
            assert error(await ana.http.put(path, json={"id": NOBODY}))["statusCode"] == 400
            assert (await ana.http.put(path, json={}, headers={"If-Match": '"1"'})).status_code == 412
        for path in (
            f"/v1/organizations/{service.organization}",
            ana.path(f"/organizations/{service.organization}"),
            f"/v1/accounts/{NOBODY}/organizations/{made['id']}",
        ):
            assert error(await ana.http.put(path, json={"name": "x"}))["statusCode"] == 404
    async with service.client(None) as anybody:
        assert (await anybody.put(of_account, json={"name": "x"})).status_code == 401
