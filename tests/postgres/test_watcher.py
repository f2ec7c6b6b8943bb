"""The embedded PostgreSQL is started again when it dies under a process that keeps it running."""

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from app.errors import Misconfigured
from app.postgres import watcher
from app.postgres.embedded import embedded_postgres, find_cluster, remove_embedded
from app.postgres.server import Server
from tests.postgres.data_folder import fetch_value, wait_until


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    remove_embedded(tmp_path / "data")


def kill_server(data_dir: Path) -> int:
    pid = Server(find_cluster(data_dir)).recorded_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def answers_again(url: str, data_dir: Path, killed: int) -> bool:
    """True if another server than the killed one answers."""
    try:
        return Server(find_cluster(data_dir)).recorded_pid() != killed and fetch_value(url, "SELECT 1") == 1
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


def wait_for_signal() -> None:
    """Waits until the watcher ends this process by a signal."""
    threading.Event().wait(60)
    raise AssertionError("no signal arrived")


def test_a_killed_server_is_started_again_with_its_data_and_settings(data_dir: Path) -> None:
    settings = {"log_lock_waits": "on"}
    with embedded_postgres(data_dir, settings=settings, keep_running=True) as url:
        fetch_value(url, "CREATE TABLE kept AS SELECT 1")
        killed = kill_server(data_dir)
        wait_until(partial(answers_again, url, data_dir, killed))
        assert fetch_value(url, "SELECT count(*) FROM kept") == 1
        assert fetch_value(url, "SHOW log_lock_waits") == "on"


def test_a_server_that_cannot_start_again_ends_the_process_with_one_line(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "PAUSES", (0.01,))

    def serve() -> None:
        with embedded_postgres(data_dir, keep_running=True):
            cluster = find_cluster(data_dir).folder
            (cluster / "global").rename(cluster / "away")
            kill_server(data_dir)
            wait_for_signal()

    with pytest.raises(Misconfigured, match="cannot be started again") as raised:
        serve()
    assert "\n" not in str(raised.value)


def test_a_server_that_dies_again_and_again_is_given_up(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A death during a start is a part of that start, so the second kill waits for its end."""
    monkeypatch.setattr(watcher, "MOST_DEATHS", 1)

    def serve() -> None:
        with embedded_postgres(data_dir, keep_running=True):
            kill_server(data_dir)
            wait_until(lambda: "runs again" in caplog.text)
            kill_server(data_dir)
            wait_for_signal()

    with pytest.raises(Misconfigured, match="ended 2 times within 60 seconds"):
        serve()
