"""Tables: the delimiter is found, rows have the width of the header, and reading takes the same memory for every length."""

import io
import tracemalloc

import pytest

from app.clients.transfer.columns import ColumnOptions
from app.clients.transfer.sources import SourceOptions, open_source
from app.clients.transfer.tables import Table, TableOptions


def table(text: str, options: SourceOptions | None = None) -> Table:
    source = open_source(io.BytesIO(text.encode()), "clients.csv", options or SourceOptions())
    assert isinstance(source, Table)
    return source


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("name,email\nAna; Bor,a@example.com\n", ","),
        ("Firma;Ort, Land\nAna;Celje, Slovenija\n", ";"),
        ("Firma;Umsatz\nAna;1,5\nBor;2,5\n", ";"),
        ("a|b|c\n1|2, 3|4\n5|6|7, 8\n", "|"),
        ("Firma\tOrt\nAna; Bor\tCelje\n", "\t"),
        ('"Firma";"Ort"\n"Ana, Bor";"Celje, x"\n', ";"),
        ("name\nAna; Bor, Cene\n", "\t"),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    assert table(text, SourceOptions(columns=ColumnOptions({"#1": "name"}, ignore_unknown=True))).delimiter == delimiter


def test_rows_have_the_width_of_the_header() -> None:
    rows = "name,email,,\nA,\nB,b,\nC,c,,,,\nD\nE,e,x\n,,\n\n   \nF,f\n"
    entries = list(table(rows).read_entries())
    assert [(entry.number, entry.line, entry.value) for entry in entries if not entry.error] == [
        (1, 2, {"name": "A", "email": None}),
        (2, 3, {"name": "B", "email": "b"}),
        (3, 4, {"name": "C", "email": "c"}),
        (6, 10, {"name": "F", "email": "f"}),
    ]
    assert [(entry.line, (entry.error or "")[:47]) for entry in entries if entry.error] == [
        (5, "has 1 cell, but the header has 2 columns. Put a"),
        (6, "has 3 cells, but the header has 2 columns. Put "),
    ]


def test_a_column_without_a_name_is_empty_or_left_out() -> None:
    text = "name,,email\nAna,,a\nBor,x,b\n"
    first, second = table(text).read_entries()
    assert (first.error, second.error) == (None, "has a value in column 2, which has no name in the header")
    ignoring = SourceOptions(columns=ColumnOptions(ignore_unknown=True))
    assert [entry.error for entry in table(text, ignoring).read_entries()] == [None, None]


def test_members_of_a_document_join_the_document() -> None:
    (entry,) = table('name,custom.a,custom,custom.b,metadata.m\nAna,1,"{""c"": 3}",,\n').read_entries()
    assert entry.value == {"name": "Ana", "custom": {"c": 3, "a": "1"}, "metadata": {}}


def test_a_table_can_be_read_again_and_its_file_stays_open() -> None:
    source = table("name\nAna\nBor\n", SourceOptions(table=TableOptions(encoding="utf-8", delimiter=",")))
    assert next(source.read_entries()).value == {"name": "Ana"}
    assert [entry.value["name"] for entry in source.read_entries()] == ["Ana", "Bor"]
    assert not source.file.closed


def test_reading_takes_the_same_memory_for_every_length() -> None:
    def measure_peak(rows: int) -> int:
        source = table("name,note\n" + f"Ana,{'x' * 200}\nBor\n" * rows)
        tracemalloc.start()
        assert sum(1 for _ in source.read_entries()) == 2 * rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert measure_peak(5000) < 2 * measure_peak(500)
