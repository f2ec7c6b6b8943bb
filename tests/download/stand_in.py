"""A stand-in of another service with the v1 API, over the recorded records. It can fail as services on the internet do.

It knows the filters that a download sends. `test_stand_in.py` compares its answers with the recording.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.golden.records import TOKEN, read_lines, seed

Record = dict[str, Any]
ORGANIZATION = "5a3683ea12d5a67dd0ef2f4a"
ACCOUNT = "5a3683ea12d5a67dd0ef2f00"
CAP = 100
"""The most records of a page, as v1 documents it."""


@cache
def recorded(case_id: str) -> Mapping[str, Any]:
    return next(case for case in read_lines("golden-v1.jsonl") if case["id"] == case_id)


@dataclass(frozen=True)
class Reply:
    """A response. With `cut`, the connection ends after half of the body; with `silent`, before the head."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    cut: bool = False
    silent: bool = False

    @property
    def body(self) -> bytes:
        return (json.dumps(self.value, ensure_ascii=False) if self.text is None else self.text).encode()


def replay(case_id: str) -> Reply:
    """The recorded answer of a case."""
    return Reply(recorded(case_id)["status"], recorded(case_id)["response_body"])


TOO_MANY = Reply(429, {"error": {"statusCode": 429, "name": "Error", "message": "Too many requests"}})
INTERNAL = Reply(500, {"error": {"statusCode": 500, "message": "Internal Server Error"}})
SILENT = Reply(200, silent=True)


@dataclass
class StandIn:
    """The service. `faults` has the number of a request, from 1, and the reply that it gets instead of the usual one.

    `changes` has the number of a request and what happens before it. `paths` are the paths and queries of all requests.
    """

    records: dict[str, Record] = field(default_factory=dict)
    faults: dict[int, Reply] = field(default_factory=dict)
    changes: dict[int, Callable[["StandIn"], None]] = field(default_factory=dict)
    organizations: Sequence[Mapping[str, Any]] = field(default_factory=lambda: seed()["organizations"][:1])
    cap: int = CAP
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records = self.records or recorded_clients()

    def answer(self, token: str | None, target: str) -> Reply:
        """The reply to a GET."""
        self.paths.append(target)
        number = len(self.paths)
        if number in self.changes:
            self.changes.pop(number)(self)
        if number in self.faults:
            fault = self.faults[number]
            usual = self._answer(token, target)
            return Reply(200, usual.value, cut=True) if fault.cut else fault
        return self._answer(token, target)

    def _answer(self, token: str | None, target: str) -> Reply:
        if token != TOKEN:
            return replay("auth-003")
        split = urlsplit(target)
        filter_ = json.loads(parse_qs(split.query).get("filter", ["{}"])[0])
        match split.path.lower().strip("/").split("/"):
            case ["v1", "accounts", "authorized"]:
                return Reply(200, {"id": ACCOUNT, "email": "owner@example.com"})
            case ["v1", "accounts", account, "organizations"] if account == ACCOUNT:
                return Reply(200, list(self.organizations))
            case ["v1", "organizations", organization, *rest] if organization in self._ids():
                return self._answer_organization(organization, rest, filter_)
            case ["v1", "organizations", *_]:
                return replay("auth-003")
        return replay("routing-028")

    def _ids(self) -> set[str]:
        return {organization["id"] for organization in self.organizations}

    def _answer_organization(self, organization: str, rest: Sequence[str], filter_: Mapping[str, Any]) -> Reply:
        live = [record for record in self.records.values() if not record["_isDeleted"]]
        match rest:
            case []:
                return Reply(200, next(each for each in self.organizations if each["id"] == organization))
            case ["clients", "count"]:
                return Reply(200, {"count": len(live)})
            case ["clients"]:
                rows = [*self.records.values()] if filter_.get("deleted") else live
                found = [row for row in rows if matches(row, filter_.get("where") or {})]
                page = cut_page(found, filter_, self.cap)
                return Reply(200, page, {"x-total-count": str(len(found))})
        return replay("routing-018")

    def change(self, record_id: str, **values: Any) -> None:
        self.records[record_id] = {**self.records[record_id], **values, "updatedAt": now()}

    def delete(self, record_id: str) -> None:
        """Deletes as v1 documents it. The moment of the change stays as it was."""
        deletion = {"_isDeleted": True, "deletedAt": now(), "deletedId": record_id}
        self.records[record_id] = {**self.records[record_id], **deletion}

    def erase(self, *record_ids: str) -> None:
        """Deletes for good, which v1 does not document."""
        for record_id in record_ids:
            del self.records[record_id]

    def create(self, record_id: str, **values: Any) -> None:
        blank = dict.fromkeys(next(iter(self.records.values())))
        self.records[record_id] = {
            **blank,
            "isEndCustomer": False,
            "custom": {},
            "_isDeleted": False,
            "createdAt": now(),
            "updatedAt": now(),
            "organizationId": ORGANIZATION,
            "id": record_id,
            **values,
        }

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The handler of a MockTransport."""
        reply = self.answer(request.headers.get("authorization"), request.url.raw_path.decode())
        if reply.silent or reply.cut:
            raise httpx.RemoteProtocolError("peer closed connection", request=request)
        return httpx.Response(reply.status, headers={"date": http_date(), **reply.headers}, content=reply.body)


def recorded_clients() -> dict[str, Record]:
    """The clients of the recording by id. Some of them are deleted, as v1 documents it."""
    clients = {record["id"]: dict(record) for record in seed()["clients"] if record["organizationId"] == ORGANIZATION}
    for record_id in sorted(clients)[::25]:
        deletion = {"_isDeleted": True, "deletedAt": "2020-04-17 16:40:43.714Z", "deletedId": record_id}
        clients[record_id] |= deletion
    return clients


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_date() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def matches(record: Record, where: Mapping[str, Any]) -> bool:
    """Compares texts, as the recorded moments all have one form. Raises KeyError for what no download sends."""
    for name, clause in where.items():
        if name in ("and", "or"):
            inner = [matches(record, each) for each in clause]
            if not (all(inner) if name == "and" else any(inner)):
                return False
        elif not matches_clause(record[name], clause):
            return False
    return True


def matches_clause(value: Any, clause: Any) -> bool:
    if not isinstance(clause, Mapping):
        return bool(value == clause)
    ((operator, bound),) = clause.items()
    return value is not None and COMPARISONS[operator](value, bound)


def cut_page(rows: Sequence[Record], filter_: Mapping[str, Any], cap: int) -> list[Record]:
    """A page in the order of one property; null is the highest value."""
    name, *direction = str(filter_.get("order") or "id").split()
    ordered = sorted(rows, key=lambda row: row["id"])
    ordered.sort(key=lambda row: (row[name] is None, row[name] or ""), reverse="DESC" in direction)
    skip, limit = filter_.get("skip") or 0, filter_.get("limit") or cap
    return ordered[skip : skip + min(limit, cap)]


@contextmanager
def listening(stand_in: StandIn) -> Iterator[str]:
    """Serves the stand-in on the loopback, and gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = stand_in.answer(self.headers.get("authorization"), self.path)
            if not reply.silent:
                self.send_response(reply.status)
                for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
