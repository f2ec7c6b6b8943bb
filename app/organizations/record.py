"""The rules for writing an organization, in the v1 API and on the command line."""

from collections.abc import Mapping
from typing import Any

from app.countries import country_code
from app.errors import Invalid, Problem
from app.ids import is_id
from app.organizations.faces import ORGANIZATION
from app.query.invisible import has_visible_character
from app.records.bodies import LOCALE, LOOPBACK_MESSAGES, TRIMMED, FieldRule, Rules, Values, read_body, read_new_body

LONGEST_NAME = 1000

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


def _add_country_code(values: Values) -> Values:
    if "country" in values:
        values["country_alpha2_code"] = country_code(values["country"])
    return values
