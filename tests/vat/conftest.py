"""Tests of VAT numbers reach the loopback only."""

import pytest


@pytest.fixture(autouse=True)
def unproxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, without the proxy that this machine may have."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
