"""The rules for writing a webhook, in the v1 API and in GraphQL."""

from collections.abc import Mapping
from typing import Any

from app.deliveries.addresses import Destinations
from app.errors import Invalid, Problem
from app.query.face import Face, Field
from app.query.invisible import trim
from app.records.bodies import (
    GRAPHQL_MESSAGES,
    LOOPBACK_MESSAGES,
    FieldRule,
    Mode,
    Rules,
    Values,
    read_body,
    read_new_body,
    read_text,
)
from app.records.invalid_values import InvalidValue
from app.webhooks.events import CUSTOMER_EVENTS, EVERY, KNOWN_EVENTS, V1_EVENTS, has_customer_form

LONGEST_DESCRIPTION = 500
"""Characters."""


def read_url(field: Field, value: object, rules: Rules) -> str:
    return trim(read_text(field, value, rules))


def read_events(field: Field, value: object, rules: Rules) -> list[str]:
    """The events, each once. A webhook has events of one form only, because it gets one delivery for each change."""
    if not isinstance(value, list):
        raise InvalidValue("type", "is not a list of events", predicate="must be a list of events")
    if not value:
        raise InvalidValue("presence", "is empty. Name one event or more", predicate="must name one event or more")
    for index, event in enumerate(value):
        if event not in KNOWN_EVENTS:
            message = f"has an unknown event {event!r:.60}. The known ones are {', '.join(KNOWN_EVENTS)}"
            raise InvalidValue("inclusion", message, path=(str(index),), allowed=KNOWN_EVENTS)
    if len({has_customer_form(event) for event in value}) > 1:
        v1, customer = ", ".join((EVERY, *V1_EVENTS)), ", ".join(CUSTOMER_EVENTS)
        message = f"has events of two forms. Make one webhook for {v1}, and another one for {customer}"
        raise InvalidValue("contradiction", message)
    return list(dict.fromkeys(value))


def read_description(field: Field, value: object, rules: Rules) -> str:
    text = read_text(field, value, rules)
    if len(text) > LONGEST_DESCRIPTION:
        raise InvalidValue("length", f"is longer than {LONGEST_DESCRIPTION} characters")
    return text


COLUMNS = {
    "url": FieldRule(required=True, reader=read_url),
    "events": FieldRule(required=True, reader=read_events),
    "enabled": FieldRule(default=True, null=True),
    "description": FieldRule(reader=read_description),
}
V1_RULES = Rules(
    columns=COLUMNS,
    messages=LOOPBACK_MESSAGES,
    lax=True,
    raises_malformed=True,
    relations=frozenset({"organization"}),
)
"""A webhook in the v1 API."""
GRAPHQL_RULES = Rules(columns=COLUMNS, messages=GRAPHQL_MESSAGES)
"""A webhook in the GraphQL API."""


def read_new_webhook(face: Face, body: Mapping[str, Any], rules: Rules, destinations: Destinations) -> Values:
    """The values of a new webhook. Raises Invalid with every problem, and Malformed as the rules say."""
    return _check_url(read_new_body(face, body, rules), destinations)


def read_webhook_change(
    face: Face, body: Mapping[str, Any], rules: Rules, destinations: Destinations, mode: Mode = "update"
) -> Values:
    """The values of a changed webhook. Raises as `read_new_webhook`."""
    return _check_url(read_body(face, body, rules, mode), destinations)


def _check_url(values: Values, destinations: Destinations) -> Values:
    problem = destinations.find_problem(values["url"]) if "url" in values else None
    if problem is not None:
        raise Invalid([Problem("url", "format.url", problem, values["url"], predicate=problem)])
    return values
