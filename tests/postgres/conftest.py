"""Houses: one for each way to run, shared by the tests that leave it sound, and a new one where a test needs the first start."""

from collections.abc import Iterator

import pytest

from tests.postgres.data_folder import LODGERS, House, build_house


@pytest.fixture(scope="module", params=LODGERS)
def shared_house(request: pytest.FixtureRequest) -> Iterator[House]:
    house = build_house(request.param)
    yield house
    house.remove()


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """Empty before and after the test; the cluster and its rows stay."""
    yield shared_house
    shared_house.empty()


@pytest.fixture(params=LODGERS)
def new_house(request: pytest.FixtureRequest) -> Iterator[House]:
    house = build_house(request.param)
    yield house
    house.remove()
