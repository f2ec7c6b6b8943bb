"""GraphQL documents that are odd by themselves, each of a size and with a literal."""

from collections.abc import Callable


def repeated(part: str) -> Callable[[int, str], str]:
    """A document with a part that is repeated. `{n}` in the part is its number."""
    return lambda size, _: "{ " + " ".join(part.replace("{n}", str(number)) for number in range(size)) + " }"


def nested(before: str, opening: str, inner: str, closing: str, after: str) -> Callable[[int, str], str]:
    """A document with a part that is nested in itself."""
    return lambda size, _: before + opening * size + inner + closing * size + after


def double_fragments(size: int, _: str) -> str:
    """Fragments that double the selection with each step."""
    steps = min(size, 60)
    fragments = (f"fragment A{n} on Query {{ ...A{n + 1} ...A{n + 1} }}" for n in range(steps))
    return "{ ...A0 } " + " ".join(fragments) + f" fragment A{steps} on Query {{ __typename }}"


def delete_often(size: int, _: str) -> str:
    return "mutation " + repeated('m{n}: deleteClient(id: "x") { userErrors { code } }')(size, "")


def define_variables(size: int, _: str) -> str:
    return "query(" + " ".join(f"$a{n}: Int" for n in range(size)) + ") { __typename }"


def with_literal(document: str) -> Callable[[int, str], str]:
    """A document with the literal in place of `@`."""
    return lambda _, literal: document.replace("@", literal)


DOCUMENTS: tuple[Callable[[int, str], str], ...] = (
    repeated("a{n}: __typename"),
    repeated("...{ __typename }"),
    nested("{", "viewer {", "x", "}", "}"),
    nested("{ __typename ", "@skip(if: false) ", "", "", "}"),
    nested("query($x: ", "[", "Int", "]", ") { __typename }"),
    nested("{ client(id: ", "[", "", "]", ") { id } }"),
    nested("", "{ __typename }", "", "", ""),
    nested("{ clients { ", "nodes { customer { client { ", "id", "} } }", " } }"),
    double_fragments,
    delete_often,
    define_variables,
    with_literal("{ client(id: @) { name } }"),
    with_literal('{ clients(filter: {custom: [{path: ["a"], eq: @}]}) { nodes { id } } }'),
    with_literal("{ clients(first: @, search: @) { nodes { id } } }"),
    with_literal("{ __type(name: @) { fields { name args { defaultValue } } } }"),
    with_literal("mutation { createClient(input: {name: @, custom: @}) { userErrors { message } } }"),
    with_literal("#@\n{ __typename }"),
    with_literal("query($a: Int = @, $b: [ID!]! = [@]) { nodes(ids: $b) { id } }"),
    with_literal("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
    with_literal("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"),
    with_literal("extend type Query { a: Int }"),
    with_literal("schema { query: Query }"),
    with_literal("subscription { a: clientChanges { cursor } b: clientChanges { cursor } }"),
    with_literal("query A { __typename } query A { __typename }"),
    with_literal("{ viewer { ... @include(if: $x) { __typename } } }"),
    with_literal(
        '{ clients(first: 100, first: 1, nothing: 1, filter: {name: {eq: 1}, name: {eq: "a"}}) { nodes { name(x: 1) { y } } } }'
    ),
    with_literal("{"),
    with_literal("query"),
    with_literal(""),
    with_literal("@"),
)

MUTATIONS = tuple(
    """
mutation($input: CreateClientInput!, $key: String) {
  createClient(input: $input, idempotencyKey: $key) { client { id } userErrors { field message code } } }

mutation($rows: [CreateClientInput!]!) {
  createClients(input: $rows, errorPolicy: REJECT_FAILED) { results { index userErrors { message } } } }

mutation($id: ID!, $input: UpdateClientInput!, $version: Int) {
  updateClient(id: $id, input: $input, expectedVersion: $version) { client { custom } userErrors { field message } } }

mutation($id: ID!, $input: ReplaceClientInput!) {
  replaceClient(id: $id, input: $input) { userErrors { field message code } } }

mutation($id: ID!, $version: Int) {
  deleteClient(id: $id, expectedVersion: $version) { userErrors { message } } restoreClient(id: $id) { userErrors { message } } }

mutation($id: ID!, $text: EmailAddress, $language: ReminderLanguage, $key: String) {
  sendClientReminder(id: $id, email: $text, language: $language, idempotencyKey: $key) { userErrors { message } } }

mutation($text: String!) {
  changePassword(input: {oldPassword: $text, newPassword: $text}) { userErrors { field message } } }

mutation($text: ID!) {
  deleteOrganization(id: $text) { userErrors { message } } deleteAccount(id: $text) { userErrors { message } } }

mutation($text: ID!) {
  permanentlyDeleteCustomer(id: $text) { userErrors { message } } restoreCustomer(id: $text) { userErrors { message } } }

mutation($input: CreateCustomerInput!) {
  createCustomer(input: $input) { customer { id metadata } userErrors { field message } } }
""".strip().split("\n\n")
)
"""Sound mutations, for hostile variables."""
QUERIES = tuple(
    """
query($id: ID!) {
  node(id: $id) { id ... on Client { name } ... on Organization { name } } client(id: $id) { name history { nodes { before } } } }

query($ids: [ID!]!) {
  nodes(ids: $ids) { __typename id } }

query($id: ID!, $after: String) {
  organization(id: $id) { name } client(id: $id) { history(after: $after) { nodes { at } }
  reminders(after: $after) { nodes { __typename } } } }

{ viewer { __typename } clients(first: 100) {
  nodes { possibleDuplicates(first: 100) { score client { name } } } } }

subscription($after: String) {
  clientChanges(after: $after) { cursor } }

query($last: Int, $after: String) {
  customers(last: $last, before: $after) { edges { cursor } } }
""".strip().split("\n\n")
)
"""Sound operations, for hostile variables."""
FOLLOW = QUERIES[4]
