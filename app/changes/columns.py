"""The columns that changes, their authors and their differences have in GraphQL, as SQL over a row of client_changes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Select,
    TableValuedAlias,
    Text,
    and_,
    case,
    cast,
    collate,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import LateralFromClause

from app.changes.faces import FIELD_CHANGE
from app.changes.record import LARGEST_NUMBER
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.query.face import Face, Field, Kind
from app.query.sql.render import Selection, render_list, render_node_id, render_object
from app.storage.tables import access_tokens, account_organizations, accounts, clients

Columns: TypeAlias = Mapping[str, ColumnElement[Any]]

CODED_FACES = (GRAPHQL_CLIENT, GRAPHQL_CUSTOMER)
"""The faces in the order of their codes, which stand in the ids of changes."""

ALWAYS_CHANGED = frozenset({"version", "updated_at"})
"""The columns that every change writes."""

STORED = tuple(stored for stored in clients.c if stored.computed is None)


def bare_id(number: ColumnElement[int], face: Face) -> ColumnElement[str]:
    """The bare id of a change under a face: eight hex digits for the face and sixteen for the number."""
    digits = func.lpad(func.to_hex(number), literal_column("16"), literal_column("'0'"), type_=Text())
    return func.textcat(literal(f"{CODED_FACES.index(face):08x}", Text()), digits, type_=Text())


def read_bare_id(bare: str) -> tuple[int, Face] | None:
    """The number and the face in the bare id of a change; None if it has no valid face or number.

    The fields of a change differ between the faces, so a cache must keep them apart.
    """
    code, number = int(bare[:8], 16), int(bare[8:], 16)
    return (number, CODED_FACES[code]) if code < len(CODED_FACES) and number <= LARGEST_NUMBER else None


def author_columns(
    actor: ColumnElement[str], organization_id: ColumnElement[str], shows_addresses: ColumnElement[bool]
) -> Columns:
    """The columns of the face ACTOR. An author that has left the organization, or is deleted, has no id.

    The address of an account is shown to callers with a token of an account only: a token of an organization may belong to
    another company's program.
    """
    kind = case(
        (actor.like(literal_column("'account:%'")), literal_column("'account'", Text())),
        (actor.like(literal_column("'token:%'")), literal_column("'token'", Text())),
        (actor == literal_column("'operator'"), literal_column("'operator'", Text())),
        else_=literal_column("'system'", Text()),
    )
    start = func.strpos(actor, literal_column("':'")) + literal_column("1")
    author: ColumnElement[str] = collate(func.substr(actor, start, type_=Text()), "C")
    member, token = _find_member(author, organization_id), _find_token(author, organization_id)
    is_account, is_token = kind == literal_column("'account'"), kind == literal_column("'token'")
    address = case((shows_addresses, accounts.c.email), else_=literal_column("'member'"))
    label = func.coalesce(func.nullif(access_tokens.c.label, literal_column("''")), literal_column("'token'"))
    return {
        "actor_type": kind,
        "actor_id": case(
            (is_account, _show(member, render_node_id("Account", accounts.c.id))),
            (is_token, _show(token, render_node_id("AccessToken", access_tokens.c.id))),
        ),
        "actor_name": case(
            (is_account, func.coalesce(_show(member, address), literal_column("'former member'"))),
            (is_token, func.coalesce(_show(token, label), literal_column("'revoked token'"))),
            else_=kind,
        ),
    }


def _find_member(account_id: ColumnElement[str], organization_id: ColumnElement[str]) -> Select[Any]:
    return (
        select()
        .select_from(account_organizations.join(accounts, accounts.c.id == account_organizations.c.account_id))
        .where(
            account_organizations.c.account_id == account_id,
            account_organizations.c.organization_id == organization_id,
            accounts.c.purge_at.is_(None),
        )
        .correlate_except(account_organizations, accounts)
    )


def _find_token(token_id: ColumnElement[str], organization_id: ColumnElement[str]) -> Select[Any]:
    wanted = (access_tokens.c.id == token_id, access_tokens.c.organization_id == organization_id)
    return select().select_from(access_tokens).where(*wanted).correlate_except(access_tokens)


def _show(row: Select[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
    return row.add_columns(value).scalar_subquery()


def render_image(columns: Any, name: str, face: Face) -> ColumnElement[Any]:
    """The image `before` or `after` a change, as JSON with the fields of a face; null if there is none."""
    document = columns["after"] if name == "after" else columns["after"].op("||")(columns["before"])
    populated = func.jsonb_populate_record(literal_column("NULL::clients"), document)
    row = populated.table_valued(*(column(stored.name, stored.type) for stored in STORED), name="image")
    values = {**dict(row.c.items()), "is_deleted": row.c.deleted_at.is_not(None)}
    return render_object(tuple(face.fields.items()), values, row, document.is_not(None))


def render_images(changes: FromClause, *faces: Face) -> LateralFromClause:
    """(before, after) The images of a change as JSON text under each of the faces.

    OFFSET 0 makes PostgreSQL render each image once, however often it is read. An image that nothing reads is not rendered.
    """
    images = [
        cast(render_image(changes.c, name, face), Text).label(image_name(name, face))
        for face in faces
        for name in ("before", "after")
    ]
    return select(*images).offset(literal_column("0")).correlate(changes).lateral("images")


def image_name(name: str, face: Face) -> str:
    return f"{name} as {face.type_name}"


def find_differences(
    changes: Any, before: ColumnElement[Any], after: ColumnElement[Any], face: Face
) -> LateralFromClause:
    """(number, field, before, after) The fields of a face with a new value, in its order. Without images: none.

    `changes` has the columns of a change, and `before` and `after` are its images under the face.
    PostgreSQL compares the values as jsonb: `true` is not `1`, and numbers are compared with all their digits. Of a creation
    the fields that its caller sent count. An import notes no columns: every field of a file with a value counts, except
    for those that an API never writes.
    """
    was, now, sent_columns = _list_members(before, "was"), _list_members(after, "now"), changes["sent_columns"]
    name, value = now.c.key, cast(now.c.value, JSONB)
    fields = face.fields.values()
    constant = _list_names(field for field in fields if field.column in ALWAYS_CHANGED)
    is_spelled_anew = cast(now.c.value, Text).is_distinct_from(cast(was.c.value, Text))
    is_changed = and_(is_spelled_anew, value.is_distinct_from(cast(was.c.value, JSONB)), name.not_in(constant))
    columns = literal_column(f"'{json.dumps({field.name: field.column for field in fields})}'::jsonb", JSONB())
    writable = _list_names(field for field in fields if field.writable)
    empty: list[ColumnElement[Any]] = [literal_column(f"'{text}'::jsonb") for text in ("false", "{}", "[]")]
    is_sent = or_(
        cast(sent_columns, JSONB).has_key(columns.op("->>", return_type=Text())(name)),
        and_(sent_columns.is_(None), name.in_(writable), value.not_in(empty)),
    )
    is_new = and_(func.json_typeof(now.c.value) != literal_column("'null'"), is_sent)
    return (
        select(now.c.number, name.label("field"), was.c.value.label("before"), now.c.value.label("after"))
        .select_from(now.outerjoin(was, was.c.key == name))
        .where(case((changes["before"].is_(None), is_new), else_=is_changed))
        .correlate_except(was, now)
        .lateral("d")
    )


def _list_members(document: ColumnElement[str], alias: str) -> TableValuedAlias:
    """(key, value, number) The members of a JSON object in their order."""
    members = func.json_each(cast(document, JSON))
    return members.table_valued(
        column("key", Text()), column("value", JSON()), with_ordinality="number"
    ).render_derived(name=alias)


def _list_names(fields: Iterable[Field]) -> list[ColumnElement[str]]:
    return [literal_column(f"'{field.name}'", Text()) for field in fields]


def render_differences(
    changes: Any, before: ColumnElement[str], after: ColumnElement[str], face: Face
) -> ColumnElement[str]:
    """The differences as the text of a JSON list, whose members have their values as texts of JSON."""
    differences = find_differences(changes, before, after, face)
    shown: Selection = tuple(
        (name, replace(field, kind=Kind.JSON_TEXT) if field.kind is Kind.JSON else field)
        for name, field in FIELD_CHANGE.fields.items()
    )
    listed = render_list(render_object(shown, differences.c), differences.c.number)
    return select(cast(listed, Text)).select_from(differences).correlate_except(differences).scalar_subquery()
