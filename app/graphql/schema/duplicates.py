"""Possible duplicates of a record. Those of all sibling records are loaded together."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Annotated, Any, Self, cast

import orjson
import strawberry

from app.auth import Access
from app.clients.duplicates import DUPLICATE_FACES, MOST_DUPLICATES
from app.graphql.execution.compiler import compile_rows
from app.graphql.execution.context import Info
from app.graphql.execution.links import DEFAULT_DUPLICATES, read_duplicates
from app.graphql.execution.loading import Record, whole_record
from app.graphql.execution.plans import computed_field
from app.graphql.internals.operations import Rendered
from app.graphql.schema.inputs import argument
from app.graphql.schema.words import Word
from app.query.face import Face
from app.query.sql.nested import Nested
from app.query.sql.render import Selection

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

FOUND = "found"

DuplicatesArgument = Annotated[int, argument(f"The largest number of records to return: at most {MOST_DUPLICATES}.")]


@strawberry.enum(description="A reason why two records may be the same.")
class DuplicateReason(Word):
    SAME_TAX_NUMBER = strawberry.enum_value(
        "SAME_TAX_NUMBER", description="The tax numbers are equal. Case, spaces and punctuation are ignored."
    )
    SAME_EMAIL = strawberry.enum_value("SAME_EMAIL", description="The e-mail addresses are equal. Case is ignored.")
    SIMILAR_NAME = strawberry.enum_value(
        "SIMILAR_NAME", description="The names share at least half of their trigrams. Case and accents are ignored."
    )


class ComparableRecord(Record):
    """A record that may have duplicates."""

    @classmethod
    def make_duplicate(cls, record: Self, score: float, reasons: list[str]) -> object:
        """The schema's object for a duplicate."""
        raise NotImplementedError


async def resolve_duplicates(
    root: ComparableRecord, info: Info, first: DuplicatesArgument = DEFAULT_DUPLICATES
) -> list[Any]:
    """The possible duplicates of a record. Raises Malformed for a number out of range."""
    type_, (_, record_id) = type(root), root.key
    face = DUPLICATE_FACES[type_.face.name]
    selection = compile_rows(info, face)
    members = selection if selection is not None else _whole_duplicate(face)
    nested = Nested(read_duplicates({"first": first}), members)
    load = partial(_load_duplicates, type_, info.context.access, nested)
    json = await info.context.loader(("duplicates", nested), load).load(record_id)
    if selection is not None:
        return cast("list[Any]", Rendered(json))
    rows = (tuple(row.values()) for row in orjson.loads(json))
    return [type_.make_duplicate(type_.read_members(record), score, reasons) for record, score, reasons in rows]


@cache
def _whole_duplicate(face: Face) -> Selection:
    """Every field of a duplicate. Its record is whole."""
    record, *others = face.fields.values()
    codec = record.codec
    assert codec.document is not None  # noqa: S101 - narrows the type
    whole = replace(record, codec=replace(codec, members=whole_record(codec.document)))
    return tuple((field.name, field) for field in (whole, *others))


async def _load_duplicates(
    type_: type[ComparableRecord], access: Access, nested: Nested, ids: Sequence[str]
) -> list[str]:
    """The duplicates of each record, as the text of a JSON list. A record that was erased has none."""
    selection: Selection = ((FOUND, computed_field(FOUND, nested)),)
    rows = await type_.reads.get_many(access, ids, selection, deleted_too=True)
    return [_take_member(rows[record_id]) if record_id in rows else "[]" for record_id in ids]


def _take_member(json: str) -> str:
    """The value of the only member."""
    return json.removeprefix(f'{{"{FOUND}":').removesuffix("}")
