"""Dates as JavaScript reads them: ISO 8601, the forms that JavaScript prints, and common written forms."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone

from app.errors import Malformed
from app.query.values import parse_moment

NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]

LONGEST = 100
WEEKDAY = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +", re.IGNORECASE)
COMMENT = re.compile(r"\([^()]*\)")
DAYS = (
    r"(?P<year>\d{4})[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})",
    r"(?P<month>\d{1,2})[/-](?P<day>\d{1,2})[/-](?P<year>\d{4})",
    r"(?P<name>[a-z]{3,9})\.? +(?P<day>\d{1,2}),? +(?P<year>\d{4})",
    r"(?P<day>\d{1,2})[ -](?P<name>[a-z]{3,9})\.?[ -](?P<year>\d{4})",
)
TIME = r"(?:,?[ t]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?(?: *(?P<half>[ap]m))?)?"
ZONE = r"(?: *(?:z|gmt|utc)?(?P<offset>[+-]\d\d(?::?\d\d)?)?)?"
FORMS = tuple(re.compile(f"{day}{TIME}{ZONE}", re.IGNORECASE | re.ASCII) for day in DAYS)


def lax_date(value: object, field: str) -> datetime:
    """A date in any form that JavaScript reads, or a number of milliseconds since 1970. Raises Malformed for other values."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 253_402_300_799_999:
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=math.trunc(value))
        except OverflowError:
            pass
    moment = parse_js_date(value) if isinstance(value, str) else None
    if moment is None:
        raise Malformed(f"The value of `{field}` must be a date, such as 2026-04-20T10:10:30Z.", field)
    return moment


def parse_js_date(text: str) -> datetime | None:
    """The moment of a text, to the millisecond. Without a zone it is in UTC. None for a text that is not a date."""
    moment = parse_moment(text)
    if moment is not None or len(text) > LONGEST:
        return moment
    plain = WEEKDAY.sub("", COMMENT.sub("", text).strip())
    matches = (form.fullmatch(plain.strip()) for form in FORMS)
    return next((_read(match) for match in matches if match), None)


def _read(match: "re.Match[str]") -> datetime | None:
    month = _month(match)
    hour = _hour(int(match["hour"] or 0), match["half"])
    if month is None or hour is None:
        return None
    milliseconds = int(((match["fraction"] or "") + "000")[:3])
    day, minute, second = int(match["day"]), int(match["minute"] or 0), int(match["second"] or 0)
    try:
        moment = datetime(
            int(match["year"]), month, day, hour, minute, second, milliseconds * 1000, _zone(match["offset"])
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _month(match: "re.Match[str]") -> int | None:
    name = match.groupdict().get("name")
    if name is None:
        return int(match["month"])
    return next((month for month, full in enumerate(NAMES, 1) if full.startswith(name.lower())), None)


def _hour(hour: int, half: str | None) -> int | None:
    if half is None:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0) if 1 <= hour <= 12 else None


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    step = timedelta(hours=hours, minutes=minutes)
    return timezone(-step if offset[0] == "-" else step)
