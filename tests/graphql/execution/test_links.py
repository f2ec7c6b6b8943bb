"""The records that belong to a record are rendered with it, in its own statement."""

import json

import pytest

from tests.graphql.execution.conftest import Executor, counting_statements
from tests.graphql.execution.test_plans import nothing_rendered

LINKED = "organization { name environment createdAt } customer { customerId client { name organization { id } } }"


async def test_linked_records_are_rendered_with_their_record(executor: Executor) -> None:
    places = (
        "clients(first: 2) { nodes { name %s } }",
        "client(id: $client) { %s }",
        "node(id: $client) { ... on Client { %s } }",
    )
    for place in places:
        declared = "query($client: ID!)" if "$client" in place else ""
        answer, rendered = await executor.run(f"{declared} {{ {place % LINKED} }}")
        assert '"environment": "LIVE"' in answer
        assert rendered == 1


async def test_linked_records_need_no_statement_of_their_own(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting_statements(monkeypatch, "clients") as plain:
        await executor.run("{ clients(first: 2) { nodes { name } } }")
    with counting_statements(monkeypatch, "clients") as linked:
        await executor.run(f"{{ clients(first: 2) {{ nodes {{ {LINKED} }} }} }}")
    assert len(linked) == len(plain) == 1


async def test_a_record_under_too_many_names_is_resolved(executor: Executor) -> None:
    names = " ".join(
        f"a{index}: customer {{ {' '.join(f'b{each}: name' for each in range(30))} }}" for index in range(20)
    )
    answer, rendered = await executor.run(f"{{ clients(first: 1) {{ nodes {{ {names} }} }} }}")
    assert len(json.loads(answer)["clients"]["nodes"][0]) == 20
    assert rendered == 20
    few = await executor.run("{ clients(first: 1) { nodes { a: customer { name } b: customer { name } } } }")
    assert few[1] == 1


async def test_objects_without_selected_fields_are_empty(executor: Executor) -> None:
    query = """query($yes: Boolean!) {
      clients(first: 1) { nodes { organization { name @skip(if: $yes) } customer { ujp { name @skip(if: $yes) } } } }
    }"""
    answer, rendered = await executor.run(query)
    assert json.loads(answer)["clients"]["nodes"] == [{"organization": {}, "customer": {"ujp": None}}]
    assert rendered == 1


NESTED = "name history(first: 1) { nodes { action changes { field } } } reminders { totalCount } possibleDuplicates { score }"
MADE = f"client {{ {NESTED} }} customer {{ {NESTED} }}"


async def test_the_lists_of_written_records_are_read_in_one_statement_after_the_write(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "organizationId: $organization"
    for mutation in (
        f'createClient({where}, input: {{name: "Ann"}}) {{ {MADE} }}',
        f'createClients({where}, input: [{{name: "Bea"}}, {{name: "Cid"}}]) {{ results {{ {MADE} }} }}',
    ):
        with counting_statements(monkeypatch, "client_changes") as statements:
            answer, _ = await executor.run(f"mutation($organization: ID!) {{ made: {mutation} }}")
        made = json.loads(answer)["made"]
        for row in made.get("results", [made]):
            for face in (row["client"], row["customer"]):
                (change,) = face["history"]["nodes"]
                assert (change["action"], change["changes"][0]) == ("CREATED", {"field": "name"})
        assert len(statements) == 2


async def test_the_lists_of_a_written_organization_are_rendered_with_it(executor: Executor) -> None:
    shown = (
        "organization { city clients(first: 1) { nodes { name history(first: 1) { nodes { version } } } totalCount } }"
    )
    change = f'updateOrganization(id: $organization, input: {{city: "Bled"}}) {{ {shown} }}'
    answer, rendered = await executor.run(f"mutation($organization: ID!) {{ made: {change} }}")
    organization = json.loads(answer)["made"]["organization"]
    assert (organization["city"], len(organization["clients"]["nodes"]), rendered) == ("Bled", 1, 1)
    query = f"query($organization: ID!) {{ made: {shown.replace('organization', 'organization(id: $organization)')} }}"
    assert json.loads((await executor.run(query))[0])["made"] == organization


SOME = (
    'clients(filter: {city: {ne: $city}}, search: "a", orderBy: {field: NAME}, first: 2) { totalCount nodes { name } }'
)


async def test_lists_with_arguments_are_rendered_in_payloads(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = f"name history(last: 1) {{ nodes {{ version }} }} organization {{ name {SOME} }}"
    made = f'updateClient(id: $client, input: {{note: "n"}}) {{ client {{ {record} }} customer {{ {record} }} }}'
    changed = f'updateOrganization(id: $organization, input: {{city: "Bled"}}) {{ organization {{ {SOME} }} }}'
    text = f"mutation($client: ID!, $organization: ID!, $city: String) {{ made: {made} changed: {changed} }}"
    whole, rendered = await executor.run(text)
    with nothing_rendered(monkeypatch):
        resolved, count = await executor.run(text)
    assert (whole, rendered, count) == (resolved, 3, 0)
    assert len(json.loads(whole)["changed"]["organization"]["clients"]["nodes"]) == 2


async def test_edges_of_written_records_are_rendered(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = "cursor node { __typename name history(first: 1) { nodes { action } } }"
    simple = edge.replace("history(first: 1) { nodes { action } }", "organization { name }")
    both = f"clientEdge {{ {edge} }} customerEdge {{ {edge} }} client {{ name }}"
    for shown, values in ((both, 3), (f"clientEdge {{ {simple} }}", 1)):
        text = (
            "mutation($client: ID!) { a: deleteClient(id: $client) { deletedClientId } "
            f"b: restoreClient(id: $client) {{ {shown} }} }}"
        )
        whole, rendered = await executor.run(text)
        with nothing_rendered(monkeypatch):
            resolved, count = await executor.run(text)
        assert (whole, rendered, count) == (resolved, values, 0)
        key = json.loads(whole)["b"]["clientEdge"]["cursor"]
        page = f'{{ clients(first: 1, after: "{key}") {{ pageInfo {{ hasPreviousPage }} }} }}'
        assert json.loads((await executor.run(page))[0])["clients"]["pageInfo"]["hasPreviousPage"] is True


TOKEN = (
    "node { id label scopes createdAt expiresAt lastUsedAt parentId isCurrent account { email } organization { name } }"
)
VIEWER = f"""
query($afterToken: String) {{
  viewer {{
    scopes account {{ id email emailVerified }} organizations {{ name clients(first: 1) {{ totalCount nodes {{ name }} }} }}
    accessTokens(first: 2) {{ totalCount edges {{ cursor {TOKEN} }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }}
    older: accessTokens(after: $afterToken) {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }}
  }}
}}
"""


@pytest.mark.parametrize("of_account", [True, False])
async def test_the_viewer_is_one_statement(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, of_account: bool
) -> None:
    service = executor.service
    if not of_account:
        service.token = await service.make_token(organization_id=service.organization)
    with counting_statements(monkeypatch, "caller") as statements:
        answer, errors, rendered = await executor.answer(VIEWER)
    assert (errors, rendered, len(statements)) == ([], 1, 1)
    with nothing_rendered(monkeypatch):
        resolved, _, count = await executor.answer(VIEWER)
    assert (answer, count) == (resolved, 0)
    viewer = json.loads(answer)["viewer"]
    assert (viewer["account"] is not None) is of_account
    assert [token["node"]["isCurrent"] for token in viewer["accessTokens"]["edges"]].count(True) == 1


QUERIES = (
    "orderBy: [{field: CITY}]",
    "orderBy: [{field: CITY, direction: DESC}], deleted: INCLUDE",
    "orderBy: [{field: CREATED_AT}, {field: NAME, direction: DESC}]",
    "orderBy: [{field: NAME}, {field: CITY}], filter: {not: {name: {eq: $city}}}",
    "orderBy: [{field: CITY}, {field: EMAIL, direction: DESC}]",
    "filter: {or: [{city: {eq: $city}}, {email: {isNull: true}}]}",
    "deleted: ONLY",
    'search: "str"',
    'search: "a", orderBy: [{field: CITY, direction: DESC}]',
    'search: "S", orderBy: [{field: CITY}, {field: NAME}], deleted: INCLUDE',
    'search: "abel", orderBy: [{field: RELEVANCE}]',
    'search: "a", orderBy: [{field: RELEVANCE, direction: DESC}], filter: {name: {ne: $city}}',
    'filter: {name: {contains: "stra"}}, search: "s"',
    'filter: {email: {endsWith: "two.example"}}, orderBy: [{field: NAME, direction: DESC}]',
)


@pytest.mark.parametrize("query", QUERIES)
async def test_lists_of_an_organization_are_rendered_with_conditions_and_orders(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Each page of one row leads to the next one and back, as the path of resolvers gives it."""
    used = "($city: String)" if "$city" in query else ""
    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    shown = f"totalCount edges {{ cursor node {{ name }} }} {info} nodes {{ history(first: 1) {{ totalCount }} }}"
    whole, rendered = await executor.run(f"query{used} {{ organization {{ clients({query}) {{ {shown} }} }} }}")
    cursors = [edge["cursor"] for edge in json.loads(whole)["organization"]["clients"]["edges"]]
    assert (rendered, len(cursors) > 0) == (1, True)
    pages = [f'{side}: 1, {bound}: "{cursor}"' for cursor in cursors for side, bound in SIDES]
    for page in (*pages, "first: 2", "last: 2", "first: 0", "last: 0"):
        text = f"query{used} {{ organization {{ clients({query}, {page}) {{ {shown} }} }} }}"
        answer = await executor.run(text)
        with nothing_rendered(monkeypatch):
            expected, _ = await executor.run(text)
        assert answer == (expected, 1), text


SIDES = [(side, bound) for side in ("first", "last") for bound in ("after", "before")]


@pytest.mark.parametrize(
    "root", ["organization { %s }", "customer(id: $client, includeDeleted: true) { organization { %s } }"]
)
async def test_cursors_inside_a_record_are_passed_on(executor: Executor, root: str) -> None:
    declared = f"query({'$client: ID!, ' if '$client' in root else ''}$afterClient: String)"
    field = "clients(first: 2, after: $afterClient) { edges { cursor node { name } } }"
    inner, rendered = await executor.run(f"{declared} {{ {root % field} }}")
    whole, _ = await executor.run("{ clients(first: 3) { edges { cursor node { name } } } }")
    expected = json.loads(whole)["clients"]["edges"][1:]
    (shown,) = json.loads(inner).values()
    assert shown.get("organization", shown)["clients"]["edges"] == expected
    assert rendered == 1
