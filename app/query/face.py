"""Field and Face: one public spelling of the rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """The type of a field's values.

    JSON is stored in a jsonb column. JSON_TEXT is the same, shown as the text of the JSON. An ID is a text that is never folded.
    """

    TEXT = "text"
    ID = "id"
    BOOLEAN = "boolean"
    DATE = "date"
    NUMBER = "number"
    JSON = "json"
    JSON_TEXT = "json text"


class Link(StrEnum):
    """The record that belongs to a row: the row itself under another face, or its organization."""

    SAME_ROW = "same row"
    ORGANIZATION = "organization"


class Computed(Protocol):
    """A value that SQL computes for a row. It is hashable, and equal ones have the same SQL."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the row that the value depends on."""
        ...

    def render(self, columns: Any) -> Any:
        """The SQL of the value, from the columns of the row by their names."""
        ...


@dataclass(frozen=True, slots=True)
class Codec:
    """The public spelling of a stored value.

    - `prefix` stands before an id.
    - `node` makes an id the Relay global id of that type.
    - `words` pairs public words with stored words.
    - `null_is_false` shows, filters and sorts null as false.
    - `constant` is shown in place of every stored value.
    - `otherwise` is shown for a stored value, or a null, that has no public word.
    - `row` shows the whole row as a text: the JSON of these pairs of a key and a field.
    - `document` spells the members of a stored JSON object, or with `many` of each object in a stored list. `members` are
      the shown ones, as pairs of a key and a field of the document, whose column is the stored key.
    - `link` shows the record that belongs to the row, as an object of the `members`. Its face is the `document`.
    - `computed` shows what SQL computes from several columns of the row.
    """

    prefix: str = ""
    node: str = ""
    words: tuple[tuple[str, str], ...] = ()
    null_is_false: bool = False
    constant: str = ""
    otherwise: str = ""
    row: "tuple[tuple[str, Field], ...]" = ()
    document: "Face | None" = None
    many: bool = False
    members: "tuple[tuple[str, Field], ...]" = ()
    link: Link | None = dataclass_field(default=None, repr=False)
    """The text of a selection is a part of idempotency keys, so it is the same as before there were links."""
    computed: Computed | None = dataclass_field(default=None, repr=False)


PLAIN = Codec()


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One public field over one column. Fields are rows of the field table, and equal only to themselves.

    `folded` is the column that stores the folded form of a text, if any. `searched`: the search text contains the field.
    `is_list`: the JSON column holds a list of texts.
    """

    name: str
    column: str
    kind: Kind = Kind.TEXT
    codec: Codec = PLAIN
    writable: bool = True
    filterable: bool = True
    sortable: bool = True
    nullable: bool = True
    folded: str | None = None
    searched: bool = False
    is_list: bool = False


RELEVANCE = Field("relevance", "relevance", Kind.NUMBER, writable=False, filterable=False, nullable=False)
"""A pseudo field to order a search by: how badly a row matches the words. Every face has it, and none shows it."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One public spelling of the rows of a table.

    - `type_name` is the public name of the record type: the type in GraphQL, the model in LoopBack.
    - `folds`: text is ordered and compared by its folded form, and nulls come last.
    - `columns` holds the field that shows a column, by the name of the column.
    """

    name: str
    type_name: str
    fields: Mapping[str, Field]
    folds: bool
    columns: Mapping[str, Field] = dataclass_field(init=False, repr=False)

    def __post_init__(self) -> None:
        columns = {field.column: field for field in reversed(list(self.fields.values()))}
        object.__setattr__(self, "columns", columns)

    def order_field(self, column: str) -> Field:
        """The field that an order names by its column."""
        return RELEVANCE if column == RELEVANCE.column else self.columns[column]

    def by_column(self) -> dict[str, Field]:
        """The writable fields by the column that each writes."""
        return {field.column: field for field in self.fields.values() if field.writable}
