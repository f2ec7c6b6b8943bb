"""Entity tags in If-Match and If-None-Match."""

from collections.abc import Sequence

import pytest

from app.errors import Malformed
from app.rest.preconditions import LONGEST_CONDITION, NEVER, expected_versions, names_version
from tests.conftest import Service


@pytest.mark.parametrize(
    ("lines", "versions"),
    [
        ([], None),
        (["*"], None),
        ([" * "], None),
        (['"1"'], [1]),
        (['"1","2" ,\t"3"'], [1, 2, 3]),
        (['"1"', '"2"'], [1, 2]),
        ([',, "1",'], [1]),
        (['W/"1"'], [NEVER]),
        (['W/"1", "2"'], [NEVER, 2]),
        (['"a,b", "2"'], [NEVER, 2]),
        (['"a,"1""'], [NEVER]),
        (["1"], [NEVER]),
        ([""], [NEVER]),
        (['"'], [NEVER]),
        (['"1"x'], [NEVER]),
        (['"01", "0", "", "-1", "1.0", "\u0661", "1234567890"'], [NEVER] * 7),
        (['"123456789"'], [123_456_789]),
    ],
)
def test_the_versions_of_if_match(lines: Sequence[str], versions: Sequence[int] | None) -> None:
    assert expected_versions(lines) == versions


@pytest.mark.parametrize(
    ("lines", "named"),
    [([], False), (["*"], True), (['"7"'], True), (['W/"7"'], True), (['"6", W/"7"'], True), (['"77"'], False)],
)
def test_if_none_match_names_a_version(lines: Sequence[str], named: bool) -> None:
    assert names_version(lines, 7) is named


@pytest.mark.parametrize(
    "text", [" " * 1024, '"' * 1024, '"1",' * 256, 'W/"' * 341, "x" + " " * 1022 + "x", "," * 1024]
)
def test_the_longest_condition_is_read(text: str) -> None:
    assert expected_versions([text])
    assert not names_version([text], 7)


async def test_a_longer_condition_is_rejected(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}/clients"
    made = (await service.http.post(path, json={"name": "x"})).json()
    longer = "x" + " " * LONGEST_CONDITION + "x"
    with pytest.raises(Malformed, match="If-Match must have at most 1024 characters; got 1026"):
        expected_versions([longer])
    for there in (f"/v1/clients/{made['id']}", f"/customers/cust_{made['id']}"):
        assert (await service.http.get(there, headers={"If-None-Match": longer})).status_code == 400
        assert (await service.http.patch(there, json={}, headers={"If-Match": longer})).status_code == 400
