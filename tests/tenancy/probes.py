"""Probes: requests with names of records in them, and answers that are compared without those names."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import httpx

from app.graphql.execution.context import write_global_id
from tests.tenancy.world import CANARY, KINDS, Caller, Tenant

Names = Mapping[str, str]

PLACEHOLDER = re.compile(r"<([a-z_.]+)>")
VOLATILE_HEADERS = frozenset({"x-request-id", "date", "ratelimit", "content-length", "server-timing"})
VOLATILE = (
    (re.compile(r"whsec_[A-Za-z0-9+/]+=*"), "(secret)"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"), "(time)"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])"), "(id)"),
    (re.compile(r'"request_id":"[^"]*"|"requestId":"[^"]*"'), "(request id)"),
    (re.compile(r"[A-Za-z0-9_-]{40,}={0,2}"), "(text)"),
    (re.compile(r'"version":\d+|^"\d+"$'), "(version)"),
)
GLOBAL_TYPES = {"client": ("Client", "Customer"), "deleted": ("Client", "Customer"), "organization": ("Organization",)}
GLOBAL_TYPES |= {"sandbox": ("Organization",), "account": ("Account",), "token": ("AccessToken",)}
GLOBAL_TYPES |= {"change": ("Change",), "reminder": ("Reminder",)}
GLOBAL_TYPES |= {"webhook": ("Webhook",), "delivery": ("WebhookDelivery",)}


@dataclass(frozen=True)
class Probe:
    """A request. `<client>` in any text stands for the record that it asks about, `<own_client>` for the caller's own.

    `operation` is the route or the field that it tests.
    """

    operation: str
    method: str
    path: str
    headers: Names = field(default_factory=dict)
    query: Names = field(default_factory=dict)
    body: Any = None

    def names(self) -> frozenset[str]:
        """The placeholders of the records that the request asks about."""
        texts = (self.path, str(dict(self.headers)), str(dict(self.query)), str(self.body))
        return frozenset(name for text in texts for name in PLACEHOLDER.findall(text) if not name.startswith("own_"))

    @property
    def has_idempotency_key(self) -> bool:
        """True if a header or an argument has a key, which may have the text of an id but names no record."""
        body = self.body if isinstance(self.body, dict) else {}
        return bool(self.headers) or "idempotencyKey" in body.get("variables", {})

    async def send(self, http: httpx.AsyncClient, names: Names) -> httpx.Response:
        """Sends the request with the names of one set of records."""
        return await http.request(
            self.method,
            fill(self.path, names),
            headers=fill(dict(self.headers), names),
            params=fill(dict(self.query), names) or None,
            json=None if self.body is None else fill(self.body, names),
        )

    async def ask(self, http: httpx.AsyncClient, names: Names) -> "Answer":
        """The answer about one set of records."""
        sent = {name: names[name] for name in self.names()}
        return Answer.of(await self.send(http, names), sent)

    def __str__(self) -> str:
        content = self.body.get("variables", self.body) if isinstance(self.body, dict) else self.body
        document = self.body.get("query", "") if isinstance(self.body, dict) else ""
        parts = [f"{self.method} {self.path}", *(str(part) for part in (self.headers, self.query, content) if part)]
        return f"{' '.join(parts)} {document}"[:600]


def fill(value: Any, names: Names) -> Any:
    """The value with each placeholder replaced."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: names[match[1]], value)
    if isinstance(value, Mapping):
        return {key: fill(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, names) for inner in value]
    return value


def spell(kind: str, bare: str) -> Names:
    """Every spelling of a record's id, by its placeholder: `client`, `client.cust`, `client.global`, …"""
    spellings = {kind: bare}
    if kind in ("client", "deleted"):
        spellings[f"{kind}.cust"] = f"cust_{bare}"
    if kind in ("organization", "sandbox"):
        spellings[f"{kind}.ent"] = f"ent_{bare}"
    for type_name in GLOBAL_TYPES[kind]:
        spellings[f"{kind}.{type_name.lower()}"] = write_global_id(type_name, bare)
    return spellings


def spell_all(tenant: Tenant, prefix: str = "") -> dict[str, str]:
    """Every spelling of every record of a tenant, and its cursors."""
    names = {f"{prefix}{name}": text for kind in KINDS for name, text in spell(kind, tenant.ids[kind]).items()}
    cursors = {f"{prefix}cursor.{name.lower()}": cursor for name, cursor in tenant.cursors.items()}
    return names | cursors | {f"{prefix}email": tenant.email, f"{prefix}word": CANARY}


def make_absent(tenant: Tenant) -> Tenant:
    """A tenant that does not exist. Its ids have the places of the tenant's ids in every order."""
    ids = {kind: FAR_CHANGE if kind == "change" else _neighbour(bare) for kind, bare in tenant.ids.items()}
    cursors = {name: _replace_ids(cursor, tenant.ids, ids) for name, cursor in tenant.cursors.items()}
    return Tenant(tenant.email.replace("account", "nothing"), "", ids, cursors)


FAR_CHANGE = f"{2**40:024x}"
"""The id of a change that does not exist. The numbers of all tenants are in one row, so a neighbour may exist."""


def _neighbour(bare: str) -> str:
    return bare[:-1] + ("0" if bare[-1] != "0" else "1")


def _replace_ids(cursor: str, old: Names, new: Names) -> str:
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    for kind, bare in old.items():
        text = text.replace(bare, new[kind])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def names_for(caller: Caller, asked: Tenant, owner: Tenant) -> dict[str, str]:
    """The placeholders of a request about the records of `asked`. Records that the caller may reach are always the owner's."""
    shown = Tenant(
        asked.email,
        "",
        {kind: (owner if kind in caller.reaches else asked).ids[kind] for kind in KINDS},
        asked.cursors,
    )
    own = Tenant("", "", caller.ids)
    return spell_all(shown) | spell_all(own, "own_") | {"word": CANARY if asked is owner else "absent"}


@dataclass(frozen=True)
class Answer:
    """A response without what differs between any two requests, and without the names that the request had in it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: str
    leaked: bool

    @classmethod
    def of(cls, response: httpx.Response, names: Names) -> "Answer":
        headers = sorted((name, value) for name, value in response.headers.items() if name not in VOLATILE_HEADERS)
        shown = [(name, _neutral(value, names)) for name, value in headers]
        body = _neutral(response.text, names)
        return cls(response.status_code, shown, body, CANARY in body or CANARY in str(shown))


def _neutral(text: str, names: Names) -> str:
    """The text with `<kind>` for each name, and without times, other ids and totals."""
    for name, spelling in sorted(names.items(), key=lambda item: -len(item[1])):
        text = text.replace(spelling, f"<{name}>")
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def differences(foreign: Answer, absent: Answer) -> Iterator[str]:
    """The differences between the answer about a foreign record and the answer about an absent one."""
    if foreign.status != absent.status:
        yield f"status {foreign.status}, and {absent.status} for an absent record"
    if foreign.headers != absent.headers:
        yield f"headers {foreign.headers}, and {absent.headers} for an absent record"
    if foreign.body != absent.body:
        same = takewhile(lambda pair: pair[0] == pair[1], zip(foreign.body, absent.body, strict=False))
        start = max(sum(1 for _ in same) - 80, 0)
        shown = [body[start : start + 300] for body in (foreign.body, absent.body)]
        yield f"body {shown[0]}, and {shown[1]} for an absent record"
    if foreign.leaked:
        yield f"a text of the owner: {foreign.body[:300]}"
