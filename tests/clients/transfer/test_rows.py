"""Rows of CSV files: positions, ends of lines, and errors that cost one row."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clients.transfer import rows
from app.clients.transfer.rows import MOST_CELL, Lines, Row, read_rows

CELLS = st.text(st.sampled_from("a\"\r\n,; '\té"), max_size=6)


def read(text: str, delimiter: str = ",") -> list[Row]:
    return list(read_rows(Lines(io.StringIO(text, newline="")), delimiter))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=5), st.sampled_from(",;\t"))
def test_rows_hold_what_was_written_and_their_text(written: list[list[str]], delimiter: str) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(written)
    read_back = read(buffer.getvalue(), delimiter)
    assert [row.cells for row in read_back] == written
    assert "".join(row.raw for row in read_back) == buffer.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_names_the_line_on_which_it_begins(end: str) -> None:
    text = end.join(["a,b", '"c', 'd",e', "", "   ", "f,g", ""])
    assert [(row.line, row.cells) for row in read(text)] == [
        (1, ["a", "b"]),
        (2, [f"c{end}d", "e"]),
        (6, ["f", "g"]),
    ]


INSIDE = 'has a quotation mark inside a quoted cell. Inside a quoted cell, write each quotation mark twice: ""'


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ('"Pri" Lojzu,x\n', INSIDE),
        ('"Ana,x\n', "has a quotation mark that is not closed within 131,072 characters"),
        (f"{'x' * (MOST_CELL + 1)},y\n", "has a cell of more than 131,072 characters"),
        (f'"{"x" * (MOST_CELL + 1)}",y\n', "has a cell of more than 131,072 characters"),
        (f"{',' * (rows.MOST_ROW + 500_000)}\n", "is longer than 1,048,576 characters"),
    ],
)
def test_a_row_with_an_error_does_not_hide_the_others(bad: str, error: str) -> None:
    good = "".join(f"a{number},b\n" for number in range(3))
    read_back = read(good + bad + good)
    assert [row.line for row in read_back] == [1, 2, 3, 4, 5, 6, 7]
    wrong = read_back.pop(3)
    assert [row.error for row in read_back] == [None] * 6
    assert [row.cells[0] for row in read_back] == ["a0", "a1", "a2"] * 2
    assert wrong.error is not None
    assert wrong.error.startswith(error)
    assert wrong.raw == bad[: rows.MOST_ROW + 1]


def test_a_quotation_mark_that_is_never_closed_costs_one_row_of_a_long_file() -> None:
    text = "".join(f'{number},"{"unclosed" if number == 5 else "x" * 200 + chr(34)}\n' for number in range(2000))
    read_back = read(text)
    assert [row.line for row in read_back if row.error] == [6]
    assert len(read_back) == 2000


def test_quotation_marks_outside_of_quoted_cells_are_letters() -> None:
    assert [row.cells for row in read('5" pipe,Hotel "Union"\n')] == [['5" pipe', 'Hotel "Union"']]


@pytest.mark.parametrize(
    ("text", "delimiter", "line"),
    [
        ("sep=;\r\na;b\r\n", ";", 2),
        ('"sep=|"\na|b', "|", 2),
        ("SEP=\t\na\tb", "\t", 2),
        ("sep=\na", None, 2),
        ("a;b", None, 1),
    ],
)
def test_a_first_line_can_name_the_delimiter(text: str, delimiter: str | None, line: int) -> None:
    lines = Lines(io.StringIO(text, newline=""))
    assert lines.pass_separator_line()[1] == delimiter
    (row,) = read_rows(lines, delimiter or ";")
    assert (row.line, row.cells[0]) == (line, "a")
