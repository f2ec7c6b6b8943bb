"""The cases of the comparison: a request to one API, the same request to the bare handler, and the target of the row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, V1
from benchmarks.bare import COLUMNS
from benchmarks.load import HttpRequest
from benchmarks.requests import ORGANIZATION, RequestBuilder

ORGANIZATIONS = 20
NEWCOMER = f"{6:024x}"
"""The organization that gets the new clients of the comparison, so that the pages and totals of ORGANIZATION stay the same."""

NAMES = {
    face.name: [field.name for column in COLUMNS for field in face.fields.values() if field.column == column]
    for face in (V1, CUSTOMER, GRAPHQL_CLIENT)
}
IN_V1 = f"/v1/Organizations/{ORGANIZATION}/clients"
IN_GRAPHQL = f'organizationId: "{ORGANIZATION}"'
FIELDS = " ".join("clientId" if name == "id" else name for name in NAMES[GRAPHQL_CLIENT.name] if name != "clientId")
ONLY = "%2C".join(f"%22{name}%22" for name in NAMES[V1.name])
NEW = {"name": "New Ltd", "email": "new@example.com"}
CHANGES = 2
"""The changes of each client that the row of histories asks for."""

TARGETS = {
    "one client": {"v1": 0.95, "Customers": 0.95, "GraphQL": 0.75},
    "page of 20": {"v1": 0.95, "Customers": 1.0, "GraphQL": 0.85},
    "page of 100": {"v1": 1.1, "Customers": 1.3, "GraphQL": 1.15},
    "page of 100, nested": {"GraphQL": 0.9},
    "page of 20, histories": {"GraphQL": 0.5},
    "count": {"v1": 2.2, "Customers": 1.5, "GraphQL": 1.3},
    "create": {"v1": 0.7, "Customers": 0.7, "GraphQL": 0.6},
}
"""The lowest ratio of each row to the bare handler, by API."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request to one API that is measured, and the same request to the bare handler.

    `rows` or `total` read the records or their number from a response, for the check. `inspect` checks what a record has
    beyond the bare handler's row: it gets both.
    """

    name: str
    api: str
    bare: HttpRequest
    service: HttpRequest
    rows: Callable[[Any], list[Row]] | None = None
    total: Callable[[Any], int] | None = None
    inspect: Callable[[Row, Row], None] | None = None

    @property
    def least(self) -> float | None:
        """The target: the lowest ratio to the bare handler."""
        return TARGETS.get(self.name, {}).get(self.api)


def make_cases(token: str, client_id: str, creates_in: str = ORGANIZATION) -> list[Case]:
    """Returns the flat cases for every API."""
    builder = RequestBuilder(token)
    pages = [case for size in (20, 100) for case in page_cases(builder, size)]
    creates = create_cases(RequestBuilder(token, creates_in))
    return [*one_cases(builder, client_id), *pages, *count_cases(builder), *creates]


def make_all_cases(token: str, client_id: str) -> list[Case]:
    """Returns the flat cases and the nested ones. Those that share a request to the bare handler follow each other."""
    cases = [*make_cases(token, client_id, NEWCOMER), *nested_cases(RequestBuilder(token))]
    order = list(dict.fromkeys(case.bare.path for case in cases))
    return sorted(cases, key=lambda case: order.index(case.bare.path))


def one_cases(builder: RequestBuilder, client_id: str) -> list[Case]:
    bare = HttpRequest(path=f"/one/{ORGANIZATION}/{client_id}")
    query = f"query ($id: ID!) {{ client(id: $id) {{ {FIELDS} }} }}"
    services: list[tuple[str, HttpRequest, Callable[[Any], list[Row]]]] = [
        ("v1", builder.v1(f"/v1/Clients/{client_id}"), lambda body: [body]),
        ("Customers", builder.customers(f"/customers/cust_{client_id}"), lambda body: [body]),
        ("GraphQL", builder.graphql(query, {"id": client_id}), lambda body: [body["data"]["client"]]),
    ]
    return [
        Case(name="one client", api=api, bare=bare, service=service, rows=rows, inspect=has_all_fields)
        for api, service, rows in services
    ]


def page_cases(builder: RequestBuilder, size: int) -> list[Case]:
    in_v1 = f"{IN_V1}?filter=%7B%22limit%22%3A{size}%2C%22fields%22%3A%5B{ONLY}%5D%7D"
    in_customers = f"/customers?limit={size}&include_total_count=false"
    services: list[tuple[str, HttpRequest, Callable[[Any], list[Row]]]] = [
        ("v1", builder.v1(in_v1), list),
        ("Customers", builder.customers(in_customers), lambda body: body["data"]),
        ("GraphQL", builder.graphql(page_query(size, FIELDS)), edge_nodes),
    ]
    name, bare = f"page of {size}", bare_page(size)
    return [
        Case(name=name, api=api, bare=bare, service=service, rows=rows, inspect=has_all_fields)
        for api, service, rows in services
    ]


def nested_cases(builder: RequestBuilder) -> list[Case]:
    """Returns the GraphQL pages with objects and connections in each record."""
    owned = page_query(100, f"{FIELDS} organization {{ name }}")
    nested = page_query(100, f"{FIELDS} organization {{ name }} customer {{ customerId }}")
    histories = page_query(20, f"clientId name history(first: {CHANGES}) {{ nodes {{ action at version }} }}")
    return [
        Case(name=name, api="GraphQL", bare=bare_page(size), service=builder.graphql(query), rows=rows, inspect=inspect)
        for name, size, query, rows, inspect in (
            ("page of 100, organization", 100, owned, edge_nodes, has_organization),
            ("page of 100, nested", 100, nested, edge_nodes, has_both_objects),
            ("page of 20, histories", 20, histories, edge_nodes, has_changes),
        )
    ]


def bare_page(size: int) -> HttpRequest:
    return HttpRequest(path=f"/page/{ORGANIZATION}?n={size}")


def page_query(size: int, fields: str) -> str:
    selection = f"edges {{ cursor node {{ {fields} }} }} pageInfo {{ hasNextPage }}"
    return f"{{ clients({IN_GRAPHQL}, first: {size}) {{ {selection} }} }}"


def edge_nodes(body: Any) -> list[Row]:
    return [edge["node"] for edge in body["data"]["clients"]["edges"]]


def has_all_fields(bare: Row, row: Row) -> None:
    assert len(row) >= min(len(bare), 16), f"{row}: too few fields"


def has_organization(bare: Row, row: Row) -> None:
    assert row["organization"] == {"name": f"Organization {int(ORGANIZATION, 16)}"}, row
    has_all_fields(bare, row)


def has_both_objects(bare: Row, row: Row) -> None:
    assert bare["id"] in row["customer"]["customerId"], row
    has_organization(bare, row)


def has_changes(bare: Row, row: Row) -> None:
    changes = row["history"]["nodes"]
    assert [set(change) for change in changes] == [{"action", "at", "version"}] * CHANGES, row


def count_cases(builder: RequestBuilder) -> list[Case]:
    """Returns the cases of counts. The Customers API returns the total with a page, here of one customer."""
    bare = HttpRequest(path=f"/count/{ORGANIZATION}")
    services: list[tuple[str, HttpRequest, Callable[[Any], int]]] = [
        ("v1", builder.v1(f"{IN_V1}/count"), lambda body: body["count"]),
        ("Customers", builder.customers("/customers?limit=1"), lambda body: body["pagination"]["total"]),
        (
            "GraphQL",
            builder.graphql(f"{{ clients({IN_GRAPHQL}) {{ totalCount }} }}"),
            lambda body: body["data"]["clients"]["totalCount"],
        ),
    ]
    return [Case(name="count", api=api, bare=bare, service=service, total=total) for api, service, total in services]


def create_cases(builder: RequestBuilder) -> list[Case]:
    home = builder.organization
    bare = HttpRequest(path="/create", method="POST", body=orjson.dumps({**NEW, "organizationId": home}))
    values = ", ".join(f'{name}: "{value}"' for name, value in NEW.items())
    scope = f'organizationId: "{home}"'
    mutation = f"mutation {{ createClient({scope}, input: {{ {values} }}) {{ client {{ {FIELDS} }} }} }}"
    services = [
        ("v1", builder.v1(f"/v1/Organizations/{home}/clients", NEW)),
        ("Customers", builder.customers("/customers", NEW)),
        ("GraphQL", builder.graphql(mutation)),
    ]
    return [Case(name="create", api=api, bare=bare, service=service) for api, service in services]
