"""Probes of both REST APIs: every route of their tables, with each parameter, header and body that can name a record."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import app.rest
from app.rest.customers.operations import ROUTES as CUSTOMERS_ROUTES
from app.rest.v1.operations import ROUTES as V1_ROUTES
from tests.tenancy.probes import Names, Probe

ROUTES: Sequence[tuple[str, str]] = [*V1_ROUTES, *CUSTOMERS_ROUTES]

RECORDS: Mapping[str, Sequence[str]] = {
    "clients": ("client", "deleted", "client.cust"),
    "customers": ("client.cust", "deleted.cust", "client"),
    "organizations": ("organization", "organization.ent"),
    "entities": ("organization.ent", "organization"),
    "accounts": ("account",),
    "accesstokens": ("token",),
    "webhooks": ("webhook",),
    "deliveries": ("delivery",),
}
"""The records that a path parameter names, by the segment before it. A parameter behind another segment fails the walk."""

PROBE_WEBHOOK = {"url": "https://probe.example/", "events": ["customer.permanently_deleted"], "enabled": False}

BODIES: Mapping[str, Sequence[Any]] = {
    "POST /v1/organizations/{id}/clients": (
        {"name": "Probe", "organizationId": "<organization>", "unitId": "<organization>"},
        [{"name": "Probe", "organizationId": "<organization>"}],
    ),
    "PUT /v1/clients/{id}": ({"name": "Probe", "organizationId": "<organization>"},),
    "POST /v1/clients/{id}/replace": ({"name": "Probe", "organizationId": "<organization>"},),
    "PATCH /v1/clients/{id}": (
        {"city": "Probe"},
        {"organizationId": "<organization>"},
        {"id": "<client>"},
        {"name": 1},
    ),
    "POST /v1/clients/{id}/send-reminder": ({}, {"email": "probe@probe.example"}, {"l": "xx"}),
    "POST /v1/accounts": ({"email": "<email>", "password": "a long enough probe"},),
    "POST /v1/accounts/login": ({"email": "<email>", "password": "wrong password"},),
    "POST /v1/accounts/logout": ({},),
    "POST /v1/accounts/change-password": ({"oldPassword": "wrong password", "newPassword": "another long probe"},),
    "POST /v1/accounts/{id}/accesstokens": ({}, {"ttl": 60, "scopes": ["read"]}),
    "POST /v1/accounts/{id}/organizations": ({"name": "Probe"}, {"name": "Probe", "id": "<organization>"}),
    "PUT /v1/accounts/{id}/organizations/{fk}": ({"city": "Probe"}, {"id": "<organization>"}),
    "PUT /v1/organizations/{id}": ({"city": "Probe"}, {"id": "<organization>"}),
    "PATCH /v1/organizations/{id}": ({"city": "Probe"}, {"id": "<organization>"}, {"name": 1}),
    "POST /v1/organizations/{id}/webhooks": ({**PROBE_WEBHOOK, "organizationId": "<organization>"},),
    "PUT /v1/webhooks/{id}": (PROBE_WEBHOOK, {**PROBE_WEBHOOK, "id": "<webhook>"}),
    "POST /v1/webhooks/{id}/replace": (PROBE_WEBHOOK,),
    "PATCH /v1/webhooks/{id}": ({"description": "Probe"}, {"id": "<webhook>"}, {"url": 1}),
    "POST /v1/webhooks/{id}/rotate-secret": ({}, {"keepFor": 60}),
    "POST /v1/webhooks/{id}/test": (None,),
    "POST /v1/webhooks/{id}/deliveries/{fk}/redeliver": (None,),
    "POST /v1/webhooks/{id}/redeliver-failed": (None,),
    "POST /customers": ({"name": "Probe"}, {"name": "Probe", "entity_id": "<organization.ent>"}),
    "PATCH /customers/{id}": ({"city": "Probe"}, {"id": "<client.cust>"}, {"name": 1}),
    "POST /customers/{id}/restore": (None,),
    "POST /customers/{id}/vies-check": (None,),
}
"""The bodies of the routes that read one. A POST, PUT or PATCH that is not here fails the walk."""

CLIENT_FILTERS: Sequence[Names] = (
    {"filter": '{"where":{"id":"<client>"},"include":"organization"}'},
    {"filter": '{"where":{"organizationId":"<organization>"}}'},
    {"filter": '{"where":{"note":"<word>"}}'},
)
CLIENT_CONDITIONS: Sequence[Names] = (
    {"where": '{"id":"<client>"}'},
    {"where": '{"organizationId":{"inq":["<organization>"]}}'},
    {"where": '{"taxNumber":"SI<word>"}'},
)
SEARCHES: Sequence[Names] = ({"term": "<word>"}, {"term": "<client>"})
QUERIES: Mapping[str, Sequence[Names]] = {
    "GET /v1/organizations/{id}/clients": CLIENT_FILTERS,
    "GET /v1/organizations/{id}/clients/count": CLIENT_CONDITIONS,
    "GET /v1/organizations/{id}/clients/search": SEARCHES,
    "GET /v1/organizations/{id}/search-clients": SEARCHES,
    "GET /v1/clients/{id}": ({"filter": '{"include":"organization"}'},),
    "GET /v1/clients/{id}/exists": (),
    "GET /v1/accounts/authorized": (),
    "GET /v1/accounts/is-unique": ({"email": "<email>"},),
    "GET /v1/accounts/{id}": ({"filter": '{"fields":["id","email"]}'},),
    "GET /v1/accounts/{id}/accesstokens": (),
    "GET /v1/accounts/{id}/organizations": (
        {"filter": '{"where":{"id":"<organization>"}}'},
        {"filter": '{"where":{"name":{"like":"%<word>%"}}}'},
    ),
    "GET /v1/accounts/{id}/organizations/count": ({"where": '{"id":"<organization>"}'},),
    "GET /v1/organizations/{id}": (),
    "GET /v1/organizations/{id}/webhooks": (
        {"filter": '{"where":{"id":"<webhook>"}}'},
        {"filter": '{"where":{"description":"<word>"},"deleted":true}'},
    ),
    "GET /v1/organizations/{id}/webhooks/count": ({"where": '{"url":{"like":"%<word>%"}}'},),
    "GET /v1/webhooks/{id}": ({"filter": '{"fields":["id","url"]}'},),
    "GET /v1/webhooks/{id}/exists": (),
    "GET /v1/webhooks/{id}/deliveries": ({"filter": '{"where":{"clientId":"<client>"}}'},),
    "GET /v1/webhooks/{id}/deliveries/count": ({"where": '{"webhookId":"<webhook>"}'},),
    "GET /v1/webhooks/{id}/deliveries/{fk}": (),
    "GET /customers": (
        {"query": '{"id":"<client.cust>"}'},
        {"query": '{"note":"<word>"}'},
        {"query": '{"tax_number":"SI<word>"}'},
        {"search": "<word>"},
        {"search": "<client>"},
        {"next_cursor": "<cursor.customers>"},
        {"prev_cursor": "<cursor.customers>"},
        {"next_cursor": "<cursor.clients.history>"},
    ),
    "GET /customers/{id}": (),
    "GET /entities": ({"next_cursor": "<cursor.entities>"}, {"prev_cursor": "<cursor.entities>"}),
    "GET /entities/{id}": (),
}
"""The query parameters of the routes that read. A GET that is not here fails the walk."""

HEADERS: Mapping[str, Sequence[str]] = {
    "if-match": ('"1"', '"3"', "*"),
    "if-none-match": ('"3"', "*"),
    "idempotency-key": ("<client>",),
    "x-request-id": ("<client>",),
    "x-entity-id": ("<organization.ent>", "<organization>", "<own_organization.ent>"),
    "entity_id": ("<organization.ent>", "<own_organization.ent>"),
    "content-type": (),
}
"""The values of the headers that the handlers read. `test_walk` compares the names with the code."""

FOR_CUSTOMERS = frozenset({"x-entity-id", "entity_id", "x-request-id"})

DIFFERENT: Mapping[str, str] = {
    "GET /v1/accounts/is-unique": "the operation of LoopBack that tells whether an address has an account",
    "POST /v1/accounts": "a sign-up fails for the address of an account, as is-unique tells",
    "POST /v1/accounts/logout": "it names no record, and the second request has no token any more",
}
"""The operations whose answers differ by their purpose. They are probed for texts of the owner and for changes."""


def read_header_names() -> frozenset[str]:
    """The names of the headers that the modules of the REST APIs read."""
    sources = [path.read_text("utf-8") for path in Path(app.rest.__path__[0]).rglob("*.py")]
    calls = r"""headers\.(?:get|getlist)\(\s*"([^"]+)"|read_(?:header|lines)\([^()]*b"([^"]+)"\)"""
    pattern = re.compile(calls + r"""|"([^"]+)" in [\w.]*headers\b""")
    called = [name for source in sources for groups in pattern.findall(source) for name in groups if name]
    tuples = [names for source in sources for names in re.findall(r"HEADERS = \(([^)]*)\)", source)]
    return frozenset([*called, *(name for names in tuples for name in re.findall(r'b"([^"]+)"', names))])


def rest_probes() -> Iterator[Probe]:
    """Every probe of every route. Raises LookupError for a route whose arguments are not known."""
    for method, pattern in ROUTES:
        operation = f"{method} {pattern}"
        contents = list(_contents(operation, method))
        for path in _paths(pattern):
            for query, body in contents:
                yield from _with_headers(Probe(operation, method, path, {}, query, body))


def _contents(operation: str, method: str) -> Iterator[tuple[Names, Any]]:
    """The query parameters and bodies of an operation."""
    if method == "DELETE":
        yield {}, None
    elif method == "GET":
        if operation not in QUERIES:
            raise LookupError(f"{operation} has no parameters in QUERIES")
        yield {}, None
        yield from ((query, None) for query in QUERIES[operation])
    else:
        if operation not in BODIES:
            raise LookupError(f"{operation} has no bodies in BODIES")
        yield from (({}, body) for body in BODIES[operation])


def _paths(pattern: str) -> Iterator[str]:
    """The pattern with foreign records and with the caller's own records in its parameters."""
    segments = pattern.split("/")
    choices: list[Sequence[str]] = []
    for before, segment in zip(["", *segments], segments, strict=False):
        if not segment.startswith("{"):
            choices.append((segment,))
        elif before not in RECORDS:
            raise LookupError(f"{pattern} has a parameter behind {before}, which is not in RECORDS")
        else:
            own = RECORDS[before][0]
            choices.append([*(f"<{name}>" for name in RECORDS[before]), f"<own_{own}>"])
    yield from ("/".join(chosen) for chosen in product(*choices))


def _with_headers(probe: Probe) -> Iterator[Probe]:
    """The probe without headers, and with each value of each header if its ids have their usual spelling.

    A read that names no record shows whether the answer has something of the owner.
    """
    if probe.names() or probe.method == "GET":
        yield probe
    usual = {f"<{names[0]}>" for names in RECORDS.values()}
    if probe.query or not set(re.findall("<(?!own_)[^>]+>", probe.path)) <= usual:
        return
    for name, values in HEADERS.items():
        if name in FOR_CUSTOMERS and probe.path.startswith("/v1"):
            continue
        for value in values:
            headed = Probe(probe.operation, probe.method, probe.path, {name: value}, {}, probe.body)
            if headed.names() and not _destroys_own(headed):
                yield headed


def _destroys_own(probe: Probe) -> bool:
    """True for the deletion of the caller's own record, which other probes need."""
    return probe.method == "DELETE" and not PLACE.search(probe.path)


PLACE = re.compile(r"<(?!own_)")
