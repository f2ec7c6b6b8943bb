"""The rules for writing an organization, in the v1 API and on the command line."""

from collections.abc import Mapping
from typing import Any

from app.countries import country_code
from app.errors import Invalid, Problem
from app.ids import is_id
from app.organizations.faces import GRAPHQL_ORGANIZATION, ORGANIZATION
from app.query.face import Field
from app.query.invisible import has_visible_character
from app.records.bodies import (
    GRAPHQL_MESSAGES,
    LOCALE,
    LOOPBACK_MESSAGES,
    TRIMMED,
    FieldRule,
    Mode,
    Rules,
    Values,
    read_body,
    read_new_body,
    read_text,
)
from app.records.invalid_values import InvalidValue

LONGEST_NAME = 1000


def read_name(field: Field, value: object, rules: Rules) -> str:
    name = read_text(field, value, rules)
    if len(name) > LONGEST_NAME:
        raise InvalidValue("length", f"is longer than {LONGEST_NAME} characters")
    return name


RULES = Rules(
    columns={
        "name": FieldRule(required=True),
        "country": FieldRule(required=True),
        "email": TRIMMED,
        "tax_number": TRIMMED,
        "tax_subject": FieldRule(default=False),
        "locale": LOCALE,
        "custom": FieldRule(default={}),
    },
    messages=LOOPBACK_MESSAGES,
    lax=True,
    raises_malformed=True,
)


GRAPHQL_RULES = Rules(
    columns={**RULES.columns, "name": FieldRule(required=True, reader=read_name)},
    messages=GRAPHQL_MESSAGES,
)
"""An organization in the GraphQL API."""


def check_name(name: str) -> str:
    """The name itself. Raises Invalid."""
    if not has_visible_character(name) or len(name) > LONGEST_NAME or "\x00" in name:
        raise Invalid([Problem("name", "presence", f"must be a text of 1 to {LONGEST_NAME} characters", name)])
    return name


def check_organization_id(text: str) -> str:
    """The id itself. Raises Invalid."""
    if not is_id(text):
        raise Invalid([Problem("id", "format", "must be 24 lower-case hex digits", text)])
    return text


def read_new(body: Mapping[str, Any]) -> Values:
    """The values of a new organization. Raises Invalid with every problem at once."""
    return _add_country_code(read_new_body(ORGANIZATION, body, RULES))


def read_change(body: Mapping[str, Any]) -> Values:
    """The values that a change names. Raises Invalid with every problem at once."""
    return _add_country_code(read_body(ORGANIZATION, body, RULES, "update"))


def read_fields(body: Mapping[str, Any], mode: Mode) -> Values:
    """The values of a new or a changed organization, under the names of GraphQL. Raises Invalid with every problem at once."""
    return _add_country_code(read_body(GRAPHQL_ORGANIZATION, body, GRAPHQL_RULES, mode))


def _add_country_code(values: Values) -> Values:
    if "country" in values:
        values["country_alpha2_code"] = country_code(values["country"])
    return values
