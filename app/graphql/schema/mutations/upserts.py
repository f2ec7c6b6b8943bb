"""The upsert of one record by a key of the caller's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.graphql.execution.context import Info
from app.graphql.schema.mutations.bulk import UPSERT, BulkRequest, ErrorPolicy
from app.graphql.schema.mutations.records import RecordMutations
from app.graphql.schema.user_errors import UserError, attempt

ARGUMENTS = frozenset({"key", "expectedVersion"})
"""The members of a row that are arguments of the mutation of one record."""


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The record under each face, by the field of the payload, or the errors."""

    faces: Mapping[str, Any] = field(default_factory=dict)
    created: bool = False
    errors: list[UserError] = field(default_factory=list)


async def upsert_record(
    info: Info, mutations: RecordMutations, organization_id: str | None, row: Mapping[str, Any], key: str | None
) -> UpsertResult:
    """Creates or changes a record: a batch of one `row`, which has the key and the expected version beside the fields."""
    plan = mutations.plan(info)
    request = BulkRequest(organization_id, [row], ErrorPolicy.REJECT_ALL, False, key)
    written, errors = await attempt(UPSERT.write(info, mutations, request, plan), [])
    if written is None:
        return UpsertResult(errors=errors)
    rows, stored = written
    result = stored.get(0)
    errors = rows.errors.get(0) or list(result.errors if result else ())
    if result is None or result.json is None:
        return UpsertResult(errors=[_lift(error) for error in errors])
    (faces,) = await plan.read_all(info, [result.json], key)
    return UpsertResult(faces, result.created)


def _lift(error: UserError) -> UserError:
    """The error of the only row, with the path of the argument."""
    path = (error.field or [])[2:]
    error.field = None if not path else path if path[0] in ARGUMENTS else ["input", *path]
    return error
