"""Random documents: selections of every shape, in queries and in mutations."""

import random
from dataclasses import dataclass, field

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.query.face import Field

FACES = {"Client": GRAPHQL_CLIENT, "Customer": GRAPHQL_CUSTOMER}
OTHER = {"Client": "Customer", "Customer": "Client"}
NAMES = sorted({name for face in FACES.values() for name in face.fields})
DIRECTIVES = (
    "@include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: $yes)",
    "@skip(if: $no)",
    "@include(if: true)",
    "@skip(if: true)",
    "@include(if: $yes) @skip(if: $no)",
)


VOLATILE = frozenset({"id", "clientId", "customerId", "version", "createdAt", "updatedAt", "deletedAt"})
"""Fields whose values differ when the same mutation is executed twice."""
MUTATIONS = {
    "createClient": 'input: {name: "Zoë", email: "zoe@two.example"}',
    "createClients": 'input: [{name: "Zoë"}, {name: ""}, {name: "Abel", city: "Graz"}], errorPolicy: REJECT_FAILED',
    "replaceClient": 'id: $client, input: {name: "Ábel", city: "Graz"}',
    "updateClient": 'id: $client, input: {note: "n"}',
    "deleteClient": "id: $client",
    "restoreClient": "id: $client",
    "createCustomer": 'input: {name: "Zoë"}',
    "updateCustomer": 'id: $cust, input: {metadata: {tier: "gold"}}',
    "deleteCustomer": "id: $cust",
    "restoreCustomer": "id: $cust",
    "permanentlyDeleteCustomer": 'id: "cust_0"',
    "permanentlyDeleteClient": 'id: "0"',
    "createCustomers": 'input: [{name: "Zoë"}, {name: ""}], errorPolicy: REJECT_FAILED',
    "updateClients": 'input: [{id: $client, note: "n"}, {id: "0"}], errorPolicy: REJECT_FAILED',
    "updateCustomers": 'input: [{id: $cust, city: "Graz"}]',
    "upsertClient": 'key: {name: "erp", value: "1"}, input: {name: "Quentin"}',
    "upsertCustomer": 'key: {name: "erp", value: "2"}, input: {name: "Rufus", city: "Graz"}',
    "upsertClients": 'input: [{key: {name: "erp", value: "3"}, name: "Ursula"}, {key: {name: "", value: ""}}], '
    "errorPolicy: REJECT_FAILED",
    "upsertCustomers": 'input: [{key: {name: "erp", value: "4"}, name: "Wilma"}]',
}
PREPARED_BY = {"restoreClient": "deleteClient", "restoreCustomer": "deleteCustomer"}
"""The mutation that must come before another one."""
UNDONE_BY = {mutation: undo for undo, mutation in PREPARED_BY.items()}


@dataclass
class DocumentWriter:
    """Writes random documents. A plain one needs no resolver, and no alias that PostgreSQL would cut.

    `omitted` are fields that are never selected.
    """

    chance: random.Random
    plain: bool
    omitted: frozenset[str] = frozenset()
    fragments: dict[str, str] = field(default_factory=dict)

    def query(self) -> str:
        roots = " ".join(f"q{index}: {self.root()}" for index in range(self.chance.randint(1, 3)))
        head = "query($yes: Boolean!, $no: Boolean! = false, $client: ID!, $customer: ID!, $cust: ID!)"
        used = "t: __typename @include(if: $yes) @skip(if: $no) u: client(id: $client) { __typename }"
        used += " v: node(id: $customer) { __typename } w: customer(id: $cust) { __typename }"
        return f"{head} {{ {roots} {used} }} {self.spread_in(roots)}"

    def mutation(self) -> str:
        """A document of mutations that can be executed any number of times."""
        name = self.chance.choice(list(MUTATIONS))
        steps = [step for step in (PREPARED_BY.get(name), name, UNDONE_BY.get(name)) if step]
        fields = " ".join(
            f"m{index}: {step}({MUTATIONS[step]}) {self.payload(step)}" for index, step in enumerate(steps)
        )
        used = "t: updateClient(id: $client, input: {}) { __typename @include(if: $yes) @skip(if: $no) }"
        used += " u: updateCustomer(id: $cust, input: {}) { __typename }"
        head = "mutation($yes: Boolean!, $no: Boolean! = false, $client: ID!, $cust: ID!)"
        return f"{head} {{ {used} {fields} }} {self.spread_in(fields)}"

    def spread_in(self, text: str) -> str:
        return " ".join(fragment for name, fragment in self.fragments.items() if f"...{name} " in text)

    def payload(self, name: str) -> str:
        faces = [f"{type_name.lower()} {self.directive()} {self.record(type_name)}" for type_name in FACES]
        if name.endswith("s"):
            row = f"index {' '.join(faces)} userErrors {{ field code }}"
            return f"{{ results {self.directive()} {{ {row} }} userErrors {{ field message code }} __typename }}"
        parts = [*faces, "userErrors { field message code }", "__typename"]
        if name.startswith(("delete", "permanently")):
            parts.append("deletedClientId deletedCustomerId")
        if not self.plain:
            type_name = self.chance.choice(list(FACES))
            key = type_name.lower()
            parts.append(f"again: {key} {self.record(type_name)}")
            if name.startswith(("restore", "createClient", "createCustomer", "upsert")):
                parts.append(f"{key}Edge {{ node {self.record(type_name)} }}")
        return f"{{ {' '.join(self.chance.sample(parts, k=self.chance.randint(1, len(parts))))} }}"

    def root(self) -> str:
        kind = self.chance.choice(
            ("clients", "customers", "client", "customer", "node", "nodes", "organization", "viewer")
        )
        if kind == "node":
            return f"node(id: {self.chance.choice(('$client', '$customer'))}) {self.node()}"
        if kind == "nodes":
            return f'nodes(ids: [$client, "nothing", $customer, $client]) {self.node()}'
        if kind in ("client", "customer"):
            return f"{kind}(id: {'$client' if kind == 'client' else '$cust'}) {self.record(kind.capitalize())}"
        if kind == "organization":
            return f"organization {{ id name a: {self.list()} b: {self.list()} }}"
        if kind == "viewer":
            return f"viewer {{ scopes organizations {{ organizationId {self.list()} }} }}"
        return self.list(kind)

    def list(self, kind: str = "") -> str:
        kind = kind or self.chance.choice(("clients", "customers"))
        arguments = self.chance.choice(("first: 3", "last: 4, orderBy: [{field: CITY}]", "first: 0", 'search: "zoe"'))
        return f"{kind}({arguments}) {self.directive()} {self.connection(kind.capitalize().removesuffix('s'))}"

    def connection(self, type_name: str) -> str:
        places = [f"nodes {self.record(type_name)}", self.edges(type_name)]
        parts = [self.chance.choice(places)] if self.plain else self.chance.choices(places, k=2)
        extra = (
            "totalCount",
            "n: totalCount",
            "__typename",
            "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
            "",
        )
        parts += self.chance.choices(extra, k=2)
        self.chance.shuffle(parts)
        return f"{{ {' '.join(parts)} }}"

    def edges(self, type_name: str) -> str:
        parts = [f"node {self.record(type_name)}", *self.chance.choices(("cursor", "c: cursor", "__typename", ""), k=2)]
        self.chance.shuffle(parts)
        return f"edges {{ {' '.join(parts)} }}"

    def node(self) -> str:
        own = ["id", "__typename", *(f"... on {type_name} {self.record(type_name)}" for type_name in FACES)]
        return f"{{ {' '.join(self.chance.sample(own, k=self.chance.randint(1, 4)))} }}"

    def record(self, type_name: str, depth: int = 0) -> str:
        return f"{{ {' '.join(self.part(type_name, depth) for _ in range(self.chance.randint(1, 5)))} }}"

    def part(self, type_name: str, depth: int) -> str:
        kinds = [self.field] * 6 + [self.typename, self.inline, self.spread]
        if not self.plain and depth < 2:
            kinds.append(self.link)
        return self.chance.choice(kinds)(type_name, depth)

    def directive(self) -> str:
        return self.chance.choice(DIRECTIVES) if self.chance.random() < 0.25 else ""

    def field(self, type_name: str, depth: int) -> str:
        name = self.chance.choice([field for field in FACES[type_name].fields if field not in self.omitted])
        long = "x" * 62 + f"{NAMES.index(name):02}"
        short = ("", "", "", f"a_{name}: ", f"{'y' * 40}_{name[:20]}: " if len(name) < 20 else "")
        aliases = (*short, *(("r: ", "the: ") if name == "name" else ()), *(() if self.plain else (f"{long}: ",)))
        return f"{self.chance.choice(aliases)}{name} {self.directive()} {self.document(FACES[type_name].fields[name])}"

    def document(self, field: Field) -> str:
        """A selection of a document's members."""
        shown = field.codec.document
        if shown is None:
            return ""
        names = [*shown.fields, "__typename", *(f"x_{name}: {name}" for name in shown.fields)]
        chosen = " ".join(self.chance.choices(names, k=self.chance.randint(1, 4)))
        return f"{{ {chosen} ... on {shown.type_name} {self.directive()} {{ {self.chance.choice(names)} }} }}"

    def typename(self, type_name: str, depth: int) -> str:
        return f"{self.chance.choice(('', 'type_name: '))}__typename {self.directive()}"

    def inline(self, type_name: str, depth: int) -> str:
        condition = self.chance.choice((f"on {type_name}", "", "on Node"))
        inner = "{ n: __typename }" if condition == "on Node" and self.omitted else self.record(type_name, depth + 1)
        inner = "{ id __typename }" if condition == "on Node" and not self.omitted else inner
        return f"... {condition} {self.directive()} {inner}"

    def spread(self, type_name: str, depth: int) -> str:
        name = f"{type_name}{self.chance.randint(0, 2)}"
        if name not in self.fragments:
            self.fragments[name] = ""
            inner = " ".join(self.field(type_name, depth) for _ in range(3))
            self.fragments[name] = f"fragment {name} on {type_name} {{ {inner} }}"
        return f"...{name} {self.directive()}"

    def link(self, type_name: str, depth: int) -> str:
        if self.chance.random() < 0.3:
            return f"organization {self.directive()} {{ name organizationId __typename }}"
        if self.chance.random() < 0.3:
            parts = f"score reasons {type_name.lower()} {self.record(type_name, depth + 1)}"
            return f"possibleDuplicates(first: 2) {self.directive()} {{ {parts} }}"
        if self.chance.random() < 0.2:
            fields = (
                "reminders { totalCount }",
                *(() if self.omitted else ("history(first: 2) { nodes { version } }",)),
            )
            return str(self.chance.choice(fields))
        other = OTHER[type_name]
        return f"{other.lower()} {self.directive()} {self.record(other, depth + 1)}"
