"""A download against the stand-in: complete after faults, kills and changes, and polite."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.download.journal import Origin, open_journal
from app.download.service import Summary, fetch, find_organization, first_moment, write_records
from app.download.source import LONGEST_BACKOFF, MOST_ATTEMPTS, Pace, SourceFailed, V1Source, open_source
from tests.download.stand_in import INTERNAL, ORGANIZATION, SILENT, TOO_MANY, Reply, StandIn, recorded_clients
from tests.golden.records import TOKEN, seed

URL = "https://api.spaceinvoices.example/v1"
NEW = "f" * 24


class Killed(BaseException):
    """Ends a download as a signal does, without any further line of the journal."""


def open_stand_in(stand_in: StandIn, waits: list[float] | None = None) -> V1Source:
    pace = Pace(0.0, sleep=(waits if waits is not None else []).append)
    return open_source(URL, TOKEN, pace, httpx.MockTransport(stand_in.respond))


def download(stand_in: StandIn, path: Path, waits: list[float] | None = None) -> tuple[dict[str, Any], Summary]:
    """The downloaded records by id, and the summary."""
    source = open_stand_in(stand_in, waits)
    organization = find_organization(source, ORGANIZATION)
    journal = open_journal(path, Origin(source.url, organization.id), first_moment(organization))
    written = io.BytesIO()
    with journal.file:
        summary = Summary(counted=fetch(source, organization.id, journal))
        write_records(journal, written.write, summary)
    records = [json.loads(line) for line in written.getvalue().splitlines()]
    ids = [record["id"] for record in records]
    assert ids == sorted(set(ids))
    return {record["id"]: record for record in records}, summary


def test_every_client_is_downloaded_once_with_the_deleted_ones(tmp_path: Path) -> None:
    stand_in, expected = StandIn(), recorded_clients()
    records, summary = download(stand_in, tmp_path / "journal")
    assert records == expected
    deleted = sum(record["_isDeleted"] for record in expected.values())
    assert deleted > 5
    assert (summary.downloaded, summary.deleted, summary.counted) == (300, deleted, 300 - deleted)
    assert len(stand_in.paths) < 12


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("fault", [TOO_MANY, INTERNAL, SILENT, Reply(200, cut=True), Reply(200, text="<html>")])
def test_a_failed_request_is_repeated(tmp_path: Path, fault: Reply, number: int) -> None:
    waits: list[float] = []
    stand_in = StandIn(faults={number: fault, number + 1: fault})
    assert download(stand_in, tmp_path / "journal", waits)[0] == recorded_clients()
    assert [wait for wait in waits if wait >= 1] == [1, 2]
    assert len(stand_in.paths) > number + 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("30", 30, 30),
        ("a date in half an hour", 600, 1800),
        ("soon", 1, 1),
        ("-5", 1, 1),
    ],
)
def test_a_service_that_asks_for_time_gets_it(tmp_path: Path, header: str, least: float, most: float) -> None:
    waits: list[float] = []
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    stand_in = StandIn(faults={2: Reply(429, {}, {"retry-after": date if "date" in header else header})})
    download(stand_in, tmp_path / "journal", waits)
    (wait,) = [wait for wait in waits if wait >= 1]
    assert least <= wait <= most


def test_requests_keep_to_the_pace() -> None:
    waits: list[float] = []
    pace = Pace(10.0, sleep=waits.append)
    for _ in range(3):
        pace.keep()
    assert 9 < waits[0] <= 10 < 19 < waits[1] <= 20


@pytest.mark.parametrize("fault", [TOO_MANY, INTERNAL, SILENT])
def test_a_service_that_stays_away_leaves_a_journal_that_continues(tmp_path: Path, fault: Reply) -> None:
    waits: list[float] = []
    stand_in = StandIn(faults=dict.fromkeys(range(4, 4 + MOST_ATTEMPTS), fault))
    with pytest.raises(SourceFailed, match=r"10 times in a row. Run the same command again"):
        download(stand_in, tmp_path / "journal", waits)
    assert max(waits) == LONGEST_BACKOFF
    failed = len(stand_in.paths)
    assert download(stand_in, tmp_path / "journal")[0] == recorded_clients()
    assert len(stand_in.paths) - failed < failed


def test_a_service_that_asks_for_hours_ends_the_command(tmp_path: Path) -> None:
    stand_in = StandIn(faults={3: Reply(503, {}, {"retry-after": "7200"})})
    with pytest.raises(SourceFailed, match=r"answers 503, and asks to wait for 7200 seconds"):
        download(stand_in, tmp_path / "journal")
    assert download(stand_in, tmp_path / "journal")[0] == recorded_clients()


def kill(stand_in: StandIn) -> None:
    raise Killed


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 200_000)), max_size=4))
def test_a_kill_at_any_moment_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, kills: list[tuple[int, int]]
) -> None:
    """Each kill comes before a request, and takes the end of a line that was just written with it."""
    path = tmp_path_factory.mktemp("kills") / "journal"
    stand_in = StandIn()
    for requests, torn in kills:
        stand_in.changes = {len(stand_in.paths) + requests: kill}
        try:
            download(stand_in, path)
        except Killed:
            if path.exists():
                last = path.read_bytes().splitlines(keepends=True)[-1:]
                lost = min(torn, len(b"".join(last)))
                path.write_bytes(path.read_bytes()[: path.stat().st_size - lost])
    stand_in.changes = {}
    assert download(stand_in, path)[0] == recorded_clients()


def test_what_arrived_is_not_read_again(tmp_path: Path) -> None:
    stand_in = StandIn(changes={4: kill})
    with pytest.raises(Killed):
        download(stand_in, tmp_path / "journal")
    stand_in.paths.clear()
    download(stand_in, tmp_path / "journal")
    assert not any("%22skip%22%3A0%2C" in path and "where" not in path for path in stand_in.paths)


CHANGES: dict[str, Callable[[StandIn], None]] = {
    "a client that was read": lambda stand_in: stand_in.change(min(stand_in.records), name="Changed"),
    "a client that was not read": lambda stand_in: stand_in.change(max(stand_in.records), name="Changed"),
    "a deletion": lambda stand_in: stand_in.delete(sorted(stand_in.records)[1]),
    "a new client at the end": lambda stand_in: stand_in.create(NEW, name="New"),
    "a new client at the beginning": lambda stand_in: stand_in.create("0" * 24, name="New"),
    "clients that vanish": lambda stand_in: stand_in.erase(*sorted(stand_in.records)[200:230]),
}


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changes_during_a_download_are_in_it(tmp_path: Path, change: Callable[[StandIn], None], number: int) -> None:
    stand_in = StandIn(changes={number: change})
    records, summary = download(stand_in, tmp_path / "journal")
    current = stand_in.records
    assert {key: records.get(key) for key in current} == current
    vanished = records.keys() - current.keys()
    assert summary.live - summary.counted == sum(not records[key]["_isDeleted"] for key in vanished)


def test_records_that_vanish_before_a_page_hide_none(tmp_path: Path) -> None:
    stand_in = StandIn(changes={4: lambda source: source.erase(*sorted(source.records)[:150])})
    records, _ = download(stand_in, tmp_path / "journal")
    assert records.keys() >= stand_in.records.keys()


def test_clients_that_never_rest_end_the_rounds(tmp_path: Path) -> None:
    first = min(recorded_clients())
    changes: dict[int, Callable[[StandIn], None]] = {
        number: lambda stand_in: stand_in.change(first, note=str(len(stand_in.paths))) for number in range(5, 200)
    }
    stand_in = StandIn(changes=changes)
    records, _ = download(stand_in, tmp_path / "journal")
    assert records[first]["note"]
    assert len(stand_in.paths) < 40


def test_properties_that_v1_does_not_document_are_left_out_and_counted(tmp_path: Path) -> None:
    records = recorded_clients()
    for record in records.values():
        record["accountId"] = "5"
    records[min(records)]["legacy"] = {"a": 1}
    downloaded, summary = download(StandIn(records), tmp_path / "journal")
    assert downloaded == recorded_clients()
    assert summary.left_out == {"accountId": 300, "legacy": 1}


def test_any_json_arrives_unchanged(tmp_path: Path) -> None:
    records = recorded_clients()
    custom = {"vast": 10**30, "half": "\ud800", "small": 1e-7, "text": "Škofja Loka 🚀", "deep": [[{"a": None}]]}
    records[min(records)]["custom"] = custom
    records[max(records)]["custom"] = [1.5, 123456789012345678]
    stand_in = StandIn({key: json.loads(json.dumps(record)) for key, record in records.items()})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Reply, "body", property(lambda reply: json.dumps(reply.value).encode()))
        downloaded, _ = download(stand_in, tmp_path / "journal")
    assert downloaded == records


def test_the_only_organization_of_a_token_is_chosen() -> None:
    stand_in = StandIn()
    assert find_organization(open_stand_in(stand_in), None).name == "Org A"
    stand_in.organizations = seed()["organizations"]
    with pytest.raises(SourceFailed, match=r"access 3 organizations.*--organization: 5a36.*Org A.*Org C"):
        find_organization(open_stand_in(stand_in), None)
    stand_in.organizations = []
    with pytest.raises(SourceFailed, match="access 0 organizations"):
        find_organization(open_stand_in(stand_in), None)


ERRORS = [
    (Reply(401, {}), "does not accept the token"),
    (Reply(404, {"error": {"message": "There is no method"}}), "answers 404: There is no method"),
    (Reply(400, text="bad\nrequest"), "answers 400: bad"),
    (Reply(301, {}, {"location": "https://elsewhere.example"}), "redirect to 'https://elsewhere.example'"),
    (Reply(200, {"a": 1}), "without a list of clients"),
    (Reply(200, [5]), "without a list of clients"),
    (Reply(200, [{"id": "b" * 24}, {"id": "a" * 24}]), "in the order of their ids"),
    (Reply(200, [{"id": "1"}]), "24 lower-case hex digits"),
    (Reply(200, [{}]), "24 lower-case hex digits"),
]


@pytest.mark.parametrize(("reply", "message"), ERRORS)
def test_an_answer_that_never_helps_ends_the_command(tmp_path: Path, reply: Reply, message: str) -> None:
    waits: list[float] = []
    with pytest.raises(SourceFailed, match=message):
        download(StandIn(faults={3: reply}), tmp_path / "journal", waits)
    assert max(waits, default=0) < 1


def test_a_service_that_ignores_the_position_ends_the_command(tmp_path: Path) -> None:
    stand_in = StandIn()
    usual = stand_in.answer("TESTTOKEN", f"/v1/organizations/{ORGANIZATION}/clients?filter=%7B%22deleted%22%3A1%7D")
    stand_in.faults = dict.fromkeys(range(3, 99), usual)
    with pytest.raises(SourceFailed, match="the same page for every `skip`"):
        download(stand_in, tmp_path / "journal")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://api.spaceinvoices.com/v1", "must begin with https://, because"),
        ("ftp://api.spaceinvoices.com/v1", "must begin with https://; got"),
        ("api.spaceinvoices.com", "must begin with https://; got"),
        ("https://a.example:port/", "is not a URL"),
    ],
)
def test_a_url_must_be_safe(url: str, message: str) -> None:
    with pytest.raises(SourceFailed, match=message):
        open_source(url, TOKEN, Pace())


@pytest.mark.parametrize("token", ["", "two\nlines", "Škofja"])
def test_a_token_is_one_line(token: str) -> None:
    with pytest.raises(SourceFailed, match="one line"):
        open_source(URL, token, Pace())


def test_a_journal_belongs_to_one_download_and_one_process(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    moment = "2026-01-01T00:00:00.000Z"
    journal = open_journal(path, Origin(URL, ORGANIZATION), moment)
    with pytest.raises(SourceFailed, match="Another process"):
        open_journal(path, Origin(URL, ORGANIZATION), moment)
    journal.end_walk()
    journal.file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SourceFailed, match="belongs to a download of the organization"):
        open_journal(path, Origin(URL, NEW), moment)
    again = open_journal(path, Origin(URL, ORGANIZATION), "2027-01-01T00:00:00.000Z")
    assert (again.progress.walked, again.progress.since) == (True, moment)
    again.file.close()
    path.write_bytes(b"not a journal\n")
    with pytest.raises(SourceFailed, match="is damaged"):
        open_journal(path, Origin(URL, ORGANIZATION), moment)
