"""Files of records: lines and a list hold the same records in chunks of any size; errors name their position."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clients.transfer import files
from app.clients.transfer.files import LONGEST, Entry, read_entries
from app.query.values import whole_numbers

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=6)


def entries(data: bytes) -> list[Entry]:
    return list(read_entries(io.BytesIO(data)))


def errors(data: bytes) -> list[tuple[str, str]]:
    return [(entry.position, entry.error) for entry in entries(data) if entry.error]


@settings(max_examples=50, deadline=None)
@given(RECORDS, st.integers(1, 40), st.sampled_from([None, 1]), st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_lines_and_lists_hold_the_same_records(
    records: list[Any], chunk: int, indent: int | None, escaped: bool, mark: bytes
) -> None:
    lines = "".join(f"{json.dumps(entry, ensure_ascii=escaped)}\r\n\n" for entry in records)
    listed = f" \n{json.dumps(records, ensure_ascii=escaped, indent=indent)}\n"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "CHUNK", chunk)
        for data in (lines, listed):
            read = entries(mark + data.encode())
            assert [entry.value for entry in read] == records
            assert [entry.number for entry in read] == list(range(1, len(records) + 1))
            assert {entry.error for entry in read} <= {None}


def test_an_entry_names_its_position() -> None:
    assert [entry.position for entry in entries(b'{"a": 1}\n\n{"a":\t2}')] == ["line 1", "line 3"]
    assert [entry.position for entry in entries(b'\n[\n{"a":\n1}, {"a": 2}\n,\n\n{}]')] == [
        "record 1 on line 3",
        "record 2 on line 4",
        "record 3 on line 7",
    ]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b" [ \n ] \n"])
def test_a_file_may_hold_nothing(data: bytes) -> None:
    assert entries(data) == []


def test_lines_go_on_after_a_error() -> None:
    data = b'{"a": 1}\n{"a": \n\xff\n{"a": NaN}\n' + b"[" * 100_000 + b'\n{"a": 2}\n'
    assert [entry.value for entry in entries(data) if not entry.error] == [{"a": 1}, {"a": 2}]
    assert errors(data) == [
        ("line 2", "is not valid JSON: Expecting value at column 6"),
        ("line 3", "is not UTF-8"),
        ("line 4", "is not valid JSON: NaN is not a JSON number"),
        ("line 5", "is nested too deep"),
    ]


@pytest.mark.parametrize(
    ("data", "records", "position", "error"),
    [
        (b"[", 0, "record 1 on line 1", "is not valid JSON: Expecting value"),
        (b'[{"a": 1}', 1, "record 1 on line 1", "is the last record of an unclosed list"),
        (b'[{"a": 1},\n', 1, "record 2 on line 2", "is not valid JSON: Expecting value"),
        (b'[{"a": 1},\n]', 1, "record 2 on line 2", "is not valid JSON: Expecting value"),
        (b'[{"a": 1}\n{"a": 2}]', 1, "record 1 on line 1", "is followed by '{'"),
        (b'[{"a": 1}]\n{"a": 2}', 1, "record 1 on line 1", "is followed by text after the list"),
        (b'[{"a": 1}, {"a": Infinity}]', 1, "record 2 on line 1", "is not valid JSON: Infinity is not a JSON number"),
        (b"[{}, " + b"[" * 100_000, 1, "record 2 on line 1", "is nested too deep"),
    ],
)
def test_a_list_ends_with_its_first_error(data: bytes, records: int, position: str, error: str) -> None:
    assert len(entries(data)) == records + 1
    assert errors(data) == [(position, error)]


def test_a_record_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST", 1000)
    monkeypatch.setattr(files, "CHUNK", 100)
    long = json.dumps({"a": "x" * 5000}).encode()
    assert [entry.value for entry in entries(long + b'\n{"a": 1}\n' + long)] == [None, {"a": 1}, None]
    assert {error for _, error in errors(long + b"\n" + long)} == {f"is longer than {LONGEST} characters"}
    ((position, error),) = errors(b'[{"a": 1}, ' + long + b"]")
    assert (position, error.startswith("is longer than")) == ("record 2 on line 1", True)


def test_a_number_with_too_many_digits_is_infinite_and_others_are_exact() -> None:
    (entry,) = entries(b'{"a": -999999999999999999, "b": 1' + b"0" * 300 + b', "c": 0.1, "d": 1' + b"0" * 5000 + b"}")
    assert entry.value == {"a": -999999999999999999, "b": 10**300, "c": 0.1, "d": float("inf")}


@pytest.mark.parametrize(
    "value",
    [
        b'{"a": 123456789012345678901234}', b'{"a": 18446744073709551616}', b'{"a": -9223372036854775809}', b'{"a": 1e400}',
        b'{"a": [7.0, -0, -0.0, 1e-400, 0.1]}', b'{"a": "\\ud800"}', b'{"a": "\\ud83d\\ude00"}', b'{"a": 1, "a": 2}',
        b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", b"7", b'"a"', b'{"a": "' + "Š東".encode() + b'"}', b'\t{"a": 1} \r',
    ],
)  # fmt: skip
def test_a_line_has_the_value_that_it_has_in_a_list(value: bytes) -> None:
    (line,), (listed,) = entries(value + b"\n"), entries(b"[" + value + b"]")
    assert repr(whole_numbers(line.value)) == repr(whole_numbers(listed.value))
