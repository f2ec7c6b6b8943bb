"""The most expensive documents of each kind that the cost limit allows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from app.accounts.service import LoginDesk
from app.auth import Access, Caller
from app.config import Config
from app.graphql.server.errors import OperationError
from app.graphql.server.limits import MAX_ALIASES, MAX_ROOT_FIELDS
from app.graphql.server.operations import Operations
from app.graphql.server.prepared import GraphQLRequest
from app.storage.database import Database

LONG = "x" * 64
"""An alias that PostgreSQL would cut, so that the record with it is resolved field by field."""


def nest(levels: int, leaf: str) -> str:
    """`customer { client { … } }`, alternating, around a leaf."""
    text = leaf
    for level in range(levels, 0, -1):
        text = f"{'customer' if level % 2 else 'client'} {{ {text} }}"
    return text


def repeat(count: int, text: str) -> str:
    return " ".join(f"a{index}: {text}" for index in range(count))


def page(nodes: str, first: int = 100) -> str:
    return f"{{ clients(first: {first}) {{ nodes {{ {nodes} }} }} }}"


def faces(leaf: str) -> Callable[[int], str]:
    return lambda count: page(repeat(count, nest(20, leaf)))


def organization_lists(arguments: str, shown: str) -> Callable[[int], str]:
    """Lists of an organization under aliases. Each has a length of its own, so no two have one statement."""
    return lambda count: (
        "{ organization { "
        + " ".join(f"a{n}: clients(first: {1 + n % 3}{arguments}) {{ {shown} }}" for n in range(count))
        + " } }"
    )


def roots(part: Callable[[int], str], many: int = 9) -> Callable[[int], str]:
    """Root lists under aliases, each with many parts of its own in its clients, of which it asks for none."""
    return lambda count: (
        "{ "
        + " ".join(
            f"r{root}: clients(first: 0) {{ nodes {{ "
            + " ".join(f"a{n}: {part(many * root + n)}" for n in range(many))
            + " } }"
            for root in range(min(count, MAX_ROOT_FIELDS))
        )
        + " }"
    )


def tree(levels: int, leaf: str = "id") -> str:
    """Lists of the organization of each client in a list, without aliases."""
    for _ in range(levels):
        names = ("clients", "customers")
        leaf = " ".join(f"{name}(first: 1) {{ nodes {{ id organization {{ {leaf} }} }} }}" for name in names)
    return leaf


FOUND = "totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor }"
CONDITIONS = ", ".join(f'{{ name: {{ contains: "c{n}" }} }}' for n in range(20))

KINDS: Mapping[str, Callable[[int], str]] = {
    "faces": faces("name"),
    "faces, resolved": lambda count: page(f"{LONG}: name {nest(count, 'name')}"),
    "many faces, resolved": lambda count: page(repeat(count, "customer { name }") + f" {LONG}: name"),
    "organizations, resolved": lambda count: page(repeat(count, "organization { name }") + f" {LONG}: name"),
    "wide": lambda count: page(repeat(min(count, MAX_ALIASES - 1), "name")),
    "wide, resolved": lambda count: page(f"{LONG}: name {repeat(count, 'note')}"),
    "documents, resolved": lambda count: page(f"{LONG}: name {repeat(count, 'custom')}"),
    "edges, resolved": lambda count: (
        f"{{ clients(first: 100) {{ edges {{ cursor node {{ {LONG}: id {repeat(count, 'city')} }} }} }} }}"
    ),
    "fragments, resolved": lambda count: page(f"{LONG}: name ...F0")
    + " ".join(f"fragment F{n} on Client {{ a{n}: name ...F{n + 1} }}" for n in range(count))
    + f" fragment F{count} on Client {{ id }}",
    "histories": lambda count: page(f"history(first: {min(count, 100)}) {{ nodes {{ action at before after }} }}"),
    "histories, resolved": lambda count: page(
        f"{LONG}: name history(first: {min(count, 100)}) {{ nodes {{ action at }} }}", 20
    ),
    "reminders, resolved": lambda count: page(
        f"{LONG}: name {repeat(count, 'reminders(first: 1) { nodes { id } }')}", 20
    ),
    "duplicates": lambda count: page("possibleDuplicates { client { id } }", min(count, 100)),
    "small lists": lambda count: (
        "{ " + repeat(min(count, MAX_ROOT_FIELDS), f"clients(first: 1) {{ nodes {{ {LONG}: name }} }}") + " }"
    ),
    "lists of an organization": lambda count: f"{{ organization {{ {repeat(count, 'clients { nodes { name } }')} }} }}",
    "searches of an organization": organization_lists(', search: "client"', FOUND),
    "best matches of an organization": organization_lists(
        ', search: "client", orderBy: [{ field: RELEVANCE }]', "nodes { id }"
    ),
    "orders of an organization": organization_lists(
        ", orderBy: [{ field: NAME }, { field: CITY, direction: DESC }]", FOUND
    ),
    "conditions of an organization": organization_lists(f", filter: {{ and: [{CONDITIONS}] }}", FOUND),
    "conditions": lambda count: (
        f"query($f: ClientFilter = {{ and: [{CONDITIONS}] }}) {{ "
        + repeat(min(count, MAX_ROOT_FIELDS), f"clients(first: 1, filter: $f) {{ {FOUND} }}")
        + " }"
    ),
    "lists of webhooks": lambda count: (
        f"{{ organization {{ {repeat(count, 'webhooks { nodes { deliveries(first: 1) { nodes { id } } } }')} }} }}"
    ),
    "lists of changes": lambda count: (
        f"{{ organization {{ {repeat(count, 'changes { nodes { before after changes { field } } }')} }} }}"
    ),
    "access tokens": lambda count: f"{{ viewer {{ {repeat(count, 'accessTokens { nodes { account { id } } }')} }} }}",
    "histories of roots": roots(lambda n: f"history(first: {1 + n % 100}) {{ nodes {{ action }} }}"),
    "reminders of roots": roots(lambda n: f"reminders(first: {1 + n % 100}) {{ nodes {{ id }} }}"),
    "duplicates of roots": roots(lambda n: f"possibleDuplicates(first: {1 + n % 20}) {{ score }}", 3),
    "duplicates of one client": lambda count: (
        f'{{ client(id: "{1:024}") {{ {repeat(count, "possibleDuplicates { score client { name } }")} }} }}'
    ),
    "trees of lists": lambda count: (
        "{ "
        + " ".join(f"a{n}: organization {{ {tree(1 + n % 5)} }}" for n in range(min(count, MAX_ROOT_FIELDS)))
        + " }"
    ),
    "records of nodes": lambda count: (
        "query($ids: [ID!]! = [" + '"x",' * 100 + "]) { nodes(ids: $ids) { ... on Client { "
        f"{LONG}: name {repeat(count, 'note')} }} }} }}"
    ),
    "introspection": lambda count: f"{{ {repeat(min(count, MAX_ROOT_FIELDS), _introspection())} }}",
    "arguments of the schema": lambda count: f"{{ __schema {{ types {{ fields {{ args {{ {repeat(count, 'name')} }} }} }} }} }}",
}  # fmt: skip
"""Documents of a kind by their size. A larger size costs more."""


def _introspection() -> str:
    return "__schema { types { name fields { name args { name type { name ofType { name } } } } } }"


@dataclass
class Judge:
    """Finds the costs of documents without their execution."""

    database: Database
    config: Config
    token: str

    async def find_cost(self, query: str) -> int | None:
        """The cost of a document; None if it exceeds another limit."""
        config = replace(self.config, cost_limit=2**30)
        operations = Operations(None, config, None, LoginDesk(self.database, None, None), None)  # type: ignore[arg-type]
        access = Access(self.database, await Caller((self.token,), self.database).principal())
        try:
            return (await operations.prepare(GraphQLRequest(query, None, None, {}), access)).cost
        except OperationError:
            return None


async def grow(make: Callable[[int], str], find_cost: Callable[[str], Awaitable[int | None]], limit: int) -> str:
    """The largest document of a kind within the limit. A cost is None for a document that exceeds another limit."""
    least, most = 1, 512
    while most - least > 1:
        size = (least + most) // 2
        cost = await find_cost(make(size))
        least, most = (size, most) if cost is not None and cost <= limit else (least, size)
    return make(least)
