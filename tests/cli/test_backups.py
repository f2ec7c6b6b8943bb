"""backup and restore: the database comes back whole, and nothing is replaced by mistake or by half."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.postgres.embedded import embedded_postgres, remove_embedded
from tests.cli.test_failures import execute
from tests.test_cli import COMMAND, TIMEOUT, Run, assert_error, command_runner, made, read_terminal

EMAIL = "ana@example.com"
CLIENTS = 300


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    remove_embedded(tmp_path / "data")


@pytest.fixture
def run(data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands on the embedded database of a data directory of its own."""
    run_command = command_runner("", monkeypatch, capsys)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(data_dir))
    return run_command


TOTALS = "SELECT * FROM client_totals ORDER BY 1, 2, 3"
HISTORY = "SELECT * FROM client_changes ORDER BY id"
TOKENS = "SELECT * FROM access_tokens ORDER BY id"
OUTBOX = "SELECT * FROM outbox ORDER BY id"


def rows(url: str, statement: str) -> list[str]:
    import asyncio

    import asyncpg

    async def read() -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            return [repr(tuple(row)) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(read())


def everything(run: Run, data_dir: Path, organization: str) -> list[object]:
    """The export of an organization, the lists of accounts and organizations, and the rows of other tables."""
    with embedded_postgres(data_dir) as url:
        listed = [run("export", "--organization", organization), run("account", "list"), run("organization", "list")]
        listed.append(run("token", "list"))
        return [*listed, *(rows(url, statement) for statement in (HISTORY, TOTALS, TOKENS, OUTBOX))]


def fill(run: Run, tmp_path: Path) -> str:
    made(run("account", "create", EMAIL))
    organization = made(run("organization", "create", "Studio", "--account", EMAIL))
    made(run("token", "create", "--account", EMAIL, "--label", "build"))
    records = tmp_path / "clients.jsonl"
    lines = ({"id": f"{index:024x}", "name": f"Ana {index} š"} for index in range(CLIENTS))
    records.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("import", str(records), "--organization", organization)[2] == 0
    assert run("erase", f"{5:024x}", "--yes")[2] == 0
    return organization


def test_a_wiped_database_comes_back_whole(run: Run, data_dir: Path, tmp_path: Path) -> None:
    with embedded_postgres(data_dir):
        organization = fill(run, tmp_path)
    before = everything(run, data_dir, organization)
    assert str(before[0]).count("Ana") == CLIENTS - 1
    file = tmp_path / "backup.dump"
    out, err, status = run("backup", str(file))
    assert (out, err[:24], status) == ("", "The backup is complete: ", 0)
    assert file.stat().st_mode & 0o777 == 0o600
    assert_error(run("backup", str(file)), "exists. Choose another file, or add --force to replace it.")
    assert run("backup", str(file), "--force")[2] == 0
    assert_error(run("restore", str(file)), "Add --force to replace it with all its data.")

    assert run("database", "remove", "--yes")[2] == 0
    assert_error(run("backup", str(tmp_path / "other")), "There is no embedded database in")
    assert run("restore", str(file)) == ("", "The database is restored. Start the service.\n", 0)
    assert everything(run, data_dir, organization) == before

    assert run("organization", "delete", organization, "--now")[2] == 0
    assert json.loads(run("restore", str(file), "--force", "--json")[0])["file"] == str(file)
    assert everything(run, data_dir, organization) == before
    names = {path.name for path in data_dir.iterdir()}
    assert not names & {"restoring", "postgres.replaced"}


SYSTEM = "SELECT system_identifier FROM pg_control_system()"
"""The identity of the database, from which cursors of changes are made."""


def test_nothing_is_replaced_by_a_file_that_cannot_be_restored(run: Run, data_dir: Path, tmp_path: Path) -> None:
    made(run("account", "create", EMAIL))
    file = tmp_path / "backup.dump"
    with embedded_postgres(data_dir) as url:
        before = rows(url, SYSTEM)
        assert_error(run("restore", str(file), "--force"), "cannot be read: No such file")
        file.write_text("nothing")
        assert_error(run("restore", str(file), "--force"), "is not a backup of clientele backup")
        assert run("backup", str(file), "--force")[2] == 0
        assert_error(run("restore", str(file), "--force"), "is in use. Stop the processes that use it first.")
        execute(url, "UPDATE alembic_version SET version_num = 'future'", "COMMENT ON TABLE alembic_version IS ''")
        newer = tmp_path / "newer.dump"
        subprocess.run(
            [dump_program(), "--format=custom", f"--file={newer}", url],
            check=True,
            timeout=TIMEOUT,
            env={"PATH": os.defpath},
        )
        execute(url, "UPDATE alembic_version SET version_num = 'gone'")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    assert_error(run("restore", str(file), "--force"), "pg_restore")
    assert_error(run("restore", str(newer), "--force"), "Install the version of the service that migrated it")
    with embedded_postgres(data_dir) as url:
        assert rows(url, SYSTEM) == before
    file.write_bytes(whole)
    assert run("restore", str(file), "--force")[2] == 0
    with embedded_postgres(data_dir) as url:
        assert rows(url, SYSTEM) != before
    assert run("account", "list")[0].split("\t")[1] == EMAIL


def dump_program() -> Path:
    from app.postgres.binaries import find_binaries

    return find_binaries().program("pg_dump")


def test_a_killed_replacement_leaves_the_old_or_the_new_database(run: Run, data_dir: Path, tmp_path: Path) -> None:
    from app.postgres.embedded import find_cluster

    made(run("account", "create", EMAIL))
    cluster = find_cluster(data_dir)
    cluster.folder.rename(cluster.replaced)
    assert run("account", "list")[0].split("\t")[1] == EMAIL
    cluster.replaced.mkdir()
    assert run("account", "list")[0].split("\t")[1] == EMAIL
    assert not cluster.replaced.exists()


def test_progress_is_shown_on_a_terminal(run: Run, data_dir: Path, tmp_path: Path) -> None:
    made(run("account", "create", EMAIL))
    file = str(tmp_path / "backup.dump")
    for arguments, part in ((("backup", file), "Backed up: 0."), (("restore", file, "--force"), "100%")):
        shown, terminal = os.openpty()
        command = subprocess.Popen([*COMMAND, *arguments], stderr=terminal)
        os.close(terminal)
        seen = read_terminal(shown)
        assert command.wait(TIMEOUT) == 0
        assert part in seen
