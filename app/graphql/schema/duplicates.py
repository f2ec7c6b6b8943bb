"""Possible duplicates of a record, loaded for all siblings over one connection."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import strawberry

from app.clients.duplicates import MOST_DUPLICATES, Duplicate, Subject, find_duplicates
from app.errors import Malformed
from app.graphql.execution.context import Info, planned
from app.graphql.execution.loading import make_record, whole_record
from app.graphql.execution.plans import SelectionReader, plan_inside
from app.graphql.schema.arguments import argument
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


async def load_duplicates(info: Info, face: Face, type_: Any, made: Any, subject: Subject, first: int) -> list[Any]:
    """The duplicates of a record, each `made` of a record, a score and reasons. Raises Malformed for too many or few."""
    if not 0 <= first <= MOST_DUPLICATES:
        raise Malformed(f"first is from 0 to {MOST_DUPLICATES}, not {first}", "first")
    context, key = info.context, face.noun.lower()

    def plan(reading: SelectionReader, nodes: Sequence[Any]) -> Selection | None:
        return plan_inside(reading, nodes, face, (made.__name__, key))

    selection = planned(info, face.name, plan)
    chosen = selection if selection is not None else whole_record(face)

    async def load(subjects: Sequence[Subject]) -> list[list[Duplicate]]:
        return await find_duplicates(context.access, subjects, chosen, first)

    found = await context.loader(("duplicates", face.name, chosen, first), load).load(subject)
    return [
        made(**{key: make_record(type_, selection, one.json)}, score=one.score, reasons=read_reasons(one))
        for one in found
    ]


def read_reasons(one: Duplicate) -> list[DuplicateReason]:
    signs = {
        DuplicateReason.SAME_TAX_NUMBER: one.same_tax_number,
        DuplicateReason.SAME_EMAIL: one.same_email,
        DuplicateReason.SIMILAR_NAME: one.similar_name,
    }
    return [reason for reason, holds in signs.items() if holds]
