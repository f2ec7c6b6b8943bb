"""Cells: the text of a cell becomes the JSON value of a field, and a value becomes the text of a cell.

Texts that spreadsheets take for formulas get an apostrophe in front. An empty cell is null, and an apostrophe alone is the
empty text, so that no value is lost.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import orjson

from app.clients.transfer.files import DECODER, NotARecord
from app.query.face import Field, Kind
from app.query.values import js_text
from app.records.invalid_values import InvalidValue

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
GUARDED_STARTS = frozenset(("", *FORMULA_STARTS))
"""The first characters of a text that gets an apostrophe, behind any apostrophes. "" is the empty text."""

TRUE = frozenset(
    (
        "true",
        "yes",
        "y",
        "1",
        "x",
        "on",
        "wahr",
        "ja",
        "j",
        "da",
        "resnica",
        "oui",
        "vrai",
        "si",
        "sí",
        "sì",
        "vero",
        "verdadero",
    )
)
FALSE = frozenset(("false", "no", "n", "0", "off", "falsch", "nein", "ne", "neresnica", "non", "faux", "falso"))
"""The words of spreadsheets for true and false, in lower case."""

DOTTED_DATE = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:\s+(\d\d:\d\d(?::\d\d)?))?", re.ASCII)
"""A date with points, which has the day first everywhere."""
GROUPED_NUMBER = re.compile(r"([+-]?\d{1,3})((?:[.,'’ \u00a0\u202f]\d{3})+)(?:[.,]0+)?", re.ASCII)
PLAIN_NUMBER = re.compile(r"([+-]?\d+)(?:[.,]0{1,2})?", re.ASCII)
ONE_OR_THOUSAND = re.compile(r"[+-]?\d{1,3}[.,]000", re.ASCII)


def _is_guarded(text: str) -> bool:
    return text.lstrip("'")[:1] in GUARDED_STARTS


def guard(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet could take it for a formula, or could not show it."""
    return f"'{text}" if _is_guarded(text) else text


def unguard(text: str) -> str:
    """The text before `guard`."""
    return text[1:] if text[:1] == "'" and _is_guarded(text) else text


def read_cell(field: Field, text: str) -> object:
    """The JSON value of a cell. A text that has no value of the field's kind stays, for the rules of the field to reject.

    Raises InvalidValue for a document that is not JSON, and for a number that has two meanings.
    """
    reader = READERS.get(field.kind)
    return text if reader is None else reader(text)


def _read_boolean(text: str) -> object:
    word = text.strip().casefold()
    return True if word in TRUE else False if word in FALSE else text


def _read_date(text: str) -> str:
    match = DOTTED_DATE.fullmatch(text.strip())
    if match is None:
        return text
    day, month, year, time = match.groups()
    return f"{year}-{month:0>2}-{day:0>2}{f'T{time}' if time else ''}"


def _read_number(text: str) -> object:
    """A whole number, also with separators between groups of three digits, and with a fraction of zero."""
    stripped = text.strip()
    if ONE_OR_THOUSAND.fullmatch(stripped):
        raise InvalidValue("type", "can mean two numbers")
    if match := PLAIN_NUMBER.fullmatch(stripped):
        return int(match[1][:20])
    if match := GROUPED_NUMBER.fullmatch(stripped):
        return int((match[1] + re.sub(r"\D", "", match[2]))[:20])
    return text


def _read_json(text: str) -> object:
    try:
        return DECODER.decode(text.strip())
    except (json.JSONDecodeError, NotARecord, RecursionError) as error:
        raise InvalidValue("type", "is not JSON") from error


READERS: dict[Kind, Callable[[str], object]] = {
    Kind.BOOLEAN: _read_boolean,
    Kind.DATE: _read_date,
    Kind.NUMBER: _read_number,
    Kind.JSON: _read_json,
}


def make_writer(field: Field, *, raw: bool = False) -> Callable[[Any], str]:
    """The function that makes a cell of a value that is spelled as in JSON and is not null. `raw` writes formulas as they are."""
    if field.kind is Kind.JSON:
        return _write_raw_json if raw else _write_json
    if field.kind in (Kind.BOOLEAN, Kind.NUMBER):
        return js_text
    return str if raw else guard


def _write_json(value: object) -> str:
    return guard(_write_raw_json(value))


def _write_raw_json(value: object) -> str:
    return orjson.dumps(value).decode()


def describe_right_value(field: Field) -> str:
    """The values that a field takes, as a sentence; empty if its problems say it themselves."""
    return RIGHT_VALUES.get(field.kind, "")


RIGHT_VALUES = {
    Kind.BOOLEAN: "Use true or false.",
    Kind.DATE: "Use a date such as 2026-04-20 or 20.4.2026, or a moment such as 2026-04-20T10:10:30Z.",
    Kind.NUMBER: "Use a whole number, with digits only.",
    Kind.JSON: 'Use JSON, such as {"key": "value"}.',
}
