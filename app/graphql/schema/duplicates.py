"""Possible duplicates of a record. Those of all sibling records are loaded together."""

from collections.abc import Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Any, Self

import strawberry
from graphql import FieldNode

from app.auth import Access
from app.clients.duplicates import MOST_DUPLICATES, Duplicate, Subject, find_duplicates
from app.errors import Malformed
from app.graphql.execution.context import Info, find_plan
from app.graphql.execution.loading import Record, make_record, whole_record
from app.graphql.execution.plans import plan_inside
from app.graphql.execution.selections import SelectionReader
from app.graphql.schema.inputs import argument
from app.query.face import Face
from app.query.sql.render import Selection

DEFAULT_DUPLICATES = 5
DUPLICATES = (
    "Other records of the organization that may be the same, most certain first. Candidates have the same tax number, the "
    "same e-mail address, or a similar name that starts alike or shares the longest words. The search is bounded, so an "
    "empty list does not prove that there is no duplicate. Deleted records are ignored."
)
SCORE = (
    "The certainty, above 0 and at most 1. An equal tax number counts 0.95, an equal e-mail address 0.8, and a name 0.7 "
    "times its similarity. Together they count 1 - (1 - a)(1 - b)(1 - c)."
)
REASONS = "The reasons why the records may be the same. Never empty."

DuplicatesArgument = Annotated[int, argument(f"The largest number of records to return: at most {MOST_DUPLICATES}.")]


@strawberry.enum(description="A reason why two records may be the same.")
class DuplicateReason(Enum):
    SAME_TAX_NUMBER = strawberry.enum_value(
        "SAME_TAX_NUMBER", description="The tax numbers are equal. Case, spaces and punctuation are ignored."
    )
    SAME_EMAIL = strawberry.enum_value("SAME_EMAIL", description="The e-mail addresses are equal. Case is ignored.")
    SIMILAR_NAME = strawberry.enum_value(
        "SIMILAR_NAME", description="The names share at least half of their trigrams. Case and accents are ignored."
    )


class ComparableRecord(Record):
    """A record with the fields that duplicates are found by."""

    name: str
    email: str | None
    tax_number: str | None

    @classmethod
    def make_duplicate(cls, record: Self, duplicate: Duplicate) -> object:
        """The schema's object for a duplicate."""
        raise NotImplementedError


async def resolve_duplicates(
    root: ComparableRecord, info: Info, first: DuplicatesArgument = DEFAULT_DUPLICATES
) -> list[Any]:
    """The possible duplicates of a record. Raises Malformed for a number out of range."""
    if not 0 <= first <= MOST_DUPLICATES:
        raise Malformed(f"`first` must be between 0 and {MOST_DUPLICATES}; got {first}.", "first")
    type_, face = type(root), root.face
    selection = find_plan(info, face.name, _plan_duplicates, face)
    chosen = selection if selection is not None else whole_record(face)
    load = partial(_load_duplicates, info.context.access, chosen, first)
    subject = Subject(*root.key, root.name, root.email, root.tax_number)
    duplicates = await info.context.loader(("duplicates", face.name, chosen, first), load).load(subject)
    return [type_.make_duplicate(make_record(type_, selection, row.json), row) for row in duplicates]


def _plan_duplicates(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Selection | None:
    return plan_inside(reader, nodes, face, (f"{face.type_name}Duplicate", face.type_name.lower()))


async def _load_duplicates(
    access: Access, selection: Selection, most: int, subjects: Sequence[Subject]
) -> list[list[Duplicate]]:
    return await find_duplicates(access, subjects, selection, most)


def read_reasons(duplicate: Duplicate) -> list[DuplicateReason]:
    signs = {
        DuplicateReason.SAME_TAX_NUMBER: duplicate.same_tax_number,
        DuplicateReason.SAME_EMAIL: duplicate.same_email,
        DuplicateReason.SIMILAR_NAME: duplicate.similar_name,
    }
    return [reason for reason, holds in signs.items() if holds]
