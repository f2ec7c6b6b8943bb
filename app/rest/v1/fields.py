"""Selections: which properties an answer shows, in the order of the model."""

from collections.abc import Mapping
from functools import lru_cache

from app.errors import Malformed
from app.query.messages import show
from app.query.sql.render import Selection
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
"""What every JavaScript object has: on such names LoopBack stumbles, so they are refused and not ignored."""

UNTRUE = (None, False, 0, "", "false", "0")


def read_fields(value: object, model: Model = CLIENT) -> Selection:
    """The selection of a `fields`: a name, a list of names, or an object of names to show or else to hide.

    Names that are no properties select nothing. Raises Malformed for null, nested lists, and names of every object.
    """
    if value is None or (isinstance(value, list) and any(isinstance(name, list) for name in value)):
        raise Malformed(f"The fields parameter {show(value)} is not valid", "fields")
    if isinstance(value, Mapping):
        shown = chosen_names(value)
        return select(_known(shown or value, model), model, hide=not shown) if value else model.everything
    names = [value] if isinstance(value, str) else value
    return select(_known(names, model), model) if isinstance(names, list) and names and value else model.everything


def chosen_names(value: Mapping[str, object]) -> list[str]:
    """The names that an object of names shows; where it shows none, it hides those it has."""
    return [name for name, wanted in value.items() if isinstance(wanted, Mapping | list) or wanted not in UNTRUE]


def _known(names: object, model: Model) -> frozenset[str]:
    given = [name for name in names if isinstance(name, str)]  # type: ignore[attr-defined]
    for name in given:
        if name in INHERITED:
            raise Malformed(f"There is no property {name!r}", "fields")
    return frozenset(given).intersection(model.face.fields)


@lru_cache(maxsize=1024)
def select(names: frozenset[str], model: Model = CLIENT, *, hide: bool = False) -> Selection:
    """The properties of these names, or all others; one object for each choice, as statements are kept by it."""
    chosen = tuple((name, field) for name, field in model.everything if (name in names) is not hide)
    return model.everything if len(chosen) == len(model.everything) else chosen
