"""The download of an organization's clients from another service with the v1 API.

A walk reads every client in the order of the ids. Rounds after it read what changed in the meantime, until nothing does.
Both use only what the public documents of v1 describe: where, order, limit, skip and deleted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.clients.faces import V1
from app.download.journal import Journal, Record, write_line
from app.download.source import CONTINUES, Answer, SourceFailed, V1Source
from app.ids import is_id

PAGE = 100
"""The most records of one response of v1."""
OVERLAP = 5
"""Records that are read twice, so that a record that vanishes before a page hides none."""
MARGIN = timedelta(minutes=5)
"""Changes are asked for from this long before the last time on, since servers write times before they commit."""
MOST_ROUNDS = 5
MOST_ORGANIZATIONS = 100


@dataclass(frozen=True, slots=True)
class SourceOrganization:
    """An organization of the other service. `now` is the time there."""

    id: str
    name: str
    now: datetime


@dataclass
class Summary:
    """The records of a finished download. `counted` is the number of live clients that the service names.

    `left_out` has the properties that v1's documents do not have, with the number of records.
    """

    downloaded: int = 0
    deleted: int = 0
    counted: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def live(self) -> int:
        return self.downloaded - self.deleted


@dataclass(frozen=True, slots=True)
class Watcher:
    """Is told the number of records that are expected, once, and the number that has arrived."""

    expect: Callable[[int], object] = lambda _: None
    advance: Callable[[int], object] = lambda _: None


QUIET = Watcher()


def find_organization(source: V1Source, wanted: str | None) -> SourceOrganization:
    """The organization to download: the one with an id, or the only one of the token. Raises SourceFailed."""
    answer = source.get(f"/Organizations/{_check_id(wanted)}") if wanted else _list_organizations(source)
    rows = [answer.value] if wanted else answer.value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceFailed(f"{source.url} answers without organizations. Check the URL.")
    if len(rows) != 1:
        listed = "; ".join(f"{row.get('id')} ({row.get('name')})" for row in rows)
        raise SourceFailed(f"The token can access {len(rows)} organizations. Choose one with --organization: {listed}")
    return SourceOrganization(_check_id(rows[0].get("id")), str(rows[0].get("name")), answer.moment)


def _list_organizations(source: V1Source) -> Answer:
    """The organizations of the account of the token."""
    try:
        account = source.get("/Accounts/authorized").value
        owner = _check_id(account.get("id") if isinstance(account, dict) else None)
        return source.get(f"/Accounts/{owner}/organizations", {"limit": MOST_ORGANIZATIONS})
    except SourceFailed as error:
        raise SourceFailed(
            f"{error} If the token belongs to one organization, give its id with --organization."
        ) from error


def _check_id(value: object) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise SourceFailed(f"An id must be 24 lower-case hex digits, as in v1; got {str(value)[:100]!r}.")
    return value


def first_moment(organization: SourceOrganization) -> str:
    """The time from which changes count for a download that begins now."""
    return show(organization.now - MARGIN)


def show(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fetch(source: V1Source, organization: str, journal: Journal, watcher: Watcher = QUIET) -> int:
    """Completes a journal. Gives the number of live clients that the service counts. Raises SourceFailed."""
    path, progress = f"/Organizations/{organization}/clients", journal.progress
    if not progress.walked:
        watcher.advance(progress.count)
        for page in read_pages(source, path, {}, Position(progress.last, progress.count), watcher.expect):
            journal.add_page(page)
            watcher.advance(len(page))
        journal.end_walk()
    for _ in range(MOST_ROUNDS):
        if not fetch_changes(source, path, journal):
            break
    return _read_count(source, path)


def fetch_changes(source: V1Source, path: str, journal: Journal) -> bool:
    """Adds what changed since the last round. False if nothing did."""
    progress, found = journal.progress, False
    now = source.get(f"{path}/count").moment
    since = {"gte": progress.since}
    changed = {"or": [{"updatedAt": since}, {"deletedAt": since}]}
    for page in read_pages(source, path, {"where": changed}, Position()):
        new = [record for record in page if progress.changed.get(record["id"]) != record]
        if new:
            journal.add_changes(new)
            found = True
    journal.end_round(show(now - MARGIN))
    return found


@dataclass(frozen=True, slots=True)
class Position:
    """The highest id that has arrived, and the number of records up to it."""

    last: str = ""
    count: int = 0


def read_pages(
    source: V1Source,
    path: str,
    filter_: Mapping[str, Any],
    position: Position,
    expect: Callable[[int], object] = lambda _: None,
) -> Iterator[Sequence[Record]]:
    """The records behind a position that match a filter, page by page in the order of their ids, deleted ones too.

    A page begins before its position, and further before it if the list has become shorter, so that no record is passed
    over.
    """
    last, skip, before = position.last, max(position.count - OVERLAP, 0), None
    while True:
        answer = source.get(path, {**filter_, "order": "id ASC", "limit": PAGE, "skip": skip, "deleted": True})
        page = check_page(answer.value, source.url)
        expect(answer.total or 0)
        if last and skip and (not page or page[0]["id"] > last):
            skip = max(skip - PAGE, 0)
            continue
        new = [record for record in page if record["id"] > last]
        if new:
            yield new
            last = new[-1]["id"]
        elif len(page) <= OVERLAP:
            return
        elif page == before:
            raise SourceFailed(f"{source.url} answers the same page for every `skip`, so the clients cannot be read.")
        skip, before = skip + max(len(page) - OVERLAP, 0), page


def check_page(value: object, url: str) -> Sequence[Record]:
    """The records of a response. Raises SourceFailed if they are not clients in the order of their ids."""
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise SourceFailed(f"{url} answers without a list of clients. Check the URL.")
    ids = [_check_id(record.get("id")) for record in value]
    if ids != sorted(set(ids)):
        raise SourceFailed(f"{url} does not list the clients in the order of their ids. {CONTINUES}")
    return value


def _read_count(source: V1Source, path: str) -> int:
    value = source.get(f"{path}/count").value
    number = value.get("count") if isinstance(value, dict) else None
    if not isinstance(number, int):
        raise SourceFailed(f"{source.url} answers without the number of clients. {CONTINUES}")
    return number


def write_records(journal: Journal, write: Callable[[bytes], object], summary: Summary) -> None:
    """Passes the newest state of each record to `write`, one JSON line each, in the order of the ids."""
    for record in merge(journal.walked_records(), journal.progress.changed):
        for name in record.keys() - V1.fields.keys():
            summary.left_out[name] = summary.left_out.get(name, 0) + 1
        summary.downloaded += 1
        summary.deleted += record.get("deletedAt") is not None or record.get("_isDeleted") is True
        write(write_line({name: value for name, value in record.items() if name in V1.fields}))


def merge(walked: Iterator[Record], changed: Mapping[str, Record]) -> Iterator[Record]:
    """Walked records, each as it changed since, and the changed ones among them that were not walked."""
    waiting = sorted(changed, reverse=True)
    for record in walked:
        while waiting and waiting[-1] < record["id"]:
            yield changed[waiting.pop()]
        if waiting and waiting[-1] == record["id"]:
            waiting.pop()
        yield changed.get(record["id"], record)
    while waiting:
        yield changed[waiting.pop()]
