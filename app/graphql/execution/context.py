"""Context: the access, plans and loaders of an operation, and the ids, pages and queries in its arguments."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, TypeVarTuple

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode
from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from app.accounts.service import LoginDesk
from app.auth import Access, Principal
from app.changes.reader import ChangeReader
from app.clients.service import search_words
from app.errors import Invalid, Malformed, NotFound, Problem
from app.graphql.execution.selections import SelectionReader
from app.graphql.internals.operations import ResolvedField, find_switches, read_resolved_field, read_selections
from app.ids import is_id
from app.mail.worker import OutboxWorker
from app.query.face import RELEVANCE
from app.query.model import EVERYTHING, And, Compare, Order, Predicate, Query
from app.query.operators import IS_NULL
from app.query.request import CursorArgument, PageArguments
from app.query.values import check_text
from app.vat.vies import Vies
from app.webhooks.service import NO_WORKER, WebhookDesk

PlanT = TypeVar("PlanT")
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
Arguments = TypeVarTuple("Arguments")

MOST_PLANS, LONGEST_VALUES = 200, 1_000
"""The most plans of one document, since each field and each value of a variable makes another plan. The most characters of the
values of variables of a plan that is kept."""


class Loader(DataLoader[KeyT, ValueT]):
    """A batching loader. A field that is cancelled, as one beside it failed, does not cancel the batch of the others."""

    def load(self, key: KeyT) -> Awaitable[ValueT]:
        return asyncio.shield(super().load(key))


@dataclass
class Context:
    """The access and the plans of one operation. `plans` lives as long as the document. `desk` checks passwords.

    A deleted account or organization can be restored for `deletion_delay`. An event stream that is opened again has the
    cursor of its last event in `last_event_id`. A subscription notes its `start`, which is the cursor before its events.
    While the only root field of an operation is resolved, `is_alone` says that no other field can share its statements.
    """

    access: Access
    plans: dict[Hashable, Any]
    outbox: OutboxWorker
    changes: ChangeReader
    desk: LoginDesk
    vies: Vies
    deletion_delay: timedelta = timedelta(days=30)
    webhooks: WebhookDesk = NO_WORKER
    last_event_id: str | None = None
    start: str | None = None
    is_alone: bool = False
    loaders: dict[Hashable, Loader[Any, Any]] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        return self.access.principal

    def loader(
        self, key: Hashable, load: Callable[[Sequence[KeyT]], Awaitable[Sequence[ValueT]]]
    ) -> Loader[KeyT, ValueT]:
        """The batching loader of this operation for a key. The first call creates it with `load`."""
        if key not in self.loaders:
            self.loaders[key] = Loader(load_fn=load)
        return self.loaders[key]

    def note_start(self, cursor: str) -> None:
        self.start = cursor

    def forget_loaded(self) -> None:
        """Drops what was loaded before a write, so that the rest of the operation reads the new state."""
        self.loaders.clear()


Info: TypeAlias = StrawberryInfo[Context, None]


def find_plan(
    info: Info,
    plan: Callable[[SelectionReader, Sequence[FieldNode], *Arguments], PlanT],
    *arguments: *Arguments,
) -> PlanT:
    """The plan that `plan` makes of the field being resolved. It is made once per document and set of boolean variables.

    The arguments are hashable.
    """
    return find_field_plan(read_resolved_field(info), plan, *arguments)


def find_field_plan(
    field: ResolvedField,
    plan: Callable[[SelectionReader, Sequence[FieldNode], *Arguments], PlanT],
    *arguments: *Arguments,
) -> PlanT:
    """As `find_plan`, for a field with the context of its operation.

    Other variables than booleans count only if the plan read them. Their names are kept in the place of the plan.
    """
    context: Context = field.context
    nodes, variables, plans = field.field_nodes, field.variable_values, context.plans
    shows_addresses = context.access.principal.account_id is not None
    shown = id(nodes[0]) if len(nodes) == 1 else tuple(map(id, nodes))
    key: Hashable = (plan, arguments, shows_addresses, shown, find_switches(variables))
    stored: Any = plans.get(key)
    if type(stored) is VariableNames:
        stored = plans.get((key, _read_values(variables, stored)))
    if stored is None:
        reader = SelectionReader(field.fragments, variables, field.schema, shows_addresses=shows_addresses)
        stored = plan(reader, nodes, *arguments)
        _keep_plan(plans, key, stored, VariableNames(sorted(reader.notes.variables)), variables)
    made: PlanT = stored
    return made


class VariableNames(tuple[str, ...]):
    """The names of the variables that a plan read. The plan is kept with their values."""

    __slots__ = ()


def _keep_plan(
    plans: dict[Hashable, Any], key: Hashable, plan: object, names: VariableNames, variables: Mapping[str, Any]
) -> None:
    if len(plans) >= MOST_PLANS - 1:
        plans.clear()
    if not names:
        plans[key] = plan
        return
    plans[key], values = names, _read_values(variables, names)
    if len(values) <= LONGEST_VALUES:
        plans[key, values] = plan


def _read_values(variables: Mapping[str, Any], names: Sequence[str]) -> str:
    return repr([variables.get(name, ...) for name in names])


POSITION = "changesCursor"
"""The field whose value must be read before the lists of its operation."""


def selects_position(info: Info) -> bool:
    """True if the operation selects POSITION anywhere. The document is searched once."""
    key, plans = (POSITION, id(read_resolved_field(info).operation)), info.context.plans
    found: bool | None = plans.get(key)
    if found is None:
        found = plans[key] = any(_selects(selection, POSITION) for selection in read_selections(info))
    return found


def _selects(selection: SelectionSetNode, name: str) -> bool:
    waiting = [selection]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode) and node.name.value == name:
                return True
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                waiting.append(node.selection_set)
    return False


PREFIXES = {
    "Client": "cust_",
    "Customer": "cust_",
    "Organization": "ent_",
    "Account": "",
    "AccessToken": "",
    "Change": "",
    "Reminder": "",
    "Webhook": "",
    "WebhookDelivery": "",
}
"""The types that have global ids, each with the prefix that a REST API puts before its ids."""
SAME_ROW = {"Customer": "Client"}
"""Types that are another face of the rows of a type. Each accepts the global ids of the other."""


def write_global_id(type_name: str, bare: str) -> str:
    """The base64 of a type's name and a bare id."""
    return b64encode(f"{type_name}:{bare}".encode()).decode()


def split_global_id(text: str) -> tuple[str, str] | None:
    """The type and the bare id, or None for text that is not a global id."""
    try:
        type_name, _, bare = b64decode(text, validate=True).decode("ascii").partition(":")
    except ValueError:
        return None
    return (type_name, bare) if type_name in PREFIXES and is_id(bare) else None


def read_id(type_name: str, text: str) -> str:
    """The bare id of a record of a type, from its global id, its bare id, or its bare id with a prefix.

    Other text gives "", which no record has as its id.
    """
    if is_id(text):
        return text
    written, bare = split_global_id(text) or (type_name, text.removeprefix(PREFIXES[type_name]))
    return bare if SAME_ROW.get(written, written) == SAME_ROW.get(type_name, type_name) and is_id(bare) else ""


def choose_organization(info: Info, argument: str | None) -> str | None:
    """The id of the organization that an argument names, or of the first created one.

    None when the token cannot access it, or cannot access any.
    """
    accessible = info.context.principal.organizations
    if argument is None:
        return accessible[0] if accessible else None
    bare = read_id("Organization", argument)
    return bare if bare in accessible else None


def require_organization(info: Info, argument: str | None) -> str:
    """The organization that an argument names. Raises NotFound when the token cannot access it."""
    organization = choose_organization(info, argument)
    if organization is None:
        raise NotFound("There is no such organization", "organizationId")
    return organization


def require_written_organization(info: Info, argument: str | None) -> str:
    """The organization that a write names. Raises Invalid without an argument when the token can access several."""
    if argument is None and len(info.context.principal.organizations) > 1:
        message = "Your token can access several organizations. Pass `organizationId` to choose one."
        raise Invalid([Problem("organizationId", "presence", message)])
    return require_organization(info, argument)


LARGEST_PAGE, DEFAULT_PAGE = 100, 20


def read_page(first: int | None, after: str | None, last: int | None, before: str | None) -> PageArguments:
    """The page. Raises Malformed for a count below 0 or over 100, and for both counts."""
    if first is not None and last is not None:
        raise Malformed("Pass `first` or `last`, not both.", "last")
    for name, count in (("first", first), ("last", last)):
        if count is not None and not 0 <= count <= LARGEST_PAGE:
            raise Malformed(f"`{name}` must be between 0 and {LARGEST_PAGE}; got {count}.", name)
    count = first if last is None else last
    return PageArguments(
        DEFAULT_PAGE if count is None else count,
        after=None if after is None else CursorArgument("after", after),
        before=None if before is None else CursorArgument("before", before),
        backward=last is not None,
    )


def read_coerced_page(arguments: Mapping[str, Any]) -> PageArguments:
    """As `read_page`, from the arguments of a field that graphql-core has coerced."""
    return read_page(*(arguments.get(name) for name in ("first", "after", "last", "before")))


DELETED = Compare("deleted_at", IS_NULL, False)
EXCLUDE, ONLY = "EXCLUDE", "ONLY"
"""Two of the words of the argument `deleted`."""


def make_query(where: Predicate, search: str | None, orders: tuple[Order, ...], deleted: str) -> Query:
    """The query of a list of records. Raises Malformed for RELEVANCE without words, and for a search that is not a text."""
    words = search_words(check_text(search, "search")) if search else ()
    if not words and any(order.column == RELEVANCE.column for order in orders):
        raise Malformed("RELEVANCE needs words: pass them in `search`, or choose another order.", "orderBy")
    if deleted == ONLY:
        where = DELETED if where == EVERYTHING else And((where, DELETED))
    return Query(where, words, orders, deleted_too=deleted != EXCLUDE)
