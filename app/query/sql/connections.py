"""Connections: a page of the rows that belong to a row, as one JSON object inside the JSON of that row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
)

from app.query.face import Codec, Face, Field, Link
from app.query.sql.render import Columns, Selection, needed_columns, render_list, render_object

PLACE, COUNT, CURSOR = "a place", "a count", "a cursor"
TOTAL, HAS_NEXT, HAS_PREVIOUS, START_CURSOR, END_CURSOR = "a total", "has next", "has previous", "a start", "an end"
"""Names with a space, so that they differ from all columns."""
ENDS = frozenset({START_CURSOR, END_CURSOR})


def _make_part(name: str, column: str, codec: Codec | None = None) -> Field:
    return Field(name, column, codec=codec or Codec(), writable=False, filterable=False, sortable=False, nullable=False)


def _make_page_info() -> Face:
    names = {
        "hasNextPage": HAS_NEXT,
        "hasPreviousPage": HAS_PREVIOUS,
        "startCursor": START_CURSOR,
        "endCursor": END_CURSOR,
    }
    return Face("page info", "PageInfo", {name: _make_part(name, column) for name, column in names.items()}, folds=True)


EDGE_CURSOR = _make_part("cursor", CURSOR)
TOTAL_COUNT = _make_part("totalCount", TOTAL)
PAGE_INFO_FACE = _make_page_info()
PAGE_INFO = _make_part("pageInfo", "", Codec(document=PAGE_INFO_FACE, link=Link.SAME_ROW))


@cache
def list_field(name: str, index: int) -> Field:
    """The field `nodes` or `edges` that shows the list with this index."""
    return _make_part(name, list_name(index))


def list_name(index: int) -> str:
    """The column of a connection's list: of `nodes` or `edges` under one response key."""
    return f"a list {index}"


@dataclass(frozen=True, slots=True)
class PageShape:
    """All of a page that its SQL depends on. `after` and `before` are the names of the parameters with their keys."""

    limit: int
    backward: bool = False
    after: str = ""
    before: str = ""


class RowSource(Protocol):
    """The rows that belong to a row, their owner, in the order of one key. `columns` are those of the owner that they need."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def descending(self) -> bool:
        """True if the list begins with the largest key."""
        ...

    @property
    def key_type(self) -> Any:
        """The type of the key in SQL."""
        ...

    def select_rows(self, owner: Columns, names: Sequence[str]) -> Select[Any]:
        """All rows of an owner, not yet ordered: first the key as `key`, then the columns `names`. It correlates with the
        owner, and not with the tables of its own."""
        ...

    def count_rows(self, owner: Columns) -> ColumnElement[int]:
        """The number of all rows of an owner."""
        ...

    def write_cursor(self, owner: Columns, key: ColumnElement[Any]) -> ColumnElement[str]:
        """The cursor of the row with a key."""
        ...


class PageSource(Protocol):
    """A page of the rows that belong to a row, their owner. `columns` are those of the owner that they need."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def limit(self) -> int: ...

    @property
    def backward(self) -> bool: ...

    def find(self, owner: Columns, names: Sequence[str]) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        """The rows of the page and one more, with the columns `names` and keys, and their order in the direction of the page."""
        ...

    def reaches(self, owner: Columns, side: str) -> ColumnElement[bool]:
        """True if a row lies at the bound `after` or `before` of the page, or outside of it."""
        ...

    def count(self, owner: Columns) -> ColumnElement[int]:
        """The number of all rows of an owner."""
        ...

    def write_cursor(self, owner: Columns, row: Columns) -> ColumnElement[str]:
        """The cursor of a row that `find` gives."""
        ...


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """A page of the rows of a source, in the order of their key."""

    source: RowSource
    shape: PageShape

    @property
    def columns(self) -> Sequence[str]:
        return self.source.columns

    @property
    def limit(self) -> int:
        return self.shape.limit

    @property
    def backward(self) -> bool:
        return self.shape.backward

    def find(self, owner: Columns, names: Sequence[str]) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        rows = self.source.select_rows(owner, names)
        key = rows.selected_columns["key"]
        bounds = [self._beyond(key, side) for side in ("after", "before") if getattr(self.shape, side)]
        page = rows.where(*bounds).order_by(self._direct(key)).limit(_number(self.limit + 1)).subquery("each")
        return page, (self._direct(page.c.key),)

    def reaches(self, owner: Columns, side: str) -> ColumnElement[bool]:
        if not getattr(self.shape, side):
            return false()
        rows = self.source.select_rows(owner, ())
        return rows.where(~self._beyond(rows.selected_columns["key"], side)).exists()

    def count(self, owner: Columns) -> ColumnElement[int]:
        return self.source.count_rows(owner)

    def write_cursor(self, owner: Columns, row: Columns) -> ColumnElement[str]:
        return self.source.write_cursor(owner, row.key)

    def _direct(self, key: ColumnElement[Any]) -> ColumnElement[Any]:
        return key.desc() if self.source.descending is not self.backward else key.asc()

    def _beyond(self, key: ColumnElement[Any], side: str) -> ColumnElement[bool]:
        """The rows after the row `after`, or before the row `before`."""
        value: ColumnElement[Any] = bindparam(getattr(self.shape, side), type_=self.source.key_type)
        return key < value if self.source.descending is (side == "after") else key > value


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of rows as one object.

    `lists` are the selections of its lists: of the nodes, or of edges, whose node is a link to the same row. `shown` has
    the fields of the connection.
    """

    page: PageSource
    lists: tuple[Selection, ...]
    shown: Selection

    @property
    def columns(self) -> Sequence[str]:
        return self.page.columns

    def render(self, columns: Columns) -> ColumnElement[Any]:
        """The connection of a row. It stands inside a SELECT that has the columns of the row."""
        wanted = frozenset(needed_columns(self.shown))
        page = self._read_page(columns, wanted) if wanted - {TOTAL} else None
        return render_object(self.shown, self._show_facts(columns, page, wanted), page)

    def _read_page(self, owner: Columns, wanted: frozenset[str]) -> FromClause:
        """One row: the lists, whether further rows lie in the direction of the page, and its first and its last cursor."""
        rows, limit = self._read_rows(owner, wanted), _number(self.page.limit)
        values = [self._aggregate(each, rows, limit).label(list_name(index)) for index, each in enumerate(self.lists)]
        values.append((func.count() > limit).label("more"))
        if wanted & ENDS:
            for label, place in (("near", _number(1)), ("far", func.least(rows.c[COUNT], limit))):
                at = and_(rows.c[PLACE] == place, rows.c[PLACE] <= limit)
                values.append(func.max(rows.c[CURSOR]).filter(at).label(label))
        return select(*values).select_from(rows).correlate_except(rows).subquery("page")

    def _read_rows(self, owner: Columns, wanted: frozenset[str]) -> FromClause:
        """The rows of the page and one more, each with its place in the direction of the page."""
        names = dict.fromkeys(name for each in self.lists for name in needed_columns(each))
        shows_cursor = names.pop(CURSOR, self) is None or bool(wanted & ENDS)
        page, order = self.page.find(owner, tuple(names))
        columns: list[ColumnElement[Any]] = [*page.c, func.row_number().over(order_by=order).label(PLACE)]
        if wanted & ENDS:
            columns.append(func.count().over().label(COUNT))
        if shows_cursor:
            columns.append(self.page.write_cursor(owner, page.c).label(CURSOR))
        return select(*columns).select_from(page).correlate_except(page).subquery("x")

    def _aggregate(self, selection: Selection, rows: FromClause, limit: ColumnElement[int]) -> ColumnElement[Any]:
        """A list of the page's rows.

        It is ordered by the place of a row, so PostgreSQL takes it as an aggregate of its own SELECT even if it shows
        constants only. FILTER comes before the rendering, so the row beyond the page is not rendered.
        """
        shown, place = render_object(selection, rows.c), rows.c[PLACE]
        return render_list(shown, place.desc() if self.page.backward else place.asc(), only=place <= limit)

    def _show_facts(self, owner: Columns, page: FromClause | None, wanted: frozenset[str]) -> Mapping[str, Any]:
        """The columns of the connection by their names."""
        facts: dict[str, Any] = {}
        if TOTAL in wanted:
            facts[TOTAL] = self.page.count(owner)
        if page is None:
            return facts
        facts |= {list_name(index): page.c[list_name(index)] for index in range(len(self.lists))}
        facts |= self._look_outside(owner, page.c.more)
        if wanted & ENDS:
            near, far = page.c.near, page.c.far
            facts[START_CURSOR], facts[END_CURSOR] = (far, near) if self.page.backward else (near, far)
        return facts

    def _look_outside(self, owner: Columns, more: ColumnElement[bool]) -> Mapping[str, ColumnElement[bool]]:
        """Whether rows precede and follow the page."""
        earlier, later = (self.page.reaches(owner, side) for side in ("after", "before"))
        if self.page.backward:
            return {HAS_PREVIOUS: or_(more, earlier), HAS_NEXT: later}
        return {HAS_PREVIOUS: earlier, HAS_NEXT: or_(more, later)}


def _number(number: int) -> ColumnElement[int]:
    """A number in the text of the statement. As a parameter it would make PostgreSQL plan the statement anew each time."""
    return literal_column(str(number))


def count_rows(rows: Select[Any]) -> ColumnElement[int]:
    """The number of rows of a SELECT that correlates with the owner of the rows."""
    counted = rows.subquery("counted")
    return select(func.count()).select_from(counted).correlate_except(counted).scalar_subquery()


def write_id_cursor(scope: ColumnElement[str], record_id: ColumnElement[str]) -> ColumnElement[str]:
    """As `write_cursor`, for an order by id alone, at a third of the cost.

    Neither an id nor the scope, which has at most 26 letters, digits and spaces, gives a long base64 or one with `+` or `/`.
    """
    begin, middle, end = [literal_column(text, Text()) for text in ("'[\"'", "'\",\"'", "'\"]'")]
    text = begin.concat(scope).concat(middle).concat(record_id).concat(end)
    coded = func.encode(func.convert_to(text, literal_column("'UTF8'")), literal_column("'base64'"))
    return func.rtrim(coded, literal_column("'='"), type_=Text())


def write_cursor(scope: ColumnElement[str], values: ColumnElement[str]) -> ColumnElement[str]:
    """The cursor that `app.query.cursor.write_cursor` writes, from the scope and the JSON list of the values as texts.

    `replace` takes a third of the time of `translate`.
    """
    begin, end = literal_column("'[\"'", Text()), literal_column("'\",'", Text())
    text = begin.concat(scope).concat(end).concat(func.substr(values, literal_column("2"), type_=Text()))
    coded = func.encode(func.convert_to(text, literal_column("'UTF8'")), literal_column("'base64'"))
    bare = func.rtrim(func.replace(coded, literal_column("E'\\n'"), literal_column("''")), literal_column("'='"))
    dashed = func.replace(bare, literal_column("'+'"), literal_column("'-'"))
    return func.replace(dashed, literal_column("'/'"), literal_column("'_'"), type_=Text())
