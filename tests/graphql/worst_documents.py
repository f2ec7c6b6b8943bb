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
