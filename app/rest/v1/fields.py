"""Fields and includes: the properties that an answer shows, and the organization that is embedded in a client."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from app.errors import Malformed
from app.organizations.faces import INCLUDED
from app.organizations.repository import Organization
from app.query.model import EVERYTHING, Predicate
from app.query.reader import read_predicate
from app.query.sql.render import Selection
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.messages import show
from app.rest.v1.models import CLIENT, Model

ALL: Selection = CLIENT.everything

INHERITED = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
"""Members of every JavaScript object. LoopBack fails on these names, so they are errors and not ignored."""

UNTRUE = (None, False, 0, "", "false", "0")


def read_fields(value: object, model: Model = CLIENT) -> Selection:
    """The selection of `fields`: a name, a list of names, or an object of names to show or to hide.

    Unknown names select nothing. Raises Malformed for null, nested lists, and members of every JavaScript object.
    """
    if value is None or (isinstance(value, list) and any(isinstance(name, list) for name in value)):
        raise Malformed(f"The fields parameter {show(value)} is not valid", "fields")
    if isinstance(value, Mapping):
        shown = chosen_names(value)
        return select(_known(shown or value, model), model, hide=not shown) if value else model.everything
    names = [value] if isinstance(value, str) else value
    return select(_known(names, model), model) if isinstance(names, list) and names and value else model.everything


def chosen_names(value: Mapping[str, object]) -> list[str]:
    """The names that an object shows. When it shows no name, it hides all names in it."""
    return [name for name, wanted in value.items() if isinstance(wanted, Mapping | list) or wanted not in UNTRUE]


def _known(names: object, model: Model) -> frozenset[str]:
    texts = [name for name in names if isinstance(name, str)]  # type: ignore[attr-defined]
    for name in texts:
        if name in INHERITED:
            raise Malformed(f"fields must name properties; got {name!r}.", "fields")
    return frozenset(texts).intersection(model.face.fields)


@lru_cache(maxsize=1024)
def select(names: frozenset[str], model: Model = CLIENT, *, hide: bool = False) -> Selection:
    """The properties of these names, or all others. The result is cached, because statements are kept by it."""
    chosen = tuple((name, field) for name, field in model.everything if (name in names) is not hide)
    return model.everything if len(chosen) == len(model.everything) else chosen


RELATION, FOREIGN_KEY = "organization", "organizationId"
SHOWN = ("id", "name", "email", "country")


@dataclass(frozen=True, slots=True)
class Include:
    """An embedded organization with these properties, if it meets the condition."""

    fields: tuple[str, ...] = SHOWN
    where: Predicate = EVERYTHING


def read_include(value: object, model: Model = CLIENT) -> Include | None:
    """Reads an `include`. As in LoopBack, an empty or odd value includes nothing. Raises Malformed."""
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
        raise Malformed("The scope of an included organization cannot have an include.", "include")
    unread = [name for name in scope if name not in ("fields", "include", "where")]
    if unread:
        raise Malformed(
            f"The scope of an included organization must have only fields and where; got {unread[0]!r}.", "include"
        )
    where = scope.get("where")
    return Include(_shown(scope.get("fields")), read_predicate(where, LOOPBACK, INCLUDED) if where else EVERYTHING)


def _shown(fields: object) -> tuple[str, ...]:
    names = [fields] if isinstance(fields, str) else fields if isinstance(fields, list) else []
    if isinstance(fields, Mapping):
        names = chosen_names(fields) or [name for name in SHOWN if name not in fields]
    return tuple(name for name in SHOWN if name == "id" or not names or name in names)


def render_included(organization: Organization, include: Include) -> str:
    """An organization as JSON, with the properties of an include."""
    values: dict[str, Any] = {name: getattr(organization, name) for name in include.fields}
    return orjson.dumps(values).decode()


def embed(row: str, organization: str) -> str:
    """A rendered client with its rendered organization."""
    return f'{row[:-1]},"{RELATION}":{organization}}}'
