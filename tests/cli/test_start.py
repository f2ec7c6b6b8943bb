"""The start of `serve`: what is wrong with its settings is said in one line."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from app.cli.running import embedded_settings
from app.config import Config
from app.server import describe
from tests.cli.test_failures import with_wrong_password
from tests.test_cli import COMMAND, TIMEOUT, Run, assert_error, serving

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("workers", "connections"), [(1, "100"), (3, "100"), (4, "108"), (64, "1428")])
def test_the_embedded_postgresql_allows_the_connections_of_all_workers(workers: int, connections: str) -> None:
    assert embedded_settings(Config(workers=workers, pool_size=20)) == {"max_connections": connections}


BAD = [
    ("SMTP_URL", "http://mail.example.com", "SMTP_URL"),
    ("SMTP_URL", "smtp://mail.example.com:port", "SMTP_URL"),
    ("CLIENTELE_MAIL_FROM", "nobody", "CLIENTELE_MAIL_FROM must be an e-mail address"),
    ("CLIENTELE_LISTEN_URL", "nonsense", "CLIENTELE_LISTEN_URL must be a libpq URL"),
]


@pytest.mark.parametrize(("name", "value", "part"), BAD)
def test_a_setting_that_no_worker_can_use_stops_the_start(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, part: str
) -> None:
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    out, err, status = run("serve", "--port", "0", "--workers", "2")
    assert_error(("", err, status), part)
    assert "Token" not in out


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/nothing", "server"])
def test_a_listen_url_that_leads_elsewhere_is_said_at_the_start(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server_url: str, url: str
) -> None:
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("app.cli.service.serve", lambda *_: None)
    monkeypatch.setenv("CLIENTELE_LISTEN_URL", server_url if url == "server" else url)
    with monkeypatch.context() as patched:
        patched.setattr("app.storage.notices.LIMIT", 1.0)
        _, err, status = run("serve", "--port", "0")
    assert (status, err.count("\n")) == (0, 1)
    assert err.startswith("clientele: CLIENTELE_LISTEN_URL does not work: ")


def test_a_listen_url_to_the_same_database_is_no_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("app.cli.service.serve", lambda *_: None)
    monkeypatch.setenv("CLIENTELE_LISTEN_URL", database_url)
    assert run("serve", "--port", "0")[1:] == ("", 0)


BROKEN = """
import app.main
from app.cli import main
from app.errors import Misconfigured

def fail():
    raise Misconfigured("broken for the test")

app.main.app_from_environment = fail
if __name__ == "__main__":
    main()
"""


def test_several_workers_that_cannot_start_end_the_service(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    ended = subprocess.run(
        [COMMAND[0], str(tmp_path / "broken.py"), "serve", "--port", "0", "--workers", "2"],
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "CLIENTELE_DATA_DIR": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 1
    assert "A worker cannot start: broken for the test" in ended.stderr
    assert ended.stderr.splitlines()[-1] == "clientele: A worker cannot start. The log has the reason."
    assert "Traceback" not in ended.stderr


def test_the_help_of_serve_shows_the_defaults(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out, err, status = run("serve", "--help")
    assert (err, status) == ("", 0)
    for default in ("CLIENTELE_HOST, else 127.0.0.1", "CLIENTELE_PORT, else 8000", "CLIENTELE_WORKERS, else 1"):
        assert f"[default: ({default})]" in out


def test_the_folder_of_the_embedded_database_is_printed(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    assert f"  Database   {tmp_path} (embedded PostgreSQL)" in describe(config, "http://127.0.0.1:1", None)
    (tmp_path / "postgres.place").write_text("/var/lib/clientele/abc")
    assert "  Database   /var/lib/clientele/abc (embedded PostgreSQL)" in describe(config, "http://127.0.0.1:1", None)
    served = Config(data_dir=tmp_path, database_url="postgresql://db.example/x")
    assert "Database" not in describe(served, "http://127.0.0.1:1", None)


async def test_a_wrong_password_is_said_at_the_start_and_by_readyz(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": with_wrong_password(database_url), "CLIENTELE_DATA_DIR": str(tmp_path)}
    async with serving("--workers", "2", **settings) as served:
        async with httpx.AsyncClient(base_url=served.address) as http:
            answer = await http.get("/readyz")
            assert answer.status_code == 503
            assert "the database rejects the user or the password" in answer.text
            assert (await http.get("/customers", headers={"Authorization": "Bearer sk_live_x"})).status_code in (
                401,
                503,
            )
        await served.stop()
    log = served.logged.decode()
    assert "Traceback" not in log
    assert log.count("clientele: The service is not ready: the database rejects the user or the password.") == 1
