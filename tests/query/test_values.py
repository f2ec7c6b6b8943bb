"""Values: what each dialect takes for a text, a truth, a number or a moment, and what it refuses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Malformed
from app.query.js_dates import lax_date
from app.query.values import (
    LONGEST_TEXT,
    js_text,
    lax_boolean,
    lax_text,
    number,
    parse_moment,
    strict_boolean,
    strict_date,
    strict_text,
)

MOMENTS: list[tuple[str, datetime]] = [
    ("2024", datetime(2024, 1, 1)),
    ("2024-03", datetime(2024, 3, 1)),
    ("2024-02-29", datetime(2024, 2, 29)),
    (" 2024-02-29 ", datetime(2024, 2, 29)),
    ("2024-02-29T10:11", datetime(2024, 2, 29, 10, 11)),
    ("2024-02-29 10:11:12", datetime(2024, 2, 29, 10, 11, 12)),
    ("2024-02-29T10:11:12Z", datetime(2024, 2, 29, 10, 11, 12)),
    ("2024-02-29T10:11:12.5z", datetime(2024, 2, 29, 10, 11, 12, 500_000)),
    ("2024-02-29T10:11:12,034Z", datetime(2024, 2, 29, 10, 11, 12, 34_000)),
    ("2024-02-29T10:11:12.123456789Z", datetime(2024, 2, 29, 10, 11, 12, 123_000)),
    ("2024-02-29T10:11:12.999999Z", datetime(2024, 2, 29, 10, 11, 12, 999_000)),
    ("2024-02-29T10:11:12+02:00", datetime(2024, 2, 29, 8, 11, 12)),
    ("2024-02-29T00:30:00-0130", datetime(2024, 2, 29, 2)),
    ("2024-02-29T10:11:12+02", datetime(2024, 2, 29, 8, 11, 12)),
    ("2024-02-29T10:11-05", datetime(2024, 2, 29, 15, 11)),
    ("2024-02-29t10:11:12z", datetime(2024, 2, 29, 10, 11, 12)),
    ("2024-02-29t10:11:12.5+0200", datetime(2024, 2, 29, 8, 11, 12, 500_000)),
    ("2024-02-29 10:11:12+00:00", datetime(2024, 2, 29, 10, 11, 12)),
    ("0001-01-01", datetime(1, 1, 1)),
]

NO_MOMENTS = [
    "", "now", "2023-02-29", "2024-13-01", "20240229", "2024-02-29T25:00", "2024-02-29T10:60",
    "2024-02-29T10", "2024-02-29T10:11:12.", "2024-02-29T10:11:12+99:00", "24-02-29", "12024-02-29",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-02-29T10:11:12ZZ", "٢٠٢٤-٠٢-٢٩", "2024-W09-4",
    "2024-02-29T10:11+2", "2024-02-29T10:11+020", "20240229T101112Z", "2024-060", "2024-02-29T10:11:60Z", "2024-02-29T",
    "2024-02-29T10:11 +0٢",
]  # fmt: skip


@pytest.mark.parametrize(("text", "moment"), MOMENTS)
def test_iso_text_names_a_moment_in_utc(text: str, moment: datetime) -> None:
    assert strict_date(text, "at") == lax_date(text, "at") == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", NO_MOMENTS)
@pytest.mark.parametrize("read", [strict_date, lax_date])
def test_other_text_names_no_moment(read: Callable[[object, str], datetime], text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(text, "at")
    assert refused.value.field == "at"


@pytest.mark.parametrize("text", ["2024-2-29", "2024-02-29Z", "2024/02/29", "Feb 29 2024"])
def test_forms_that_only_javascript_reads_are_refused_where_iso_is_asked_for(text: str) -> None:
    assert lax_date(text, "at") == datetime(2024, 2, 29, tzinfo=UTC)
    with pytest.raises(Malformed):
        strict_date(text, "at")


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.integers(-14 * 60, 14 * 60), st.integers(0, 999))
def test_moment_survives_its_spelling_in_any_zone(moment: datetime, minutes: int, milliseconds: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    moment = moment.replace(microsecond=milliseconds * 1000, tzinfo=zone)
    assert parse_moment(moment.isoformat(timespec="milliseconds")) == moment


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    moment = parse_moment(text)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (0, datetime(1970, 1, 1)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999_000)),
        (1709164800000, datetime(2024, 2, 29)),
        (1709164800000.9, datetime(2024, 2, 29)),
        (253_402_300_799_999, datetime(9999, 12, 31, 23, 59, 59, 999_000)),
    ],
)
def test_number_is_milliseconds_since_1970(value: float, moment: datetime) -> None:
    assert lax_date(value, "at") == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [None, True, [], {}, 253_402_300_800_000, -(10**15), 1e300, float("inf"), float("nan")]
)
def test_value_that_is_no_date_is_refused(value: object) -> None:
    for read in (lax_date, strict_date):
        with pytest.raises(Malformed):
            read(value, "at")


def test_strict_date_takes_no_number() -> None:
    with pytest.raises(Malformed):
        strict_date(1709164800000, "at")


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        *((spelling, True) for spelling in (True, "true", "1", 1, 1.0)),
        *((spelling, False) for spelling in (False, "false", "0", 0, "")),
    ],
)
def test_lax_boolean_takes_the_spellings_of_v1(value: object, truth: bool) -> None:
    assert lax_boolean(value, "flag") is truth


@pytest.mark.parametrize("value", [None, "TRUE", "yes", "no", 2, -1, 0.5, [], {}, [True], float("nan")])
def test_other_values_are_no_booleans(value: object) -> None:
    for read in (lax_boolean, strict_boolean):
        with pytest.raises(Malformed) as refused:
            read(value, "flag")
        assert refused.value.field == "flag"


@pytest.mark.parametrize("value", ["true", "", 1, 0])
def test_strict_boolean_takes_true_and_false_only(value: object) -> None:
    assert strict_boolean(True, "flag") is True
    with pytest.raises(Malformed):
        strict_boolean(value, "flag")


@pytest.mark.parametrize("value", [0, -1, 10**15, -1e15, 0.1, -0.0])
def test_number_is_taken_by_its_digits(value: float) -> None:
    assert number(value, "n") == Decimal(repr(value))


@pytest.mark.parametrize(
    "value",
    [True, "1", None, [], 10**15 + 1, 1e300, float("inf"), float("nan"), 10**400],
    ids=lambda value: str(value)[:9],
)
def test_other_values_are_no_numbers(value: object) -> None:
    with pytest.raises(Malformed) as refused:
        number(value, "n")
    assert refused.value.field == "n"


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (7, "7"), (-7.0, "-7"), (0.5, "0.5"), (True, "true"), (False, "false")]
)
def test_scalar_for_a_text_is_written_as_in_javascript(value: Any, text: str) -> None:
    assert js_text(value) == lax_text(value, "t") == text


@pytest.mark.parametrize("read", [lax_text, strict_text])
@pytest.mark.parametrize("value", [None, [], {}, ["a"], "a\x00b", "\ud800", "a\udfff", "x" * (LONGEST_TEXT + 1)])
def test_what_is_no_text_or_cannot_be_stored_is_refused(read: Callable[[object, str], str], value: object) -> None:
    with pytest.raises(Malformed) as refused:
        read(value, "t")
    assert refused.value.field == "t"


@pytest.mark.parametrize("text", ["", " ", "x" * LONGEST_TEXT, "😀", "\uffff", "a\u0301", "\x7f\x01"])
def test_any_storable_text_is_taken_as_it_is(text: str) -> None:
    assert strict_text(text, "t") == lax_text(text, "t") == text


@pytest.mark.parametrize("value", [7, True, 0.5])
def test_strict_text_takes_no_other_scalar(value: object) -> None:
    with pytest.raises(Malformed):
        strict_text(value, "t")
