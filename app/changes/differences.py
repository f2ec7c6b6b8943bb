"""The differences between the two images of a change, field by field."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import orjson

from app.changes.record import PastChange
from app.query.face import Face

ALWAYS_CHANGED = frozenset({"version", "updated_at"})
"""The columns that every change writes."""


class Difference(NamedTuple):
    """A field of a face with its values before and after a change, as JSON values."""

    field: str
    before: Any
    after: Any


def find_differences(change: PastChange, face: Face) -> list[Difference]:
    """The fields with a new value, in the order of the face. Of a creation: those that its caller sent. Without images: none."""
    if change.after is None:
        return []
    after: Mapping[str, Any] = orjson.loads(change.after)
    if change.before is None:
        sent = None if change.sent_columns is None else orjson.loads(change.sent_columns)
        return [Difference(name, None, value) for name, value in after.items() if _is_sent(name, value, face, sent)]
    before: Mapping[str, Any] = orjson.loads(change.before)
    return [
        Difference(name, before.get(name), value)
        for name, value in after.items()
        if value != before.get(name) and face.fields[name].column not in ALWAYS_CHANGED
    ]


def _is_sent(name: str, value: object, face: Face, sent: Collection[str] | None) -> bool:
    """True for a field with a value that the caller of a creation sent.

    An import notes no columns: every field of a file with a value counts, except for those that an API never writes.
    """
    field = face.fields[name]
    if value is None:
        return False
    return field.column in sent if sent is not None else field.writable and value not in (False, {}, [])
