"""Possible duplicates of a record, loaded for all siblings over one connection."""

from collections.abc import Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Any, Self

import strawberry
from graphql import FieldNode

from app.auth import Access
from app.clients.duplicates import MOST_DUPLICATES, Duplicate, Subject, find_duplicates
from app.errors import Malformed
from app.graphql.execution.context import Info, planned
from app.graphql.execution.loading import Record, make_record, whole_record
from app.graphql.execution.plans import SelectionReader, plan_inside
from app.graphql.schema.inputs import argument
from app.query.face import Face
from app.query.sql.render import Selection

DEFAULT_DUPLICATES = 5
DUPLICATES = (
    "Other live records of the organization that may be the same: those with the same tax number or e-mail address, and "
    "those whose similar name begins alike or shares its longest words. The surest come first; none below means that "
    "none was found, not that there is none."
)
SCORE = (
    "How sure it is, above 0 and up to 1: the same tax number counts 0.95, the same e-mail address 0.8, a name 0.7 times "
    "its similarity; together 1 - (1 - a)(1 - b)(1 - c)."
)
REASONS = "Why it may be the same; never empty."

DuplicatesArgument = Annotated[int, argument(f"How many at most: up to {MOST_DUPLICATES}.")]


@strawberry.enum(description="Why a record may be the same as another.")
class DuplicateReason(Enum):
    SAME_TAX_NUMBER = strawberry.enum_value(
        "SAME_TAX_NUMBER", description="The same tax number, whatever its case, spaces and punctuation."
    )
    SAME_EMAIL = strawberry.enum_value("SAME_EMAIL", description="The same e-mail address, whatever its case.")
    SIMILAR_NAME = strawberry.enum_value(
        "SIMILAR_NAME", description="A name that shares at least half of its trigrams, whatever its case and accents."
    )


class ComparableRecord(Record):
    """A record whose duplicates can be looked for."""

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
        raise Malformed(f"first is from 0 to {MOST_DUPLICATES}, not {first}", "first")
    type_, face = type(root), root.face
    selection = planned(info, face.name, _plan_duplicates, face)
    chosen = selection if selection is not None else whole_record(face)
    load = partial(_load_duplicates, info.context.access, chosen, first)
    subject = Subject(*root.key, root.name, root.email, root.tax_number)
    duplicates = await info.context.loader(("duplicates", face.name, chosen, first), load).load(subject)
    return [type_.make_duplicate(make_record(type_, selection, row.json), row) for row in duplicates]


def _plan_duplicates(reader: SelectionReader, nodes: Sequence[FieldNode], face: Face) -> Selection | None:
    return plan_inside(reader, nodes, face, (f"{face.noun}Duplicate", face.noun.lower()))


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
