"""The operations that change clients: create, replace, patch, delete and send-reminder."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.auth import Access
from app.clients.faces import V1
from app.clients.record import V1_RULES
from app.clients.reminders import send_reminder
from app.clients.service import add_clients, change_client, get_client, remove_client
from app.errors import Invalid, Malformed, NotFound, Problem
from app.idempotency import StoredResponse
from app.query.lists import MOST_MEMBERS
from app.records.bodies import Values, read_body, read_new_body
from app.records.repository import RenderedRecord
from app.records.turns import in_turns
from app.rest.preconditions import FIRST_VERSION, etag
from app.rest.v1.answers import V1Response, join_rows, show, show_record
from app.rest.v1.call import V1Call, text_argument
from app.rest.v1.errors import (
    TooManyProblems,
    explain_item,
    no_model,
    not_replaced,
    other_id_in_change,
    other_id_in_replacement,
    stale_deletion,
)
from app.rest.v1.fields import ALL
from app.rest.v1.reads import require_organization

REMINDER_ARGUMENTS = frozenset({"email", "l"})
CLIENT_PARAMETERS = frozenset({"access_token", "_"})
"""Query parameters that belong to a request, not to its operation: the token, and what clients add against caches."""


async def create(call: V1Call) -> V1Response:
    """Creates one client of an organization, or all clients of a list, or none of them."""
    body = await call.body()
    items = body.value if isinstance(body.value, list) else None
    if items is not None:
        check_items(items)
    else:
        body.lax_object()
    access = await require_organization(call)
    access.require_write()
    if items is not None:
        access.principal.meter.count_writes(len(items) - 1)
        records, answer = await read_items(items), _store_rows
    else:
        records, answer = [read_new_body(V1, body.lax_object(), V1_RULES)], _store_record
    key = call.key(access.principal, "create" if items is None else "create all", records)
    created = await add_clients(access, call.id, records, ALL, key=key, answer=answer)
    return V1Response(created.body, created.status, () if items is not None else etag(FIRST_VERSION))


def _store_record(records: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, records[0].json.encode())


def _store_rows(records: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, join_rows([record.json for record in records]))


def check_items(items: Sequence[object]) -> None:
    if not all(isinstance(item, dict) for item in items):
        raise Malformed("Some of array items are not an object.")
    if len(items) > MOST_MEMBERS:
        raise Malformed(f"A list must have at most {MOST_MEMBERS} members; got {len(items)}.")


MOST_PROBLEMS = 2000
"""The problems of a list that are explained one by one. Items after them have their first problem only."""


async def read_items(items: Sequence[Mapping[str, Any]]) -> list[Values]:
    """The values of every item. Raises TooManyProblems when any is not valid."""
    records: list[Values] = []
    errors: list[Mapping[str, Any] | None] = []
    explained = 0
    async for item in in_turns(items):
        try:
            records.append(read_new_body(V1, item, V1_RULES))
            errors.append(None)
        except Invalid as invalid:
            errors.append(explain_item(invalid if explained < MOST_PROBLEMS else Invalid(invalid.problems[:1])))
            explained += len(invalid.problems)
    if any(errors):
        raise TooManyProblems(errors)
    return records


async def replace(call: V1Call) -> V1Response:
    """Replaces every writable property; an absent property gets its default."""
    members = (await call.body()).object()
    access = await call.access()
    access.require_write()
    if members.get("id") and members["id"] != call.id:
        raise other_id_in_replacement(call.id, members["id"])
    values = read_body(V1, members, V1_RULES, "replace")
    try:
        replaced = await change_client(access, call.id, values, ALL, expected=call.expected_versions())
    except NotFound as error:
        raise not_replaced(call.id) from error
    return show_record(replaced.json, replaced.version)


async def patch(call: V1Call) -> V1Response:
    """Changes the properties in the body. An object is replaced as a whole."""
    body = await call.body()
    body.require_type()
    members = body.object()
    access = await call.access()
    access.require_write()
    try:
        patched = await _patched(call, access, members)
    except (Invalid, Malformed):
        await _require_client(call, access)
        raise
    except NotFound as error:
        raise no_model(call.id) from error
    return show_record(patched.json, patched.version)


async def _patched(call: V1Call, access: Access, members: Mapping[str, Any]) -> RenderedRecord:
    if "id" in members and members["id"] != call.id:
        raise other_id_in_change(call.id, members["id"])
    values = read_body(V1, members, V1_RULES, "update")
    return await change_client(access, call.id, values, ALL, expected=call.expected_versions())


async def _require_client(call: V1Call, access: Access) -> None:
    """Raises UnknownModel for a missing client, which LoopBack reports before problems of the body."""
    try:
        await get_client(access, call.id, ())
    except NotFound as error:
        raise no_model(call.id) from error


async def delete(call: V1Call) -> V1Response:
    """Deletes a client and answers with the count. With If-Match, a missing client is Stale."""
    access = await call.access()
    access.require_write()
    try:
        await remove_client(access, call.id, (), expected=call.expected_versions())
    except NotFound as error:
        if "if-match" in call.request.headers:
            raise stale_deletion() from error
        return show({"count": 0})
    return show({"count": 1})


async def remind(call: V1Call) -> V1Response:
    """Puts a reminder into the outbox. As in LoopBack, the arguments may also be query parameters."""
    body = await call.body()
    body.require_type()
    parameters = call.parameters("email", "l")
    recipient, language = (body.text(name) or text_argument(parameters, name) for name in ("email", "l"))
    access = await call.access()
    check_arguments(body.object(), call.all_parameters())
    key = call.key(access.principal, "remind", recipient, language)
    try:
        await send_reminder(
            access,
            call.services.outbox,
            call.id,
            recipient=recipient,
            language=language,
            key=key,
        )
    except NotFound as error:
        raise no_model(call.id) from error
    return show({"success": True})


def check_arguments(body: Mapping[str, Any], query: Mapping[str, Any]) -> None:
    """Raises Invalid for unknown arguments of send-reminder.

    A mail cannot be taken back, so a misspelled argument must not fall back to the client's own address or language.
    """
    names = [(name, value) for name, value in body.items() if name not in REMINDER_ARGUMENTS]
    names += [(name, value) for name, value in query.items() if name not in REMINDER_ARGUMENTS | CLIENT_PARAMETERS]
    message = f"is not an argument of send-reminder, which takes {' and '.join(sorted(REMINDER_ARGUMENTS))}"
    if names:
        raise Invalid([Problem(name, "unknown-property", message, value) for name, value in names])
