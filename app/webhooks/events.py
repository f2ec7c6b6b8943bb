"""The events of webhooks: their names in v1 and in the Customers API, and the changes that they tell about."""

from collections.abc import Mapping
from dataclasses import dataclass

CUSTOMER = "customer."
"""The beginning of the events whose body has the form of the Customers API. All others have the form of v1."""
EVERY = "*"
"""Stands for every event of v1."""


@dataclass(frozen=True, slots=True)
class EventNames:
    """The event of a change in v1, and in the Customers API."""

    v1: str
    customer: str


CREATED = EventNames("client/create", "customer.created")
UPDATED = EventNames("client/update", "customer.updated")
DELETED = EventNames("client/delete", "customer.deleted")
EVENTS: Mapping[str, EventNames] = {
    "created": CREATED,
    "imported": CREATED,
    "updated": UPDATED,
    "deleted": DELETED,
    "restored": EventNames("client/update", "customer.restored"),
    "erased": EventNames("client/delete", "customer.permanently_deleted"),
}
"""The events by the action of the change. v1 knows no restoring and no erasing, so they are an update and a deletion there."""
TEST = EventNames("client/test", "customer.test")

V1_EVENTS = tuple(dict.fromkeys(names.v1 for names in EVENTS.values()))
CUSTOMER_EVENTS = tuple(dict.fromkeys(names.customer for names in EVENTS.values()))
KNOWN_EVENTS = (EVERY, *V1_EVENTS, *CUSTOMER_EVENTS)
"""The events to which a webhook can subscribe."""


def has_customer_form(event: str) -> bool:
    """True if the body of an event has the form of the Customers API."""
    return event.startswith(CUSTOMER)
