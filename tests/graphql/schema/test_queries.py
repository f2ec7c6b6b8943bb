"""Single records, nodes, viewers and organizations: found by every spelling of an id, and never in another's house."""

from base64 import b64encode
from typing import Any

import pytest

from app.auth import Scope
from app.ids import new_id
from app.storage.connection import Connection, compile_statement
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

CLIENT = "query($id: ID!) { client(id: $id) { id clientId organizationId version name } }"
CUSTOMER = "query($id: ID!) { customer(id: $id) { id customerId entityId version name } }"
NODE = """
query($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Client { clientId name }
    ... on Customer { customerId name }
    ... on Organization { organizationId name }
    ... on Account { email }
  }
}
"""


def global_id(type_name: str, bare: str) -> str:
    return b64encode(f"{type_name}:{bare}".encode()).decode()


@pytest.fixture
async def record(service: Service) -> str:
    (made,) = await add_records(service, [{"name": "Ana Novak", "email": "ana@novak.example"}])
    return made


async def test_a_client_and_a_customer_are_one_record(api: GraphQLApi, service: Service, record: str) -> None:
    query = """
    query($id: ID!) {
      client(id: $id) { clientId email customer { customerId email entityId client { id } organization { name } } }
    }
    """
    client = (await api.data(query, id=record))["client"]
    assert client == {
        "clientId": record,
        "email": "ana@novak.example",
        "customer": {
            "customerId": f"cust_{record}",
            "email": "ana@novak.example",
            "entityId": f"ent_{service.organization}",
            "client": {"id": global_id("Client", record)},
            "organization": {"name": "Studio Example"},
        },
    }


def ids_of(record: str) -> list[str]:
    """Every id of a record."""
    return [record, f"cust_{record}", global_id("Client", record), global_id("Customer", record)]


async def test_an_argument_accepts_every_id_of_a_record(api: GraphQLApi, record: str) -> None:
    for given in ids_of(record):
        assert (await api.data(CLIENT, id=given))["client"]["clientId"] == record
        assert (await api.data(CUSTOMER, id=given))["customer"]["customerId"] == f"cust_{record}"


async def test_a_mutation_accepts_every_id_of_a_record(api: GraphQLApi, record: str) -> None:
    for number, given in enumerate(ids_of(record)):
        for type_name in ("Client", "Customer"):
            name = f"{type_name} {number}"
            query = f"""mutation($id: ID!, $name: String!) {{
              made: update{type_name}(id: $id, input: {{name: $name}}) {{ client {{ name }} customer {{ name }} }}
            }}"""
            shown = {"client": {"name": name}, "customer": {"name": name}}
            assert (await api.data(query, id=given, name=name))["made"] == shown


MALFORMED = ["", "x", "ž", "\ud800", "\x00", "null", "0" * 25, "0" * 24, "A" * 10_000, "cust_", "../..", "Q2xpZW50Og=="]


async def test_an_unknown_id_of_any_form_is_null(api: GraphQLApi, record: str) -> None:
    absent = new_id()
    strange = [*MALFORMED, absent, record.upper(), f" {record}", global_id("Client", absent)]
    for given in (*strange, f"ent_{record}", f"cust_cust_{record}", global_id("Organization", record)):
        assert await api.data(CLIENT, id=given) == {"client": None}, given
        assert await api.data(CUSTOMER, id=given) == {"customer": None}, given
    for given in (*strange, record, f"cust_{record}", global_id("Nobody", record), global_id("Query", record)):
        assert await api.data(NODE, id=given) == {"node": None}, given
    for given in (*strange, "ent_"):
        found = await api.data("query($id: ID) { organization(id: $id) { id } }", id=given)
        assert found == {"organization": None}, given


async def test_every_type_is_refetched_by_its_global_id(api: GraphQLApi, service: Service, record: str) -> None:
    query = "{ viewer { account { id email } organizations { id name } } client: clients { nodes { id } } }"
    shown = await api.data(query)
    account, (organization,) = shown["viewer"]["account"], shown["viewer"]["organizations"]
    client = {"id": global_id("Client", record), "clientId": record, "name": "Ana Novak"}
    customer = {"id": global_id("Customer", record), "customerId": f"cust_{record}", "name": "Ana Novak"}
    expected: list[dict[str, Any]] = [
        {"__typename": "Client", **client},
        {"__typename": "Customer", **customer},
        {"__typename": "Organization", "organizationId": service.organization, **organization},
        {"__typename": "Account", **account},
    ]
    for node in (*expected, *expected):
        assert await api.data(NODE, id=node["id"]) == {"node": node}


async def test_nodes_are_in_the_order_of_their_ids(api: GraphQLApi, service: Service, record: str) -> None:
    (second,) = await add_records(service, [{"name": "Bo"}])
    foreign = await service.make_organization("Foreign Studio")
    (theirs,) = await add_records(service, [{"name": "Theirs"}], foreign)
    account = (await api.data("{ viewer { account { id } } }"))["viewer"]["account"]["id"]
    asked = [
        (global_id("Customer", second), {"customerId": f"cust_{second}"}),
        (global_id("Client", theirs), None),
        (global_id("Client", record), {"name": "Ana Novak"}),
        ("nothing", None),
        (global_id("Organization", service.organization), {"organizationId": service.organization}),
        (global_id("Client", second), {"name": "Bo"}),
        (account, {"email": service.email}),
        (global_id("Client", record), {"name": "Ana Novak"}),
        (global_id("Organization", foreign), None),
    ]
    query = """
    query($ids: [ID!]!) {
      nodes(ids: $ids) {
        ... on Client { name }
        ... on Customer { customerId }
        ... on Organization { organizationId }
        ... on Account { email }
      }
    }
    """
    assert (await api.data(query, ids=[one for one, _ in asked]))["nodes"] == [node for _, node in asked]
    assert (await api.data(query, ids=[]))["nodes"] == []


async def test_nodes_of_several_types_are_loaded_in_one_statement(
    api: GraphQLApi, service: Service, record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await add_records(service, [{"name": f"Row {index}"} for index in range(40)])
    ran: list[str] = []
    execute = Connection.execute

    async def notice(self: Connection, statement: Any, parameters: Any = None) -> Any:
        ran.append(compile_statement(statement, None)[0])
        return await execute(self, statement, parameters)

    monkeypatch.setattr(Connection, "execute", notice)
    ids = [global_id(type_name, one) for one in made for type_name in ("Client", "Customer")]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Client { name } ... on Customer { city } } }"
    assert [node["id"] for node in (await api.data(query, ids=ids))["nodes"]] == ids
    assert len([one for one in ran if "FROM clients" in one]) == 1


async def test_more_than_a_hundred_nodes_are_rejected(api: GraphQLApi, record: str) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert len((await api.data(query, ids=[global_id("Client", record)] * 100))["nodes"]) == 100
    error = await api.error(query, ids=[global_id("Client", record)] * 101)
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "ids"}


async def test_an_organization_lists_its_own_records(api: GraphQLApi, service: Service, record: str) -> None:
    second = await service.make_organization("Second Studio", account_email=service.email)
    await add_records(service, [{"name": "Bo"}, {"name": "Cy", "email": "cy@novak.example"}], second)
    query = """
    { viewer { organizations {
        name
        clients(first: 1, orderBy: [{field: NAME, direction: DESC}]) { totalCount nodes { name } pageInfo { hasNextPage } }
        customers(filter: {email: {isNull: false}}) { edges { cursor node { name organization { name } } } }
    } } }
    """
    shown = [
        (
            one["name"],
            one["clients"],
            [edge["node"] for edge in one["customers"]["edges"] if edge["cursor"]],
        )
        for one in (await api.data(query))["viewer"]["organizations"]
    ]
    assert shown == [
        (
            "Studio Example",
            {"totalCount": 1, "nodes": [{"name": "Ana Novak"}], "pageInfo": {"hasNextPage": False}},
            [{"name": "Ana Novak", "organization": {"name": "Studio Example"}}],
        ),
        (
            "Second Studio",
            {"totalCount": 2, "nodes": [{"name": "Cy"}], "pageInfo": {"hasNextPage": True}},
            [{"name": "Cy", "organization": {"name": "Second Studio"}}],
        ),
    ]
    error = await api.error("{ organization { name clients(first: 101) { totalCount } } }")
    assert (error["path"], error["extensions"]["field"]) == (["organization", "clients"], "first")


async def test_a_cursor_of_an_organizations_list_is_valid_on_the_root(
    api: GraphQLApi, service: Service, record: str
) -> None:
    await add_records(service, [{"name": "Bo"}])
    first = await api.data("{ organization { clients(first: 1) { pageInfo { endCursor } } } }")
    cursor = first["organization"]["clients"]["pageInfo"]["endCursor"]
    rest = await api.data("query($after: String) { clients(after: $after) { nodes { name } } }", after=cursor)
    assert rest == {"clients": {"nodes": [{"name": "Bo"}]}}


async def test_a_deleted_record_is_not_found(api: GraphQLApi, record: str) -> None:
    await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=record)
    assert await api.data(CLIENT, id=record) == {"client": None}
    assert await api.data(CUSTOMER, id=f"cust_{record}") == {"customer": None}
    for type_name in ("Client", "Customer"):
        assert await api.data(NODE, id=global_id(type_name, record)) == {"node": None}


async def test_a_viewer_knows_its_scopes_and_organizations(api: GraphQLApi, service: Service) -> None:
    second = await service.make_organization("Second Studio", account_email=service.email)
    query = "{ viewer { account { email } scopes organizations { organizationId } } }"
    assert (await api.data(query))["viewer"] == {
        "account": {"email": service.email},
        "scopes": ["READ", "WRITE"],
        "organizations": [{"organizationId": service.organization}, {"organizationId": second}],
    }
    own = await service.make_token(organization_id=second, scope=Scope.READ)
    async with service.client(own) as http:
        viewer = (await GraphQLApi(service, http).data(query))["viewer"]
    assert viewer == {"account": None, "scopes": ["READ"], "organizations": [{"organizationId": second}]}


async def test_without_an_organization_the_first_created_one_is_used(api: GraphQLApi, service: Service) -> None:
    second = await service.make_organization("Second Studio", account_email=service.email)
    await add_records(service, [{"name": "In the first"}])
    await add_records(service, [{"name": "In the second"}], second)
    query = "query($of: ID) { clients(organizationId: $of) { nodes { name } } organization(id: $of) { name } }"
    first = {"clients": {"nodes": [{"name": "In the first"}]}, "organization": {"name": "Studio Example"}}
    assert await api.data(query) == await api.data(query, of=service.organization) == first
    other = {"clients": {"nodes": [{"name": "In the second"}]}, "organization": {"name": "Second Studio"}}
    for given in (second, f"ent_{second}", global_id("Organization", second)):
        assert await api.data(query, of=given) == other


EVERYTHING = """
query($client: ID!, $customer: ID!, $clientNode: ID!, $customerNode: ID!, $organization: ID!, $node: ID!) {
  client(id: $client) { name }
  byNode: client(id: $clientNode) { name }
  customer(id: $customer) { name }
  customerByNode: customer(id: $customerNode) { name }
  a: node(id: $clientNode) { id }
  b: node(id: $customerNode) { id }
  c: node(id: $node) { id }
  organization(id: $organization) { name }
}
"""
LISTS = (
    "query($of: ID) { clients(organizationId: $of, deleted: INCLUDE) { totalCount } }",
    "query($of: ID) { customers(organizationId: $of) { nodes { name } } }",
)


async def test_another_tenants_records_are_never_seen(api: GraphQLApi, service: Service) -> None:
    foreign = await service.make_organization("Foreign Studio")
    (theirs,) = await add_records(service, [{"name": "Somebody else's"}], foreign)
    (ours,) = await add_records(service, [{"name": "Ours"}])
    data = await api.data(
        EVERYTHING,
        client=theirs,
        customer=f"cust_{theirs}",
        clientNode=global_id("Client", theirs),
        customerNode=global_id("Customer", theirs),
        organization=foreign,
        node=global_id("Organization", foreign),
    )
    assert set(data) == {"client", "byNode", "customer", "customerByNode", "a", "b", "c", "organization"}
    assert [value for value in data.values() if value is not None] == []
    for query in LISTS:
        absent = await api.error(query, of="0" * 24)
        assert absent["extensions"] == {"code": "NOT_FOUND", "field": "organizationId"}
        assert await api.error(query, of=foreign) == absent
    lists = "{ clients(deleted: INCLUDE) { totalCount nodes { clientId } } customers { nodes { name } } }"
    assert await api.data(lists) == {
        "clients": {"totalCount": 1, "nodes": [{"clientId": ours}]},
        "customers": {"nodes": [{"name": "Ours"}]},
    }
    by_id = "query($id: ID) { clients(filter: {clientId: {in: [$id]}}) { totalCount } }"
    assert (await api.data(by_id.replace("$id: ID", "$id: ID!"), id=theirs))["clients"]["totalCount"] == 0
    by_home = "query($id: ID) { clients(filter: {organizationId: {eq: $id}}) { totalCount } }"
    assert (await api.data(by_home, id=foreign))["clients"]["totalCount"] == 0


CHANGES = {
    "updateClient": "input: {name: \"Mine now\"}",
    "replaceClient": "input: {name: \"Mine now\"}",
    "deleteClient": "",
    "updateCustomer": "input: {name: \"Mine now\"}",
    "deleteCustomer": "",
    "restoreClient": "",
    "restoreCustomer": "",
    "permanentlyDeleteCustomer": "",
}  # fmt: skip


async def test_another_tenants_records_are_never_changed(api: GraphQLApi, service: Service) -> None:
    foreign = await service.make_organization("Foreign Studio")
    (theirs,) = await add_records(service, [{"name": "Somebody else's", "email": "a@b.example"}], foreign)
    for name, given in CHANGES.items():
        spelled = f"cust_{theirs}" if name.endswith("Customer") else theirs
        change = f'mutation {{ {name}(id: "{spelled}" {given}) {{ userErrors {{ code field }} }} }}'
        assert (await api.data(change))[name] == {"userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    send = f'mutation {{ sendClientReminder(id: "{theirs}") {{ reminder {{ id }} userErrors {{ code }} }} }}'
    assert (await api.data(send))["sendClientReminder"] == {"reminder": None, "userErrors": [{"code": "NOT_FOUND"}]}
    for type_name in ("Client", "Customer"):
        arguments = f'organizationId: "{foreign}", input: {{name: "X"}}'
        create = f"mutation {{ create{type_name}({arguments}) {{ userErrors {{ code field }} }} }}"
        errors = (await api.data(create))[f"create{type_name}"]["userErrors"]
        assert errors == [{"code": "NOT_FOUND", "field": ["organizationId"]}]
    token = await service.make_token(organization_id=foreign)
    async with service.client(token) as http:
        seen = await GraphQLApi(service, http).data("{ clients { nodes { name version } } }")
    assert seen == {"clients": {"nodes": [{"name": "Somebody else's", "version": 1}]}}


async def test_an_account_without_an_organization_sees_nothing(service: Service) -> None:
    from app.accounts.service import create_account

    await create_account(service.database, "new@example.com")
    async with service.client(await service.make_token(account_email="new@example.com")) as http:
        newcomer = GraphQLApi(service, http)
        query = "{ organization { id } viewer { organizations { id } } }"
        assert await newcomer.data(query) == {"organization": None, "viewer": {"organizations": []}}
        for query in ("{ clients { totalCount } }", "{ customers { nodes { id } } }"):
            error = await newcomer.error(query)
            assert error["extensions"] == {"code": "NOT_FOUND", "field": "organizationId"}
        create = 'mutation { createClient(input: {name: "X"}) { client { id } userErrors { code field } } }'
        errors = (await newcomer.data(create))["createClient"]["userErrors"]
        assert errors == [{"code": "NOT_FOUND", "field": ["organizationId"]}]


async def test_siblings_are_loaded_in_one_statement(api: GraphQLApi, service: Service) -> None:
    made = await add_records(service, [{"name": f"Row {index:02}"} for index in range(12)])
    query = "{ clients(first: 100) { nodes { clientId organization { name } customer { customerId name } } } }"
    nodes = (await api.data(query))["clients"]["nodes"]
    assert [node["clientId"] for node in nodes] == made
    for node in nodes:
        assert node["customer"]["customerId"] == f"cust_{node['clientId']}"
        assert node["organization"] == {"name": "Studio Example"}


async def test_a_fragment_in_two_places_is_planned_for_each(api: GraphQLApi, record: str) -> None:
    query = """
    query($id: ID!) {
      a: client(id: $id) { ...Linked customer { email } }
      b: client(id: $id) { ...Linked customer { city } }
    }
    fragment Linked on Client { customer { name } }
    """
    assert await api.data(query, id=record) == {
        "a": {"customer": {"name": "Ana Novak", "email": "ana@novak.example"}},
        "b": {"customer": {"name": "Ana Novak", "city": None}},
    }
