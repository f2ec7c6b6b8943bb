"""The budget of one request: where the CPU time of the service goes, layer by layer.

Requests that differ by one layer are sent in turn to the application in one process, without sockets. The cost of a layer is
the difference of two requests. All figures are lower quartiles of the rounds, in microseconds: what disturbs a round only
makes it slower.
"""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.beside import CLIENT_ID, QUIET, WARM_UP, Checkout, lower_quartile, make_database, run_checkout
from benchmarks.cases import FIELDS, IN_V1, page_query
from benchmarks.ground import ROOT, fresh_database
from benchmarks.load import HttpRequest
from benchmarks.report import render_table
from benchmarks.requests import RequestBuilder


@dataclass(frozen=True)
class Layer:
    """A layer: its cost is that of `request` less that of `without`, for each of `rows` rows."""

    name: str
    request: str
    without: str | None = None
    rows: int = 1


LAYERS = (
    Layer("HTTP: limits, headers, log line (`/healthz`)", "health"),
    Layer("GraphQL: token, rates, known document, cost (`{ __typename }`)", "typename", "health"),
    Layer("GraphQL: one statement, one client of 22 fields", "one in GraphQL", "typename"),
    Layer("v1: token, rates, routing, one statement, one client", "one in v1", "health"),
    Layer("Customers: token, rates, routing, one statement, one customer", "one in Customers", "health"),
    Layer("GraphQL: each client of a page, with its cursor", "page of 100", "page of 20", 80),
    Layer(
        "GraphQL: `organization { name }` and `customer { customerId }` in each client", "nested", "page of 100", 100
    ),
    Layer("v1: each client of a page", "page of 100 in v1", "page of 20 in v1", 80),
    Layer("Customers: each customer of a page", "page of 100 in Customers", "page of 20 in Customers", 80),
)


def make_requests(token: str) -> dict[str, HttpRequest]:
    builder = RequestBuilder(token)
    nested = f"{FIELDS} organization {{ name }} customer {{ customerId }}"
    query = f"query ($id: ID!) {{ client(id: $id) {{ {FIELDS} }} }}"
    return {
        "health": HttpRequest(path="/healthz"),
        "typename": builder.graphql("{ __typename }"),
        "one in GraphQL": builder.graphql(query, {"id": CLIENT_ID}),
        "one in v1": builder.v1(f"/v1/Clients/{CLIENT_ID}"),
        "one in Customers": builder.customers(f"/customers/cust_{CLIENT_ID}"),
        "page of 20": builder.graphql(page_query(20, FIELDS)),
        "page of 100": builder.graphql(page_query(100, FIELDS)),
        "nested": builder.graphql(page_query(100, nested)),
        **{f"page of {size} in v1": builder.v1(f"{IN_V1}?filter[limit]={size}") for size in (20, 100)},
        **{
            f"page of {size} in Customers": builder.customers(f"/customers?limit={size}&include_total_count=false")
            for size in (20, 100)
        },
    }


def measure(checkout: Checkout, requests: dict[str, HttpRequest], options: argparse.Namespace) -> dict[str, float]:
    for request in requests.values():
        checkout.send(request, WARM_UP)
    spent: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(options.rounds):
        for name, request in requests.items():
            spent[name].append(checkout.send(request, options.requests)["microseconds"])
    return {name: lower_quartile(values) for name, values in spent.items()}


def describe(costs: dict[str, float], layers: Sequence[Layer] = LAYERS) -> list[list[str]]:
    """The cells of each layer: its cost, and the cost of the whole request."""
    cells = []
    for layer in layers:
        whole = costs[layer.request]
        own = (whole - (costs[layer.without] if layer.without else 0.0)) / layer.rows
        cells.append([layer.name, f"{own:.1f}", f"{whole:.0f}"])
    return cells


def run(options: argparse.Namespace) -> int:
    """Prints the budget of this checkout."""
    with ExitStack() as stack:
        server = options.database_url or stack.enter_context(fresh_database(QUIET))
        url = asyncio.run(make_database(server, "layers"))
        checkout = stack.enter_context(run_checkout(ROOT, url, options.rows, access_log=options.access_log))
        costs = measure(checkout, make_requests(checkout.token), options)
    print("\n".join(render_table(["layer", "µs", "whole request"], describe(costs), texts=1)))
    return 0
