"""The records of an organization as rows that are rendered inside the organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
)

from app.clients.search import WINDOW, without_index
from app.clients.statements import has_big_share
from app.query.cursor import make_fingerprint, positions, read_cursor
from app.query.face import Face
from app.query.model import NO_CONDITIONS
from app.query.request import ASCENDING_ID, CursorArgument, ListRequest
from app.query.sql.connections import write_id_cursor
from app.query.sql.looks import Looks, find_rows
from app.query.sql.orders import is_indexed, order_keys
from app.query.sql.page_rows import Place, Shape, Way, meets, name_keys, scope
from app.query.sql.pages import NO_SEARCH, Search, condition_parameters, make_shape, page_parameters, write_row_cursor
from app.query.sql.render import Columns
from app.storage.tables import client_totals, clients

ID_TYPE = Text()


@dataclass(frozen=True, slots=True)
class Records:
    """The live records of an organization under a face, in the order of their ids."""

    face: Face
    columns: Sequence[str] = ("id",)
    descending: bool = False
    key_type: Any = ID_TYPE

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        own = clients.alias()
        rows = select(own.c.id.label("key"), *(own.c[name] for name in names))
        return rows.where(own.c.organization_id == owner["id"], own.c.deleted_at.is_(None)).correlate_except(own)

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        """The sum of the organization's slots, at the same cost for every size."""
        own = client_totals.alias()
        total = select(cast(func.coalesce(func.sum(own.c.n), 0), BigInteger)).where(
            own.c.organization_id == owner["id"]
        )
        return total.correlate_except(own).scalar_subquery()

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        return write_id_cursor(literal(find_scope(self.face), Text()), key)


def find_scope(face: Face) -> str:
    """The scope of the cursors of a list without conditions, in the order of the ids."""
    return make_fingerprint(face.name, NO_CONDITIONS)


def read_record_cursor(face: Face, cursor: CursorArgument) -> str:
    """The id of the record that a cursor of such a list names. Raises Malformed for any other text."""
    values = read_cursor(find_scope(face), cursor.text, cursor.name, 1)
    (record_id,) = positions(face, (ASCENDING_ID,), values, cursor.name)
    return str(record_id)


@dataclass(frozen=True, slots=True)
class RecordCursor:
    """The cursor of a record in the list of all live records, in the order of their ids."""

    face: Face
    columns: Sequence[str] = ("id",)

    def render(self, columns: Columns) -> ColumnElement[str]:
        return Records(self.face).write_cursor(columns, columns["id"])


BOUNDS = {"after": "earlier_", "before": "later_"}
"""The sides of a page, and the beginning of the names of the parameters for the rows there."""


@dataclass(frozen=True, slots=True)
class ChosenRecords:
    """A page of the records of an organization that meet conditions or have search terms, in any order.

    `looks` find the page and one row more. `outside` find a row at each bound or outside of it. The names of all parameters
    begin with `prefix`.
    """

    looks: Looks
    outside: tuple[Looks | None, Looks | None]
    unconditional: bool
    prefix: str
    columns: Sequence[str] = ("id",)

    @classmethod
    def of(cls, request: ListRequest, prefix: str) -> tuple[Self, Mapping[str, Any]]:
        """The page of a request, and the values of its parameters."""
        page = request.with_one_more()
        parameters = {f"{prefix}list": request.fingerprint, **page_parameters(page.page, prefix)}
        parameters |= condition_parameters(request.values, request.terms, prefix)
        if request.by_relevance:
            parameters[f"{prefix}term"] = " ".join(request.words)
        looks: list[Looks | None] = []
        for side, outside in zip(BOUNDS.values(), (request.row_up_to_start(), request.row_from_end()), strict=True):
            looks.append(outside and make_looks(outside, prefix + side))
            parameters |= page_parameters(outside.page, prefix + side) if outside else {}
        return cls(make_looks(page, prefix), (looks[0], looks[1]), request.is_unconditional, prefix), parameters

    @property
    def shape(self) -> Shape:
        return self.looks.hits

    @property
    def limit(self) -> int:
        return self.shape.limit - 1

    @property
    def backward(self) -> bool:
        return self.shape.order.backward

    def find(self, owner: Columns, names: Sequence[str]) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        rows = self._find(self.looks, owner, names)
        return rows, order_keys(self.shape.order, name_keys(self.shape.order, rows.c))

    def reaches(self, owner: Columns, side: str) -> ColumnElement[bool]:
        looks = self.outside[list(BOUNDS).index(side)]
        if looks is None:
            return false()
        return select(literal_column("1")).select_from(self._find(looks, owner, ())).exists()

    def count(self, owner: Columns) -> ColumnElement[int]:
        if self.unconditional:
            return self._count_all(owner)
        counted = self._count_hits(owner, skip_tenant_key=False)
        if not self.shape.terms:
            return counted
        return case(
            (has_big_share(self._count_all(owner)), self._count_hits(owner, skip_tenant_key=True)), else_=counted
        )

    def _count_all(self, owner: Columns) -> ColumnElement[int]:
        return Records(self.shape.order.face).count_rows(owner)

    def _count_hits(self, owner: Columns, *, skip_tenant_key: bool) -> ColumnElement[int]:
        shape = self.shape
        met = meets(shape.order.face, shape.where, shape.terms, clients.c, self.prefix)
        owned = scope(clients, shape.deleted_too, skip_tenant_key=skip_tenant_key, organization=owner["id"])
        counted = select(func.count()).select_from(clients).where(owned, met)
        return counted.correlate_except(clients).scalar_subquery()

    def write_cursor(self, owner: Columns, row: Columns) -> ColumnElement[str]:
        return write_row_cursor(bindparam(f"{self.prefix}list", type_=Text()), self.shape.order, row)

    def _find(self, looks: Looks, owner: Columns, names: Sequence[str]) -> FromClause:
        return find_rows(looks, names, Place(owner["id"], self.prefix, "each"), has_big_share(self._count_all(owner)))


def make_looks(request: ListRequest, prefix: str, window: int = WINDOW) -> Looks:
    """The ways to the rows of a page: one without search terms, and otherwise those of Searcher."""
    if not request.terms:
        return Looks(make_shape(clients, request, NO_SEARCH, prefix))
    hits = make_shape(clients, request, Search(request.terms, Way.USE_INDEX), prefix)
    if not is_indexed(clients, request.face, request.orders):
        return Looks(hits)
    frequent = Search(without_index(request.word_terms), Way.SCAN_WINDOW, window)
    return Looks(hits, make_shape(clients, request, frequent, prefix))
