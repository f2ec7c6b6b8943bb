"""What an organization may hold, as v1 writes it and as an operator names it."""

from collections.abc import Mapping
from typing import Any

from app.countries import country_code
from app.errors import Invalid, Problem
from app.ids import is_id
from app.organizations.faces import ORGANIZATION
from app.records.bodies import Values, read_values

LONGEST_NAME = 1000
REQUIRED = ("name", "country")
DEFAULT_LOCALE = "en"
DEFAULTS: Mapping[str, Any] = {"tax_subject": False, "custom": {}}


def check_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise Invalid([Problem("name", "presence", f"must be a text of 1 to {LONGEST_NAME} characters", name)])
    return name


def check_organization_id(text: str) -> str:
    if not is_id(text):
        raise Invalid([Problem("id", "format", "must be 24 lower-case hex digits", text)])
    return text


def read_new(body: Mapping[str, Any]) -> Values:
    """The values of a new organization. Raises Invalid with every problem at once."""
    chosen = body.get("id")
    problems = [] if chosen in (None, "") else [Problem("id", "absence", "can't be set", chosen)]
    try:
        values = read_values(ORGANIZATION, body, REQUIRED, partial=False)
    except Invalid as invalid:
        raise Invalid([*invalid.problems, *problems]) from invalid
    if problems:
        raise Invalid(problems)
    return _derived({**DEFAULTS, **values})


def read_change(body: Mapping[str, Any]) -> Values:
    """The values that a change names. Raises Invalid with every problem at once."""
    return _derived(read_values(ORGANIZATION, body, REQUIRED, partial=True))


def _derived(values: Values) -> Values:
    """With the code of the country; the locale that reminders go by is never null."""
    if "country" in values:
        values["country_alpha2_code"] = country_code(values["country"])
    if "locale" in values:
        values["locale"] = values["locale"] or DEFAULT_LOCALE
    return values
