"""The changes of a record, and what belongs to a change, as rows that are rendered inside their owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, false, func, literal_column, select, true

from app.changes.columns import CODED_FACES, author_columns, bare_id, find_differences, render_image
from app.changes.faces import CHANGE_FIELDS
from app.changes.record import read_history_cursor, read_history_owner
from app.query.face import Codec, Face, Field, Kind
from app.query.request import CursorArgument
from app.query.sql.connections import count_rows, write_cursor
from app.query.sql.render import Columns, Selection, needed_columns, render_list, render_node_id, render_object
from app.storage.tables import client_changes, clients


class History:
    """The changes of a record, newest first."""

    columns: Sequence[str] = ("organization_id", "id")
    descending = True
    key_type: Any = BigInteger()

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = client_changes.c
        of_record = (own.organization_id == owner["organization_id"], own.client_id == owner["id"])
        rows = select(own.id.label("key"), *(own[name] for name in names))
        return rows.where(*of_record).correlate_except(client_changes)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        return count_rows(self.select_rows(owner, ()))

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        scope = func.concat(literal_column("'history '"), owner["organization_id"], literal_column("' '"), owner["id"])
        return write_cursor(scope, func.concat(literal_column("'['"), key, literal_column("']'"), type_=Text()))


HISTORY = History()


def read_owned_cursor(cursor: CursorArgument) -> tuple[tuple[str, str], int]:
    """The record that a cursor of a history belongs to, and the number in it. Raises Malformed for any other text."""
    owner = read_history_owner(cursor.text, cursor.name)
    return owner, read_history_cursor(*owner, cursor.text, cursor.name)


@dataclass(frozen=True, slots=True)
class ChangeId:
    """The global id of a change under a face of its record."""

    face: Face
    columns: Sequence[str] = ("id",)

    def render(self, columns: Columns) -> ColumnElement[str]:
        return render_node_id("Change", bare_id(columns["id"], self.face))


@dataclass(frozen=True, slots=True)
class Image:
    """The image of the record before or after a change, under one of its faces."""

    name: str
    face: Face
    columns: Sequence[str] = ("before", "after")

    def render(self, columns: Columns) -> ColumnElement[Any]:
        return render_image(columns, self.name, self.face)


def _make_change_face(face: Face) -> Face:
    """The field table of a change whose images have the fields of `face`."""
    images = (
        Field(name, name, Kind.JSON, Codec(computed=Image(name, face)), writable=False) for name in ("before", "after")
    )
    id_ = Field("id", "id", Kind.ID, Codec(computed=ChangeId(face)), writable=False, nullable=False)
    fields = {field.name: field for field in (id_, *CHANGE_FIELDS, *images)}
    return Face(f"changes of {face.name}", "Change", fields, folds=False)


CHANGE_FACES: Mapping[str, Face] = {face.name: _make_change_face(face) for face in CODED_FACES}
"""The field tables of changes by the name of their record's face."""


@dataclass(frozen=True, slots=True)
class Differences:
    """The fields of a face that a change has given a new value."""

    face: Face
    columns: Sequence[str] = ("before", "after", "sent_columns")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        before, after = (render_image(owner, name, self.face) for name in ("before", "after"))
        found = find_differences(owner, before, after, self.face)
        listed = render_list(render_object(members, found.c), found.c.number)
        return select(listed).select_from(found).correlate_except(found).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a change. `shows_addresses` is true for callers that may see the addresses of accounts."""

    shows_addresses: bool
    columns: Sequence[str] = ("actor", "organization_id")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        shows_addresses = true() if self.shows_addresses else false()
        return render_object(members, author_columns(owner["actor"], owner["organization_id"], shows_addresses))


@dataclass(frozen=True, slots=True)
class ChangedRecord:
    """The record of a change as it is now; null if it is erased."""

    columns: Sequence[str] = ("organization_id", "client_id")

    def render(self, owner: Columns, members: Selection) -> ColumnElement[Any]:
        of_change = (clients.c.organization_id == owner["organization_id"], clients.c.id == owner["client_id"])
        names = dict.fromkeys(("id", *needed_columns(members)))
        own = (
            select(*(clients.c[name] for name in names)).where(*of_change).correlate_except(clients).subquery("record")
        )
        return render_object(members, own.c, own)
