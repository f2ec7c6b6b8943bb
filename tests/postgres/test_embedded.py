"""The embedded PostgreSQL as its users meet it: real processes, for root and for a plain user."""

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
from tests.postgres.data_folder import House, ask, await_true

LIST = "SELECT string_agg(word, ',' ORDER BY word) FROM kept"


def sockets(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def keep(url: str, word: str) -> None:
    """Makes the table of words anew with this one in it."""
    ask(url, "DROP TABLE IF EXISTS kept")
    ask(url, f"CREATE TABLE kept AS SELECT '{word}' AS word")


def modes(house: House) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of every folder above the house, above the programs, and of those where places are made."""
    starts = [house.outer, Path("/tmp"), SHARED, Path(os.__file__), find_binaries().program("postgres")]
    paths = {path for start in starts for path in (start, *start.parents) if path != SHARED}
    return {str(path): (found.st_mode, found.st_uid, found.st_gid) for path in paths if (found := path.lstat())}


def test_restart_keeps_the_data(house: House) -> None:
    first = house.enter()
    keep(first.url, "one")
    assert first.leave() == 0
    second = house.enter()
    assert second.url == first.url
    assert ask(second.url, LIST) == "one"


def test_last_user_stops_the_server(house: House) -> None:
    first, second = house.enter(), house.enter()
    server = house.server()
    assert first.leave() == 0
    assert house.server() == server
    assert ask(second.url, "SELECT 1") == 1
    assert second.leave() == 0
    assert house.processes() == []
    assert not sockets(second.url).exists()


def test_users_in_one_process_share_the_server(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "data") as outer:
        with embedded_postgres(tmp_path / "data") as inner:
            assert inner == outer
        assert ask(outer, "SELECT 1") == 1
    remove_embedded(tmp_path / "data")


def test_server_takes_the_settings_of_its_starter(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "data", settings={"fsync": "off"}) as url:
        assert ask(url, "SHOW fsync") == "off"
    remove_embedded(tmp_path / "data")


def test_killed_server_keeps_committed_rows(house: House) -> None:
    first = house.enter()
    keep(first.url, "committed")
    os.kill(house.server(), signal.SIGKILL)
    first.leave()
    assert ask(house.enter().url, LIST) == "committed"


def test_killed_server_and_service_keep_committed_rows(house: House) -> None:
    first = house.enter()
    keep(first.url, "committed")
    os.kill(house.server(), signal.SIGKILL)
    first.kill()
    assert ask(house.enter().url, LIST) == "committed"


def test_server_of_a_killed_service_is_joined(house: House) -> None:
    first = house.enter()
    server = house.server()
    first.kill()
    second = house.enter()
    assert house.server() == server
    assert ask(second.url, "SELECT 1") == 1
    assert second.leave() == 0
    assert house.processes() == []


def test_server_whose_socket_was_cleaned_away_is_replaced(house: House) -> None:
    first = house.enter()
    first.kill()
    shutil.rmtree(sockets(first.url))
    second = house.enter()
    assert ask(second.url, "SELECT 1") == 1


def test_server_that_died_under_another_user_is_not_started_twice(house: House) -> None:
    first = house.enter()
    os.kill(house.server(), signal.SIGKILL)
    await_true(lambda: not house.processes())
    assert "Another process uses the database" in house.refuse()
    assert first.leave() == 0
    assert ask(house.enter().url, "SELECT 1") == 1


def test_process_id_taken_by_another_process_is_no_server(house: House) -> None:
    house.enter().leave()
    other = subprocess.Popen(["sleep", "600"], user=house.uid)
    try:
        (house.cluster / "postmaster.pid").write_text(f"{other.pid}\n{house.cluster}\n1\n5432\n\n\n\nready\n")
        assert ask(house.enter().url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_termination_ends_the_server_too(house: House) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        occupant = house.enter()
        assert occupant.kill(number) != 0
        assert house.processes() == []


def test_terminal_interrupt_does_not_reach_the_server(house: House) -> None:
    occupant = house.enter()
    assert os.getsid(house.server()) != os.getsid(occupant.process.pid)
    assert os.getpgid(house.server()) != os.getpgid(occupant.process.pid)


@pytest.mark.parametrize("user", ["clientele", "postgres"])
def test_connection_needs_the_password(house: House, user: str) -> None:
    url = house.enter().url
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(url, "SELECT 1", user=user, password="guessed")
    assert ask(url, "SELECT current_user::text", user=user) == user
    rules = (house.cluster / "pg_hba.conf").read_text().splitlines()
    assert {rule.split()[-1] for rule in rules if rule.strip() and not rule.startswith("#")} == {"scram-sha-256"}


def test_server_listens_on_no_network(house: House) -> None:
    url = house.enter().url
    assert ask(url, "SHOW listen_addresses") == ""
    listening = [os.readlink(link) for link in Path(f"/proc/{house.server()}/fd").iterdir()]
    inodes = {link[8:-1] for link in listening if link.startswith("socket:[")}
    network = [Path("/proc/net", name) for name in ("tcp", "tcp6", "udp", "udp6")]
    taken = {line.split()[9] for path in network if path.exists() for line in path.read_text().splitlines()[1:]}
    assert inodes
    assert not inodes & taken


def test_role_of_the_service_is_no_superuser(house: House) -> None:
    url = house.enter().url
    assert ask(url, "SELECT rolcreatedb AND NOT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert ask(url, "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()") == "clientele"


def test_dropped_database_is_made_again(house: House) -> None:
    url = house.enter().url
    other = urlsplit(url)._replace(path="/postgres").geturl()
    ask(other, "DROP DATABASE clientele WITH (FORCE)")
    assert ask(house.enter().url, "SELECT current_database()::text") == "clientele"


@pytest.mark.parametrize("locale", ["xx_NONE.nothing", "de_DE.ISO-8859-1", "C"])
def test_text_is_utf8_whatever_the_locale(new_house: House, locale: str) -> None:
    surroundings = {"LANG": locale, "LC_ALL": locale, "PGDATA": "/nowhere", "PGPORT": "1", "PGHOST": "nowhere.invalid"}
    url = new_house.enter(surroundings).url
    query = "SELECT datlocprovider::text || datlocale || pg_encoding_to_char(encoding) FROM pg_database"
    assert ask(url, query + " WHERE datname = current_database()") == "bC.UTF-8UTF8"
    assert ask(url, "SELECT upper('żółć')") == "ŻÓŁĆ"
    assert ask(url, "SHOW data_checksums") == "on"


def test_first_start_of_two_processes_makes_one_database(new_house: House) -> None:
    one, two = new_house.begin(), new_house.begin()
    first, second = new_house.settle(one), new_house.settle(two)
    assert first.url == second.url
    keep(first.url, "same")
    assert ask(second.url, LIST) == "same"


def test_interrupted_making_leaves_no_half_cluster(new_house: House) -> None:
    process = new_house.begin()
    await_true(lambda: new_house.home.is_dir() and list(new_house.home.glob("postgres.making-*/PG_VERSION")))
    process.kill()
    process.communicate()
    for pid in new_house.processes():
        os.kill(pid, signal.SIGKILL)
    await_true(lambda: not new_house.processes())
    assert not new_house.cluster.exists()
    assert ask(new_house.enter().url, "SELECT 1") == 1
    assert [path.name for path in new_house.home.iterdir() if "making" in path.name or "secret" in path.name] == []


def test_moved_data_folder_keeps_the_data(new_house: House) -> None:
    first = new_house.enter()
    keep(first.url, "moved")
    first.leave()
    new_house.outer = new_house.outer.rename(f"{new_house.outer} moved")
    assert ask(new_house.enter().url, LIST) == "moved"


def test_removing_takes_the_data_away_but_not_from_its_users(new_house: House) -> None:
    occupant = new_house.enter()
    home = new_house.home
    keep(occupant.url, "lost")
    refused, _ = new_house.begin(action="remove").communicate()
    assert "in use" in refused
    assert ask(occupant.url, LIST) == "lost"
    occupant.leave()
    removing = new_house.begin(action="remove")
    removing.communicate(timeout=60)
    assert removing.returncode == 0
    assert list(new_house.data_dir.iterdir()) == []
    assert not (home / "postgres").exists()
    assert ask(new_house.enter().url, "SELECT to_regclass('kept')") is None


def test_starting_changes_no_folder_and_no_account(new_house: House) -> None:
    new_house.outer.chmod(0o700)
    before, accounts = modes(new_house), (pwd.getpwall(), grp.getgrall())
    new_house.enter().leave()
    new_house.enter().leave()
    assert modes(new_house) == before
    assert (pwd.getpwall(), grp.getgrall()) == accounts


def test_nothing_is_open_to_other_accounts(house: House) -> None:
    occupant = house.enter()
    for path in (house.cluster, sockets(occupant.url)):
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, house.uid)
    assert {stat.S_IMODE(path.stat().st_mode) for path in house.data_dir.iterdir() if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in house.home.iterdir() if path.is_file()} == {0o600}
    assert len(sockets(occupant.url).as_posix()) < 60


def test_shared_programs_belong_to_the_caller_alone(tmp_path: Path) -> None:
    cluster = find_cluster(tmp_path / "data")
    remove_embedded(tmp_path / "data")
    programs = cluster.binaries.root / "embedded_postgres" / "pginstall"
    found = [path.lstat() for path in programs.rglob("*") if not path.is_symlink()]
    assert found
    assert {status.st_uid for status in found} == {os.geteuid()}
    assert not [status for status in found if status.st_mode & 0o022]


def test_cluster_of_another_major_version_is_refused(house: House) -> None:
    house.enter().leave()
    version = house.cluster / "PG_VERSION"
    version.write_text("17\n")
    try:
        assert "was created by PostgreSQL 17, but this is PostgreSQL 18" in house.refuse()
    finally:
        version.write_text("18\n")


def test_failed_start_tells_the_last_lines_of_the_log(house: House) -> None:
    house.enter().leave()
    settings = house.cluster / "postgresql.conf"
    text = settings.read_text()
    settings.write_text(text + "\nunheard_of = 1\n")
    try:
        assert 'unrecognized configuration parameter "unheard_of"' in house.refuse()
    finally:
        settings.write_text(text)


def test_lost_password_is_told(house: House) -> None:
    house.enter().leave()
    password = house.data_dir / "postgres.password"
    password.rename(house.data_dir / "kept")
    try:
        assert "The password of the database" in house.refuse()
    finally:
        (house.data_dir / "kept").rename(password)


def test_machine_without_the_package_is_told_of_database_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.postgres.binaries.find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match="set DATABASE_URL"), embedded_postgres(tmp_path / "data"):
        pass


@pytest.mark.parametrize("name", ["nobody-of-that-name", "root"])
def test_account_must_be_a_plain_one_that_exists(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("CLIENTELE_DATABASE_ACCOUNT", name)
    with pytest.raises(Misconfigured, match="CLIENTELE_DATABASE_ACCOUNT"):
        choose_os_user()


def test_data_folder_of_the_other_kind_of_user_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
