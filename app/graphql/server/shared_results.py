"""Results of events that are executed once for all followers that ask for the same."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import orjson
from graphql import DocumentNode, FieldNode, Node, OperationDefinitionNode, VariableNode

from app.auth import Principal

KEPT, KEPT_BYTES, LONGEST_KEPT = 200, 4_000_000, 1.0
"""Results are kept up to this number, this size and this age in seconds. A result may show more than the event itself."""


class Event(Protocol):
    """A change of a record. `position` is its cursor, and `shared_key` is all of it that a result depends on."""

    position: str | None

    @property
    def shared_key(self) -> Hashable: ...


class Sized(Protocol):
    @property
    def size(self) -> int:
        """The size in bytes."""


SizedT = TypeVar("SizedT", bound=Sized)


@dataclass(frozen=True, slots=True)
class EventQuestion:
    """All that the result of an event depends on, apart from the event.

    `document` keeps the document alive for its id. `variables` is JSON, or None if they cannot be compared.
    """

    document: DocumentNode = field(compare=False)
    document_id: int
    operation_name: str | None
    variables: bytes | None
    principal: Principal

    def about(self, event: Event) -> Hashable:
        """The key of the result of an event."""
        return object() if self.variables is None else (self, event.shared_key)


def ask_about_events(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], principal: Principal
) -> EventQuestion:
    """The question of a subscription.

    The tokens of an account see the same. Variables in the arguments of the subscription's own field choose its events, and
    change no result.
    """
    if principal.account_id is not None:
        principal = replace(principal, token_id="")
    names = set(find_variables(document, operation))
    used = _write({name: value for name, value in variables.items() if name in names})
    name = operation.name.value if operation.name else None
    return EventQuestion(document, id(document), name, used, principal)


def _write(variables: Mapping[str, Any]) -> bytes | None:
    try:
        return orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None


def find_variables(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[str]:
    """The names of the variables that an operation uses outside of the arguments of its root fields."""
    nodes: list[Node] = [node for node in document.definitions if not isinstance(node, OperationDefinitionNode)]
    for root in operation.selection_set.selections:
        if isinstance(root, FieldNode):
            nodes += [*(root.directives or ()), *([root.selection_set] if root.selection_set else ())]
        else:
            nodes.append(root)
    while nodes:
        node = nodes.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
        for key in node.keys:
            part = getattr(node, key, None)
            parts = part if isinstance(part, list | tuple) else (part,)
            nodes += [inner for inner in parts if isinstance(inner, Node)]


class SharedResults(Generic[SizedT]):
    """The newest results of events by what they depend on, each executed once."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[Hashable, tuple[asyncio.Task[SizedT], float]] = OrderedDict()
        self._bytes = 0

    async def wait_for_turn(self) -> None:
        """Lets one follower go on in each round of the event loop. A change wakes all followers at the same time."""
        async with self._turn:
            await asyncio.sleep(0)

    async def find(self, key: Hashable, execute: Callable[[], Awaitable[SizedT]]) -> SizedT:
        """The result for a key. The first follower executes it, in a task that goes on when the follower leaves."""
        task, started = self._kept.get(key, (None, 0.0))
        now = asyncio.get_running_loop().time()
        if task is None or now - started > LONGEST_KEPT:
            self._drop(key)
            task = asyncio.create_task(_run(execute))
            self._kept[key] = task, now
            task.add_done_callback(partial(self._count, key))
        return await asyncio.shield(task)

    def _count(self, key: Hashable, task: "asyncio.Task[SizedT]") -> None:
        """Counts a result that is ready, and drops the oldest ones beyond the limits."""
        if self._kept.get(key, (None,))[0] is task:
            self._bytes += _size(task)
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        task, _ = self._kept.pop(key, (None, 0.0))
        if task is not None and task.done():
            self._bytes -= _size(task)


async def _run(execute: Callable[[], Awaitable[SizedT]]) -> SizedT:
    return await execute()


def _size(task: "asyncio.Task[SizedT]") -> int:
    return 0 if task.cancelled() or task.exception() is not None else task.result().size
