"""Files of records: the same records as lines and as a list, however they are cut into chunks; faults with their place."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clients.transfer import files
from app.clients.transfer.files import LONGEST, Entry, read_entries

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


def faults(data: bytes) -> list[tuple[str, str]]:
    return [(one.place, one.fault) for one in entries(data) if one.fault]


@settings(max_examples=50, deadline=None)
@given(RECORDS, st.integers(1, 40), st.sampled_from([None, 1]), st.booleans(), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_lines_and_lists_hold_the_same_records(
    records: list[Any], chunk: int, indent: int | None, escaped: bool, mark: bytes
) -> None:
    lines = "".join(f"{json.dumps(one, ensure_ascii=escaped)}\r\n\n" for one in records)
    listed = f" \n{json.dumps(records, ensure_ascii=escaped, indent=indent)}\n"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "CHUNK", chunk)
        for data in (lines, listed):
            found = entries(mark + data.encode())
            assert [one.value for one in found] == records
            assert [one.number for one in found] == list(range(1, len(records) + 1))
            assert {one.fault for one in found} <= {None}


def test_a_record_is_found_again_by_its_place() -> None:
    assert [one.place for one in entries(b'{"a": 1}\n\n{"a":\t2}')] == ["line 1", "line 3"]
    assert [one.place for one in entries(b'\n[\n{"a":\n1}, {"a": 2}\n,\n\n{}]')] == [
        "record 1 on line 3",
        "record 2 on line 4",
        "record 3 on line 7",
    ]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b" [ \n ] \n"])
def test_a_file_may_hold_nothing(data: bytes) -> None:
    assert entries(data) == []


def test_lines_go_on_after_a_fault() -> None:
    data = b'{"a": 1}\n{"a": \n\xff\n{"a": NaN}\n' + b"[" * 100_000 + b'\n{"a": 2}\n'
    assert [one.value for one in entries(data) if not one.fault] == [{"a": 1}, {"a": 2}]
    assert faults(data) == [
        ("line 2", "is not valid JSON: Expecting value at column 6"),
        ("line 3", "is not UTF-8"),
        ("line 4", "is not valid JSON: NaN is no JSON number"),
        ("line 5", "is nested too deep"),
    ]


@pytest.mark.parametrize(
    ("data", "records", "place", "fault"),
    [
        (b"[", 0, "record 1 on line 1", "is not valid JSON: Expecting value"),
        (b'[{"a": 1}', 1, "record 1 on line 1", "is the last of a list without an end"),
        (b'[{"a": 1},\n', 1, "record 2 on line 2", "is not valid JSON: Expecting value"),
        (b'[{"a": 1},\n]', 1, "record 2 on line 2", "is not valid JSON: Expecting value"),
        (b'[{"a": 1}\n{"a": 2}]', 1, "record 1 on line 1", "is followed by '{'"),
        (b'[{"a": 1}]\n{"a": 2}', 1, "record 1 on line 1", "is followed by something outside of the list"),
        (b'[{"a": 1}, {"a": Infinity}]', 1, "record 2 on line 1", "is not valid JSON: Infinity is no JSON number"),
        (b"[{}, " + b"[" * 100_000, 1, "record 2 on line 1", "is nested too deep"),
    ],
)
def test_a_list_ends_with_its_first_fault(data: bytes, records: int, place: str, fault: str) -> None:
    assert len(entries(data)) == records + 1
    assert faults(data) == [(place, fault)]


def test_a_record_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST", 1000)
    monkeypatch.setattr(files, "CHUNK", 100)
    long = json.dumps({"a": "x" * 5000}).encode()
    assert [one.value for one in entries(long + b'\n{"a": 1}\n' + long)] == [None, {"a": 1}, None]
    assert {fault for _, fault in faults(long + b"\n" + long)} == {f"is longer than {LONGEST} characters"}
    ((place, fault),) = faults(b'[{"a": 1}, ' + long + b"]")
    assert (place, fault.startswith("is longer than")) == ("record 2 on line 1", True)


def test_numbers_are_those_that_the_doors_write() -> None:
    (found,) = entries(b'{"a": 999999999999999999, "b": 1' + b"0" * 300 + b', "c": 0.1, "d": 1' + b"0" * 5000 + b"}")
    assert found.value == {"a": 999999999999999999, "b": 1e300, "c": 0.1, "d": float("inf")}
