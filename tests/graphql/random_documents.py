"""Random documents: queries of every root field, and mutations that can be executed any number of times."""

import random
import re
from dataclasses import dataclass, field

from graphql import GraphQLObjectType, get_named_type

from tests.graphql.random_selections import SelectionWriter, object_type
from tests.graphql.random_values import VARIABLES

VOLATILE = frozenset(
    {
        *("id", "clientId", "customerId", "version", "createdAt", "updatedAt", "deletedAt"),
        *("cursor", "startCursor", "endCursor", "totalCount", "created", "deletedClientId", "deletedCustomerId"),
        *("history", "changes", "changesCursor", "clients", "customers", "possibleDuplicates"),
    }
)
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
    "updateWebhook": 'id: $webhook, input: {description: "n"}',
    "testWebhook": "id: $webhook",
    "redeliverWebhookDelivery": "id: $delivery",
    "redeliverFailedWebhookDeliveries": "id: $webhook",
    "updateOrganization": 'id: $organization, input: {city: "Bled"}',
}
WHERE = "organizationId: $organization"
"""The organization of new records, because the caller of the tests can access two."""
PREPARED_BY = {"restoreClient": "deleteClient", "restoreCustomer": "deleteCustomer"}
"""The mutation that must come before another one."""
UNDONE_BY = {mutation: undo for undo, mutation in PREPARED_BY.items()}
RECORD_ROOTS = ("client", "customer", "clients", "customers")
DEEPEST_PAYLOAD = 5
"""The most levels of fields in a mutation."""


@dataclass
class DocumentWriter:
    """Writes random documents; each has a SelectionWriter of its own.

    - `plain`: no alias is one that PostgreSQL would cut.
    - `roots` are the root fields of queries.
    - `wrong`: one argument may be an error.
    - `omitted` are fields that are never selected.
    """

    chance: random.Random
    plain: bool = False
    wrong: bool = False
    omitted: frozenset[str] = frozenset()
    roots: tuple[str, ...] = ()
    selections: SelectionWriter = field(init=False)

    def query(self) -> str:
        """A query with one to three root fields."""
        self._begin()
        chosen = self.chance.choices(self.roots or tuple(object_type("Query").fields), k=self.chance.randint(1, 3))
        fields = (self._write_root(index, name) for index, name in enumerate(chosen))
        return self._finish("query", " ".join(fields))

    def mutation(self) -> str:
        """A document of mutations that can be executed any number of times."""
        self._begin()
        name = self.chance.choice(list(MUTATIONS))
        steps = [step for step in (PREPARED_BY.get(name), name, UNDONE_BY.get(name)) if step]
        fields = (self._write_mutation(index, step) for index, step in enumerate(steps))
        return self._finish("mutation", " ".join(fields))

    def _begin(self) -> None:
        self.selections = SelectionWriter(self.chance, self.plain, self.wrong, self.omitted)

    def _write_root(self, index: int, name: str) -> str:
        return self.selections.write_field(object_type("Query"), name, 1, alias=f"q{index}")

    def _write_mutation(self, index: int, name: str) -> str:
        self.selections.deepest = DEEPEST_PAYLOAD
        definition = object_type("Mutation").fields[name]
        payload = get_named_type(definition.type)
        assert isinstance(payload, GraphQLObjectType)
        arguments = ", ".join([MUTATIONS[name], *([WHERE] if "organizationId" in definition.args else [])])
        return f"m{index}: {name}({arguments}) {self.selections.select(payload, 2)}"

    def _finish(self, kind: str, fields: str) -> str:
        """The document with the fragments that it spreads and the variables that it uses."""
        fragments = self.selections.fragments.items()
        spread = [text for name, text in fragments if f"...{name} " in fields]
        body = " ".join([f"{{ {fields} }}", *spread])
        used = sorted(set(re.findall(r"\$(\w+)", body)))
        declared = ", ".join(f"${name}: {VARIABLES[name]}" for name in used)
        return f"{kind}{f'({declared})' if declared else ''} {body}"
