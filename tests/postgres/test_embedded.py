"""The embedded PostgreSQL in real processes, run by root and by a plain user."""

import grp
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from app.errors import Misconfigured
from app.postgres.binaries import Binaries, find_binaries, shell_safe
from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from app.postgres.folders import SHARED
from app.postgres.os_user import choose_os_user
from tests.postgres.data_folder import DataFolder, fetch_value, wait_until

LIST = "SELECT string_agg(word, ',' ORDER BY word) FROM kept"


def sockets(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def keep(url: str, word: str) -> None:
    """Replaces the table of words by one with this word."""
    fetch_value(url, "DROP TABLE IF EXISTS kept")
    fetch_value(url, f"CREATE TABLE kept AS SELECT '{word}' AS word")


def modes(data_folder: DataFolder) -> dict[str, tuple[int, int, int]]:
    """Returns the mode and owner of the folders above the data folder, the programs and the shared folder."""
    starts = [data_folder.parent_folder, Path("/tmp"), SHARED, Path(os.__file__), find_binaries().program("postgres")]
    paths = {path for start in starts for path in (start, *start.parents) if path != SHARED}
    return {str(path): (found.st_mode, found.st_uid, found.st_gid) for path in paths if (found := path.lstat())}


def test_restart_keeps_the_data(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    keep(first.url, "one")
    assert first.finish() == 0
    second = data_folder.start_user()
    assert second.url == first.url
    assert fetch_value(second.url, LIST) == "one"


def test_last_user_stops_the_server(data_folder: DataFolder) -> None:
    first, second = data_folder.start_user(), data_folder.start_user()
    server = data_folder.server_pid()
    assert first.finish() == 0
    assert data_folder.server_pid() == server
    assert fetch_value(second.url, "SELECT 1") == 1
    assert second.finish() == 0
    assert data_folder.server_processes() == []
    assert not sockets(second.url).exists()


def test_users_in_one_process_share_the_server(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "data") as outer:
        with embedded_postgres(tmp_path / "data") as inner:
            assert inner == outer
        assert fetch_value(outer, "SELECT 1") == 1
    remove_embedded(tmp_path / "data")


def test_server_takes_the_settings_of_its_starter(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "data", settings={"fsync": "off"}) as url:
        assert fetch_value(url, "SHOW fsync") == "off"
    remove_embedded(tmp_path / "data")


def test_killed_server_keeps_committed_rows(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    keep(first.url, "committed")
    os.kill(data_folder.server_pid(), signal.SIGKILL)
    first.finish()
    assert fetch_value(data_folder.start_user().url, LIST) == "committed"


def test_killed_server_and_service_keep_committed_rows(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    keep(first.url, "committed")
    os.kill(data_folder.server_pid(), signal.SIGKILL)
    first.kill()
    assert fetch_value(data_folder.start_user().url, LIST) == "committed"


def test_server_of_a_killed_service_is_joined(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    server = data_folder.server_pid()
    first.kill()
    second = data_folder.start_user()
    assert data_folder.server_pid() == server
    assert fetch_value(second.url, "SELECT 1") == 1
    assert second.finish() == 0
    assert data_folder.server_processes() == []


def test_server_whose_socket_was_cleaned_away_is_replaced(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    first.kill()
    shutil.rmtree(sockets(first.url))
    second = data_folder.start_user()
    assert fetch_value(second.url, "SELECT 1") == 1


def test_server_that_died_under_another_user_is_not_started_twice(data_folder: DataFolder) -> None:
    first = data_folder.start_user()
    os.kill(data_folder.server_pid(), signal.SIGKILL)
    wait_until(lambda: not data_folder.server_processes())
    assert "Another process uses the database" in data_folder.fail_to_start()
    assert first.finish() == 0
    assert fetch_value(data_folder.start_user().url, "SELECT 1") == 1


def test_a_process_id_of_another_program_is_not_taken_for_the_server(data_folder: DataFolder) -> None:
    data_folder.start_user().finish()
    other = subprocess.Popen(["sleep", "600"], user=data_folder.uid)
    try:
        (data_folder.cluster / "postmaster.pid").write_text(
            f"{other.pid}\n{data_folder.cluster}\n1\n5432\n\n\n\nready\n"
        )
        assert fetch_value(data_folder.start_user().url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_termination_ends_the_server_too(data_folder: DataFolder) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        user = data_folder.start_user()
        assert user.kill(number) != 0
        assert data_folder.server_processes() == []


def test_terminal_interrupt_does_not_reach_the_server(data_folder: DataFolder) -> None:
    user = data_folder.start_user()
    assert os.getsid(data_folder.server_pid()) != os.getsid(user.process.pid)
    assert os.getpgid(data_folder.server_pid()) != os.getpgid(user.process.pid)


@pytest.mark.parametrize("user", ["clientele", "postgres"])
def test_connection_needs_the_password(data_folder: DataFolder, user: str) -> None:
    url = data_folder.start_user().url
    with pytest.raises(asyncpg.InvalidPasswordError):
        fetch_value(url, "SELECT 1", user=user, password="guessed")
    assert fetch_value(url, "SELECT current_user::text", user=user) == user
    rules = (data_folder.cluster / "pg_hba.conf").read_text().splitlines()
    assert {rule.split()[-1] for rule in rules if rule.strip() and not rule.startswith("#")} == {"scram-sha-256"}


def test_server_listens_on_no_network(data_folder: DataFolder) -> None:
    url = data_folder.start_user().url
    assert fetch_value(url, "SHOW listen_addresses") == ""
    listening = [os.readlink(link) for link in Path(f"/proc/{data_folder.server_pid()}/fd").iterdir()]
    inodes = {link[8:-1] for link in listening if link.startswith("socket:[")}
    network = [Path("/proc/net", name) for name in ("tcp", "tcp6", "udp", "udp6")]
    taken = {line.split()[9] for path in network if path.exists() for line in path.read_text().splitlines()[1:]}
    assert inodes
    assert not inodes & taken


def test_role_of_the_service_is_not_a_superuser(data_folder: DataFolder) -> None:
    url = data_folder.start_user().url
    assert fetch_value(url, "SELECT rolcreatedb AND NOT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert (
        fetch_value(url, "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()")
        == "clientele"
    )


def test_dropped_database_is_made_again(data_folder: DataFolder) -> None:
    url = data_folder.start_user().url
    other = urlsplit(url)._replace(path="/postgres").geturl()
    fetch_value(other, "DROP DATABASE clientele WITH (FORCE)")
    assert fetch_value(data_folder.start_user().url, "SELECT current_database()::text") == "clientele"


@pytest.mark.parametrize("locale", ["xx_NONE.nothing", "de_DE.ISO-8859-1", "C"])
def test_text_is_utf8_in_every_locale(new_data_folder: DataFolder, locale: str) -> None:
    surroundings = {"LANG": locale, "LC_ALL": locale, "PGDATA": "/nowhere", "PGPORT": "1", "PGHOST": "nowhere.invalid"}
    url = new_data_folder.start_user(surroundings).url
    query = "SELECT datlocprovider::text || datlocale || pg_encoding_to_char(encoding) FROM pg_database"
    assert fetch_value(url, query + " WHERE datname = current_database()") == "bC.UTF-8UTF8"
    assert fetch_value(url, "SELECT upper('żółć')") == "ŻÓŁĆ"
    assert fetch_value(url, "SHOW data_checksums") == "on"


def test_first_start_of_two_processes_makes_one_database(new_data_folder: DataFolder) -> None:
    one, two = new_data_folder.spawn_user(), new_data_folder.spawn_user()
    first, second = new_data_folder.await_output(one), new_data_folder.await_output(two)
    assert first.url == second.url
    keep(first.url, "same")
    assert fetch_value(second.url, LIST) == "same"


def test_interrupted_creation_leaves_no_half_cluster(new_data_folder: DataFolder) -> None:
    process = new_data_folder.spawn_user()
    wait_until(
        lambda: new_data_folder.home.is_dir() and list(new_data_folder.home.glob("postgres.making-*/PG_VERSION"))
    )
    process.kill()
    process.communicate()
    for pid in new_data_folder.server_processes():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not new_data_folder.server_processes())
    assert not new_data_folder.cluster.exists()
    assert fetch_value(new_data_folder.start_user().url, "SELECT 1") == 1
    assert [
        path.name for path in new_data_folder.home.iterdir() if "making" in path.name or "secret" in path.name
    ] == []


def test_moved_data_folder_keeps_the_data(new_data_folder: DataFolder) -> None:
    first = new_data_folder.start_user()
    keep(first.url, "moved")
    first.finish()
    new_data_folder.parent_folder = new_data_folder.parent_folder.rename(f"{new_data_folder.parent_folder} moved")
    assert fetch_value(new_data_folder.start_user().url, LIST) == "moved"


def test_removal_deletes_the_data_unless_it_is_in_use(new_data_folder: DataFolder) -> None:
    user = new_data_folder.start_user()
    home = new_data_folder.home
    keep(user.url, "lost")
    refused, _ = new_data_folder.spawn_user(action="remove").communicate()
    assert "in use" in refused
    assert fetch_value(user.url, LIST) == "lost"
    user.finish()
    removing = new_data_folder.spawn_user(action="remove")
    removing.communicate(timeout=60)
    assert removing.returncode == 0
    assert list(new_data_folder.data_dir.iterdir()) == []
    assert not (home / "postgres").exists()
    assert fetch_value(new_data_folder.start_user().url, "SELECT to_regclass('kept')") is None


def test_start_changes_no_folder_and_no_account(new_data_folder: DataFolder) -> None:
    new_data_folder.parent_folder.chmod(0o700)
    before, accounts = modes(new_data_folder), (pwd.getpwall(), grp.getgrall())
    new_data_folder.start_user().finish()
    new_data_folder.start_user().finish()
    assert modes(new_data_folder) == before
    assert (pwd.getpwall(), grp.getgrall()) == accounts


def test_no_file_is_open_to_other_users(data_folder: DataFolder) -> None:
    user = data_folder.start_user()
    for path in (data_folder.cluster, sockets(user.url)):
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, data_folder.uid)
    assert {stat.S_IMODE(path.stat().st_mode) for path in data_folder.data_dir.iterdir() if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in data_folder.home.iterdir() if path.is_file()} == {0o600}
    assert len(sockets(user.url).as_posix()) < 60


def test_shared_programs_belong_to_the_caller_alone(tmp_path: Path) -> None:
    cluster = find_cluster(tmp_path / "data")
    remove_embedded(tmp_path / "data")
    programs = cluster.binaries.root / "embedded_postgres" / "pginstall"
    found = [path.lstat() for path in programs.rglob("*") if not path.is_symlink()]
    assert found
    assert {status.st_uid for status in found} == {os.geteuid()}
    assert not [status for status in found if status.st_mode & 0o022]


def test_cluster_of_another_major_version_is_rejected(data_folder: DataFolder) -> None:
    data_folder.start_user().finish()
    version = data_folder.cluster / "PG_VERSION"
    version.write_text("17\n")
    try:
        assert "was created by PostgreSQL 17, but this is PostgreSQL 18" in data_folder.fail_to_start()
    finally:
        version.write_text("18\n")


def test_failed_start_shows_the_last_lines_of_the_log(data_folder: DataFolder) -> None:
    data_folder.start_user().finish()
    settings = data_folder.cluster / "postgresql.conf"
    text = settings.read_text()
    settings.write_text(text + "\nunheard_of = 1\n")
    try:
        assert 'unrecognized configuration parameter "unheard_of"' in data_folder.fail_to_start()
    finally:
        settings.write_text(text)


def test_missing_password_is_reported(data_folder: DataFolder) -> None:
    data_folder.start_user().finish()
    password = data_folder.data_dir / "postgres.password"
    password.rename(data_folder.data_dir / "kept")
    try:
        assert "The password of the database" in data_folder.fail_to_start()
    finally:
        (data_folder.data_dir / "kept").rename(password)


def test_missing_package_is_reported_with_database_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.postgres.binaries.find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match="set DATABASE_URL"), embedded_postgres(tmp_path / "data"):
        pass


@pytest.mark.parametrize("name", ["nobody-of-that-name", "root"])
def test_user_must_exist_and_not_be_root(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("CLIENTELE_DATABASE_ACCOUNT", name)
    with pytest.raises(Misconfigured, match="CLIENTELE_DATABASE_ACCOUNT"):
        choose_os_user()


def test_data_folder_of_the_other_kind_of_user_is_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    as_root = os.geteuid() == 0
    left = tmp_path / ("postgres" if as_root else "postgres.place")
    left.mkdir()
    with pytest.raises(Misconfigured, match="set CLIENTELE_DATA_DIR"), embedded_postgres(tmp_path):
        pass


def test_programs_run_from_a_path_that_shells_misread(tmp_path: Path) -> None:
    (tmp_path / 'a "b" $c').symlink_to(find_binaries().root)
    strange = Binaries(tmp_path / 'a "b" $c', find_binaries().version)
    with shell_safe(strange) as safe:
        assert not set('"$') & set(str(safe.root))
        assert subprocess.run([safe.program("initdb"), "--version"], check=True, capture_output=True).stdout
    assert not safe.root.exists()
