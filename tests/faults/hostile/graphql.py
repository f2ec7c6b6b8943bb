"""Hostile GraphQL requests: documents, variables, and the requests that carry them."""

import json
from collections.abc import Mapping
from random import Random

from app.graphql.execution.dialect import GRAPHQL
from tests.faults.hostile import documents, filters, rest
from tests.faults.hostile.scene import Attack, Scene, pick_client, write_request
from tests.faults.hostile.words import NUMBERS, cursor, damage, quote, text, value, write_json

FIELDS = (
    "name",
    "email",
    "custom",
    "data",
    "taxSubject",
    "createdAt",
    "version",
    "clientId",
    "unitIds",
    "organizationId",
    "isDeleted",
    "nothing",
)
ORDERS = ("NAME", "CREATED_AT", "VERSION", "IS_DELETED", "CLIENT_ID", "TYPE", "RELEVANCE", "nothing")
INPUTS = (
    "name",
    "email",
    "custom",
    "data",
    "type",
    "taxNumber",
    "countryAlpha2Code",
    "unitIds",
    "isEndCustomer",
    "note",
    "nothing",
    "id",
)
SIZES = (3, 3, 50, 500, 3000)
SELECTION = (
    "{ totalCount pageInfo { hasNextPage startCursor } edges { cursor node { id name custom customer { metadata } } } }"
)
LIST = f"""query($first: Int, $after: String, $filter: ClientFilter, $search: String, $orderBy: [ClientOrder!], $last: Int) {{
  clients(first: $first, after: $after, last: $last, filter: $filter, search: $search, orderBy: $orderBy) {SELECTION} }}"""


def graphql(random: Random, scene: Scene) -> Attack:
    """A POST, or sometimes a GET, with a hostile document or hostile variables."""
    payload = make_payload(random, scene)
    if random.random() < 0.15:
        return by_get(random, scene, payload)
    body = write_json(random, payload if random.random() < 0.96 else value(random))
    headers = dict(
        random.choice(
            [
                {},
                {},
                {},
                {"Accept": "application/graphql-response+json"},
                rest.media(random),
                rest.tokens(random, scene.loud),
            ]
        )
    )
    if random.random() < 0.04:
        headers, body = rest.encoded(random, headers, body)
    token = random.choice([scene.loud.token] * 12 + [scene.loud.read_token, "x"])
    return Attack(
        "GraphQL",
        write_request("POST", "/graphql", body, headers, token),
        is_stream=b"event-stream" in headers.get("Accept", "").encode(),
    )


def stream(random: Random, scene: Scene) -> Attack:
    """A request for an event stream."""
    payload = make_payload(random, scene)
    if random.random() < 0.4:
        payload = {"query": documents.FOLLOW, "variables": {"after": hostile_cursor(random, scene)}}
    headers = {"Accept": random.choice(["text/event-stream", "text/event-stream;q=0.1, */*;q=0"])}
    return Attack(
        "SSE", write_request("POST", "/graphql", write_json(random, payload), headers, scene.loud.token), is_stream=True
    )


def by_get(random: Random, scene: Scene, payload: Mapping[str, object]) -> Attack:
    parts = []
    for name, member in payload.items():
        words = member if isinstance(member, str) else write_json(random, member).decode("utf-8", "replace")
        parts.append(f"{name}={quote(random, words)}")
    random.shuffle(parts)
    url = f"/graphql?{'&'.join(parts)}"[:15_900]
    return Attack(
        "GraphQL GET",
        write_request(random.choice(["GET", "GET", "GET", "HEAD", "DELETE"]), url, token=scene.loud.token),
    )


def make_payload(random: Random, scene: Scene) -> dict[str, object]:
    """The members of a GraphQL request."""
    query = random.choice(
        [LIST, LIST, random.choice(documents.MUTATIONS), random.choice(documents.QUERIES), make_document(random)]
    )
    payload: dict[str, object] = {"query": query, "variables": make_variables(random, scene)}
    choice = random.random()
    if choice < 0.05:
        payload["query"] = damage(random, query.encode("utf-8", "surrogatepass")).decode("latin-1")
    elif choice < 0.1:
        payload["operationName"] = value(random, 1)
    elif choice < 0.15:
        payload["extensions"] = random.choice(
            [{"persistedQuery": {"version": value(random, 1), "sha256Hash": value(random, 1)}}, value(random)]
        )
    elif choice < 0.18:
        payload["documentId"] = value(random, 1)
    elif choice < 0.2:
        payload[random.choice(["variables", "query"])] = value(random)
    return payload


def make_variables(random: Random, scene: Scene) -> dict[str, object]:
    """Values for all variables of the documents, mostly of the right type."""
    variables: dict[str, object] = {
        "first": random.choice([1, 5, 100, *NUMBERS]),
        "last": None,
        "after": hostile_cursor(random, scene) if random.random() < 0.3 else None,
        "filter": make_filter(random),
        "search": text(random) if random.random() < 0.3 else None,
        "orderBy": [{"field": random.choice(ORDERS), "direction": random.choice(["ASC", "DESC"])}]
        if random.random() < 0.3
        else None,
        "id": random.choice([pick_client(random, scene), text(random)]),
        "ids": [random.choice([pick_client(random, scene), text(random)]) for _ in range(random.choice([1, 3, 101]))],
        "input": rest.members(random, INPUTS),
        "rows": [rest.members(random, INPUTS) for _ in range(random.choice([1, 3, 30]))],
        "version": random.choice([None, 1, *NUMBERS]),
        "key": random.choice([None, text(random)]),
        "text": text(random),
        "language": random.choice([None, "EN", "SL", "HR", text(random)]),
    }
    if random.random() < 0.3:
        variables[random.choice(list(variables))] = value(random)
    return variables


def make_filter(random: Random) -> object:
    tree = filters.tree(random, FIELDS, tuple(GRAPHQL.operators), ("and", "or"))
    if random.random() < 0.2:
        return {
            random.choice(["custom", "data", "unitIds"]): [
                {"path": [text(random)[:50]], random.choice(list(GRAPHQL.operators)): value(random)}
            ]
        }
    return {"not": tree} if random.random() < 0.1 else tree


def hostile_cursor(random: Random, scene: Scene) -> object:
    return cursor(random, scene.cursors["graphql"])[1] if random.random() < 0.8 else value(random, 1)


def make_document(random: Random) -> str:
    """A document that is odd by itself."""
    return random.choice(documents.DOCUMENTS)(random.choice(SIZES), make_literal(random))


def make_literal(random: Random) -> str:
    """A value in a document."""
    size = random.choice([5, 5000])
    plain = ("1" * size, f"1e{size}", "[" * 200 + "]" * 200, f'"""{text(random)}"""', "$x", "A", "{a:" * 99)
    return random.choice([json.dumps(text(random), ensure_ascii=False), random.choice(plain)])
