"""The tour through the v1 API with the client that openapi-python-client makes of the OpenAPI document."""

# mypy: ignore-errors
import json
import os

from clientele_v_1_clients_api_client import AuthenticatedClient
from clientele_v_1_clients_api_client.api.accounts import get_authorized_account
from clientele_v_1_clients_api_client.api.clients import (
    client_exists,
    count_clients,
    create_client,
    delete_client,
    find_clients,
    get_client,
    replace_client,
    search_clients,
    update_client,
)
from clientele_v_1_clients_api_client.api.organizations import find_organizations
from clientele_v_1_clients_api_client.models import ClientChanges, Error, NewClient

TOKEN = os.environ["CLIENTELE_TOKEN"]


def open_client(token: str) -> AuthenticatedClient:
    """A client that sends the token alone, as the public document does."""
    return AuthenticatedClient(os.environ["CLIENTELE_URL"], token, prefix="", raise_on_unexpected_status=True)


def main() -> None:
    client = open_client(TOKEN)
    account = get_authorized_account.sync(client=client)
    organization = find_organizations.sync(account.id, client=client)[0].id

    made = create_client.sync_detailed(organization, client=client, body=NewClient(name="Ana Novak", city="Bled"))
    assert made.status_code == 200, made
    assert (made.parsed.name, made.parsed.city, made.parsed.field_is_deleted) == ("Ana Novak", "Bled", False)
    id_, tag = made.parsed.id, made.headers["etag"]
    several = create_client.sync(organization, client=client, body=[NewClient(name="One"), NewClient(name="Two")])
    assert [each.name for each in several] == ["One", "Two"]

    assert get_client.sync(id_, client=client).city == "Bled"
    assert get_client.sync_detailed(id_, client=client, if_none_match=tag).status_code == 304
    filter_ = json.dumps({"where": {"id": {"inq": [id_]}}, "fields": ["id", "name"], "limit": 5})
    found = find_clients.sync_detailed(organization, client=client, filter_=filter_)
    assert [each.id for each in found.parsed] == [id_]
    assert found.headers["x-total-count"] == "1"
    assert count_clients.sync(organization, client=client, where=json.dumps({"id": id_})).count == 1

    changed = update_client.sync_detailed(id_, client=client, body=ClientChanges(note="changed"), if_match=tag)
    assert changed.parsed.note == "changed"
    stale = update_client.sync_detailed(id_, client=client, body=ClientChanges(note="late"), if_match=tag)
    assert stale.status_code == 412
    assert isinstance(stale.parsed, Error)
    assert replace_client.sync(id_, client=client, body=NewClient(name="Ana Kovač")).city is None
    assert search_clients.sync(organization, client=client, term="kovač")

    invalid = update_client.sync(id_, client=client, body=ClientChanges(name=""))
    assert invalid.error.name == "ValidationError"
    assert invalid.error.details.codes["name"] == ["presence"]

    for each in (id_, *(other.id for other in several)):
        assert delete_client.sync(each, client=client).count == 1
    assert client_exists.sync(id_, client=client).exists is False
    assert get_client.sync(id_, client=client).error.code == "MODEL_NOT_FOUND"
    assert get_client.sync_detailed(id_, client=open_client("unknown")).status_code == 401


if __name__ == "__main__":
    main()
    print("openapi-python-client: the tour through v1 succeeded")
