from datetime import UTC, datetime

import pytest

from app.errors import Malformed
from app.query.js_dates import lax_date
from app.query.values import js_text

NOON = datetime(2022, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2022-01-05T12:00:00.000Z",
        "2022-01-05T12:00",
        "2022-01-05 13:00:00+01:00",
        "Wed Jan 05 2022 12:00:00 GMT+0000 (Coordinated Universal Time)",
        "Wed, 05 Jan 2022 12:00:00 GMT",
        "January 5, 2022 12:00 PM",
        "5 January 2022 08:30 -0330",
        "5 January 2022 13:00 GMT+01",
        "2022-01-05t14:00:00+02",
        "2022/1/5 12:00:00",
        "1/5/2022, 12:00:00 pm",
        1641384000000,
        1641384000000.9,
    ],
)
def test_a_date_is_read_as_javascript_reads_it(text: object) -> None:
    assert lax_date(text, "createdAt") == NOON


def test_a_day_alone_is_its_midnight() -> None:
    midnight = NOON.replace(hour=0)
    for text in ("2022-01-05", "2022/01/05", "Jan 5 2022", "5-Jan-2022", "2022-01-04T24:00:00.0Z", "2022-01-04T24:00"):
        assert lax_date(text, "createdAt") == midnight


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2022-02-31",
        "2022-01-04T24:01",
        "9999-12-31T24:00",
        "Feb 31, 2022",
        "2022/13/01",
        "1641384000000",
        "5",
        True,
        1e300,
        [],
        "1" * 9000,
        "Jan 5 2022 13:00 pm",
    ],
)
def test_what_is_no_date_is_refused_by_name(value: object) -> None:
    with pytest.raises(Malformed, match="createdAt"):
        lax_date(value, "createdAt")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (-1.50, "-1.5"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (0.000001, "0.000001"),
        (1.25e-7, "1.25e-7"),
        (12345678901234567890, "12345678901234567000"),
        (10**400, "Infinity"),
        (True, "true"),
    ],
)
def test_numbers_become_text_as_in_javascript(value: float, text: str) -> None:
    assert js_text(value) == text
