"""The garbage collector of a worker: it skips the objects of the start, and looks at the others rarely."""

import gc
from collections.abc import Iterator

import pytest

from app.main import COLLECTIONS, app_from_environment


@pytest.fixture
def collector() -> Iterator[None]:
    """Restores the collector of the test process."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector")
def test_a_worker_freezes_the_objects_of_its_start(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app_from_environment()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold() == COLLECTIONS
