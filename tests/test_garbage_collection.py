"""The garbage collector of a worker: it skips the objects of the start, and looks at the others rarely."""

import gc
from collections.abc import Iterator

import pytest

from app.main import COLLECTIONS, app_from_environment, collect_rarely


@pytest.fixture
def collector() -> Iterator[None]:
    """A collector as in a new process. Afterwards it is that of the tests."""
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    collect_rarely()


@pytest.mark.usefixtures("collector")
def test_a_worker_freezes_the_objects_of_its_start(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app_from_environment()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold() == COLLECTIONS
