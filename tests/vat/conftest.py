"""Nothing but the loopback is asked."""

import pytest


@pytest.fixture(autouse=True)
def unproxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, whatever proxy this machine has."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
