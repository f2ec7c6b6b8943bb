"""Runs commands in the process of the tests."""

import pytest

from tests.test_cli import Run, command_runner


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return command_runner(database_url, monkeypatch, capsys)
