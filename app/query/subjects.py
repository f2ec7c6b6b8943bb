"""Subject: the field, or the value inside a JSON field, that a condition of a filter is about."""

from dataclasses import dataclass

from app.errors import Malformed
from app.query.face import Field


@dataclass(frozen=True, slots=True)
class Subject:
    """The field, or the value at `path` inside a JSON field, that a condition is about. `name` is the caller's spelling.

    `words` pairs the public words of the value with stored words; see Codec.
    """

    field: Field
    name: str
    path: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()


def find_member(subject: Subject, path: tuple[str, ...]) -> Subject:
    """The value at a path inside a JSON field. A document with a public spelling is read by the names of its fields.

    Raises Malformed for a name that such a document does not have.
    """
    document, at = subject.field.codec.document, 1 if subject.field.codec.many else 0
    if document is None or len(path) <= at:
        return Subject(subject.field, subject.name, path)
    member = document.fields.get(path[at])
    if member is None:
        names = ", ".join(document.fields)
        raise Malformed(f"There is no field {path[at]!r} in `{subject.name}`. Fields are {names}.", subject.name)
    stored = (*path[:at], member.column, *path[at + 1 :])
    return Subject(subject.field, subject.name, stored, member.codec.words)
