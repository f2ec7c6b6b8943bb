"""Commands for people and for scripts: tables on a terminal, tabs in a pipe, JSON with --json."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import cli
from app.mail.outbox import claim_due, mark_failed, mark_sent, put_message
from app.storage.database import Database
from tests.mail.conftest import make_message
from tests.test_cli import COMMAND, TIMEOUT, Run, assert_error, made, read_terminal

EMAIL = "ana@example.com"
OWN_OUTPUT = {"serve", "schema", "openapi", "export", "subject-export"}
"""The commands that print a text or a file."""


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name.strip(), command
    for word, below in inner.items():
        yield from leaves(below, f"{name} {word}")


def test_every_command_prints_json() -> None:
    without = {
        name
        for name, command in leaves(typer.main.get_command(cli))
        if not any("--json" in getattr(parameter, "opts", ()) for parameter in command.params)
    }
    assert without == OWN_OUTPUT


def read_json(result: tuple[str, str, int]) -> Any:
    out, err, status = result
    assert (err, status) == ("", 0)
    return json.loads(out)


def test_accounts_and_organizations_are_shown_and_changed(run: Run) -> None:
    account = read_json(run("account", "create", EMAIL, "--json"))["id"]
    created = run("organization", "create", "Studio", "--account", EMAIL, "--json")
    organization = read_json(created)["id"]
    assert [row["email"] for row in read_json(run("account", "list", "--json"))] == [EMAIL]
    assert read_json(run("organization", "list", "--json")) == [
        {"id": organization, "name": "Studio", "purge_at": None}
    ]
    shown = read_json(run("account", "show", EMAIL.upper(), "--json"))
    assert (shown["id"], shown["verified"], shown["has_password"]) == (account, True, False)
    assert shown["organizations"] == [{"id": organization, "name": "Studio"}]
    change = ("--name", "Atelier", "--locale", "de", "--country", "Austria", "--email", "office@atelier.example")
    assert run("organization", "update", organization, *change) == ("", "The organization is changed.\n", 0)
    details = read_json(run("organization", "show", organization, "--json"))
    assert (details["name"], details["locale"], details["country_alpha2_code"]) == ("Atelier", "de", "AT")
    assert (details["email"], details["accounts"]) == ("office@atelier.example", [EMAIL])
    assert run("organization", "update", organization, "--email", "")[2] == 0
    rows = dict(line.split("\t") for line in run("organization", "show", organization)[0].splitlines())
    assert (rows["name"], rows["email"], rows["accounts"]) == ("Atelier", "", EMAIL)
    assert_error(run("organization", "update", organization), "Give at least one field")
    assert_error(run("organization", "update", organization, "--name", "x" * 1001), "longer than 1000")
    assert_error(run("organization", "update", organization, "--name", ""), "name")
    assert_error(run("organization", "update", "0" * 24, "--name", "x"), "There is no organization with the id")
    assert_error(run("organization", "show", "0" * 24), "There is no organization with the id")
    assert_error(run("account", "show", "bo@example.com"), "There is no account with the address")


def test_a_deleted_account_and_organization_are_shown_with_their_last_moment(run: Run) -> None:
    made(run("account", "create", EMAIL))
    organization = made(run("organization", "create", "Studio", "--account", EMAIL))
    assert run("account", "delete", EMAIL)[2] == 0
    assert read_json(run("account", "show", EMAIL, "--json"))["purge_at"]
    assert read_json(run("organization", "show", organization, "--json"))["purge_at"]


def put_messages(url: str, organization: str) -> dict[str, str]:
    """A message in each state, by the state."""

    async def put() -> dict[str, str]:
        database = Database(url, pool_size=1)
        messages = {}
        async with database.write() as connection:
            for state in ("failed", "sent", "sending", "waiting"):
                messages[state] = await put_message(connection, organization, "a" * 24, make_message())
                if state == "waiting":
                    continue
                (claim,) = await claim_due(connection, most=1, lease=timedelta(hours=1))
                if state == "failed":
                    await mark_failed(connection, claim, "550 No such user")
                elif state == "sent":
                    await mark_sent(connection, claim)
        await database.close()
        return messages

    return asyncio.run(put())


def states(run: Run) -> dict[str, str]:
    return {row["id"]: row["state"] for row in read_json(run("outbox", "list", "--json"))}


def test_messages_are_sent_again_and_cancelled_all_or_none(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio"))
    messages = put_messages(database_url, organization)
    for state in ("sent", "sending"):
        assert_error(
            run("outbox", "retry", messages["failed"], messages[state]), f"{messages[state]} cannot be sent again"
        )
        assert_error(run("outbox", "cancel", messages["waiting"], messages[state]), f"{messages[state]} does not wait")
    assert states(run) == {message: state for state, message in messages.items()}
    assert run("outbox", "cancel", messages["waiting"]) == ("", "Cancelled messages: 1\n", 0)
    assert states(run)[messages["waiting"]] == "failed"
    assert run("outbox", "retry", messages["waiting"]) == ("", "Messages to send again: 1\n", 0)
    assert read_json(run("outbox", "retry", "--failed", "--organization", "0" * 24, "--json")) == {"retried": []}
    assert read_json(run("outbox", "retry", "--failed", "--json")) == {"retried": [messages["failed"]]}
    assert states(run)[messages["failed"]] == "waiting"
    (row,) = [row for row in read_json(run("outbox", "list", "--json")) if row["id"] == messages["failed"]]
    assert row["attempts"] == 0
    assert_error(run("outbox", "retry"), "--failed")
    assert_error(run("outbox", "retry", messages["failed"], "--failed"), "--failed")
    assert run("outbox", "cancel")[2] == 2


def test_a_message_to_an_erased_person_is_not_sent_again(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio"))
    message = put_messages(database_url, organization)["failed"]

    async def erase() -> None:
        database = Database(database_url, pool_size=1)
        async with database.write() as connection:
            from app.mail.outbox import erase_messages

            await erase_messages(connection, organization, "a" * 24)
        await database.close()

    asyncio.run(erase())
    assert_error(run("outbox", "retry", message), "cannot be sent again")
    assert read_json(run("outbox", "retry", "--failed", "--json")) == {"retried": []}


def test_names_cannot_break_columns(run: Run) -> None:
    organization = made(run("organization", "create", "A\tB\x1b[31m\nC"))
    assert run("organization", "list")[0] == f"{organization}\tA B [31m C\n"
    (row,) = read_json(run("organization", "list", "--json"))
    assert row["name"] == "A\tB\x1b[31m\nC"


def test_a_terminal_gets_a_table_with_titles(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio [red]"))
    made(run("token", "create", "--organization", organization, "--label", "build"))
    for arguments, titles in (
        (("organization", "list"), ("id", "name")),
        (("token", "list"), ("id", "owner", "label")),
        (("organization", "show", organization), ("name", "value")),
    ):
        shown, terminal = os.openpty()
        environment = {**os.environ, "DATABASE_URL": database_url, "COLUMNS": "300", "TERM": "xterm"}
        command = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=terminal)
        os.close(terminal)
        seen = read_terminal(shown)
        assert command.wait(TIMEOUT) == 0
        assert all(title in seen.splitlines()[0] for title in titles), seen
        assert organization in seen
        assert "Studio [red]" in seen or arguments[0] == "token"


def test_nothing_is_listed_without_a_table(run: Run) -> None:
    assert run("account", "list") == ("", "", 0)
    assert run("account", "list", "--json") == ("[]\n", "", 0)


def test_the_settings_are_shown_with_their_sources_and_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATABASE_URL": "postgresql://ana:s3cret@db.example:5432/x?sslmode=require&sslpassword=s3cret",
        "SMTP_URL": "s3cret",
        "CLIENTELE_DEMO_TOKEN": "sk_live_s3cret",
        "CLIENTELE_CORS_ORIGINS": "https://a.example, https://b.example",
        "CLIENTELE_SIGN_UP": "yes",
        "CLIENTELE_POOL_SIZE": " ",
        "CLIENTELE_DATABASE_ACCOUNT": "postgres",
    }.items():
        monkeypatch.setenv(name, value)
    out, err, status = run("config", "show")
    assert (err, status) == ("", 0)
    assert "s3cret" not in out
    rows = {row["name"]: (row["value"], row["source"]) for row in read_json(run("config", "show", "--json"))}
    assert rows["DATABASE_URL"] == (
        "postgresql://ana:***@db.example:5432/x?sslmode=require&sslpassword=***", "environment",
    )  # fmt: skip
    assert rows["SMTP_URL"] == rows["CLIENTELE_DEMO_TOKEN"] == ("***", "environment")
    assert rows["CLIENTELE_CORS_ORIGINS"] == ("https://a.example,https://b.example", "environment")
    assert rows["CLIENTELE_SIGN_UP"] == ("true", "environment")
    assert rows["CLIENTELE_POOL_SIZE"] == ("20", "default")
    assert rows["VIES_URL"] == (None, "default")
    assert rows["CLIENTELE_DATABASE_ACCOUNT"] == ("postgres", "environment")


def test_a_secret_in_a_file_is_shown_with_its_source(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "url").write_text(f"{database_url}\n")
    monkeypatch.setenv("CLIENTELE_LISTEN_URL_FILE", str(tmp_path / "url"))
    rows = {row["name"]: row for row in read_json(run("config", "show", "--json"))}
    assert rows["CLIENTELE_LISTEN_URL"]["source"] == "file"
    assert rows["CLIENTELE_LISTEN_URL"]["value"].startswith("postgres")


def test_the_embedded_database_is_shown_and_removed(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    shown = read_json(run("database", "show", "--json"))
    assert shown["embedded"] is False
    assert_error(run("database", "remove", "--yes"), "DATABASE_URL is set")
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(tmp_path / "data"))
    assert_error(run("database", "remove", "--yes"), "There is no embedded database in")
    assert run("account", "create", EMAIL)[2] == 0
    shown = read_json(run("database", "show", "--json"))
    assert shown["exists"] is True
    assert Path(shown["folder"], "PG_VERSION").exists()
    assert_error(run("database", "remove"), "Add --yes to remove without a question")
    assert run("database", "remove", "--yes")[2] == 0
    assert not Path(shown["folder"]).exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == []


HEAVY = (
    "sqlalchemy",
    "asyncpg",
    "alembic",
    "strawberry",
    "graphql",
    "starlette",
    "uvicorn",
    "argon2",
    "httpx",
    "jinja2",
)
LIST_HEAVY = f"""
import sys
from app.cli import main
try:
    main()
finally:
    print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
"""
HELP = ((), ("account",), ("serve",), ("organization", "create"), ("outbox", "retry"))


@pytest.mark.parametrize("arguments", HELP)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIST_HEAVY, *arguments, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    assert ended.stderr.split() == []
    assert "Usage: " in ended.stdout


def test_help_needs_little_processor_time() -> None:
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*COMMAND, "--help"], stdout=subprocess.DEVNULL, check=True, timeout=TIMEOUT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(used) < 0.35


def test_a_shell_completes_commands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CLIENTELE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "clientele organization u")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run() == ("update\n", "", 0)


def test_exit_codes(run: Run) -> None:
    assert run("organization", "list")[2] == 0
    assert run("organization", "restore", "0" * 24)[2] == 1
    assert run("organization", "lost")[2] == 2
    assert run("organization", "list", "--lost")[2] == 2


def test_ctrl_c_ends_a_command_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.organizations.with_database", interrupt)
    out, err, status = run("organization", "list")
    assert (out, status) == ("", 130)
    assert "Traceback" not in err
