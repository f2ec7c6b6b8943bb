"""What an account and an organization may hold; the languages that the service speaks."""

from app.errors import Invalid, Problem
from app.ids import is_id

LONGEST_NAME = 1000


def check_name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise Invalid([Problem("name", "presence", f"must be a text of 1 to {LONGEST_NAME} characters", name)])
    return name


def check_organization_id(text: str) -> str:
    if not is_id(text):
        raise Invalid([Problem("id", "format", "must be 24 lower-case hex digits", text)])
    return text
