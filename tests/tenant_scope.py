"""The tenant scope of every statement that the tests run: a statement on a tenant's table names the organization.

`listen` wraps the compiler of `app.storage.connection`, so each new statement is checked once, before it runs. The
service's own tasks and the operator's commands read all organizations; `ALL_ORGANIZATIONS` lists them with the reason.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakSet

from sqlalchemy import ClauseElement, ColumnElement, Delete, FromClause, Insert, Select, Table, TextClause, Update
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ColumnClause, False_, Grouping
from sqlalchemy.sql.selectable import AliasedReturnsRows, Join, Lateral, Subquery

from app.storage import connection, tables

COMPARISONS = (operators.eq, operators.in_op, operators.is_not_distinct_from)
"""No organization's id is null, so IS NOT DISTINCT FROM is an equality that no index has."""
SCOPES: Mapping[Table, frozenset[str]] = {
    tables.organizations: frozenset({"id"}),
    tables.clients: frozenset({"organization_id"}),
    tables.client_totals: frozenset({"organization_id"}),
    tables.client_changes: frozenset({"organization_id"}),
    tables.client_keys: frozenset({"organization_id"}),
    tables.client_key_values: frozenset({"organization_id"}),
    tables.idempotency_keys: frozenset({"organization_id", "owner"}),
    tables.outbox: frozenset({"organization_id"}),
    tables.webhooks: frozenset({"organization_id"}),
    tables.webhook_deliveries: frozenset({"organization_id"}),
}
"""The tables with rows of organizations, and the columns that name the organization or the owner of a row."""

ALL_ORGANIZATIONS: Mapping[str, str] = {
    "app.deliveries.queue.claim": "one worker delivers the events of every organization",
    "app.deliveries.queue.find_due": "one worker delivers the events of every organization",
    "app.deliveries.queue.measure_deliveries": "the metrics count the events of all organizations",
    "app.mail.outbox.claim_due": "one worker delivers the messages of every organization",
    "app.mail.outbox.cancel_messages": "a command of the operator cancels messages by their ids",
    "app.mail.outbox.erased_messages": "the retention worker looks up the messages of the mail files by their ids",
    "app.mail.outbox.retry_failed": "a command of the operator sends messages again",
    "app.mail.outbox.retry_messages": "a command of the operator sends messages again by their ids",
    "app.mail.repository.measure_outbox": "the metrics count the messages of all organizations",
    "app.mail.repository.list_messages": "a command of the operator lists the outbox",
    "app.organizations.repository.OrganizationRepository.any_exist": "the demo is loaded into an empty database only",
    "app.organizations.repository.OrganizationRepository.list_all": "a command of the operator lists the organizations",
    "app.privacy.erasure.find_client": "a command of the operator finds a client by its id",
    "app.privacy.purge": "the retention worker finds the deleted organizations and runs its batches for all",
    "app.privacy.subjects.export_subject": "a command of the operator exports what is stored about a person",
    "app.privacy.worker.RetentionWorker": "one worker keeps the retention times of every organization",
    "app.webhooks.reader.EventReader.read": "one reader finds the organizations with changes for webhooks",
}
"""The functions and classes that touch rows of all organizations, with the reason."""


@dataclass(frozen=True)
class Unscoped:
    """A statement that touches a tenant's table without naming the organization."""

    table: str
    caller: str
    sql: str

    def __str__(self) -> str:
        columns = " or ".join(sorted(_columns_of(self.table)))
        return f"{self.caller} touches {self.table} without {columns}: {' '.join(self.sql.split())}"


def _columns_of(table: str) -> frozenset[str]:
    return next(columns for tenant, columns in SCOPES.items() if tenant.name == table)


def listen(unscoped: list[Unscoped]) -> None:
    """Adds every statement without a tenant scope to the list, from now on until the process ends."""
    compiled = connection.compile_statement
    checked: WeakSet[ClauseElement] = WeakSet()

    def check_and_compile(statement: ClauseElement, columns: tuple[str, ...] | None) -> Any:
        result = compiled(statement, columns)
        if statement not in checked:
            checked.add(statement)
            caller = _find_caller()
            if caller.startswith("app.") and not caller.startswith(tuple(ALL_ORGANIZATIONS)):
                unscoped.extend(Unscoped(name, caller, result[0]) for name in find_unscoped(statement))
        return result

    connection.compile_statement = check_and_compile


def _find_caller() -> str:
    """Returns the full name of the function that runs the statement."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"] in (__name__, connection.__name__):
        frame = frame.f_back
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}"


def find_unscoped(statement: ClauseElement) -> Iterator[str]:
    """Yields the tenants' tables that a part of the statement touches without a condition on the organization."""
    tables_around: dict[str, list[FromClause]] = {}
    names: dict[int, str] = {}
    for element in _walk(statement):
        if isinstance(element, Lateral):
            inner = element.element
            names[id(inner.element if isinstance(inner, Subquery) else inner)] = str(element.name)
        elif isinstance(element, Select):
            yield from _check_select(element, tables_around, names.get(id(element), ""))
        elif isinstance(element, Update | Delete):
            yield from _check_leaves([element.table], element._where_criteria)
        elif isinstance(element, Insert):
            yield from _check_insert(element)
        elif isinstance(element, TextClause):
            yield from (table.name for table in SCOPES if f"FROM {table.name}" in element.text)


def _walk(statement: ClauseElement) -> Iterator[Any]:
    """Yields every part of a statement once, with the subqueries and the common table expressions of its columns."""
    waiting: list[Any] = [statement]
    seen: set[int] = set()
    while waiting:
        element = waiting.pop()
        if id(element) in seen:
            continue
        seen.add(id(element))
        yield element
        waiting.extend(element.get_children())
        table = getattr(element, "table", None)
        if isinstance(table, AliasedReturnsRows):
            waiting.append(table)


def _check_select(select: "Select[Any]", tables_around: dict[str, list[FromClause]], lateral: str) -> Iterator[str]:
    """Checks the tables of a SELECT. A LATERAL subquery takes tables from the SELECT around it, where they are checked."""
    leaves: list[FromClause] = []
    conditions = list(select._where_criteria)
    for source in _find_froms(select):
        _collect(source, leaves, conditions)
    tables_around.update((str(leaf.name), leaves) for leaf in leaves if isinstance(leaf, Lateral))
    own = [leaf for leaf in leaves if leaf not in tables_around.get(lateral, ())]
    yield from _check_leaves(own, conditions)


def _find_froms(select: "Select[Any]") -> Iterable[FromClause]:
    """Returns the FROM list of a SELECT, as `get_final_froms` does, which compiles all columns for it."""
    if select._setup_joins:
        return select.get_final_froms()
    expressions = (*select._raw_columns, *select._where_criteria)
    named = chain.from_iterable(expression._from_objects for expression in expressions)
    sources = dict.fromkeys(chain(select._from_obj, named))
    hidden = set(chain.from_iterable(source._hide_froms for source in sources))
    return [source for source in sources if source not in hidden]


def _collect(source: Any, leaves: list[FromClause], conditions: list[ColumnElement[Any]]) -> None:
    """Adds the tables of a FROM and the conditions of its joins."""
    if isinstance(source, Join):
        _collect(source.left, leaves, conditions)
        _collect(source.right, leaves, conditions)
        if source.onclause is not None:
            conditions.append(source.onclause)
    else:
        leaves.append(source)


def _check_leaves(leaves: list[Any], conditions: Any) -> Iterator[str]:
    parts = [part for condition in conditions for part in _split_and(condition)]
    for leaf in leaves:
        table: Any = leaf.element if isinstance(leaf, AliasedReturnsRows) else leaf
        if table in SCOPES and not any(_names_organization(part, leaf, SCOPES[table]) for part in parts):
            yield table.name


def _split_and(condition: Any) -> Iterator[Any]:
    """Yields the conditions that must all be true."""
    if isinstance(condition, Grouping):
        yield from _split_and(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _split_and(part)
    else:
        yield condition


def _names_organization(part: Any, leaf: Any, columns: frozenset[str]) -> bool:
    """True if the condition compares the organization of the rows with a value or with another table's column."""
    if isinstance(part, False_) or str(part) == "false":
        return True
    if isinstance(part, BooleanClauseList) and part.operator is operators.or_:
        return all(_names_organization(each, leaf, columns) for each in part.clauses)
    if not isinstance(part, BinaryExpression) or part.operator not in COMPARISONS:
        return False
    sides = [(part.left, part.right), (part.right, part.left)]
    return any(_is_column(one, leaf, columns) and not _mentions(other, leaf) for one, other in sides)


def _is_column(side: Any, leaf: Any, columns: frozenset[str]) -> bool:
    return isinstance(side, ColumnClause) and side.table is leaf and side.name in columns


def _mentions(side: Any, leaf: Any) -> bool:
    return any(isinstance(each, ColumnClause) and each.table is leaf for each in visitors.iterate(side))


def _check_insert(insert: Insert) -> Iterator[str]:
    columns = SCOPES.get(insert.table) if isinstance(insert.table, Table) else None
    names = set(insert._select_names or ()) | {getattr(key, "name", key) for key in (insert._values or {})}
    if columns and names and not columns & names:
        yield insert.table.name
