"""`download`, and the move from another service from start to end."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config import Config
from app.main import create_app
from tests.conftest import opened
from tests.download.stand_in import (
    INTERNAL,
    ORGANIZATION,
    SILENT,
    TOO_MANY,
    Reply,
    StandIn,
    listening,
    recorded_clients,
)
from tests.golden.records import TOKEN
from tests.test_cli import Run, assert_error, made

EMAIL = "ana@example.com"


async def read_clients(database_url: str, token: str) -> dict[str, Any]:
    """Every client as the v1 API of this service lists it, deleted ones too, by id."""
    async with opened(database_url) as database:
        app = create_app(Config(database_url=database_url, page_cap=1000), database)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://service") as http,
        ):
            headers = {"Authorization": token}
            path = f"/v1/Organizations/{ORGANIZATION}/clients?filter[deleted]=true"
            response = await http.get(path, headers=headers)
    return {client["id"]: client for client in response.json()}


def test_a_move_keeps_every_client(
    run: Run, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.download.source.time.sleep", lambda seconds: None)
    file, secret = tmp_path / "clients.jsonl", tmp_path / "token"
    secret.write_text(f"{TOKEN}\n")
    stand_in = StandIn(faults={4: TOO_MANY, 6: INTERNAL, 8: SILENT, 10: Reply(200, cut=True)})
    stand_in.changes = {7: lambda source: source.change(min(source.records), name="Changed")}
    with listening(stand_in) as url:
        command = ("download", "--url", url, "--token-file", str(secret), "--output", str(file))
        out, err, status = run(*command)
    assert (out, status) == ("", 0), err
    assert err.endswith(f"Next: clientele import {file} --organization {ORGANIZATION}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir()) if "clients" in path.name] == ["clients.jsonl"]

    made(run("account", "create", EMAIL))
    made(run("organization", "create", "Org A", "--id", ORGANIZATION, "--account", EMAIL))
    out, err, status = run("import", str(file), "--organization", ORGANIZATION)
    assert (out, status) == ("300\n", 0), err
    token = made(run("token", "create", "--account", EMAIL))
    clients = asyncio.run(read_clients(database_url, token))
    for record in stand_in.records.values():
        deleted_at = record["deletedAt"] and record["deletedAt"].replace(" ", "T")
        assert clients[record["id"]] == {**record, "deletedAt": deleted_at}
    assert len(clients) == 300


def test_a_download_reports_what_is_not_complete(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.download.source.time.sleep", lambda seconds: None)
    file, secret = tmp_path / "clients.jsonl", tmp_path / "token"
    secret.write_text(TOKEN)
    records = recorded_clients()
    records[min(records)]["legacy"] = 1
    stand_in = StandIn(records)
    with listening(stand_in) as url:
        command = ("download", "--url", url, "--token-file", str(secret), "--output", str(file))
        out, err, status = run(*command, "--json")
        assert (err, status) == ("", 0)
        assert json.loads(out) == {
            "downloaded": 300,
            "deleted": 12,
            "counted": 288,
            "left_out": {"legacy": 1},
            "organization": ORGANIZATION,
        }
        stand_in.changes = {len(stand_in.paths) + 7: lambda source: source.erase(sorted(source.records)[1])}
        _, err, status = run(*command)
        assert status == 1
        assert f"clientele: {file} has 288 live clients, but the service counts 287." in err
        secret.write_text("wrong")
        assert_error(run(*command), "does not accept the token")
    assert_error(run("download", "--url", url, "--output", str(file)), "Give the token with --token-file")
    assert_error(run("download", "--token-file", str(tmp_path / "no"), "--output", str(file)), "cannot be read")
