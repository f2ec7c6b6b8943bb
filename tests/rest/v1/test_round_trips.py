"""What is sent by PUT or PATCH is what is read afterwards, whatever text and JSON it is; some texts are trimmed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.query.invisible import trim
from tests.conftest import Service
from tests.rest.v1.requests import make

TEXTS = (
    "email", "contact", "note", "address", "address2", "zip", "city", "state", "country", "countryAlpha2Code",
    "fiscalRegionCode", "taxNumber", "companyNumber", "IBAN", "bank", "SWIFT", "website", "phone", "businessType",
)  # fmt: skip
TRIMMED = ("email", "taxNumber", "countryAlpha2Code")
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys((*TEXTS, "type", "unitIds", "_data")),
    "taxSubject": False,
    "isEndCustomer": False,
    "custom": {},
}

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(letters, max_size=12) | st.sampled_from(
    ["'; --", '"\\', "%_", "😀🚀", "e\u0301", "null", "\ufeff\u2028", "\x7f\n"]
)
numbers = st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15, allow_nan=False)
documents = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
members = st.fixed_dictionaries({}, optional={"id": texts, "name": texts, "value": documents, "options": documents})
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from([None, "customer", "supplier", "both"]),
    "taxSubject": st.none() | st.booleans(),
    "isEndCustomer": st.none() | st.booleans(),
    "unitIds": st.none() | st.lists(texts, max_size=3),
    "custom": documents,
    "_data": st.none() | st.lists(members, max_size=2),
}
anything = {**{name: st.none() | texts for name in TEXTS}, **OTHERS}
names = texts.filter(bool)

quickly = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.fixture(scope="module")
async def known(shared_service: Service) -> dict[str, Any]:
    """A client as it was last read."""
    return await make(shared_service, note="before", custom={"before": True}, unitIds=["before"])


async def send(service: Service, method: str, known: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The client as it is read after the request; the answer shows the same."""
    path = f"/v1/Clients/{known['id']}"
    answer = await service.http.request(method, path, json=body)
    read: dict[str, Any] = (await service.http.get(path)).json()
    assert answer.json() == read
    return read


def trimmed(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, **{name: trim(body[name]) for name in TRIMMED if body.get(name)}}


@quickly
@given(body=st.fixed_dictionaries({"name": names}, optional=anything))
async def test_what_is_put_is_what_is_read(
    shared_service: Service, known: dict[str, Any], body: dict[str, Any]
) -> None:
    read = await send(shared_service, "PUT", known, body)
    assert read == {**known, **DEFAULTS, **trimmed(body), "updatedAt": read["updatedAt"]}
    known.update(read)


@quickly
@given(body=st.fixed_dictionaries({}, optional={"name": names, **anything}))
async def test_what_is_patched_is_what_is_read(
    shared_service: Service, known: dict[str, Any], body: dict[str, Any]
) -> None:
    read = await send(shared_service, "PATCH", known, body)
    assert read == {**known, **trimmed(body), "updatedAt": read["updatedAt"]}
    known.update(read)
