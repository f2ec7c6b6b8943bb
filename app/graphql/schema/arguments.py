"""Arguments: what several fields take, described once."""

from typing import Annotated, Any

import strawberry

from app.graphql.schema.inputs import ClientFilter, ClientOrder, CustomerFilter, CustomerOrder


def argument(description: str) -> Any:
    return strawberry.argument(description=description)


ORGANIZATION = argument("The organization, by global or bare id; by default the first created one within reach.")
FIRST = argument("How many rows from the beginning, or after `after`: at most 100; 20 by default.")
AFTER = argument("The cursor of the row before the page.")
LAST = argument("How many rows from the end, or before `before`: at most 100.")
BEFORE = argument("The cursor of the row after the page.")
SEARCH = argument("Words that all occur in some text of the record, without regard to case and accents.")
ORDER_BY = argument("The order, most important step first; it always ends in the id.")
FILTER = argument("Conditions that all hold.")
DELETED = argument("Whether deleted records are listed too.")

FirstArgument = Annotated[int | None, FIRST]
AfterArgument = Annotated[str | None, AFTER]
LastArgument = Annotated[int | None, LAST]
BeforeArgument = Annotated[str | None, BEFORE]
SearchArgument = Annotated[str | None, SEARCH]
DeletedArgument = Annotated[bool | None, DELETED]
FirstChanges = Annotated[int | None, argument("How many changes, the newest first: at most 100; 20 by default.")]
FirstReminders = Annotated[
    int | None, argument("How many from the newest on, or after `after`: at most 100; 20 by default.")
]
AfterReminder = Annotated[str | None, argument("The cursor of the reminder before the page.")]
AfterChange = Annotated[str | None, argument("The cursor of a change of this history: those before it in time follow.")]
OrganizationArgument = Annotated[strawberry.ID | None, ORGANIZATION]
ClientFilterArgument = Annotated[ClientFilter | None, FILTER]
CustomerFilterArgument = Annotated[CustomerFilter | None, FILTER]
ClientOrderArgument = Annotated[list[ClientOrder] | None, ORDER_BY]
CustomerOrderArgument = Annotated[list[CustomerOrder] | None, ORDER_BY]

ClientId = Annotated[strawberry.ID, argument("The client, by global or bare id.")]
CustomerId = Annotated[strawberry.ID, argument("The customer, by global id or `cust_` and 24 hex digits.")]
Expected = Annotated[
    int | None, argument("The version that the record must still have; it is refused with STALE_VERSION otherwise.")
]
IdempotencyKey = Annotated[
    str | None,
    argument(
        "Any text of yours, of 1 to 255 characters: the same request with the same key is done once and answered alike, "
        "for a day or more; another request with it is refused with CONFLICT."
    ),
]
