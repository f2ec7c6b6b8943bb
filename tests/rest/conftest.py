"""Customers to list."""

from typing import Any

import pytest

from tests.conftest import Service
from tests.rest.customers.test_customers import create

NAMES = ("Čebela", "alpha", "Beta", "école", "Zeta", "delta")


async def create_six(service: Service) -> list[dict[str, Any]]:
    """Six customers, every other one with a city."""
    cities = ("Graz", None, "Wien", None, "graz", None)
    return [await create(service, name=name, city=city) for name, city in zip(NAMES, cities, strict=True)]


@pytest.fixture
async def six(service: Service) -> list[dict[str, Any]]:
    return await create_six(service)


@pytest.fixture(scope="module")
async def read_only(shared_service: Service) -> Service:
    """A service with the six, for tests that only read."""
    await create_six(shared_service)
    return shared_service
