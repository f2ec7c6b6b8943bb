"""Values: a caller's JSON value becomes a typed value, or an error that says what is allowed."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.errors import Malformed
from app.query.marks import MOST_MARKS, has_long_run

LONGEST_TEXT = 10_000
LARGEST_NUMBER = 1e15
"""Above this, JSON libraries disagree about the digits of a number."""
DEEPEST_VALUE = 32
MOST_DIGITS = 400
"""Every number with more digits is larger than the largest double. Python takes long to read many digits."""
EXACT_BELOW = 10**18
"""Whole numbers inside JSON are stored exactly up to 18 digits. All other numbers are doubles, as in JavaScript."""
LARGEST_WHOLE = 2**53
"""Doubles hold every whole number up to this one."""

MOMENT = re.compile(
    r"(?P<date>\d{4}(-\d\d(-\d\d)?)?)"
    r"([Tt ](?P<time>\d\d:\d\d(:\d\d([.,]\d{1,9})?)?)\s?(?P<zone>[Zz]|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII,
)
"""The extended format of ISO 8601, and RFC 3339 in either case."""
SHOWN_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
"""The form in which the APIs show a moment."""
PLAIN_TEXT = re.compile("[\x01-\u02ff]*")
"""Letters of Latin scripts, without combining marks."""
MOMENT_FORMAT = (
    "a date such as 2026-04-20, or a date and time such as 2026-04-20T10:10:30.000Z with the offset Z, +02, +0200, +02:00 "
    "or none, which means UTC"
)
LAST_MIDNIGHT = re.compile(r"24:00(:00([.,]0+)?)?")
"""The end of a day. It is the midnight of the next day."""


class OutOfRange(Malformed):
    """A number is larger than the largest double, about 1.8e308."""


def check_text(text: str, field: str) -> str:
    """The text itself. Raises Malformed for over 10,000 characters, and for characters that PostgreSQL cannot store."""
    if len(text) > LONGEST_TEXT:
        raise Malformed(f"The value of `{field}` may have at most {LONGEST_TEXT} characters; got {len(text)}.", field)
    problem = find_problem(text)
    if problem:
        raise Malformed(f"The value of `{field}` contains {problem}, which is not allowed.", field)
    return text


def find_problem(text: str) -> str | None:
    """The reason why PostgreSQL cannot store or fold a text; None for a text that it can.

    Folding sorts the combining marks of each letter. Its time is quadratic in their number, and nothing interrupts it.
    """
    if "\x00" in text:
        return "a NUL character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "an unpaired surrogate"
    return f"more than {MOST_MARKS} combining marks in a row" if has_long_run(text) else None


def is_plain(text: str) -> bool:
    """True for a text that PostgreSQL can store, and that is not too long, if a look at its characters tells it."""
    if len(text) > LONGEST_TEXT:
        return False
    return "\x00" not in text if text.isascii() else PLAIN_TEXT.fullmatch(text) is not None


def check_storable(value: object, name: str, depth: int = 0) -> None:
    """Raises Malformed for a value over 32 levels deep, and for texts and numbers that PostgreSQL's JSON cannot store."""
    if depth > DEEPEST_VALUE:
        raise Malformed(f"The value of `{name}` may be nested at most {DEEPEST_VALUE} levels deep.", name)
    if isinstance(value, str):
        problem = find_problem(value)
        if problem:
            raise Malformed(f"The value of `{name}` contains {problem}, which is not allowed.", name)
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_storable(key, name, depth + 1)
            check_storable(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_storable(inner, name, depth + 1)
    elif isinstance(value, int | float) and not _fits_double(value):
        raise OutOfRange(f"The value of `{name}` contains a number that is out of range.", name)


def find_unstorable(value: object) -> tuple[str, ...]:
    """The path of the first member of a JSON value that `check_storable` rejects: keys, and indexes from "0".

    A wrong key belongs to the object that has it.
    """
    return _find_member(value, _is_unstorable)


def find_long_text(value: object) -> tuple[str, ...]:
    """The path of the first member that holds a text or a key of over 10,000 characters."""
    return _find_member(value, has_long_text)


def _find_member(value: object, is_wrong: Callable[[object], bool]) -> tuple[str, ...]:
    members: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, inner in members:
        if not is_wrong(key) and is_wrong(inner):
            return (str(key), *_find_member(inner, is_wrong))
    return ()


def _is_unstorable(value: object) -> bool:
    try:
        check_storable(value, "")
    except Malformed:
        return True
    return False


def has_long_text(value: object) -> bool:
    """True if a JSON value holds a text or a key of over 10,000 characters."""
    if isinstance(value, str):
        return len(value) > LONGEST_TEXT
    if isinstance(value, Mapping):
        return any(has_long_text(key) or has_long_text(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(has_long_text, value))


def _fits_double(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def js_text(value: str | bool | int | float) -> str:
    """A scalar as JavaScript's String() writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= LARGEST_WHOLE:
        return str(value)
    try:
        return _js_number(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"


def _js_number(value: float) -> str:
    """The shortest digits of a number, with an exponent from 1e21 on and below 1e-6."""
    if not math.isfinite(value) or value == 0:
        return "NaN" if value != value else "0" if value == 0 else "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    if 0 < point <= 21:
        body = text.ljust(point, "0") if point >= len(text) else f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        body = f"0.{'0' * -point}{text}"
    else:
        body = f"{text[0]}{'.' if len(text) > 1 else ''}{text[1:]}e{point - 1:+d}"
    return f"-{body}" if sign else body


def stringify(value: object) -> str:
    """A value as JavaScript's JSON.stringify writes it."""
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{stringify(key)}:{stringify(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(stringify, value))}]"
    if isinstance(value, int | float):
        return js_text(value)
    return json.dumps(value, ensure_ascii=False)


def parse_whole(digits: str) -> int | float:
    """A whole number of JSON; with over 400 digits it becomes infinity, which is out of range for every field."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def whole_numbers(value: object) -> object:
    """A value from JSON with its numbers as they are stored: equal numbers have equal texts, which read back unchanged.

    7.0 becomes 7, and a whole number with over 18 digits becomes a double.
    """
    if isinstance(value, Mapping):
        return {key: whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole_numbers(inner) for inner in value]
    if isinstance(value, int) and abs(value) >= EXACT_BELOW:
        return float(value)
    return int(value) if isinstance(value, float) and abs(value) <= LARGEST_WHOLE and value.is_integer() else value


def lax_text(value: object, field: str) -> str:
    """Text, number or boolean as text, as LoopBack coerces them."""
    if isinstance(value, str | bool | int | float):
        return check_text(js_text(value), field)
    raise Malformed(f"The value of `{field}` must be a string, a number or a boolean.", field)


def strict_text(value: object, field: str) -> str:
    if isinstance(value, str):
        return check_text(value, field)
    raise Malformed(f"The value of `{field}` must be a string.", field)


LAX_TRUTH: dict[object, bool] = {"true": True, "1": True, "false": False, "0": False, "": False, 1: True, 0: False}


def lax_boolean(value: object, field: str) -> bool:
    """A boolean, or one of the texts and numbers that v1 reads as one."""
    if isinstance(value, str | bool | int | float) and value in LAX_TRUTH:
        return LAX_TRUTH[value]
    raise Malformed(f"The value of `{field}` must be true or false.", field)


def strict_boolean(value: object, field: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Malformed(f"The value of `{field}` must be a boolean.", field)


def number(value: object, field: str) -> int | Decimal:
    """A number that PostgreSQL and JSON write with the same digits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) <= LARGEST_NUMBER:
            return Decimal(repr(value)) if isinstance(value, float) else value
        raise Malformed(f"The value of `{field}` must be between -1e15 and 1e15.", field)
    raise Malformed(f"The value of `{field}` must be a number.", field)


def strict_date(value: object, field: str) -> datetime:
    """An ISO 8601 date or date-time as a moment in UTC. Without an offset it is in UTC; a date alone means its midnight."""
    moment = parse_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise Malformed(f"The value of `{field}` must be {MOMENT_FORMAT}.", field)
    return moment


def read_shown_moment(text: str) -> datetime | None:
    """The moment of a text in the form in which the APIs show moments. None for any other text, which may be a moment, too."""
    try:
        return datetime.fromisoformat(text) if SHOWN_MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def parse_moment(text: str) -> datetime | None:
    """The moment of an ISO 8601 text, to the millisecond. None for any other text."""
    match = MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    day = (match["date"] + "-01-01")[:10] if len(match["date"]) == 4 else (match["date"] + "-01")[:10]
    zone = (match["zone"] or "Z").upper().replace("Z", "+00:00")
    try:
        midnight, time = timedelta(), match["time"] or "00:00"
        if LAST_MIDNIGHT.fullmatch(time):
            midnight, time = timedelta(days=1), "00:00"
        moment = datetime.fromisoformat(f"{day}T{_microseconds(time)}{zone}").astimezone(UTC) + midnight
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _microseconds(time: str) -> str:
    whole, _, fraction = time.replace(",", ".").partition(".")
    return f"{whole}.{fraction[:6]:0<6}" if fraction else whole


def json_scalar(value: object, name: str) -> str | int | Decimal:
    """The value that a value inside JSON is compared with: a text or a number."""
    if isinstance(value, bool):
        return js_text(value)
    if isinstance(value, int | float):
        return number(value, name)
    if isinstance(value, str):
        return check_text(value, name)
    raise Malformed(f"The value of `{name}` must be a string, a number or a boolean.", name)
