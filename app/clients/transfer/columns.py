"""Columns of files: the fields that the names of columns and JSON keys mean."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from app.clients.faces import TABLE, TRANSFER
from app.countries import fold_name
from app.errors import Malformed

SYNONYMS = Path(__file__).with_name("synonyms.toml")
DOCUMENTS = ("custom", "metadata")
"""The fields whose members can be columns of their own, such as `metadata.crm_id`."""
SIMILAR = 0.75
ADVICE = (
    "Choose a field with --map 'COLUMN=FIELD', keep a column with --map 'COLUMN=metadata.KEY', or leave it out with "
    "--map 'COLUMN='; --ignore-unknown leaves out all unknown columns. #3 names the third column."
)
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Target:
    """A field by its name in files, or with `member` one member of that field."""

    field: str
    member: str = ""

    def __str__(self) -> str:
        return f"{self.field}.{self.member}" if self.member else self.field


def find_target(name: str) -> Target | None:
    """The target of a name: a field name of any API, a synonym, `custom.KEY` or `metadata.KEY`. None if there is none."""
    document, _, member = name.strip().partition(".")
    if document in DOCUMENTS and member:
        return Target(document, member)
    known = _fields_by_name().get(fold_column(name)) if len(name) <= LONGEST_NAME else None
    return None if known is None else Target(known)


def read_target(name: str) -> Target:
    """As find_target. Raises Malformed if there is no target."""
    target = find_target(name)
    if target is None:
        raise Malformed(f"{_quote(name)} is not a field{_suggest(name)}. The fields are {', '.join(TRANSFER.fields)}.")
    return target


def fold_column(name: str) -> str:
    """A name without case, accents, spaces and punctuation."""
    return fold_name(name).replace(" ", "")


@cache
def _fields_by_name() -> Mapping[str, str]:
    return {fold_column(name): own for own, names in list_names().items() for name in names}


@cache
def list_names() -> Mapping[str, Sequence[str]]:
    """All names of each field, by its name in files."""
    synonyms: dict[str, list[str]] = tomllib.loads(SYNONYMS.read_text(encoding="utf-8"))
    return {
        TRANSFER.columns[row.column].name: [
            *filter(None, (row.column, row.v1, row.customer, row.client_graphql, row.customer_graphql)),
            *synonyms.get(row.column, ()),
        ]
        for row in TABLE
    }


def _suggest(name: str) -> str:
    close = get_close_matches(fold_column(name), _fields_by_name(), 1, SIMILAR)
    return f" (did you mean {_fields_by_name()[close[0]]}?)" if close else ""


def _quote(name: str) -> str:
    return f'"{name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"}"'


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """The choices of the operator about columns.

    `mapping` holds a field, or an empty text for no field, by the name of a column or by its number, such as `#3`. With
    `ignore_unknown`, columns that mean no field are left out.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """The header of a table and the target of each column. A column without a target is left out."""

    header: Sequence[str]
    targets: Sequence[Target | None]

    def find(self, field_name: str) -> int | None:
        """The index of the first column of a field."""
        indexes = (
            index for index, target in enumerate(self.targets) if target is not None and target.field == field_name
        )
        return next(indexes, None)

    def name_of(self, field_name: str) -> str | None:
        """The number and name of the first column of a field."""
        index = self.find(field_name)
        return None if index is None else name_column(index + 1, self.header[index])


def name_column(number: int, name: str) -> str:
    return f"column {number} {_quote(name)}" if name else f"column {number}"


def match_columns(header: Sequence[str], options: ColumnOptions) -> Columns:
    """The columns of a header. Raises Malformed with every problem."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Malformed("The file has no names of columns. The first line must have them.")
    chosen = _read_mapping(names, options.mapping)
    targets = [chosen[index] if index in chosen else find_target(name) for index, name in enumerate(names)]
    problems = [*_find_unknown(names, targets, chosen, options), *_find_repeated(names, targets)]
    if problems:
        raise Malformed("\n".join(["The columns of the file are not clear:", *problems, ADVICE]))
    return Columns(names, targets)


def _read_mapping(names: Sequence[str], mapping: Mapping[str, str]) -> dict[int, Target | None]:
    """The chosen targets by the index of the column. Raises Malformed."""
    return {
        index: read_target(target) if target else None
        for name, target in mapping.items()
        for index in _find_columns(names, name)
    }


def _find_columns(names: Sequence[str], name: str) -> Sequence[int]:
    number = name.removeprefix("#")
    if name.startswith("#") and number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= len(names):
        return [int(number) - 1]
    equal = [index for index, each in enumerate(names) if each == name]
    indexes = equal or [index for index, each in enumerate(names) if each and fold_column(each) == fold_column(name)]
    if not indexes:
        listed = ", ".join(_quote(each) for each in names)
        raise Malformed(
            f"--map names the column {_quote(name)}, which the file does not have. Its columns are {listed}."
        )
    return indexes


def _find_unknown(
    names: Sequence[str], targets: Sequence[Target | None], chosen: Mapping[int, object], options: ColumnOptions
) -> Iterator[str]:
    for index, (name, target) in enumerate(zip(names, targets, strict=True)):
        if target is None and name and index not in chosen and not options.ignore_unknown:
            yield f"{name_column(index + 1, name)} is not a field{_suggest(name)}"


def _find_repeated(names: Sequence[str], targets: Sequence[Target | None]) -> Iterator[str]:
    by_target: dict[Target, list[int]] = {}
    for index, target in enumerate(targets):
        if target is not None:
            by_target.setdefault(target, []).append(index)
    for target, indexes in by_target.items():
        if len(indexes) > 1:
            listed = " and ".join(name_column(index + 1, names[index]) for index in indexes)
            yield f"{listed} mean the same field, {target}"
