"""Data folders with an embedded PostgreSQL: one shared by the tests of a module, or a new one, for each way to run."""

from collections.abc import Iterator

import pytest

from tests.postgres.data_folder import WAYS_TO_RUN, DataFolder, make_data_folder


@pytest.fixture(scope="module", params=WAYS_TO_RUN)
def shared_data_folder(request: pytest.FixtureRequest) -> Iterator[DataFolder]:
    data_folder = make_data_folder(request.param)
    yield data_folder
    data_folder.remove()


@pytest.fixture
def data_folder(shared_data_folder: DataFolder) -> Iterator[DataFolder]:
    """A shared data folder that no process uses before and after the test; its cluster and rows stay."""
    yield shared_data_folder
    shared_data_folder.stop_all()


@pytest.fixture(params=WAYS_TO_RUN)
def new_data_folder(request: pytest.FixtureRequest) -> Iterator[DataFolder]:
    data_folder = make_data_folder(request.param)
    yield data_folder
    data_folder.remove()
