"""Includes: the organization of a client, put into its JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.errors import Malformed
from app.organizations.faces import INCLUDED
from app.organizations.repository import Organization
from app.query.dialects import LOOPBACK
from app.query.messages import show
from app.query.model import EVERYTHING, Predicate
from app.query.reader import read_predicate
from app.rest.v1.fields import chosen_names
from app.rest.v1.models import CLIENT, Model

RELATION, FOREIGN_KEY = "organization", "organizationId"
SHOWN = ("id", "name", "email", "country")


@dataclass(frozen=True, slots=True)
class Include:
    """The organization, with all that is shown of one or with the named properties and the id, if it meets a condition."""

    fields: tuple[str, ...] = SHOWN
    where: Predicate = EVERYTHING


def read_include(value: object, model: Model = CLIENT) -> Include | None:
    """What an `include` asks for; as in LoopBack, an empty or odd value asks for nothing. Raises Malformed."""
    included = None
    for relation, scope in _relations(value):
        if relation not in model.relations:
            raise Malformed(f"Relation {show(relation)} is not defined for {model.name} model", "include")
        included = _read_scope(scope)
    return included


def _relations(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, str) and value:
        yield value, None
    elif isinstance(value, list):
        for member in value:
            yield from _relations(member)
    elif isinstance(value, Mapping) and "relation" in value:
        yield value["relation"], value.get("scope")
    elif isinstance(value, Mapping):
        for relation, nested in value.items():
            yield relation, {"include": nested}


def _read_scope(scope: object) -> Include:
    if not scope or not isinstance(scope, Mapping):
        return Include()
    if list(_relations(scope.get("include"))):
        raise Malformed("An included organization includes nothing itself", "include")
    unread = [name for name in scope if name not in ("fields", "include", "where")]
    if unread:
        raise Malformed(f"The scope of an included organization has fields and where, not {unread[0]!r}", "include")
    where = scope.get("where")
    return Include(_shown(scope.get("fields")), read_predicate(where, LOOPBACK, INCLUDED) if where else EVERYTHING)


def _shown(fields: object) -> tuple[str, ...]:
    names = [fields] if isinstance(fields, str) else fields if isinstance(fields, list) else []
    if isinstance(fields, Mapping):
        names = chosen_names(fields) or [name for name in SHOWN if name not in fields]
    return tuple(name for name in SHOWN if name == "id" or not names or name in names)


def embed(row: str, organization: Organization | None, include: Include) -> str:
    """A rendered client with its organization; without it where that was not found or does not meet the condition."""
    if organization is None:
        return row
    values: dict[str, Any] = {name: getattr(organization, name) for name in include.fields}
    return f'{row[:-1]},"{RELATION}":{orjson.dumps(values).decode()}}}'
