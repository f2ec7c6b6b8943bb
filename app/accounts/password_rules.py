"""The rules for a new password: at least 10 characters, at most 72 bytes, no name of the account, and not a common one."""

import gzip
import string
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from unicodedata import normalize

from app.errors import ABSENT, Invalid, Problem
from app.query.invisible import has_visible_character
from app.query.values import check_text
from app.records.bodies import LOOPBACK_MESSAGES

SHORTEST_PASSWORD = 10
"""Characters."""
LONGEST_PASSWORD = 72
"""Bytes, as in LoopBack; argon2 itself would take any length."""
SERVICE_NAME = "clientele"
ENDS = f"{string.digits}{string.punctuation} "
SIGNS = str.maketrans("@4831!05$7", "aabeiiosst")
"""Signs that people write for letters."""
HIDDEN = "(hidden)"
"""The value in a Problem of a password."""
BLANK = LOOPBACK_MESSAGES.blank


def check_password(password: object, names: Iterable[str] = ()) -> str:
    """The password itself. Raises Invalid."""
    problems = password_problems(password, names)
    if problems:
        raise Invalid(problems)
    return str(password)


def password_problems(password: object, names: Iterable[str] = (), field: str = "password") -> Sequence[Problem]:
    """The problems of a new password. They never repeat its text.

    `names` are the texts that others know about the account: its address, and the names of its owner and organizations.
    """
    if password is ABSENT or password is None or password == "":
        return [Problem(field, "presence", BLANK, password)]
    if not isinstance(password, str):
        return [Problem(field, "type", "is not a text", HIDDEN)]
    length = len(check_text(password, field).encode())
    if length > LONGEST_PASSWORD:
        message = f"The password entered was too long. Max length is {LONGEST_PASSWORD} (entered {length})"
        return [Problem(field, "length", message, HIDDEN)]
    if not has_visible_character(password):
        return [Problem(field, "presence", BLANK, HIDDEN)]
    characters = len(normalize("NFC", password))
    if characters < SHORTEST_PASSWORD:
        message = f"is too short: it must have at least {SHORTEST_PASSWORD} characters, and has {characters}"
        return [Problem(field, "length.min", message, HIDDEN)]
    weakness = find_weakness(password, names)
    return [Problem(field, "exclusion", weakness, HIDDEN)] if weakness else []


def find_weakness(password: str, names: Iterable[str]) -> str | None:
    """The reason why a password is easy to guess; None for a good one.

    Case, punctuation and signs for letters make no difference, nor does what stands around the middle of a password.
    """
    guesses = {password.casefold(), *find_core(password)}
    if guesses & common_passwords():
        return "is one of the most common passwords, or one with signs added; choose another one"
    known = {core for name in (SERVICE_NAME, *names) for part in (name, *name.split("@")) for core in find_core(part)}
    if guesses & known:
        return "is a name or an address of the account, or one with signs added; choose another one"
    return None


def find_core(text: str) -> set[str]:
    """The letters and digits of a text, and of its middle if that is at least half of it, with signs read as letters too."""
    plain = normalize("NFKC", text).casefold()
    middle = plain.strip(ENDS)
    parts = (plain, middle) if 2 * len(middle) >= len(plain) else (plain,)
    return {"".join(filter(str.isalnum, read)) for part in parts for read in (part, part.translate(SIGNS))} - {""}


@cache
def common_passwords() -> frozenset[str]:
    """The commonest passwords, in lower case. `scripts/generate-common-passwords` makes the file."""
    data = files("app.accounts").joinpath("common-passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(data).decode().split())
