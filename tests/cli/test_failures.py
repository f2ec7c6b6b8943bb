"""No input of an operator ends in a traceback: every command, with every kind of wrong database and a closed output."""

import asyncio
import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import typer

from app.cli import cli, main
from app.storage import migrations
from tests.test_cli import COMMAND, TIMEOUT, Run, assert_error, made
from tests.test_documents import commands

ID = "0" * 24
EMAIL = "ana@example.com"

ARGUMENTS = {
    "account create": (EMAIL,),
    "account delete": (EMAIL,),
    "account list": (),
    "account show": (EMAIL,),
    "account password": (EMAIL,),
    "account restore": (EMAIL,),
    "account verify": (EMAIL,),
    "backup": ("/dev/null/file",),
    "config show": (),
    "database remove": ("--yes",),
    "database show": (),
    "demo remove": ("--yes",),
    "documents check": (os.devnull,),
    "download": ("--url", "http://127.0.0.1:9/v1", "--token-file", os.devnull, "--output", os.devnull),
    "erase": (ID, "--yes"),
    "export": ("--organization", ID),
    "import": (os.devnull, "--organization", ID),
    "migrate": (),
    "openapi": ("v1",),
    "organization create": ("Studio",),
    "organization delete": (ID,),
    "organization list": (),
    "organization restore": (ID,),
    "organization show": (ID,),
    "restore": (os.devnull,),
    "organization update": (ID, "--name", "Studio"),
    "outbox cancel": (ID,),
    "outbox list": (),
    "outbox retry": (ID,),
    "schema": (),
    "serve": ("--port", "0"),
    "subject-export": (EMAIL,),
    "token create": ("--organization", ID),
    "token list": (),
    "token revoke": (ID,),
    "webhook create": ("--organization", ID, "--url", "https://events.example/", "--event", "*"),
    "webhook delete": (ID,),
    "webhook deliveries": (ID,),
    "webhook list": ("--organization", ID),
    "webhook redeliver": (ID,),
    "webhook rotate-secret": (ID,),
    "webhook test": (ID,),
    "webhook update": (ID, "--url", "https://events.example/"),
}
"""Arguments with which each command reaches its work."""

OFFLINE = {
    "backup",
    "config show",
    "database remove",
    "database show",
    "documents check",
    "download",
    "openapi",
    "restore",
    "schema",
}
"""The commands that need no database."""
PATIENT = {"serve"}
"""The commands that begin without a ready database, and say so."""


def test_every_command_is_tried() -> None:
    named = {name.removeprefix("clientele ") for name in commands(typer.main.get_command(cli), "clientele")}
    assert named == set(ARGUMENTS)


@pytest.fixture
def attempt(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, str, int]]:
    """Runs a command by its name with its arguments. `serve` ends when it would begin to serve."""
    monkeypatch.setattr("app.cli.service.serve", lambda *_: sys.exit(0))
    monkeypatch.setattr("app.cli.checks.START_LIMIT", 3.0)

    def run_command(name: str) -> tuple[str, str, int]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
        return run(*name.split(), *ARGUMENTS[name])

    return run_command


def execute(url: str, *statements: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(work())


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """The address of a database without tables."""
    name = f"clientele_empty_{uuid.uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def with_wrong_password(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"nobody_{uuid.uuid4().hex[:8]}:wrong@{host}").geturl()


def assert_each_fails(attempt: Callable[[str], tuple[str, str, int]], part: str, names: set[str]) -> None:
    """Asserts that each command says what is wrong in one line, and that the patient ones begin."""
    for name in sorted(names):
        out, err, status = attempt(name)
        assert "Traceback" not in out + err, name
        assert (err.count("\n"), part in err) == (1, True), (name, err)
        assert err.startswith("clientele: "), (name, err)
        assert status == (0 if name in PATIENT else 1), (name, err)
        assert out == "" or name in PATIENT, (name, out)


ONLINE = set(ARGUMENTS) - OFFLINE


def test_a_wrong_password_is_one_line(
    attempt: Callable[[str], tuple[str, str, int]], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_wrong_password(database_url))
    assert_each_fails(attempt, "The database cannot be used: ", ONLINE - PATIENT)
    assert_each_fails(attempt, "the database rejects the user or the password", PATIENT)


def test_a_missing_database_is_one_line(
    attempt: Callable[[str], tuple[str, str, int]], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (database_url.replace("clientele_", "absent_"), "postgresql://127.0.0.1:1/nothing"):
        monkeypatch.setenv("DATABASE_URL", url)
        assert_each_fails(attempt, "The database cannot be reached", ONLINE - PATIENT)
        assert_each_fails(attempt, "the database cannot be reached", PATIENT)


def test_an_unmigrated_database_is_one_line(
    attempt: Callable[[str], tuple[str, str, int]], empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_url)
    assert_each_fails(attempt, "clientele migrate", ONLINE - {"migrate"})
    assert attempt("migrate")[2] == 0


def test_a_newer_database_is_one_line(attempt: Callable[[str], tuple[str, str, int]], database_url: str) -> None:
    execute(
        database_url,
        "UPDATE alembic_version SET version_num = 'future'",
        f"COMMENT ON TABLE alembic_version IS '{migrations.COMPATIBLE}future'",
    )
    assert_each_fails(attempt, "newer version of the service", ONLINE - {"migrate"})
    assert_each_fails(attempt, "Install the version of the service that migrated it", {"migrate"})


def test_an_old_postgresql_is_one_line(
    attempt: Callable[[str], tuple[str, str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST", 99)
    for name in sorted(ONLINE):
        assert_error(attempt(name), "PostgreSQL 99 or newer is needed; this is ")


PRINTING = ("account list", "export", "organization list", "schema", "token list", "subject-export")


def fill(run: Run, records: Path, clients: int = 1) -> str:
    """Creates a row for each command that prints rows, and returns the id of the organization."""
    made(run("account", "create", EMAIL))
    organization = made(run("organization", "create", "Studio", "--account", EMAIL))
    made(run("token", "create", "--organization", organization))
    lines = (f'{{"id": "{index:024x}", "name": "{"x" * 900}"}}\n' for index in range(clients))
    records.write_text("".join(lines))
    assert run("import", str(records), "--organization", organization)[2] == 0
    return organization


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [("closed", 141, ""), ("/dev/full", 1, "clientele: stdout cannot be written: No space left on device\n")],
)
def test_a_closed_pipe_ends_a_command_quietly_and_a_full_disk_is_one_line(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    target: str,
    status: int,
    message: str,
) -> None:
    organization = fill(run, tmp_path / "clients.jsonl")
    for name in PRINTING:
        arguments = ("--organization", organization) if name == "export" else ARGUMENTS[name]
        monkeypatch.setattr(sys, "argv", ["clientele", *name.split(), *arguments])
        with open_target(target) as file, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", file)
            with pytest.raises(SystemExit) as left:
                main()
        err = capsys.readouterr().err
        assert (left.value.code, err) == (status, message), name


def open_target(target: str) -> io.TextIOWrapper:
    """A pipe without a reader, or a file."""
    if target != "closed":
        return io.TextIOWrapper(open(target, "wb", buffering=0), write_through=True)
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(os.fdopen(writer, "wb", buffering=0), write_through=True)


def test_head_ends_an_export_without_a_word(run: Run, database_url: str, tmp_path: Path) -> None:
    organization = fill(run, tmp_path / "clients.jsonl", 500)
    export = subprocess.Popen(
        [*COMMAND, "export", "--organization", organization],
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert export.stdout is not None
    assert export.stdout.readline()
    export.stdout.close()
    assert export.stderr is not None
    with export.stderr as errors:
        assert errors.read() == b""
    assert export.wait(TIMEOUT) == 141


@pytest.mark.parametrize(("target", "status", "lines"), [("/dev/full", 1, 1), ("closed", 1, 0)])
def test_help_that_cannot_be_written_is_no_traceback(target: str, status: int, lines: int) -> None:
    with open_target(target) as file:
        ended = subprocess.run([*COMMAND, "--help"], stdout=file, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (status, lines), ended.stderr


def test_an_export_without_a_stdout_is_one_line(run: Run, database_url: str) -> None:
    words = [*COMMAND, "export", "--organization", ID]
    ended = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *words],
        env={**os.environ, "DATABASE_URL": database_url},
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count(b"\n")) == (1, 1)
    assert b"stdout is closed" in ended.stderr


UNKNOWN = [
    ("CLIENTELE_PROT", "Did you mean CLIENTELE_PORT?"),
    ("CLIENTELE_CORS_ORIGIN", "Did you mean CLIENTELE_CORS_ORIGINS?"),
    ("clientele_workers", "Did you mean CLIENTELE_WORKERS?"),
    ("CLIENTELE_Q", "clientele config show lists the settings."),
]


def test_a_misspelt_setting_is_refused_with_a_suggestion(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, part in UNKNOWN:
        with monkeypatch.context() as patched:
            patched.setenv(name, "1")
            for arguments in (("serve",), ("organization", "list")):
                assert_error(run(*arguments), f"{name} is not a setting. ")
                assert_error(run(*arguments), part)
    monkeypatch.setenv("CLIENTELE_Q", " ")
    assert run("organization", "list")[2] == 0


def test_the_variables_of_kubernetes_are_not_taken_for_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CLIENTELE_SERVICE_HOST": "10.0.0.1",
        "CLIENTELE_SERVICE_PORT_HTTP": "8000",
        "CLIENTELE_PORT": "tcp://10.0.0.1:8000",
        "CLIENTELE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "CLIENTELE_PORT_8000_TCP_ADDR": "10.0.0.1",
        "CLIENTELE_POSTGRES_SERVICE_PORT": "5432",
    }.items():
        monkeypatch.setenv(name, value)
    assert run("organization", "list")[2] == 0


def test_a_data_directory_that_cannot_be_used_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    for path in (os.devnull, "/proc/nothing/here", f"{os.devnull}/below"):
        monkeypatch.setenv("CLIENTELE_DATA_DIR", path)
        for name in ("organization list", "serve"):
            assert_error(run(*name.split()), "The embedded PostgreSQL cannot start")
