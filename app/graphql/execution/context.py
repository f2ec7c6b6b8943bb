"""Context: the access, plans and loaders of an operation, and the ids in its arguments."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar, TypeVarTuple

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode
from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from app.accounts.service import LoginDesk
from app.auth import Access, Principal
from app.changes.reader import ChangeReader
from app.errors import Invalid, NotFound, Problem
from app.graphql.execution.plans import SelectionReader
from app.graphql.internals import read_resolved_field, read_selections
from app.ids import is_id
from app.mail.worker import OutboxWorker
from app.vat.vies import Vies

PlanT = TypeVar("PlanT")
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
Arguments = TypeVarTuple("Arguments")

MOST_PLANS = 200
"""The limit for one document, since each field and each value of a boolean variable makes another plan."""


class Loader(DataLoader[KeyT, ValueT]):
    """A batching loader. A field that is cancelled, as one beside it failed, does not cancel the batch of the others."""

    def load(self, key: KeyT) -> Awaitable[ValueT]:
        return asyncio.shield(super().load(key))


@dataclass
class Context:
    """The access and the plans of one operation. `plans` lives as long as the document. `desk` checks passwords.

    A deleted account or organization can be restored for `deletion_delay`. An event stream that is opened again has the
    cursor of its last event in `last_event_id`. A subscription notes its `start`, which is the cursor before its events.
    """

    access: Access
    plans: dict[Hashable, Any]
    outbox: OutboxWorker
    changes: ChangeReader
    desk: LoginDesk
    vies: Vies
    deletion_delay: timedelta = timedelta(days=30)
    last_event_id: str | None = None
    start: str | None = None
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
    face: str,
    plan: Callable[[SelectionReader, Sequence[FieldNode], *Arguments], PlanT],
    *arguments: *Arguments,
) -> PlanT:
    """The plan of the field being resolved, for a face. It is made once per document and set of boolean variables."""
    resolved = read_resolved_field(info)
    switches = tuple(item for item in resolved.variables.items() if isinstance(item[1], bool))
    key = (face, tuple(map(id, resolved.nodes)), switches)
    plans = info.context.plans
    if key not in plans:
        if len(plans) >= MOST_PLANS:
            plans.clear()
        plans[key] = plan(SelectionReader(resolved.fragments, resolved.variables), resolved.nodes, *arguments)
    stored: PlanT = plans[key]
    return stored


POSITION = "changesCursor"
"""The field whose value must be read before the lists of its operation."""


def selects_position(info: Info) -> bool:
    """True if the operation selects POSITION anywhere. The document is searched once."""
    selections = read_selections(info)
    key, plans = (POSITION, id(selections[0])), info.context.plans
    if key not in plans:
        plans[key] = any(_selects(selection, POSITION) for selection in selections)
    return plans[key] is True


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
