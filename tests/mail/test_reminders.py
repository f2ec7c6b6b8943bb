"""A reminder through each API arrives at a real SMTP server, or in a folder without a server."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from email import message_from_bytes, policy
from functools import partial

import httpx
import pytest

from app.config import Config
from app.storage.database import Database
from tests.conftest import Service, running
from tests.mail.conftest import PostOffice, mailbox_of, wait_until

Send = Callable[[Service, str], Awaitable[httpx.Response]]
MUTATION = (
    "mutation($id: ID!) { sendClientReminder(id: $id, language: DE) { reminder { language } userErrors { code } } }"
)

GRAPHQL_ANSWER = {
    "data": {"sendClientReminder": {"reminder": {"language": "DE"}, "userErrors": []}},
    "extensions": None,
}


async def send_by_v1(service: Service, client: str) -> httpx.Response:
    return await service.http.post(f"/v1/Clients/{client}/send-reminder", json={"l": "de"})


async def send_by_graphql(service: Service, client: str) -> httpx.Response:
    return await service.http.post("/graphql", json={"query": MUTATION, "variables": {"id": client}})


async def make_client(service: Service) -> str:
    body = {"name": "Čebelica d.o.o.", "email": "info@cebelica.example"}
    made = await service.http.post(f"/v1/Organizations/{service.organization}/clients", json=body)
    return str(made.json()["id"])


@pytest.mark.parametrize("send", [send_by_v1, send_by_graphql])
async def test_a_reminder_arrives(send: Send, config: Config, database: Database, post_office: PostOffice) -> None:
    sending = replace(config, smtp_url=f"smtp://127.0.0.1:{post_office.port}", mail_from="bills@studio.example")
    async with running(sending, database) as service:
        answer = await send(service, await make_client(service))
        assert answer.status_code == 200
        assert (
            '"success":true' in answer.text.replace(" ", "") or answer.json() | {"extensions": None} == GRAPHQL_ANSWER
        )
        await wait_until(partial(post_office.has_taken, 1))
    (mail,) = post_office.mails
    assert post_office.recipients == ["info@cebelica.example"]
    assert post_office.senders == ["bills@studio.example"]
    assert mail["From"].addresses[0].display_name == "Studio Example via studio.example"
    assert mail["Reply-To"].addresses[0].addr_spec == "office@studio.example"
    assert mail["Content-Language"] == "de"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "Čebelica d.o.o." in body.get_content()


async def test_a_reminder_speaks_the_organizations_language_and_may_go_elsewhere(
    config: Config, database: Database, post_office: PostOffice
) -> None:
    sending = replace(config, smtp_url=post_office.url, mail_from="bills@studio.example")
    async with running(sending, database) as service:
        home = await service.make_organization("Studio Zelen", account_email=service.email, locale="sl-SI")
        made = await service.http.post(f"/v1/Organizations/{home}/clients", json={"name": "Čebelica d.o.o."})
        path, body = f"/v1/Clients/{made.json()['id']}/send-reminder", {"email": "racuni@cebelica.example"}
        assert (await service.http.post(path, json={})).status_code == 422
        assert (await service.http.post(path, json={"email": "nobody"})).status_code == 422
        assert (await service.http.post(path, json=body)).json() == {"success": True}
        await wait_until(partial(post_office.has_taken, 1))
    (mail,) = post_office.mails
    assert post_office.recipients == ["racuni@cebelica.example"]
    assert mailbox_of(mail, "To") == ("Čebelica d.o.o.", "racuni@cebelica.example")
    assert mailbox_of(mail, "From") == ("Studio Zelen via studio.example", "bills@studio.example")
    assert (mail["Content-Language"], mail["Reply-To"]) == ("sl", None)


async def test_without_a_server_the_reminder_is_a_file(service: Service) -> None:
    assert (await send_by_v1(service, await make_client(service))).json() == {"success": True}
    folder = service.config.data_dir / "mail"
    await wait_until(lambda: len(list(folder.glob("*.eml"))) == 1)
    (file,) = folder.glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"].addresses[0].addr_spec == "info@cebelica.example"
