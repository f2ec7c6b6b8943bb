"""The bodies of events, made of the changes. A body is the same at each attempt, because a change never changes."""

from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Select, Text, bindparam, func, select, true

from app.changes.columns import image_name, render_images
from app.clients.faces import CUSTOMER, CUSTOMER_ID, ENTITY_ID, V1
from app.deliveries.queue import Claim
from app.query.face import Face
from app.query.sql.render import MOMENT
from app.storage.connection import Connection
from app.storage.tables import client_changes
from app.webhooks.events import has_customer_form

ERASED = "erased"
TEST_DATA = {"message": "This is a test. Real events have a client here."}
MOMENT_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


class MissingImage(Exception):
    """The change has no image any more: the client was erased, or the image has expired."""


@lru_cache(maxsize=2)
def image_statement(face: Face) -> Select[Any]:
    """(action, time, image after the change as JSON text) of a change."""
    own = (
        client_changes.c.organization_id == bindparam("organization", type_=Text()),
        client_changes.c.id == bindparam("number", type_=BigInteger()),
    )
    change = select(client_changes).where(*own).subquery("c")
    images = render_images(change, face)
    moment = func.to_char(func.timezone("UTC", change.c.at), MOMENT)
    shown = select(change.c.action, moment, images.c[image_name("after", face)])
    return shown.select_from(change.join(images, true()))


async def find_body(connection: Connection, claim: Claim) -> bytes:
    """The body of a delivery, as JSON. Raises MissingImage."""
    is_customer = has_customer_form(claim.event)
    if claim.change_number is None:
        moment = f"{claim.created_at:{MOMENT_FORMAT}}"[:-3] + "Z"
        return write_body(claim, moment, orjson.Fragment(orjson.dumps(TEST_DATA)))
    parameters = {"organization": claim.organization_id, "number": claim.change_number}
    row = (await connection.execute(image_statement(CUSTOMER if is_customer else V1), parameters)).first()
    if row is None:
        raise MissingImage
    action, moment, image = row
    if action == ERASED:
        image = orjson.dumps(_show_erased(claim, is_customer))
    if image is None:
        raise MissingImage
    return write_body(claim, moment, orjson.Fragment(image))


def _show_erased(claim: Claim, is_customer: bool) -> dict[str, str | None]:
    """What is left of a client that was erased: its ids."""
    if not is_customer:
        return {"id": claim.client_id, "organizationId": claim.organization_id}
    return {
        "id": f"{CUSTOMER_ID.prefix}{claim.client_id}",
        "entity_id": f"{ENTITY_ID.prefix}{claim.organization_id}",
    }


def write_body(claim: Claim, moment: str, data: orjson.Fragment) -> bytes:
    """The body in the form of the event: v1's, or that of the Customers API with the time of the change."""
    if has_customer_form(claim.event):
        return orjson.dumps({"event": claim.event, "data": data, "timestamp": moment})
    return orjson.dumps(
        {
            "event": claim.event,
            "organizationId": claim.organization_id,
            "data": data,
            "uid": claim.event_id,
            "modelName": V1.type_name,
        }
    )
