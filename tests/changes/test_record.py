"""Places and snapshots: what is written is read back, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.changes.record import LARGEST_NUMBER, Snapshot, read_past_place, read_place, write_past_place, write_place
from app.errors import Malformed
from app.query.cursor import write_cursor

HOME, OTHER, CLIENT = "0" * 24, "1" * 24, "c" * 24


@given(st.integers(0, LARGEST_NUMBER))
def test_a_place_is_read_back(number: int) -> None:
    assert read_place(HOME, write_place(HOME, number)) == number
    assert read_past_place(HOME, CLIENT, write_past_place(HOME, CLIENT, number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "é",
        "17",
        write_place(OTHER, 17),
        write_past_place(HOME, CLIENT, 17),
        write_cursor(f"changes {HOME}", '["17"]'),
        write_cursor(f"changes {HOME}", "[true]"),
        write_cursor(f"changes {HOME}", "[1.5]"),
        write_cursor(f"changes {HOME}", "[-1]"),
        write_cursor(f"changes {HOME}", f"[{LARGEST_NUMBER + 1}]"),
        write_cursor(f"changes {HOME}", "[1, 2]"),
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_place(HOME, text)
    assert refused.value.field == "after"


@given(st.text(max_size=80))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with pytest.raises(Malformed):
        read_place(HOME, text)


def test_a_snapshot_shows_what_was_committed() -> None:
    snapshot = Snapshot.read("10:15:10,12")
    assert [number for number in range(8, 18) if snapshot.shows(number)] == [8, 9, 11, 13, 14]
    assert Snapshot.read("10:10:") == Snapshot(10, 10, frozenset())
