"""Cursors of changes and snapshots: a written cursor is read back, and any other text is rejected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.changes.record import (
    LARGEST_NUMBER,
    Position,
    Snapshot,
    read_change_cursor,
    read_history_cursor,
    write_change_cursor,
    write_history_cursor,
)
from app.errors import ChangesReset, Malformed
from app.query.cursor import write_cursor

HOME, OTHER, CLIENT = "0" * 24, "1" * 24, "c" * 24
EPOCH = "e"


@given(st.integers(0, LARGEST_NUMBER))
def test_a_cursor_is_read_back(number: int) -> None:
    last = Position(LARGEST_NUMBER, EPOCH)
    assert read_change_cursor(HOME, write_change_cursor(HOME, number, EPOCH), last) == number
    assert read_history_cursor(HOME, CLIENT, write_history_cursor(HOME, CLIENT, number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "é",
        "17",
        write_change_cursor(OTHER, 17, EPOCH),
        write_history_cursor(HOME, CLIENT, 17),
        *(
            write_cursor(f"changes {HOME}", f"[{values}]")
            for values in ('"17","e"', 'true,"e"', '1.5,"e"', '-1,"e"', f'{LARGEST_NUMBER + 1},"e"', "17", '1,2,"e"')
        ),
    ],
)
def test_any_other_text_is_rejected(text: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_change_cursor(HOME, text, Position(LARGEST_NUMBER, EPOCH))
    assert raised.value.field == "after"


def test_a_cursor_of_another_epoch_or_of_no_change_yet_is_rejected() -> None:
    cursor = write_change_cursor(HOME, 17, EPOCH)
    with pytest.raises(ChangesReset):
        read_change_cursor(HOME, cursor, Position(20, "another"))
    with pytest.raises(Malformed, match="no change has this number yet"):
        read_change_cursor(HOME, cursor, Position(16, EPOCH))


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(Malformed):
        read_change_cursor(HOME, text, Position(LARGEST_NUMBER, EPOCH))


def test_a_snapshot_shows_committed_transactions() -> None:
    snapshot = Snapshot.read("10:15:10,12")
    assert [number for number in range(8, 18) if snapshot.shows(number)] == [8, 9, 11, 13, 14]
    assert Snapshot.read("10:10:") == Snapshot(10, 10, frozenset())
