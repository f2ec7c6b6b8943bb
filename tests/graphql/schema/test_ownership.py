"""Organizations, access tokens, passwords and checks of tax numbers in GraphQL: scope, access, errors and repetitions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Scope
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

ERRORS = "userErrors { field code message }"


def errors(payload: Mapping[str, Any]) -> list[tuple[list[str] | None, str]]:
    return [(error["field"], error["code"]) for error in payload["userErrors"]]


@asynccontextmanager
async def caller(service: Service, token: str) -> AsyncIterator[GraphQLApi]:
    async with service.client(token) as http:
        yield GraphQLApi(service, http)


CREATE = f"""mutation($input: CreateOrganizationInput!, $key: String) {{
  m: createOrganization(input: $input, idempotencyKey: $key) {{
    organization {{ organizationId name country countryAlpha2Code taxSubject locale environment version custom
      clients {{ totalCount }} }}
    {ERRORS} }} }}"""
UPDATE = f"""mutation($id: ID!, $input: UpdateOrganizationInput!, $version: Int, $key: String) {{
  m: updateOrganization(id: $id, input: $input, expectedVersion: $version, idempotencyKey: $key) {{
  organization {{ name city version }} {ERRORS} }} }}"""


async def test_an_account_creates_an_organization_once_for_its_key(api: GraphQLApi, service: Service) -> None:
    new = {"name": "Second", "country": "Slovenia", "custom": {"a": 1}}
    made = (await api.data(CREATE, input=new, key="k"))["m"]
    assert errors(made) == []
    home = made["organization"].pop("organizationId")
    assert made["organization"] == {
        "name": "Second", "country": "Slovenia", "countryAlpha2Code": "SI", "taxSubject": False, "locale": "en",
        "environment": "LIVE", "version": 1, "custom": {"a": 1}, "clients": {"totalCount": 0},
    }  # fmt: skip
    again = (await api.data(CREATE, input=new, key="k"))["m"]["organization"]
    assert again["organizationId"] == home
    listed = (await api.data("{ viewer { organizations { organizationId } } }"))["viewer"]["organizations"]
    assert [each["organizationId"] for each in listed] == [service.organization, home]
    other = (await api.data(CREATE, input={**new, "name": "Third"}, key="k"))["m"]
    assert errors(other) == [(["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")]
    blank = (await api.data(CREATE, input={"name": " ", "country": "Slovenia"}))["m"]
    assert errors(blank) == [(["input", "name"], "BLANK")]


async def test_an_organization_is_changed_in_its_expected_version(api: GraphQLApi, service: Service) -> None:
    home = service.organization
    changed = (await api.data(UPDATE, id=home, input={"city": "Bled"}, version=1, key="k"))["m"]
    assert changed["organization"] == {"name": "Studio Example", "city": "Bled", "version": 2}
    assert (await api.data(UPDATE, id=home, input={"city": "Bled"}, version=1, key="k"))["m"] == changed
    stale = (await api.data(UPDATE, id=f"ent_{home}", input={"city": "Ptuj"}, version=1))["m"]
    assert (stale["organization"], errors(stale)) == (None, [(["expectedVersion"], "STALE_VERSION")])
    blank = (await api.data(UPDATE, id=home, input={"name": None}))["m"]
    assert errors(blank) == [(["input", "name"], "BLANK")]


async def test_organizations_need_scope_and_access(service: Service) -> None:
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    new, change = {"name": "N", "country": "Slovenia"}, {"city": "Bled"}
    for token, created, changed in (
        (reader, (None, "READ_ONLY_TOKEN"), (None, "READ_ONLY_TOKEN")),
        (stranger, (None, "ACCOUNT_TOKEN_REQUIRED"), (["id"], "NOT_FOUND")),
    ):
        async with caller(service, token) as api:
            assert errors((await api.data(CREATE, input=new))["m"]) == [created]
            foreign = (await api.data(UPDATE, id=service.organization, input=change))["m"]
            assert errors(foreign) == [changed]
            assert (await api.data(UPDATE, id="5eed" * 6, input=change))["m"] == foreign


TOKEN = f"""mutation($input: CreateAccessTokenInput!, $key: String) {{ m: createAccessToken(input: $input, idempotencyKey: $key) {{
  token accessToken {{ id label scopes expiresAt lastUsedAt isCurrent parentId account {{ email }} organization {{ name }} }}
  {ERRORS} }} }}"""
REVOKE = f"""mutation($id: ID!, $key: String) {{ m: revokeAccessToken(id: $id, idempotencyKey: $key) {{
  revokedAccessTokenId {ERRORS} }} }}"""
LIST = """query($first: Int, $after: String) { viewer { accessTokens(first: $first, after: $after) { totalCount
  nodes { id label isCurrent scopes } pageInfo { hasNextPage endCursor } } } }"""


async def test_a_token_is_created_listed_and_revoked(api: GraphQLApi, service: Service) -> None:
    made = (await api.data(TOKEN, input={"label": "Sync", "scopes": ["READ"]}, key="k"))["m"]
    assert errors(made) == []
    token, shown = made["token"], made["accessToken"]
    assert (shown["label"], shown["scopes"], shown["isCurrent"]) == ("Sync", ["READ"], False)
    assert (shown["account"], shown["organization"]) == ({"email": service.email}, None)
    async with caller(service, token) as child:
        viewer = (await child.data("{ viewer { scopes organizations { organizationId } } }"))["viewer"]
        assert viewer == {"scopes": ["READ"], "organizations": [{"organizationId": service.organization}]}
    again = (await api.data(TOKEN, input={"label": "Sync", "scopes": ["READ"]}, key="k"))["m"]
    assert (again["token"], again["accessToken"]["id"]) == (None, shown["id"])
    assert errors(again) == [(["idempotencyKey"], "ALREADY_SHOWN")]
    page = (await api.data(LIST, first=1))["viewer"]["accessTokens"]
    assert (page["totalCount"], page["nodes"][0]["id"], page["pageInfo"]["hasNextPage"]) == (2, shown["id"], True)
    rest = (await api.data(LIST, after=page["pageInfo"]["endCursor"]))["viewer"]["accessTokens"]
    assert [(node["isCurrent"], node["scopes"]) for node in rest["nodes"]] == [(True, ["READ", "WRITE"])]
    node = (await api.data("query($id: ID!) { node(id: $id) { ... on AccessToken { label } } }", id=shown["id"]))[
        "node"
    ]
    assert node == {"label": "Sync"}
    revoked = (await api.data(REVOKE, id=shown["id"], key="r"))["m"]
    assert revoked == {"revokedAccessTokenId": shown["id"], "userErrors": []}
    assert (await api.data(REVOKE, id=shown["id"], key="r"))["m"] == revoked
    assert errors((await api.data(REVOKE, id=shown["id"]))["m"]) == [(["id"], "NOT_FOUND")]
    assert errors((await api.data(REVOKE, id=shown["id"], key=""))["m"]) == [(["idempotencyKey"], "INVALID")]
    async with caller(service, token) as child:
        assert (await child.post("{ viewer { scopes } }")).status_code == 401


async def test_no_stored_response_has_the_text_of_a_token(api: GraphQLApi, service: Service) -> None:
    token = (await api.data(TOKEN, input={}, key="k"))["m"]["token"]
    async with service.database.read() as connection:
        for table in ("idempotency_keys", "access_tokens", "client_changes"):
            rows = await connection.scalars(text(f"SELECT t::text FROM {table} AS t"))
            encoded = token.encode().hex()
            assert not [row for row in rows if token in row or encoded in row]


async def test_a_token_is_never_wider_than_its_maker(api: GraphQLApi, service: Service) -> None:
    other = await service.make_organization("Other", account_email=service.email)
    foreign = await service.make_organization("Foreign")
    denied = (await api.data(TOKEN, input={"organizationId": foreign}))["m"]
    assert (denied["token"], errors(denied)) == (None, [(["input", "organizationId"], "NOT_FOUND")])
    narrow = (await api.data(TOKEN, input={"organizationId": other, "expiresAt": "2099-01-01"}))["m"]
    assert narrow["accessToken"]["organization"] == {"name": "Other"}
    past = (await api.data(TOKEN, input={"expiresAt": "2020-01-01", "label": "x" * 101}))["m"]
    assert errors(past) == [(["input", "label"], "TOO_LONG")]
    past = (await api.data(TOKEN, input={"expiresAt": "2020-01-01"}))["m"]
    assert errors(past) == [(["input", "expiresAt"], "OUT_OF_RANGE")]
    async with caller(service, narrow["token"]) as child:
        viewer = (await child.data("{ viewer { account { email } organizations { organizationId } } }"))["viewer"]
        assert viewer == {"account": None, "organizations": [{"organizationId": other}]}
        wider = (await child.data(TOKEN, input={"organizationId": service.organization}))["m"]
        assert errors(wider) == [(["input", "organizationId"], "NOT_FOUND")]
        later = (await child.data(TOKEN, input={"expiresAt": "2099-01-02"}))["m"]
        assert errors(later) == [(["input", "expiresAt"], "OUT_OF_RANGE")]
        assert (await child.data(LIST))["viewer"]["accessTokens"]["totalCount"] == 1
        own = (await child.data(REVOKE, id=(await api.data(LIST))["viewer"]["accessTokens"]["nodes"][-1]["id"]))["m"]
        assert errors(own) == [(["id"], "NOT_FOUND")]
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    async with caller(service, reader) as child:
        assert errors((await child.data(TOKEN, input={}))["m"]) == [(None, "READ_ONLY_TOKEN")]


@pytest.mark.parametrize("name", ["Client", "Customer"])
async def test_a_tax_number_is_checked_once_for_its_key(api: GraphQLApi, service: Service, name: str) -> None:
    document = f"""mutation($id: ID!, $version: Int, $key: String) {{
      m: check{name}Vat(id: $id, expectedVersion: $version, idempotencyKey: $key) {{ check {{ outcome source checkedAt }}
      client {{ version }} customer {{ version vies {{ outcome }} }} {ERRORS} }} }}"""
    valid, wrong, none = await add_records(
        service,
        [
            {"name": "A", "tax_number": "SI15012557", "country_alpha2_code": "SI"},
            {"name": "B", "tax_number": "SI12345678", "country_alpha2_code": "SI"},
            {"name": "C"},
        ],
    )
    checked = (await api.data(document, id=valid, version=1, key="k"))["m"]
    assert (checked["check"]["outcome"], checked["check"]["source"]) == ("VALID", "OFFLINE")
    assert (checked["client"], checked["customer"]) == ({"version": 2}, {"version": 2, "vies": {"outcome": "VALID"}})
    assert (await api.data(document, id=valid, version=1, key="k"))["m"] == checked
    assert (await api.data(document, id=wrong))["m"]["check"]["outcome"] == "INVALID"
    assert errors((await api.data(document, id=none))["m"]) == [(["id"], "BLANK")]
    assert errors((await api.data(document, id=valid, version=1))["m"]) == [(["expectedVersion"], "STALE_VERSION")]
    assert errors((await api.data(document, id=valid, key="k"))["m"]) == [
        (["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    ]
    reader = await service.make_token(account_email=service.email, scope=Scope.READ)
    stranger = await service.make_token(organization_id=await service.make_organization("Other"))
    for token, expected in ((reader, (None, "READ_ONLY_TOKEN")), (stranger, (["id"], "NOT_FOUND"))):
        async with caller(service, token) as other:
            assert errors((await other.data(document, id=valid))["m"]) == [expected]


async def test_an_organization_is_deleted_once_for_its_key(api: GraphQLApi, service: Service) -> None:
    home = await service.make_organization("Second", account_email=service.email)
    document = f"""mutation($id: ID!) {{ m: deleteOrganization(id: $id, idempotencyKey: "k") {{
      deletedOrganizationId permanentlyDeletedAt {ERRORS} }} }}"""
    deleted = (await api.data(document, id=home))["m"]
    assert errors(deleted) == []
    assert (await api.data(document, id=home))["m"] == deleted


async def test_a_password_is_changed_once_for_its_key(service: Service) -> None:
    body = {"email": "ana@sign.example", "password": "first long secret"}
    assert (await service.http.post("/v1/accounts", json=body)).status_code == 200
    token = (await service.http.post("/v1/accounts/login", json=body)).json()["id"]
    document = f"""mutation($old: String!, $new: String!, $key: String) {{
      m: changePassword(input: {{oldPassword: $old, newPassword: $new}}, idempotencyKey: $key) {{
      account {{ email }} {ERRORS} }} }}"""
    async with caller(service, token) as api:
        passwords = {"old": "first long secret", "new": "second long secret"}
        changed = (await api.data(document, **passwords, key="k"))["m"]
        assert (changed["account"], errors(changed)) == ({"email": "ana@sign.example"}, [])
        assert (await api.data(document, **passwords, key="k"))["m"] == changed
        other = (await api.data(document, old="first long secret", new="third long secret", key="k"))["m"]
        assert errors(other) == [(["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")]
        assert errors((await api.data(document, **passwords))["m"]) == [(["input", "oldPassword"], "WRONG_PASSWORD")]
