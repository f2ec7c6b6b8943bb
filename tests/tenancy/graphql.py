"""Probes of GraphQL: every field of the schema that takes arguments, with each argument that can name a record."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    parse,
    visit,
)

from app.graphql.schema.schema import core_schema
from tests.tenancy.probes import Probe

SCHEMA = core_schema()

ANY_ID = (
    "<client>",
    "<client.cust>",
    "<client.client>",
    "<client.customer>",
    "<deleted>",
    "<deleted.cust>",
    "<deleted.client>",
    "<deleted.customer>",
    "<organization>",
    "<organization.organization>",
    "<organization.ent>",
    "<account>",
    "<account.account>",
    "<change>",
    "<change.change>",
    "<reminder>",
    "<reminder.reminder>",
    "<token>",
    "<token.accesstoken>",
    "<webhook>",
    "<webhook.webhook>",
    "<delivery>",
    "<delivery.webhookdelivery>",
)
ORGANIZATION = ("<organization>", "<organization.organization>", "<organization.ent>")
CURSORS = (
    "<cursor.clients>",
    "<cursor.customers>",
    "<cursor.clients.history>",
    "<cursor.customers.history>",
    "<cursor.clients.reminders>",
    "<cursor.changes>",
    "<cursor.webhooks>",
    "<cursor.webhooks.deliveries>",
)

ARGUMENTS: Mapping[str, Sequence[Any]] = {
    "id": ANY_ID,
    "ids": ([*ANY_ID],),
    "organizationId": ORGANIZATION,
    "after": CURSORS,
    "before": CURSORS,
    "search": ("<word>", "<client>"),
    "idempotencyKey": ("<client>",),
    "email": (),
    "language": (),
    "expectedVersion": (1, 3),
    "errorPolicy": (),
    "validateOnly": (True,),
    "key": (),
    "clientIds": (["<client>", "<deleted.cust>"], ["<client.client>", "<client.customer>"]),
    "actions": (["CREATED", "UPDATED"],),
    "face": ("CUSTOMER",),
    "first": (),
    "last": (),
    "orderBy": (),
    "includeDeleted": (True,),
    "deleted": ("INCLUDE", "ONLY"),
    "states": (["SENT", "FAILED"],),
    "keepFor": (60,),
    "filter": (),
    "input": (),
}
"""The values of each argument, by its name. A new argument fails the walk. `filter` and `input` follow their types."""

TEXTS: Mapping[str, Any] = {
    "oldPassword": "wrong password",
    "newPassword": "another long probe",
    "name": "Probe",
    "value": "<client>",
    "country": "Slovenia",
    "url": "https://probe.example/",
    "events": "customer.permanently_deleted",
    "first": 1,
}
"""The values of required arguments and input fields, by their names."""

DEEPEST = 2


def graphql_probes() -> Iterator[Probe]:
    """The probes of the queries, the mutations, and the fields below them."""
    for root in (SCHEMA.query_type, SCHEMA.mutation_type):
        assert root is not None
        for name, field in root.fields.items():
            selection = select(field.type, (), 1 if root is SCHEMA.mutation_type else DEEPEST)
            for arguments in argument_sets(f"{root.name}.{name}", field):
                yield _probe(f"{root.name}.{name}", root.name.lower(), "", name, field, arguments, selection)
    for type_name, path in sorted(_find_paths().items()):
        owner = SCHEMA.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType)
        for name, field in owner.fields.items():
            if field.args and type_name not in ("Query", "Mutation"):
                for arguments in argument_sets(f"{type_name}.{name}", field):
                    selection = select(field.type, (type_name,), 2)
                    yield _probe(f"{type_name}.{name}", "query", path, name, field, arguments, selection)


def subscription_probes() -> Iterator[Probe]:
    """The probes of the subscriptions, which need a stream."""
    assert SCHEMA.subscription_type is not None
    for name, field in SCHEMA.subscription_type.fields.items():
        selection = select(field.type, (), 3)
        for arguments in argument_sets(f"Subscription.{name}", field):
            yield _probe(f"Subscription.{name}", "subscription", "", name, field, arguments, selection)


def _probe(
    operation: str, kind: str, path: str, name: str, field: GraphQLField, arguments: Mapping[str, Any], selection: str
) -> Probe:
    """One field as an operation. `path` holds the fields around it, each with an opening brace."""
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in arguments)
    passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    call = f"{name}({passed})" if passed else name
    document = f"{kind} {f'({declared})' if declared else ''} {{ {path} {call} {selection} {'}' * path.count('{')} }}"
    return Probe(operation, "POST", "/graphql", {}, {}, {"query": document, "variables": dict(arguments)})


def argument_sets(operation: str, field: GraphQLField) -> Iterator[Mapping[str, Any]]:
    """The arguments of a field, where one or two differ from the least that it takes."""
    for name in field.args:
        if name not in ARGUMENTS:
            raise LookupError(f"{operation} has the argument {name}, which is not in ARGUMENTS")
    least = {
        name: _least(name, argument.type) for name, argument in field.args.items() if is_required_argument(argument)
    }
    if "first" in field.args:
        least["first"] = 2
    identified = [least]
    if "id" in field.args:
        identified = [{**least, "id": value} for value in ANY_ID]
    yield from identified
    for name, argument in field.args.items():
        for value in _values(name, argument):
            for base in identified[:: 4 if name != "id" else 1]:
                yield {**base, name: value}


def _values(name: str, argument: GraphQLArgument) -> Iterator[Any]:
    if name != "id":
        yield from ARGUMENTS[name]
    type_ = get_named_type(argument.type)
    if name == "filter" and isinstance(type_, GraphQLInputObjectType):
        yield from _filters(type_)
    if name == "input" and isinstance(type_, GraphQLInputObjectType):
        whole = _least_object(type_)
        inputs = [
            {**whole, field: value}
            for field, input_ in type_.fields.items()
            if _is_id(input_.type)
            for value in (ANY_ID if field == "id" else ORGANIZATION[:1])
        ]
        is_list = isinstance(getattr(argument.type, "of_type", argument.type), GraphQLList)
        yield from ([value] if is_list else value for value in inputs)


def _filters(type_: GraphQLInputObjectType) -> Iterator[Mapping[str, Any]]:
    """A condition on each id of a filter, and on its first text."""
    for name, field in type_.fields.items():
        condition = get_named_type(field.type).name
        if condition == "IDFilter":
            yield from ({name: {"eq": value}} for value in (*ANY_ID[:4], *ORGANIZATION))
            yield {name: {"in": ["<client>", "<organization>"]}}
        elif condition == "StringFilter" and name in ("name", "note", "taxNumber", "email"):
            yield {name: {"contains": "<word>"}}


def _is_id(type_: Any) -> bool:
    return str(get_named_type(type_)) == "ID"


def _least(name: str, type_: Any) -> Any:
    """The least value of a required argument or input field. Raises LookupError for one that is not known."""
    if isinstance(type_, GraphQLNonNull):
        return _least(name, type_.of_type)
    if isinstance(type_, GraphQLList):
        return [_least(name, type_.of_type)]
    if isinstance(type_, GraphQLInputObjectType):
        return _least_object(type_)
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if name in ("id", "ids"):
        return "<client.client>"
    if name not in TEXTS:
        raise LookupError(f"{name} is required and has no value in TEXTS")
    return TEXTS[name]


def _least_object(type_: GraphQLInputObjectType) -> dict[str, Any]:
    return {name: _least(name, field.type) for name, field in type_.fields.items() if is_required_input_field(field)}


def select(type_: GraphQLOutputType, above: tuple[str, ...], depth: int, alias: str = "") -> str:
    """A selection of everything below a type. Connections show one row, and a type inside itself its plain fields.

    `alias` begins the response names of the first level, so that the types of an interface do not conflict.
    """
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        types = SCHEMA.get_implementations(named).objects
        shown = (f"... on {each.name} {select(each, above, depth, f'{each.name}_')}" for each in types)
        return f"{{ __typename {' '.join(shown)} }}"
    assert isinstance(named, GraphQLObjectType)
    parts = ["__typename"]
    for name, field in named.fields.items():
        below = get_named_type(field.type)
        label = f"{alias}{name}: {name}" if alias else name
        if is_leaf_type(below):
            parts.append(label)
        elif depth > 0:
            first = "(first: 1)" if "first" in field.args else ""
            left = depth if below.name.endswith("Result") else depth - 1
            repeated = below.name in (*above, named.name)
            parts.append(f"{label}{first} {select(field.type, (*above, named.name), 0 if repeated else left)}")
    return f"{{ {' '.join(parts)} }}"


def _find_paths() -> dict[str, str]:
    """The shortest fields from the query to each type, as texts such as `viewer { organizations {`."""
    assert SCHEMA.query_type is not None
    paths, waiting = {SCHEMA.query_type.name: ""}, [SCHEMA.query_type]
    while waiting:
        owner = waiting.pop(0)
        for name, field in owner.fields.items():
            below = get_named_type(field.type)
            if not isinstance(below, GraphQLObjectType) or below.name in paths:
                continue
            if any(is_required_argument(argument) for argument in field.args.values()):
                continue
            first = "(first: 2)" if "first" in field.args else ""
            paths[below.name] = f"{paths[owner.name]} {name}{first} {{"
            waiting.append(below)
    return paths


class SelectedFields(Visitor):
    """Collects the fields of documents, as `Client.name`."""

    def __init__(self) -> None:
        super().__init__()
        self.info = TypeInfo(SCHEMA)
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self.info.get_parent_type()
        if parent is not None and not node.name.value.startswith("__"):
            self.names.add(f"{parent.name}.{node.name.value}")


def selected_fields() -> set[str]:
    """The fields that the probes select, as `Client.name`."""
    fields = SelectedFields()
    for document in documents():
        visit(parse(document), TypeInfoVisitor(fields.info, fields))
    return fields.names


def documents() -> set[str]:
    """The documents of all probes."""
    return {probe.body["query"] for probe in (*graphql_probes(), *subscription_probes())}


def all_fields() -> set[str]:
    """The fields of each object type that operations reach."""
    return {
        f"{name}.{field}"
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
        for field in type_.fields
    }
