"""Secrets in files: a variable with _FILE behind its name leads to the file with the value."""

import os
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.config import Config
from app.errors import Misconfigured
from tests.test_cli import Run, made
from tests.test_cli import run as run

URL = "postgresql://clientele:pa55word@database.example/clientele"
SECRETS = sorted(field.metadata["name"] for field in fields(Config) if field.metadata["secret"])


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_read_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{URL}\n")
    config = Config.from_environment({f"{name}_FILE": str(file)})
    (declared,) = (field for field in fields(Config) if field.metadata["name"] == name)
    assert getattr(config, declared.name) == URL


def test_every_setting_with_a_password_is_a_secret() -> None:
    assert {"DATABASE_URL", "SMTP_URL", "CLIENTELE_LISTEN_URL", "CLIENTELE_DEMO_TOKEN"} <= set(SECRETS)


def test_a_setting_without_a_secret_is_not_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("1234")
    with pytest.raises(Misconfigured, match="CLIENTELE_PORT_FILE is not a setting"):
        Config.from_environment({"CLIENTELE_PORT_FILE": str(file)})


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "has 0"), (b"\n \n", "has 0"), (b"one\npa55word\n", "has 2"), (b"\xff", "UTF-8")],
)
def test_a_wrong_file_stops_the_start_and_stays_secret(content: bytes | None, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=reason) as raised:
        Config.from_environment({"DATABASE_URL_FILE": str(file)})
    assert str(raised.value).startswith("DATABASE_URL_FILE must name a")
    assert str(file) in str(raised.value)
    assert "pa55word" not in str(raised.value)


def test_a_secret_has_one_source(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(URL)
    with pytest.raises(Misconfigured, match=r"DATABASE_URL and DATABASE_URL_FILE are both set") as raised:
        Config.from_environment({"DATABASE_URL": URL, "DATABASE_URL_FILE": str(file)})
    assert "pa55word" not in str(raised.value)


def test_a_command_uses_the_database_of_the_file(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "database-url"
    file.write_text(os.environ["DATABASE_URL"])
    assert urlsplit(file.read_text()).path
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    assert made(run("organization", "create", "Kept Books"))
