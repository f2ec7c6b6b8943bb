"""Field and Face: one public spelling of the rows of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum


class Kind(StrEnum):
    """What a value is. TEXT_LIST and JSON live in jsonb columns; ID is text that is compared as opaque text."""

    TEXT = "text"
    ID = "id"
    BOOLEAN = "boolean"
    DATE = "date"
    NUMBER = "number"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Codec:
    """How a stored value is spelled in public.

    `prefix` stands before an id; `node` makes it a Relay global id of that type; `words` pairs public words with stored
    ones; `null_is_false` shows, filters and sorts null as false; `constant` is shown whatever is stored.
    """

    prefix: str = ""
    node: str = ""
    words: tuple[tuple[str, str], ...] = ()
    null_is_false: bool = False
    constant: str = ""


PLAIN = Codec()


@dataclass(frozen=True, slots=True)
class Field:
    """One public field over one column.

    `folded` names the stored folded form of a text, where there is one. `searched`: its texts are in the search text.
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


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One public spelling of the rows of a table.

    - `noun` is the public name of a record.
    - `folds`: text is ordered and compared by its folded form, and nulls come last.
    - `columns` holds the field that shows a column, by the name of the column.
    """

    name: str
    noun: str
    fields: Mapping[str, Field]
    folds: bool
    columns: Mapping[str, Field] = dataclass_field(init=False, repr=False)

    def __post_init__(self) -> None:
        columns = {field.column: field for field in reversed(list(self.fields.values()))}
        object.__setattr__(self, "columns", columns)

    def by_column(self) -> dict[str, Field]:
        """The writable fields by the column that each writes."""
        return {field.column: field for field in self.fields.values() if field.writable}
