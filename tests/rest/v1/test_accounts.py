"""Accounts: signing up, logging in and out, guessing, and what of an account is shown to whom."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.accounts.passwords import Passwords
from app.accounts.service import set_password
from app.main import create_app
from tests.auth.test_callers import dump
from tests.conftest import Service
from tests.rest.v1.requests import NOBODY
from tests.rest.v1.sign_up import EMAIL, PASSWORD, member
from tests.rest.v1.test_errors import error

MOST_FAILURES = 10
ACCOUNT_KEYS = {
    *("id", "email", "firstname", "lastname", "taxNumber", "locale", "label", "softwareSupplierTaxNumber"),
    *("activateRedirect", "invitationLink", "invitationNewLink", "documentShareableLink", "resetRedirect"),
    *("disableCreatingChildOrganizations", "emailVerified", "masterId", "parentId", "billingOrganizationId"),
    *("custom", "createdAt", "updatedAt"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LOGIN, ACCOUNTS = "/v1/accounts/login", "/v1/accounts"
GIVEN = {"email": EMAIL, "password": PASSWORD}
FAILED = {"statusCode": 401, "name": "Error", "message": "login failed", "code": "LOGIN_FAILED"}


async def execute(service: Service, statement: str) -> Any:
    async with service.database.write() as connection:
        return (await connection.execute(text(statement))).first()


async def test_who_signs_up_sees_the_account_and_never_the_password(service: Service) -> None:
    given = {**GIVEN, "firstname": "Ana", "custom": {"a": 1}, "emailVerified": True, "id": "", "createdAt": "x"}
    async with service.client("junk") as http:
        answer = await http.post("/v1/Accounts/", json=given)
        assert answer.status_code == 200
        made = answer.json()
        assert set(made) == ACCOUNT_KEYS
        assert (made["email"], made["firstname"], made["custom"]) == (EMAIL, "Ana", {"a": 1})
        assert (made["locale"], made["emailVerified"], made["disableCreatingChildOrganizations"]) == (
            "en",
            False,
            False,
        )
        assert MOMENT.fullmatch(made["createdAt"])
        token = (await http.post(LOGIN, json=GIVEN)).json()["id"]
        http.headers["Authorization"] = token
        assert (await http.get(f"/v1/accounts/{made['id']}")).json() == made
        assert (await http.get("/v1/accounts/authorized/")).json() == made
        shown = await http.get("/v1/accounts/authorized", params={"filter[fields]": "email"})
        assert shown.json() == {"email": EMAIL}
    content = await dump(service.database)
    assert "$argon2id$" in content
    assert PASSWORD not in content
    assert token not in content


@pytest.mark.parametrize(
    ("body", "codes", "message"),
    [
        (
            {},
            {"email": ["presence"], "password": ["presence"]},
            "`email` can't be blank (value: undefined); `password` can't be blank (value: undefined)",
        ),
        ({"email": "", "password": ""}, {"email": ["presence"], "password": ["presence"]}, None),
        ({"email": None, "password": None}, {"email": ["presence"], "password": ["presence"]}, None),
        (
            {"email": "ana", "password": PASSWORD},
            {"email": ["custom.email"]},
            '`email` Must provide a valid email (value: "ana")',
        ),
        ({"email": ["a"], "password": PASSWORD}, {"email": ["type"]}, None),
        (
            {"email": EMAIL, "password": "secret" * 13},
            {"password": ["length"]},
            '`password` The password entered was too long. Max length is 72 (entered 78) (value: "(hidden)")',
        ),
        ({"email": EMAIL, "password": "  \t"}, {"password": ["presence"]}, None),
        (
            {"email": EMAIL, "password": "a"},
            {"password": ["length.min"]},
            '`password` is too short: it must have at least 10 characters, and has 1 (value: "(hidden)")',
        ),
        (
            {"email": EMAIL, "password": "Password123!"},
            {"password": ["exclusion"]},
            "`password` is one of the most common passwords, or one with signs added; choose another one "
            '(value: "(hidden)")',
        ),
        ({"email": EMAIL, "password": f"{EMAIL.upper()}!"}, {"password": ["exclusion"]}, None),
        (
            {"email": EMAIL, "firstname": "Ana", "lastname": "Čuk", "password": "ana čuk 2024"},
            {"password": ["exclusion"]},
            None,
        ),
        ({"email": EMAIL, "password": 12345678}, {"password": ["type"]}, None),
        ({**GIVEN, "id": NOBODY}, {"id": ["absence"]}, None),
        ({**GIVEN, "username": "ana"}, {"username": ["unknown-property"]}, None),
        ({**GIVEN, "locale": "x" * 10_001}, {"locale": ["length"]}, None),
        ({**GIVEN, "label": {"a": 1}}, {"label": ["type"]}, None),
        (
            {"email": "OWNER@example.com", "password": PASSWORD},
            {"email": ["uniqueness"]},
            '`email` Email already exists (value: "OWNER@example.com")',
        ),
    ],
)
async def test_a_sign_up_that_is_not_valid_says_everything_that_is_wrong(
    shared_service: Service, body: Any, codes: Any, message: str | None
) -> None:
    async with shared_service.client(None) as http:
        refused = error(await http.post(ACCOUNTS, json=body))
    assert (refused["statusCode"], refused["name"]) == (422, "ValidationError")
    assert refused["details"]["context"] == "Account"
    assert refused["details"]["codes"] == codes
    assert "secret" not in str(refused)
    if message:
        assert refused["message"] == f"The `Account` instance is not valid. Details: {message}."


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[5]", 400),
        (b'{"email":"a@b.example\\u0000","password":"x"}', 400),
        (b'{"label":"\\ud800"}', 400),
    ],
)
async def test_a_body_that_cannot_be_read_is_rejected(shared_service: Service, body: bytes, status: int) -> None:
    async with shared_service.client(None) as http:
        for path in (ACCOUNTS, LOGIN):
            answer = await http.post(path, content=body, headers={"Content-Type": "application/json"})
            assert error(answer)["statusCode"] == status


async def test_where_operators_make_the_accounts_nobody_else_does(service: Service) -> None:
    closed = httpx.ASGITransport(create_app(replace(service.config, sign_up=None), service.database))
    async with httpx.AsyncClient(transport=closed, base_url="http://service", headers=service.headers) as http:
        assert error(await http.post(ACCOUNTS, json=GIVEN))["code"] == "AUTHORIZATION_REQUIRED"
        await set_password(service.database, Passwords(1), service.email, PASSWORD)
        login = await http.post(LOGIN, json={"email": service.email, "password": PASSWORD})
        assert login.status_code == 200


async def test_of_two_who_sign_up_at_once_one_has_the_address(service: Service) -> None:
    async with service.client(None) as http:
        asked = [http.post(ACCOUNTS, json={**GIVEN, "email": email}) for email in (EMAIL, EMAIL.upper())]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_an_address_is_taken_in_any_case_and_with_its_accents_only(service: Service) -> None:
    async with member(service, "žana@studio.example") as ana:
        for email, unique in (
            ("žana@studio.example", False),
            ("ŽANA@Studio.EXAMPLE", False),
            ("z\u030cana@studio.example", False),
            ("zana@studio.example", True),
            ("nobody", True),
        ):
            async with service.client("junk") as http:
                asked = await http.get("/v1/accounts/is-unique/", params={"email": email})
                assert asked.json() == {"isUnique": unique}
        refused = error(await ana.http.get("/v1/accounts/is-unique"))
        assert (refused["statusCode"], refused["message"]) == (400, "email is a required argument")
        assert error(await ana.http.get("/v1/accounts/is-unique?email=%00"))["statusCode"] == 400


async def test_a_login_gives_a_token_of_64_letters_and_digits_for_two_weeks(service: Service) -> None:
    async with member(service) as ana, service.client(None) as http:
        for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer junk"}, {"X-Access-Token": "junk"}):
            answer = await http.post("/v1/Accounts/LOGIN/", json={**GIVEN, "email": EMAIL.upper()}, headers=headers)
            assert answer.status_code == 200
            token = answer.json()
            assert list(token) == ["id", "ttl", "created", "userId", "scopes"]
            assert re.fullmatch(r"[A-Za-z0-9]{64}", token["id"])
            assert (token["ttl"], token["userId"], token["scopes"]) == (1_209_600, ana.id, ["read", "write"])
            assert MOMENT.fullmatch(token["created"])
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = f"email={EMAIL}&password=correct+horse&ttl=60"
        made = (await http.post(f"{LOGIN}?access_token=junk", content=sent, headers=form)).json()
        assert made["ttl"] == 60
        eternal = (await http.post(LOGIN, json={**GIVEN, "ttl": -1})).json()
        assert eternal["ttl"] == -1
        ends = "SELECT count(*) FILTER (WHERE expires_at - created_at = interval '60 s'), count(*) FILTER (WHERE expires_at IS"
        found = await execute(service, f"{ends} NULL) FROM access_tokens WHERE account_id = '{ana.id}'")
        assert tuple(found) == (1, 1)


async def test_a_token_that_has_expired_is_told_from_an_unknown_one(service: Service) -> None:
    async with member(service) as ana:
        await execute(service, f"UPDATE access_tokens SET expires_at = now() WHERE account_id = '{ana.id}'")
        for path in (ana.path(), "/v1/accounts/authorized"):
            assert error(await ana.http.get(path))["code"] == "INVALID_TOKEN"
        assert error(await ana.http.post("/v1/accounts/logout"))["code"] == "INVALID_TOKEN"
        await execute(service, "UPDATE access_tokens SET expires_at = now() - interval '31 days' WHERE ttl IS NOT NULL")
        assert (await ana.http.post(LOGIN, json=GIVEN)).status_code == 200
        assert error(await ana.http.get(ana.path()))["code"] == "AUTHORIZATION_REQUIRED"


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({}, 400, "USERNAME_EMAIL_REQUIRED", "username or email is required"),
        ({"password": "x"}, 400, "USERNAME_EMAIL_REQUIRED", "username or email is required"),
        ({"email": "", "password": "x"}, 400, "USERNAME_EMAIL_REQUIRED", "username or email is required"),
        ({"email": {"neq": "x"}, "password": "x"}, 400, None, "Value is not a string."),
        ({"email": EMAIL, "password": {"neq": "x"}}, 400, None, "Value is not a string."),
        ({"email": "a\x00b", "password": "x"}, 400, None, None),
        ({"email": EMAIL}, 401, "LOGIN_FAILED", "login failed"),
        ({"username": "ana", "password": "x"}, 401, "LOGIN_FAILED", "login failed"),
        ({"email": "owner@example.com", "password": "x"}, 401, "LOGIN_FAILED", "login failed"),
        ({"email": "nobody@studio.example", "password": "x"}, 401, "LOGIN_FAILED", "login failed"),
        ({"email": "nobody", "password": "x"}, 401, "LOGIN_FAILED", "login failed"),
        ({"email": EMAIL, "password": "x", "ttl": 0}, 422, None, None),
    ],
)
async def test_a_login_that_fails_says_why_and_not_which(
    shared_service: Service, body: Any, status: int, code: str | None, message: str | None
) -> None:
    """The owner's account was made by an operator and has no password: nothing is right for it."""
    async with shared_service.client(None) as http:
        refused = error(await http.post(LOGIN, json=body))
    assert (refused["statusCode"], refused.get("code")) == (status, code)
    if message:
        assert refused["message"] == message


async def test_a_login_without_a_body_that_can_be_read_names_nobody(shared_service: Service) -> None:
    async with shared_service.client(None) as http:
        for content, kind in ((b"", "application/json"), (b"null", "application/json"), (b"x", "text/plain")):
            refused = error(await http.post(LOGIN, content=content, headers={"Content-Type": kind}))
            assert refused["code"] == "USERNAME_EMAIL_REQUIRED"


async def test_who_guesses_is_stopped_in_every_process_and_may_try_again_later(service: Service) -> None:
    other = httpx.ASGITransport(create_app(service.config, service.database))
    async with (
        member(service) as ana,
        service.client(None) as http,
        httpx.AsyncClient(transport=other, base_url="http://service") as second,
    ):
        for email in (EMAIL, "nobody@studio.example"):
            wrong = {"email": email, "password": "guess"}
            asked = [client.post(LOGIN, json=wrong) for client in (http, second) for _ in range(MOST_FAILURES // 2 + 1)]
            answers = await asyncio.gather(*asked)
            statuses = [answer.status_code for answer in answers]
            assert (statuses.count(401), statuses.count(429)) == (MOST_FAILURES, 2)
            assert [error(one) for one in answers if one.status_code == 401] == [FAILED] * MOST_FAILURES
            barred = next(one for one in answers if one.status_code == 429)
            assert 0 < int(barred.headers["retry-after"]) <= 900
        barred = await http.post(LOGIN, json={**GIVEN, "email": EMAIL.upper()})
        assert error(barred)["message"] == "Too many logins have failed"
        assert (await ana.http.get(ana.path())).status_code == 200
        await execute(service, "UPDATE limit_counts SET ends_at = ends_at - interval '15 minutes'")
        assert (await http.post(LOGIN, json=GIVEN)).status_code == 200


async def test_sign_ups_are_limited_for_each_source_and_in_all(service: Service) -> None:
    config = replace(service.config, source_sign_ups=2, sign_ups=3)
    for source, statuses in (("192.0.2.1", [200, 200, 429]), ("192.0.2.2", [200, 429]), ("192.0.2.3", [429])):
        transport = httpx.ASGITransport(create_app(config, service.database), client=(source, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            for number, status in enumerate(statuses):
                answer = await http.post(ACCOUNTS, json={**GIVEN, "email": f"n{number}@{source}.example"})
                assert answer.status_code == status, answer.text
                if status == 429:
                    assert error(answer)["message"] == "Too many accounts were created"
                    assert 3500 < int(answer.headers["retry-after"]) <= 3600


async def test_addresses_of_one_ipv6_network_are_one_source(service: Service) -> None:
    config = replace(service.config, logins=2)
    statuses = []
    for source in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:0:1::", "2001:db8:0:1::1"):
        transport = httpx.ASGITransport(create_app(config, service.database), client=(source, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            statuses.append((await http.post(LOGIN, json={**GIVEN, "password": "no"})).status_code)
    assert statuses == [401, 401, 429, 401]


async def test_a_right_password_forgives_the_wrong_ones(service: Service) -> None:
    async with member(service), service.client(None) as http:
        for wrong in (MOST_FAILURES - 1, 2):
            for _ in range(wrong):
                assert (await http.post(LOGIN, json={**GIVEN, "password": "no"})).status_code == 401
            assert (await http.post(LOGIN, json=GIVEN)).status_code == 200


async def test_a_hash_that_is_outgrown_is_made_anew_at_the_next_login(service: Service) -> None:
    async with member(service), service.client(None) as http:
        old = await Passwords(2).hash(PASSWORD)
        await execute(service, f"UPDATE accounts SET password_hash = '{old}' WHERE password_hash IS NOT NULL")
        for _ in range(2):
            assert (await http.post(LOGIN, json=GIVEN)).status_code == 200
        kept = (await execute(service, "SELECT password_hash FROM accounts WHERE password_hash IS NOT NULL"))[0]
        assert kept != old
        assert "m=1024," in kept


async def test_a_logout_ends_the_token_and_no_other(service: Service) -> None:
    async with member(service) as ana:
        second = (await ana.http.post(LOGIN, json=GIVEN)).json()["id"]
        answer = await ana.http.post("/v1/accounts/logout")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers
        refused = error(await ana.http.post("/v1/accounts/logout"))
        assert refused == {"statusCode": 401, "name": "Error", "message": "accessToken is required to logout"}
        assert error(await ana.http.get(ana.path()))["code"] == "AUTHORIZATION_REQUIRED"
        assert (await ana.http.get(ana.path(), headers={"Authorization": second})).status_code == 200


async def test_a_new_password_ends_what_was_logged_in_and_leaves_other_tokens(service: Service) -> None:
    async with member(service) as ana, service.client(None) as http:
        key = await service.make_token(account_email=EMAIL)
        await set_password(service.database, Passwords(1), EMAIL, "another one")
        assert (await ana.http.get(ana.path())).status_code == 401
        assert (await http.post(LOGIN, json=GIVEN)).status_code == 401
        assert (await http.post(LOGIN, json={**GIVEN, "password": "another one"})).status_code == 200
        assert (await http.get(ana.path(), headers={"Authorization": key})).status_code == 200


async def test_an_account_is_shown_to_itself_alone(service: Service) -> None:
    entity = await service.make_token(organization_id=service.organization)
    async with member(service) as ana, service.client(entity) as http:
        for asking in (service.http, http):
            refused = error(await asking.get(ana.path()))
            assert refused["message"] == f'Unknown "Account" id "{ana.id}".'
            assert refused["code"] == "MODEL_NOT_FOUND"
            for below in ("/organizations", "/organizations/count", "/accessTokens"):
                assert error(await asking.get(ana.path(below)))["message"] == f"could not find a model with id {ana.id}"
            assert error(await asking.post(ana.path("/organizations"), json={}))["statusCode"] == 404
        assert error(await http.get("/v1/accounts/authorized"))["code"] == "AUTHORIZATION_REQUIRED"
        assert (await service.http.get("/v1/accounts/authorized")).json()["email"] == service.email
        assert (await ana.http.head(ana.path())).status_code == 200
    async with service.client(None) as anybody:
        for path in (ana.path(), ana.path("/organizations"), "/v1/accounts/authorized"):
            assert error(await anybody.get(path))["code"] == "AUTHORIZATION_REQUIRED"
        refused = error(await anybody.get(ACCOUNTS))
        assert refused["message"] == 'Shared class "Account" has no method handling GET /'


async def test_an_account_makes_lists_and_revokes_tokens(service: Service) -> None:
    async with member(service) as ana, service.client(None) as http:
        path = ana.path("/accessTokens")
        made = (await ana.http.post(path, json={"ttl": 100, "scopes": ["read"]})).json()
        assert (made["ttl"], made["userId"], made["scopes"]) == (100, ana.id, ["read"])
        http.headers["Authorization"] = made["id"]
        assert (await http.get(ana.path())).status_code == 200
        assert error(await http.post(path, json={}))["code"] == "AUTHORIZATION_REQUIRED"
        assert error(await http.delete(f"{path}/x"))["code"] == "AUTHORIZATION_REQUIRED"
        key = await service.make_token(account_email=EMAIL)
        listed = (await ana.http.get(path)).json()
        assert [one["ttl"] for one in listed] == [-1, 100, 1_209_600]
        assert not {one["id"] for one in listed} & {made["id"], key, ana.token}
        assert (await ana.http.delete(f"{path}/{made['id']}")).status_code == 204
        assert (await ana.http.delete(f"{path}/{listed[0]['id']}")).status_code == 204
        for gone in (made["id"], key):
            assert (await http.get(ana.path(), headers={"Authorization": gone})).status_code == 401
        foreign = (await service.http.get("/v1/accounts/authorized")).json()["id"]
        (other,) = (await service.http.get(f"/v1/accounts/{foreign}/accessTokens")).json()
        for name in (other["id"], service.token, made["id"]):
            assert error(await ana.http.delete(f"{path}/{name}"))["statusCode"] == 404
        assert (await service.http.get("/v1/accounts/authorized")).status_code == 200
        refused = error(await ana.http.post(path, json={"ttl": -5}))
        assert (refused["statusCode"], refused["details"]["context"]) == (422, "AccessToken")
