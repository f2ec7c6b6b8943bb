"""Requests that fit the documents of the REST APIs better: texts that hold JSON, ids of records of the demo, and fewer conditions.

Loaded by schemathesis itself, in an environment of its own.
"""

# mypy: ignore-errors
import atexit
import json
import os
import re
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from urllib.request import Request, urlopen

import schemathesis
from hypothesis import strategies as st

URL, TOKEN = os.environ["CLIENTELE_URL"], os.environ["CLIENTELE_TOKEN"]
CONDITIONS = ("x-entity-id", "entity_id", "if-match", "if-none-match", "idempotency-key")
"""The headers whose values of the document, or random ones, fit no record or an earlier request."""
SAMPLE = re.compile(
    r'(cust_|ent_)?(5a3683ea12d5a67dd0ef2f|6595a27b5d35015c3ef0c3)..|"[01]"|7f0c1ea0-2d4f-4a2a-9a55-6a9f0e9c5c11'
)
"""The examples of ids and conditions in the documents."""
EVERY = 3
"""One request of so many has an id, or such headers, that schemathesis made."""


def ask(method, path, body=None):
    """The answer of the service to a request."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{URL}{path}", data, headers, method=method)  # noqa: S310 - the service of the run
    with urlopen(request) as answer:  # noqa: S310
        return json.load(answer)


def read(path):
    return ask("GET", path)


def renew_customer(path):
    """Puts a new customer in the place of all others, which requests may have deleted. One to restore is deleted."""
    customer = ask("POST", "/customers", {"name": "Ana", "email": "ana@studio.example", "tax_number": "SI12345679"})[
        "id"
    ]
    if path.endswith("/restore"):
        ask("DELETE", f"/customers/{customer}")
    IDS["customers"], IDS["clients"] = [customer], [customer.removeprefix("cust_")]


def renew_webhook():
    """Puts a new webhook with a delivery in the place of all others, which requests may have disabled or deleted."""
    path = f"/v1/organizations/{IDS['organizations'][0]}/webhooks"
    for webhook in read(path):
        ask("DELETE", f"/v1/webhooks/{webhook['id']}")
    made = ask("POST", path, {"url": "https://receiver.example/", "events": ["*"]})["id"]
    IDS["webhooks"], IDS["deliveries"] = [made], [ask("POST", f"/v1/webhooks/{made}/test", {})["id"]]


ENTITIES = [entity["id"] for entity in read("/entities")["data"]]
CUSTOMERS = [customer["id"] for customer in read("/customers?limit=100")["data"]]
IDS = {
    "accounts": [read("/v1/accounts/authorized")["id"]],
    "organizations": [entity.removeprefix("ent_") for entity in ENTITIES],
    "clients": [customer.removeprefix("cust_") for customer in CUSTOMERS],
    "customers": CUSTOMERS,
    "entities": ENTITIES,
}
TEXTS = st.sampled_from(
    [
        '{"where":{"name":{"like":"%a%"}},"limit":2}',
        '{"where":{"or":[{"city":"Ljubljana"},{"createdAt":{"gt":"2024-01-01"}}]},"order":"name DESC"}',
        '{"fields":["id"],"include":"organization"}',
        '{"name":{"contains":"a"},"created_at":{"gte":"2024-01-01"}}',
        '{"metadata.order_id":{"not":null}}',
        '{"name":"Ana"}',
        "{}",
    ]
)


ANSWERS, NUMBERS = Counter(), count()


@schemathesis.hook
def after_call(context, case, response):
    """Counts the responses by operation and status."""
    ANSWERS[f"{case.operation.definition.raw['operationId']} {response.status_code}"] += 1


@atexit.register
def report():
    Path(os.environ["OPENAPI_ANSWERS"]).write_text(json.dumps(ANSWERS))


def is_replaced(value):
    """True for the samples of the documents, and for most random values."""
    return SAMPLE.fullmatch(str(value)) is not None or sum(map(ord, str(value))) % EVERY > 0


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts the id of a record of the demo in place of most ids, and leaves most conditions out."""
    position = next(NUMBERS)
    if case.operation.path.startswith(("/customers/", "/v1/clients/")) and not position % EVERY:
        renew_customer(case.operation.path)
    if case.operation.path.startswith("/v1/webhooks/") and not (position % EVERY and "webhooks" in IDS):
        renew_webhook()
    for before, segment in pairwise(case.operation.path.split("/")):
        name, known = segment.strip("{}"), IDS.get(before)
        if (
            segment.startswith("{")
            and known
            and name in case.path_parameters
            and is_replaced(case.path_parameters[name])
        ):
            case.path_parameters[name] = known[position % len(known)]
    for name in [name for name in case.headers or () if name.lower() in CONDITIONS]:
        if is_replaced(case.headers[name]):
            del case.headers[name]


@schemathesis.hook
def flatmap_query(context, query):
    """Puts JSON in place of some texts that must hold JSON."""
    names = [name for name in ("filter", "where", "query") if query and name in query]
    if not names:
        return st.just(query)
    return st.one_of(st.just(query), TEXTS.map(lambda text: {**query, **dict.fromkeys(names, text)}))
