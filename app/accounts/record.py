"""The rules for writing an account and its access tokens."""

from collections.abc import Mapping
from typing import Any

from app.accounts.faces import ACCOUNT
from app.accounts.password_rules import password_problems
from app.auth import Scope
from app.errors import ABSENT, Invalid, Problem
from app.mail.addresses import check_address
from app.mail.names import one_line, remove_invisible
from app.query.values import check_text
from app.records.bodies import (
    LOCALE,
    LOOPBACK_MESSAGES,
    FieldRule,
    Rules,
    Values,
    find_chosen_id,
    read_body,
    read_trimmed,
)
from app.tokens import LONGEST_LABEL

DEFAULT_TTL, ETERNAL, LONGEST_TTL = 1_209_600, -1, 2**31 - 1
"""Seconds. The default is two weeks; ETERNAL never expires."""

NAME_COLUMNS = ("email", "firstname", "lastname", "label")

RULES = Rules(
    columns={
        "email": FieldRule(reader=read_trimmed, required=True),
        "locale": LOCALE,
        "disable_creating_child_organizations": FieldRule(default=False),
        "custom": FieldRule(default={}),
    },
    messages=LOOPBACK_MESSAGES,
    lax=True,
    raises_malformed=True,
)


def read_sign_up(body: Mapping[str, Any]) -> tuple[Values, str]:
    """The values of a new account, and its password. Raises Invalid with every problem at once."""
    password = body.get("password", ABSENT)
    problems = find_chosen_id(body)
    values: Values = {}
    try:
        values = read_body(ACCOUNT, {name: body[name] for name in body if name != "password"}, RULES, "create")
        values["email"] = _read_address(values["email"])
    except Invalid as error:
        problems += error.problems
    problems += password_problems(password, account_names(values))
    if problems:
        raise Invalid(problems)
    return values, str(password)


def account_names(values: Mapping[str, Any]) -> list[str]:
    """The names in the columns of an account, which are no passwords for it."""
    names = [values[column] for column in NAME_COLUMNS if values.get(column)]
    return [*names, f"{values.get('firstname') or ''}{values.get('lastname') or ''}"]


def _read_address(text: str) -> str:
    try:
        return check_address(text)
    except Invalid as invalid:
        raise Invalid([Problem("email", "custom.email", "Must provide a valid email", text)]) from invalid


def email_taken(address: str) -> Invalid:
    """The error for an address that already has an account."""
    return Invalid([Problem("email", "uniqueness", "Email already exists", address)])


def read_ttl(ttl: object) -> int:
    """The lifetime of a token in seconds, or -1 for one that never expires. A form sends it as text. Raises Invalid."""
    if ttl is None or ttl == "":
        return DEFAULT_TTL
    seconds = ttl
    if isinstance(ttl, str) and ttl.removeprefix("-").isdecimal() and ttl.isascii() and len(ttl) < 12:
        seconds = int(ttl)
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if (
        isinstance(seconds, int)
        and not isinstance(seconds, bool)
        and (seconds == ETERNAL or 1 <= seconds <= LONGEST_TTL)
    ):
        return seconds
    message = f"is not a number of seconds from 1 to {LONGEST_TTL}, or {ETERNAL} for a token that never expires"
    raise Invalid([Problem("ttl", "numericality", message, ttl)])


def read_label(label: object) -> str | None:
    """The label of a token as a single line of visible characters; None without one. Raises Invalid."""
    if label is None or label == "":
        return None
    if not isinstance(label, str):
        raise Invalid([Problem("label", "type", "is not a text", label)])
    if len(check_text(label, "label")) > LONGEST_LABEL:
        raise Invalid(
            [Problem("label", "length", f"must have at most {LONGEST_LABEL} characters; got {len(label)}", label)]
        )
    return remove_invisible(one_line(label)) or None


def read_scopes(scopes: object) -> Scope:
    """The widest of a list of scopes; an empty list means all. Raises Invalid."""
    if scopes is None or scopes == []:
        return Scope.WRITE
    if isinstance(scopes, list) and all(isinstance(scope, str) and scope in tuple(Scope) for scope in scopes):
        return Scope.WRITE if Scope.WRITE in scopes else Scope.READ
    raise Invalid([Problem("scopes", "inclusion", f"is not a list of {' and '.join(Scope)}", scopes)])
