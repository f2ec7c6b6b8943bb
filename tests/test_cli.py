"""The command `clientele`: results on stdout, messages on stderr, and one line with status 1 for an expected error."""

import asyncio
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from app.accounts import service as accounts
from app.accounts.limits import AccountLimits
from app.accounts.passwords import Passwords
from app.auth import Caller
from app.cli import main
from app.config import Config
from app.errors import Unauthenticated
from app.ids import is_id
from app.mail.outbox import claim_due, mark_failed, mark_sent, put_message
from app.storage.database import Database
from tests.mail.conftest import make_message

COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
TIMEOUT = 90
Run = Callable[..., tuple[str, str, int]]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_runner(database_url, monkeypatch, capsys)


def command_runner(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command on a database and returns its stdout, its stderr and its status."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run_command(*arguments: str) -> tuple[str, str, int]:
        monkeypatch.setattr(sys, "argv", ["clientele", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return printed.out, printed.err, int(left.value.code or 0)

    return run_command


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a text into stdin."""

    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return put


def made(result: tuple[str, str, int]) -> str:
    """The one line that a successful command printed."""
    out, err, status = result
    assert (err, status) == ("", 0)
    assert out.count("\n") == 1
    return out.strip()


def assert_error(result: tuple[str, str, int], part: str, status: int = 1) -> None:
    """Asserts an expected error: one line on stderr that contains `part`, and nothing on stdout."""
    out, err, code = result
    assert (out, code, err.count("\n")) == ("", status, 1), err
    assert err.startswith("clientele: ")
    assert part in err


def access_of(database_url: str, token: str) -> tuple[str, ...] | None:
    """The scope of a token and the organizations that it gives access to; None for an invalid token."""

    async def ask() -> tuple[str, ...] | None:
        database = Database(database_url, pool_size=1)
        try:
            principal = await Caller((token,), database).principal()
            return (str(principal.scope), *principal.organizations)
        except Unauthenticated:
            return None
        finally:
            await database.close()

    return asyncio.run(ask())


def test_an_account_is_created_once(run: Run) -> None:
    assert is_id(made(run("account", "create", "Ana@Example.com")))
    assert_error(run("account", "create", "ana@example.com"), "There is an account with the address")
    assert_error(run("account", "create", "nobody"), "is not a valid e-mail address")


def test_an_organization_is_deleted_and_restored_or_deleted_for_good(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio"))
    token = made(run("token", "create", "--organization", organization))
    out, err, status = run("organization", "delete", organization)
    assert (out, status) == ("", 0)
    assert err.startswith("It is deleted permanently at 20")
    assert "deleted permanently at" in run("organization", "list")[0]
    assert access_of(database_url, token) is None
    assert_error(run("organization", "delete", organization), "There is no such organization")
    assert run("organization", "restore", organization) == ("", "The organization is restored.\n", 0)
    assert access_of(database_url, token) == ("write", organization)
    assert run("organization", "delete", organization, "--now") == ("", "Everything is deleted.\n", 0)
    assert run("organization", "list") == ("", "", 0)
    assert_error(run("organization", "restore", organization), "There is no deleted organization with the id")


def test_an_account_is_deleted_and_restored_or_deleted_for_good(run: Run, database_url: str) -> None:
    account = made(run("account", "create", "ana@example.com"))
    organization = made(run("organization", "create", "Studio", "--account", "ana@example.com"))
    token = made(run("token", "create", "--account", "ana@example.com"))
    assert run("account", "delete", "ANA@example.com")[2] == 0
    assert access_of(database_url, token) is None
    assert_error(run("account", "create", "ana@example.com"), "There is an account with the address")
    assert run("account", "restore", "ana@example.com") == ("", "The account is restored.\n", 0)
    assert access_of(database_url, token) == ("write", organization)
    out, err, status = run("subject-export", "ana@example.com")
    assert (err, status) == ("Rows exported: 2\n", 0)
    assert account in out
    assert run("account", "delete", "ana@example.com", "--now") == ("", "Everything is deleted.\n", 0)
    assert run("organization", "list") == ("", "", 0)
    assert_error(run("account", "restore", "ana@example.com"), "There is no account with the address")


def sign_up(database_url: str, email: str, password: str = "correct horse") -> None:
    """Creates an account as a stranger does."""

    async def ask() -> None:
        database = Database(database_url, pool_size=1)
        try:
            limits = AccountLimits.of(Config())
            desk = accounts.LoginDesk(database, Passwords(1), limits, "192.0.2.1")
            await accounts.sign_up(desk, {"email": email, "password": password}, ())
        finally:
            await database.close()

    asyncio.run(ask())


def test_accounts_are_listed_and_verified(run: Run, database_url: str) -> None:
    made(run("account", "create", "ana@example.com"))
    sign_up(database_url, "boss@corp.example")
    rows = [line.split("\t") for line in run("account", "list")[0].splitlines()]
    assert [row[1:3] for row in rows] == [["ana@example.com", "verified"], ["boss@corp.example", "unverified"]]
    assert is_id(rows[0][0])
    assert_error(run("account", "create", "boss@corp.example"), "There is an account with the address")
    out, err, status = run("account", "verify", "BOSS@corp.example")
    assert (out, err.count("\n"), status) == ("", 1, 0)
    assert [line.split("\t")[2] for line in run("account", "list")[0].splitlines()] == ["verified", "verified"]
    assert_error(run("account", "verify", "bo@example.com"), "There is no account with the address bo@example.com")


def test_a_stranger_gets_nothing_by_mistake(run: Run, database_url: str, tmp_path: Path) -> None:
    sign_up(database_url, "boss@corp.example")
    records = tmp_path / "clients.jsonl"
    records.write_text(json.dumps(CLIENT))
    part = "boss@corp.example signed up without verification and may belong to a stranger."

    def assert_needs_flag(*arguments: str) -> str:
        assert_error(run(*arguments), part)
        out, err, status = run(*arguments, "--unverified")
        assert (err, status) == (f"Warning: {part}\n" + err.partition("\n")[2], 0)
        return out.strip()

    organization = assert_needs_flag("organization", "create", "Corp", "--account", "Boss@corp.example")
    assert_needs_flag("token", "create", "--account", "boss@corp.example")
    assert_needs_flag("token", "create", "--organization", organization)
    assert_needs_flag("import", str(records), "--organization", organization)
    assert run("organization", "list")[0] == f"{organization}\tCorp\n"
    assert run("account", "verify", "boss@corp.example")[2] == 0
    made(run("token", "create", "--organization", organization))


def hashed(database_url: str) -> str | None:
    """The stored password hash of the only account."""

    async def ask() -> str | None:
        database = Database(database_url, pool_size=1)
        try:
            async with database.read() as connection:
                password_hash: str | None = await connection.scalar(text("SELECT password_hash FROM accounts"))
                return password_hash
        finally:
            await database.close()

    return asyncio.run(ask())


def test_a_password_is_read_from_stdin_and_never_shown(
    run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_PASSWORD_MEMORY", "16")
    made(run("account", "create", "ana@example.com"))
    for typed, part in (
        ("\n", "can't be blank"),
        ("x" * 73, "too long"),
        ("a\n", "at least 10 characters"),
        ("Password123!\n", "most common"),
        ("ana@example.com\n", "a name or an address"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert_error(run("account", "password", "ana@example.com"), part)
    assert hashed(database_url) is None
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\r\n"))
    out, err, status = run("account", "password", "ANA@example.com")
    assert (out, err.count("\n"), status) == ("", 1, 0)
    assert PasswordHasher().verify(str(hashed(database_url)), "correct horse")
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse"))
    assert_error(run("account", "password", "bo@example.com"), "There is no account")


def test_a_password_that_is_typed_is_typed_twice_without_an_echo(
    run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_PASSWORD_MEMORY", "16")
    made(run("account", "create", "ana@example.com"))
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "r") as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        typed = iter(["one", "another", "the same one", "the same one"])
        monkeypatch.setattr("getpass.getpass", lambda *_, **__: next(typed))
        assert_error(run("account", "password", "ana@example.com"), "not the same")
        assert run("account", "password", "ana@example.com")[2] == 0
    os.close(controller)
    assert PasswordHasher().verify(str(hashed(database_url)), "the same one")


def test_an_organization_is_created_with_its_id_and_account(run: Run, database_url: str) -> None:
    made(run("account", "create", "ana@example.com"))
    chosen = "0123456789abcdef01234567"
    assert made(run("organization", "create", "Studio", "--id", chosen, "--account", "ANA@example.com")) == chosen
    assert_error(run("organization", "create", "Again", "--id", chosen), "There is an organization with the id")
    assert_error(run("organization", "create", "Studio", "--id", "0123"), "24 lower-case hex digits")
    assert_error(run("organization", "create", "Studio", "--account", "bo@example.com"), "There is no account")
    assert_error(run("organization", "create", " "), "name")
    other = made(run("organization", "create", "Second Studio", "--email", "office@example.com", "--locale", "sl"))
    assert run("organization", "list") == (f"{chosen}\tStudio\n{other}\tSecond Studio\n", "", 0)
    token = made(run("token", "create", "--account", "ana@example.com"))
    assert access_of(database_url, token) == ("write", chosen)


def test_tokens_are_shown_once_and_give_access(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio"))
    reader = made(run("token", "create", "--organization", organization, "--scope", "read", "--label", " the  shop"))
    writer = made(run("token", "create", "--organization", organization, "--expires", "2999-01-01"))
    assert access_of(database_url, reader) == ("read", organization)
    assert access_of(database_url, writer) == ("write", organization)
    listed, err, status = run("token", "list")
    assert (err, status) == ("", 0)
    rows = [line.split("\t") for line in listed.splitlines()]
    assert [row[1:] for row in rows] == [
        [f"organization {organization}", "read", "valid", "never expires", "not used", "", "the shop"],
        [f"organization {organization}", "write", "valid", "2999-01-01T00:00:00+00:00", "not used", "", ""],
    ]
    assert reader not in listed
    assert writer not in listed
    assert run("token", "revoke", rows[0][0]) == ("", "The token is revoked.\n", 0)
    assert access_of(database_url, reader) is None
    assert access_of(database_url, writer) == ("write", organization)
    assert_error(run("token", "revoke", rows[0][0]), "There is no token with the id")
    assert_error(run("token", "revoke", "x"), "There is no token with the id")


def test_an_expired_token_is_listed_as_expired_and_gives_no_access(run: Run, database_url: str) -> None:
    organization = made(run("organization", "create", "Studio"))
    token = made(run("token", "create", "--organization", organization, "--expires", "2999-01-01T12:00:00+02:00"))

    async def expire() -> None:
        database = Database(database_url, pool_size=1)
        async with database.write() as connection:
            await connection.execute(text("UPDATE access_tokens SET expires_at = now()"))
        await database.close()

    asyncio.run(expire())
    assert access_of(database_url, token) is None
    assert run("token", "list")[0].split("\t")[3] == "expired"


def test_wrong_options_of_a_token_are_errors(run: Run) -> None:
    organization = made(run("organization", "create", "Studio"))
    assert_error(run("token", "create"), "Give exactly one of --organization and --account.")
    assert_error(run("token", "create", "--organization", organization, "--account", "a@b.example"), "exactly one of")
    assert_error(run("token", "create", "--organization", "0" * 24), "There is no organization")
    assert_error(run("token", "create", "--account", "bo@example.com"), "There is no account")
    for expires in ("2001-01-01", "soon", "2999-13-01"):
        assert_error(run("token", "create", "--organization", organization, "--expires", expires), "--expires")
    assert_error(run("token", "create", "--organization", organization, "--label", "x" * 101), "at most 100 characters")
    out, err, status = run("token", "create", "--organization", organization, "--scope", "admin")
    assert (out, status) == ("", 2)
    assert "--scope" in err


def test_the_database_is_migrated_once_and_again(run: Run) -> None:
    assert run("migrate") == ("", "All migrations are applied.\n", 0)


def test_a_database_without_migrations_is_an_error_in_one_line(run: Run, database_url: str) -> None:
    async def forget() -> None:
        database = Database(database_url, pool_size=1)
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM alembic_version"))
        await database.close()

    asyncio.run(forget())
    assert_error(run("organization", "list"), "clientele migrate")
    assert_error(run("migrate"), "The migrations failed")


def test_the_schema_alone_is_printed_without_a_database(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nothing")
    committed = Path(__file__).resolve().parent.parent / "schema.graphql"
    assert run("schema") == (committed.read_text(encoding="utf-8"), "", 0)


CLIENT = {"id": "81f50ed0079636b590d0edea", "name": "Žiga & Co", "createdAt": "2022-01-01T00:00:00.336Z"}


def test_clients_move_from_one_organization_to_another(run: Run, tmp_path: Path, pipe: Callable[[str], None]) -> None:
    old, new, third = [made(run("organization", "create", name)) for name in ("Old", "New", "Third")]
    given, kept = tmp_path / "given.json", tmp_path / "kept.jsonl"
    given.write_text(json.dumps([CLIENT, {**CLIENT, "id": "9" * 24, "deletedAt": "2023-01-01"}]))
    assert run("import", str(given), "--organization", old) == ("2\n", "Clients imported: 2\n", 0)
    out, err, status = run("export", "--organization", old)
    assert (err, status) == ("Clients exported: 2\n", 0)
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["Žiga & Co", "Žiga & Co"]
    assert run("export", "--organization", old, "--output", str(kept)) == ("", "Clients exported: 2\n", 0)
    assert kept.read_text(encoding="utf-8") == out
    assert kept.stat().st_mode & 0o777 == 0o600
    assert run("import", str(kept), "--organization", new) == ("2\n", "Clients imported: 2\n", 0)
    assert run("export", "--organization", new)[0] == out.replace(old, new)
    pipe(out)
    assert run("import", "-", "--organization", third) == ("2\n", "Clients imported: 2\n", 0)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_files_that_cannot_be_imported_or_exported_are_errors(
    run: Run, tmp_path: Path, pipe: Callable[[str], None]
) -> None:
    organization = made(run("organization", "create", "Studio"))
    assert_error(
        run("import", str(tmp_path / "absent"), "--organization", organization), "absent cannot be read: No such file"
    )
    assert_error(run("import", str(tmp_path), "--organization", organization), "cannot be read: Is a directory")
    assert_error(run("import", os.devnull, "--organization", "0" * 24), "There is no organization with the id")
    assert_error(run("export", "--organization", "0" * 24), "There is no organization with the id")
    nowhere = tmp_path / "absent" / "file"
    assert_error(
        run("export", "--organization", organization, "--output", str(nowhere)), "cannot be written: No such file"
    )
    target = tmp_path / "target"
    assert_error(
        run("export", "--organization", "x", "--output", str(target)), "There is no organization with the id x"
    )
    assert not target.exists()
    pipe(f"{json.dumps(CLIENT)}\n{json.dumps(CLIENT)}\n\nx")
    out, err, status = run("import", "-", "--organization", organization)
    assert (out, status) == ("", 1)
    assert err.splitlines() == [
        "clientele: Nothing is imported:",
        f'line 2 ("{CLIENT["id"]}", "Žiga & Co"): id is in the file already: line 1 ("{CLIENT["id"]}", "Žiga & Co")',
        "line 4: record is not valid JSON: Expecting value at column 1",
    ]
    assert run("export", "--organization", organization) == ("", "Clients exported: 0\n", 0)


def test_an_import_shows_its_progress_on_a_terminal(database_url: str, run: Run, tmp_path: Path) -> None:
    organization = made(run("organization", "create", "Studio"))
    given = tmp_path / "given.jsonl"
    given.write_text("".join(json.dumps({**CLIENT, "id": f"{index:024x}"}) + "\n" for index in range(2200)))
    shown, terminal = os.openpty()
    command = subprocess.Popen(
        [*COMMAND, "import", str(given), "--organization", organization],
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    seen = read_terminal(shown)
    assert command.communicate(timeout=TIMEOUT)[0] == b"2200\n"
    assert [f"{part}%" in seen for part in ("45", "90", "100")] == [True] * 3, seen
    assert re.search(r"Importing 2,000 records, [\d,]+/s", seen), seen
    assert seen.endswith("Clients imported: 2200\r\n")


def read_terminal(shown: int) -> str:
    """The text that is written to a terminal until every process has closed it."""
    seen = b""
    with suppress(OSError), open(shown, "rb", buffering=0) as file:
        while data := file.read(4096):
            seen += data
    return seen.decode()


def test_the_outbox_is_listed_for_scripts(run: Run, database_url: str) -> None:
    here, there = [made(run("organization", "create", name)) for name in ("Here", "There")]

    async def put() -> tuple[str, str]:
        database = Database(database_url, pool_size=1)
        async with database.write() as connection:
            first = await put_message(connection, here, "a" * 24, make_message())
            second = await put_message(connection, there, "b" * 24, make_message(language="sl"))
            for claim in await claim_due(connection, most=2, lease=timedelta(hours=1)):
                if claim.id == first:
                    await mark_failed(connection, claim, "550 5.1.1 No such user")
                else:
                    await mark_sent(connection, claim)
        await database.close()
        return first, second

    first, second = asyncio.run(put())
    out, err, status = run("outbox", "list")
    assert (err, status) == ("", 0)
    rows = [line.split("\t") for line in out.splitlines()]
    to = "buchhaltung@mueller.example.com"
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
    assert [row[:6] + row[8:] for row in rows] == [
        [second, "b" * 24, to, "sl", "sent", "1", ""],
        [first, "a" * 24, to, "de", "failed", "1", "550 5.1.1 No such user"],
    ]
    assert [bool(moment.fullmatch(text)) for row in rows for text in row[6:8]] == [True, True, True, False]
    assert rows[1][7] == ""
    assert run("outbox", "list", "--organization", here)[0].startswith(first)
    assert run("outbox", "list", "--state", "sent")[0].startswith(second)
    assert run("outbox", "list", "--organization", here, "--state", "waiting") == ("", "", 0)
    assert run("outbox", "list", "--state", "lost")[2] == 2


SETTINGS = [
    ("CLIENTELE_PORT", "x"),
    ("CLIENTELE_PORT", "70000"),
    ("CLIENTELE_WORKERS", "0"),
    ("CLIENTELE_POOL_SIZE", "-1"),
    ("CLIENTELE_STATEMENT_TIMEOUT", "nan"),
    ("CLIENTELE_GRAPHIQL", "perhaps"),
]


def test_a_bad_setting_is_an_error_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS:
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            for arguments in (("serve",), ("organization", "list")):
                assert_error(run(*arguments), name)


UNREACHABLE = [
    "postgresql://127.0.0.1:1/nothing",
    "postgresql://clientele@127.0.0.1:port/nothing",
    "nonsense",
    "postgresql:///x?host=/nowhere",
]


def test_an_unreachable_database_is_an_error_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    for url in (*UNREACHABLE, database_url.replace("clientele_", "absent_")):
        monkeypatch.setenv("DATABASE_URL", url)
        for arguments in (("organization", "list"), ("migrate",), ("account", "create", "a@example.com")):
            assert_error(run(*arguments), "The database cannot be reached")


def test_a_port_in_use_is_an_error_in_one_line(run: Run) -> None:
    from app.server import open_socket

    with open_socket("127.0.0.1", 0) as taken:
        assert_error(
            run("serve", "--port", str(taken.getsockname()[1])), "Choose another address with --host and --port"
        )
    assert_error(run("serve", "--host", "192.0.2.1", "--port", "0"), "192.0.2.1")


@dataclass
class Served:
    """A running `clientele serve`: the lines that it printed at the start, and its log."""

    process: asyncio.subprocess.Process
    printed: list[str] = field(default_factory=list)
    logged: bytearray = field(default_factory=bytearray)

    @property
    def address(self) -> str:
        return next(line.split()[1] for line in self.printed if line.startswith("  GraphiQL")).removesuffix("/graphql")

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal, by default that of Ctrl-C, and returns the exit status."""
        self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), TIMEOUT)


async def read_start(served: Served) -> None:
    """Reads the text at the start, up to the empty line at its end."""
    assert served.process.stdout is not None
    while True:
        line = (await served.process.stdout.readline()).decode()
        assert line, served.logged.decode()
        served.printed.append(line.rstrip("\n"))
        demo = any("curl" in text for text in served.printed)
        if line == "\n" and (demo or any("clientele token create" in text for text in served.printed)):
            return


async def collect(served: Served) -> None:
    assert served.process.stderr is not None
    while chunk := await served.process.stderr.read(4096):
        served.logged += chunk


@asynccontextmanager
async def serving(*arguments: str, command: Sequence[str] = COMMAND, **environment: str) -> AsyncIterator[Served]:
    """A `clientele serve` on a free port that answers requests. It is stopped at the end if it still runs."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CLIENTELE_", "DATABASE_", "SMTP_"))
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, "serve", "--port", "0", *arguments, env={**kept, **environment}, stdout=pipe, stderr=pipe
    )
    served = Served(process)
    collecting = asyncio.create_task(collect(served))
    try:
        await asyncio.wait_for(read_start(served), TIMEOUT)
        await asyncio.wait_for(answering(served.address), TIMEOUT)
        yield served
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), TIMEOUT)
        await asyncio.wait_for(collecting, TIMEOUT)


async def answering(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        while True:
            try:
                if (await http.get("/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def refuses(address: str) -> bool:
    """Whether no server listens at the address any more."""
    async with httpx.AsyncClient(base_url=address) as http:
        try:
            await http.get("/healthz")
        except httpx.ConnectError:
            return True
        except (httpx.ReadError, httpx.RemoteProtocolError):
            return False  # the connection waited in the queue of the socket when it was closed
    return False


def processes_naming(text: str) -> list[str]:
    """The command lines of this machine's processes that contain a text; none where there is no /proc."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in line:
            lines.append(line)
    return lines


def children(pid: int) -> list[int]:
    """The descendants of a process; none where there is no /proc."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid for child in map(int, listed) for pid in (child, *children(child))]


async def all_ended(pids: list[int]) -> None:
    """Waits until none of the processes runs any more. A zombie counts as ended."""
    deadline = asyncio.get_running_loop().time() + TIMEOUT
    while left := [pid for pid in pids if runs(pid)]:
        assert asyncio.get_running_loop().time() < deadline, left
        await asyncio.sleep(0.05)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_serve_prints_its_urls_and_an_interrupt_ends_it(database_url: str, tmp_path: Path) -> None:
    async with serving(DATABASE_URL=database_url, CLIENTELE_DATA_DIR=str(tmp_path)) as served:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", served.address)
        assert any("clientele token create" in line for line in served.printed)
        async with httpx.AsyncClient(base_url=served.address) as http:
            parts = {"database": "ok", "migrations": "ok", "outbox": "ok", "events": "ok", "webhooks": "ok"}
            assert (await http.get("/readyz")).json() == {"status": "ok", "checks": parts}
            assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
            page = await http.get("/graphql", headers={"Accept": "text/html"})
            assert "text/html" in page.headers["content-type"]
        assert await served.stop() in (0, 130)
        assert await refuses(served.address)
    assert "Traceback" not in served.logged.decode()


async def test_tokens_in_addresses_are_never_logged(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_ACCESS_LOG": "true"}
    for workers in ("1", "2"):
        async with serving("--workers", workers, **settings) as served:
            async with httpx.AsyncClient(base_url=served.address) as http:
                for name in ("access_token", "Access_Token", "access%5Ftoken", "%61ccess_token", "token"):
                    await http.get(f"/graphql?query=%7B__typename%7D&{name}=secret-of-{workers}&mark=seen")
                await http.delete(f"/v1/accounts/x/accessTokens/secret-of-{workers}?mark=seen")
            await served.stop()
        logged = served.logged.decode()
        assert logged.count('"api":"graphql","method":"GET"') == 5
        assert logged.count("DELETE /v1/accounts/{id}/accesstokens/{fk}") == 1
        assert "secret-of" not in logged
        assert "mark" not in logged


async def test_several_workers_serve_and_all_of_them_end(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path)}
    async with serving("--workers", "2", **settings) as served:
        started = children(served.process.pid)
        async with httpx.AsyncClient(base_url=served.address) as http:
            for _ in range(20):
                assert (await http.get("/readyz")).status_code == 200
        assert await served.stop() in (0, 130)
        assert await refuses(served.address)
    await all_ended(started)


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The default: an embedded database with a demo in it."""
    async with serving(CLIENTELE_DATA_DIR=str(tmp_path_factory.mktemp("with a space"))) as served:
        yield served


async def paste(line: str) -> dict[str, object] | list[object]:
    """The output of a shell for a pasted line; without curl, the response to the same request."""
    if shutil.which("curl"):
        process = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
        body = (await process.communicate())[0]
        assert process.returncode == 0, line
    else:
        words = shlex.split(line)
        headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
        data = words[words.index("-d") + 1] if "-d" in words else None
        async with httpx.AsyncClient() as http:
            url = next(word for word in words if word.startswith("http"))
            body = (await http.request("POST" if data else "GET", url, headers=headers, content=data)).content
    answer: dict[str, object] | list[object] = json.loads(body)
    return answer


@pytest.mark.parametrize("api", ["graphql", "v1", "customers"])
async def test_the_printed_line_of_each_api_works_when_pasted(demo: Served, api: str) -> None:
    (line,) = [text for text in demo.printed if text.startswith("  curl") and f"/{api}" in text]
    answer = await paste(line.strip())
    match api, answer:
        case "graphql", {"data": {"clients": {"totalCount": 1000, "nodes": [_, _, _]}}}:
            return
        case "v1", [_, _, _]:
            return
        case "customers", {"data": [_, _, _]}:
            return
    pytest.fail(f"{api} answered {answer}")


async def sign_up_by_http(address: str) -> int:
    async with httpx.AsyncClient(base_url=address) as http:
        body = {"email": "ana@studio.example", "password": "correct horse"}
        return (await http.post("/v1/accounts", json=body)).status_code


async def test_only_the_demo_on_a_loopback_address_lets_strangers_sign_up(
    demo: Served, database_url: str, tmp_path: Path
) -> None:
    assert await sign_up_by_http(demo.address) == 200
    own = {"DATABASE_URL": database_url, "CLIENTELE_DATA_DIR": str(tmp_path), "CLIENTELE_PASSWORD_MEMORY": "16"}
    async with serving(**own) as served:
        assert await sign_up_by_http(served.address) == 401
    async with serving(**own, CLIENTELE_SIGN_UP="true") as served:
        assert await sign_up_by_http(served.address) == 200


async def test_a_demo_can_keep_sign_up_off_and_the_network_keeps_it_off(tmp_path: Path) -> None:
    async with serving(CLIENTELE_DATA_DIR=str(tmp_path), CLIENTELE_SIGN_UP="false") as served:
        assert await sign_up_by_http(served.address) == 401
    async with serving("--host", "0.0.0.0", CLIENTELE_DATA_DIR=str(tmp_path)) as served:  # noqa: S104 - the address is only compared
        assert await sign_up_by_http(served.address) == 401


async def test_graphiql_of_the_demo_has_its_token(demo: Served) -> None:
    (token,) = [line.split()[1] for line in demo.printed if line.startswith("  Token")]
    async with httpx.AsyncClient(base_url=demo.address) as http:
        assert token in (await http.get("/graphql", headers={"Accept": "text/html"})).text


async def test_the_embedded_database_keeps_its_data_and_stops(tmp_path: Path) -> None:
    folder = str(tmp_path / "data folder")
    tokens = []
    for how, statuses in ((signal.SIGINT, {0, 130}), (signal.SIGTERM, {0, 143, -signal.SIGTERM})):
        async with serving(CLIENTELE_DATA_DIR=folder) as served:
            (token,) = [line.split()[1] for line in served.printed if line.startswith("  Token")]
            tokens.append(token)
            started = children(served.process.pid)
            async with httpx.AsyncClient(base_url=served.address, headers={"Authorization": token}) as http:
                create = 'mutation { createClient(input: {name: "Kept"}) { client { id } } }'
                assert (await http.post("/graphql", json={"query": create})).json()["data"]["createClient"]["client"]
                query = {"query": '{ clients(filter: {name: {eq: "Kept"}}) { totalCount } }'}
                answer = (await http.post("/graphql", json=query)).json()
            assert await served.stop(how) in statuses
        assert answer["data"] == {"clients": {"totalCount": len(tokens)}}
        await all_ended(started)
        assert processes_naming(folder) == []
    assert tokens[0] == tokens[1]
