"""Context: what one GraphQL operation carries along."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from app.auth import Access, Principal
from app.changes.reader import ChangeReader
from app.graphql.execution.ids import read_organization_id
from app.graphql.execution.plans import SelectionReader
from app.mail.worker import OutboxWorker

T = TypeVar("T")

MOST_PLANS = 1000
"""Of one document: a caller can make one for each field and value of its boolean variables."""


@dataclass
class Context:
    """The access and the plans of one operation. `plans` lives as long as the document; `rendered` counts rendered values."""

    access: Access
    plans: dict[Hashable, Any]
    outbox: OutboxWorker
    changes: ChangeReader
    rendered: int = 0
    loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        return self.access.principal

    def loader(self, key: Hashable, load: Callable[[Sequence[Any]], Any]) -> DataLoader[Any, Any]:
        """The batching loader of this operation for a key, made with `load` the first time."""
        if key not in self.loaders:
            self.loaders[key] = DataLoader(load_fn=load)
        return self.loaders[key]

    def forget_loaded(self) -> None:
        """After a write: what the same operation asks from here on is as it is now."""
        self.loaders.clear()


Info: TypeAlias = StrawberryInfo[Context, None]


def planned(info: Info, face: str, plan: Callable[[SelectionReader, Sequence[Any]], T]) -> T:
    """The plan of the field being resolved for a face: made once per document and value of its boolean variables."""
    raw = info._raw_info
    variables: dict[str, Any] = raw.variable_values  # type: ignore[assignment]
    switches = tuple(item for item in variables.items() if isinstance(item[1], bool))
    key = (face, tuple(map(id, raw.field_nodes)), switches)
    plans = info.context.plans
    if key not in plans:
        if len(plans) >= MOST_PLANS:
            plans.clear()
        plans[key] = plan(SelectionReader(raw.fragments, variables), raw.field_nodes)
    return plans[key]  # type: ignore[no-any-return]


def chosen_organization(info: Info, given: str | None) -> str | None:
    """The organization within reach that an argument names, or the first created one; None when there is none."""
    reached = info.context.principal.organizations
    if given is None:
        return reached[0] if reached else None
    bare = read_organization_id(given)
    return bare if bare in reached else None
