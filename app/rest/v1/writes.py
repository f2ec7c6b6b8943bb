"""The operations that write: create, replace, patch, delete and send-reminder."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from app.auth import Access
from app.clients.faces import V1
from app.clients.record import V1_RULES
from app.clients.reminders import send_reminder
from app.clients.service import add_clients, change_client, get_client, remove_client
from app.errors import Invalid, Malformed, NotFound, Stale
from app.idempotency import StoredResponse
from app.query.reader import MOST_MEMBERS
from app.query.values import stringify
from app.records.bodies import Values, read_body, read_new_body
from app.records.repository import RenderedRecord
from app.rest.preconditions import FIRST_VERSION, etag
from app.rest.v1.answers import V1Response, join_rows, show, show_record
from app.rest.v1.call import V1Call, text_argument
from app.rest.v1.errors import TooManyProblems, UnknownModel, no_model
from app.rest.v1.fields import ALL
from app.rest.v1.reads import require_organization


async def create(call: V1Call) -> Response:
    """A new client of an organization, or from a list all of them or none."""
    body = await call.body()
    given = body.value if isinstance(body.value, list) else body.object() if body.value is not None else {}
    if isinstance(given, list):
        check_items(given)
    access = await require_organization(call)
    access.require_write()
    if isinstance(given, list):
        records, answer = read_items(given), _answer_rows
    else:
        records, answer = [read_new_body(V1, given, V1_RULES)], _answer_one
    key = call.key(access.principal, "create", body.data)
    done = await add_clients(access, call.id, records, ALL, key=key, answer=answer)
    return V1Response(done.body, done.status, None if isinstance(given, list) else etag(FIRST_VERSION))


def _answer_one(found: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, found[0].json.encode())


def _answer_rows(found: Sequence[RenderedRecord]) -> StoredResponse:
    return StoredResponse(200, join_rows([one.json for one in found]))


def check_items(items: Sequence[object]) -> None:
    if not all(isinstance(item, dict) for item in items):
        raise Malformed("Some of array items are not an object.")
    if len(items) > MOST_MEMBERS:
        raise Malformed(f"A list may have at most {MOST_MEMBERS} members, not {len(items)}")


def read_items(items: Sequence[Mapping[str, Any]]) -> list[Values]:
    """The values of every item. Raises TooManyProblems when any is not valid."""
    records: list[Values] = []
    problems: list[Invalid | None] = []
    for item in items:
        try:
            records.append(read_new_body(V1, item, V1_RULES))
            problems.append(None)
        except Invalid as invalid:
            problems.append(invalid)
    if any(problems):
        raise TooManyProblems([*problems])
    return records


async def replace(call: V1Call) -> Response:
    """Every writable property anew; what is not given gets its default."""
    given = (await call.body()).object()
    access = await call.access()
    access.require_write()
    if given.get("id") and given["id"] != call.id:
        raise Malformed(f"id property (id) cannot be updated from {call.id} to {_plain(given['id'])}", "id")
    values = read_body(V1, given, V1_RULES, "replace")
    try:
        replaced = await change_client(access, call.id, values, ALL, expected=call.expected_versions())
    except NotFound as error:
        raise UnknownModel(f"Could not replace. Object with id {call.id} does not exist!", None) from error
    return show_record(replaced.json, replaced.version)


async def patch(call: V1Call) -> Response:
    """The given properties; objects are replaced whole."""
    body = await call.body()
    body.need_type()
    given = body.object()
    access = await call.access()
    access.require_write()
    try:
        patched = await _patched(call, access, given)
    except (Invalid, Malformed):
        await _require(call, access)
        raise
    except NotFound as error:
        raise no_model(call.id) from error
    return show_record(patched.json, patched.version)


async def _patched(call: V1Call, access: Access, given: Mapping[str, Any]) -> RenderedRecord:
    if "id" in given and given["id"] != call.id:
        message = f"id cannot be updated from {call.id} to {_plain(given['id'])} when forceId is set to true"
        raise Malformed(message, "id")
    values = read_body(V1, given, V1_RULES, "update")
    if values:
        return await change_client(access, call.id, values, ALL, expected=call.expected_versions())
    found, expected = await get_client(access, call.id, ALL), call.expected_versions()
    if expected is not None and found.version not in expected:
        raise Stale("The record has changed since that version")
    return found


def _plain(value: object) -> str:
    return value if isinstance(value, str) else stringify(value)


async def _require(call: V1Call, access: Access) -> None:
    """Raises UnknownModel where there is no such client, which comes before anything wrong with a patch."""
    try:
        await get_client(access, call.id, ())
    except NotFound as error:
        raise no_model(call.id) from error


async def delete(call: V1Call) -> Response:
    """One client, or none; with If-Match, none is a record that has changed."""
    access = await call.access()
    access.require_write()
    try:
        await remove_client(access, call.id, (), expected=call.expected_versions())
    except NotFound as error:
        if "if-match" in call.request.headers:
            raise Stale("There is no such version of the record") from error
        return show({"count": 0})
    return show({"count": 1})


async def remind(call: V1Call) -> Response:
    """A reminder, safe in the outbox. As in LoopBack, its arguments may stand in the query as well."""
    body = await call.body()
    body.need_type()
    asked = call.parameters("email", "l")
    recipient, language = (body.text(name) or text_argument(asked, name) for name in ("email", "l"))
    access = await call.access()
    key = call.key(access.principal, "remind", body.data + f"?{recipient}&{language}".encode("utf-8", "surrogatepass"))
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
