"""What an account may hold: its address, its password, and how long its access tokens live."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.accounts.faces import ACCOUNT
from app.auth import Scope
from app.errors import ABSENT, Invalid, Problem
from app.mail.addresses import check_address
from app.query.values import check_text
from app.records.bodies import LOCALE, LOOPBACK_MESSAGES, FieldRule, Rules, Values, find_chosen_id, read_body

LONGEST_PASSWORD = 72
"""Bytes, as in LoopBack; argon2 itself would take any length."""
DEFAULT_TTL, ETERNAL, LONGEST_TTL = 1_209_600, -1, 2**31 - 1
"""Seconds: two weeks when none are asked for; -1 never expires."""
HIDDEN = "(hidden)"
"""Stands in a Problem for a password."""
BLANK = LOOPBACK_MESSAGES.blank


RULES = Rules(
    columns={
        "email": FieldRule(required=True),
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
    problems += password_problems(password)
    if problems:
        raise Invalid(problems)
    return values, str(password)


def _read_address(text: str) -> str:
    try:
        return check_address(text)
    except Invalid as invalid:
        raise Invalid([Problem("email", "custom.email", "Must provide a valid email", text)]) from invalid


def taken(address: str) -> Invalid:
    return Invalid([Problem("email", "uniqueness", "Email already exists", address)])


def password_problems(password: object) -> Sequence[Problem]:
    """What is wrong with a new password; its text is never repeated."""
    if password is ABSENT or password is None or password == "":
        return [Problem("password", "presence", BLANK, password)]
    if not isinstance(password, str):
        return [Problem("password", "type", "is not a text", HIDDEN)]
    if not check_text(password, "password").strip():
        return [Problem("password", "presence", BLANK, HIDDEN)]
    length = len(password.encode())
    if length <= LONGEST_PASSWORD:
        return []
    message = f"The password entered was too long. Max length is {LONGEST_PASSWORD} (entered {length})"
    return [Problem("password", "length", message, HIDDEN)]


def check_password(password: str) -> str:
    problems = password_problems(password)
    if problems:
        raise Invalid(problems)
    return password


def read_ttl(given: object) -> int:
    """Seconds, or -1; a form sends them as text. Raises Invalid."""
    if given is None or given == "":
        return DEFAULT_TTL
    seconds = given
    if isinstance(given, str) and given.removeprefix("-").isdecimal() and given.isascii() and len(given) < 12:
        seconds = int(given)
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if (
        isinstance(seconds, int)
        and not isinstance(seconds, bool)
        and (seconds == ETERNAL or 1 <= seconds <= LONGEST_TTL)
    ):
        return seconds
    message = f"is not a number of seconds from 1 to {LONGEST_TTL}, or {ETERNAL} for no end"
    raise Invalid([Problem("ttl", "numericality", message, given)])


def read_scopes(given: object) -> Scope:
    """The widest of a list of scopes; all when none are named. Raises Invalid."""
    if given is None or given == []:
        return Scope.WRITE
    if isinstance(given, list) and all(isinstance(one, str) and one in tuple(Scope) for one in given):
        return Scope.WRITE if Scope.WRITE in given else Scope.READ
    raise Invalid([Problem("scopes", "inclusion", f"is not a list of {' and '.join(Scope)}", given)])
