"""Every parser of input takes time that is linear in the text: 20,000 characters of any kind take a moment.

Parsers that look at a part of the text again from each character take minutes here. tests/faults/patterns.py judges the
regular expressions by themselves.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import product

import pytest
from starlette.requests import Request

from app.auth import find_tokens, read_authorization
from app.clients.faces import CUSTOMER, V1
from app.clients.record import V1_RULES
from app.countries import country_code
from app.errors import DomainError
from app.graphql.schema.schema import core_schema
from app.graphql.server.documents import Documents
from app.http.bodies import parse_json
from app.http.encodings import read_charset
from app.http.errors import HttpError
from app.http.paths import split_path
from app.http.preferences import read_preferences
from app.http.redaction import hide_tokens
from app.idempotency import RequestKey
from app.mail.addresses import check_address
from app.mail.message import find_language
from app.mail.names import one_line
from app.query.cursor import read_cursor
from app.query.dialects import check_like, check_regex
from app.query.invisible import has_visible_character, trim
from app.query.js_dates import lax_date
from app.query.model import Query
from app.query.reader import read_predicate
from app.query.search_terms import query_terms
from app.query.sql.conditions import foldable_pattern, parametrize
from app.query.values import check_storable, check_text, parse_moment
from app.records.bodies import read_body
from app.rest.customers.dialect import MONGO
from app.rest.customers.parameters import read_limit, read_orders, read_request
from app.rest.preconditions import expected_versions
from app.rest.router import decode_segment
from app.rest.v1.brackets import decode_text, read_parameters
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.errors import show_value
from app.rest.v1.filters import read_filter, read_page
from app.rest.v1.filters import read_orders as read_v1_orders
from app.vat.numbers import check_offline

LENGTH = 20_000
BOUND = 1.0
"""Seconds of CPU for one text."""
UNITS = (
    " ", "\t", ",", "a", "1", '"', "\\", "%", "[", "]", "(", "=", "&", "?", ".", "-", "/", "{", ":", "@", "é", "+", "_",
    "\u0300", "\u0300a", "\ufdfa", "\u3164", "\U00020000", "a[", "[]", "%2", '\\"', "1.", "e1", "a ", ", ", "%a", "%\\", "a.",
    "🇸", "\u202e", "W/", "/..", "[0]", "&a", "a=", "\r\n", "x@", "=?", "SI", "0x",
)  # fmt: skip
ENDS = (("", ""), ("1", "x"), ('"', "!"))


def read_where(operator: str) -> Callable[[str], object]:
    """The work on one condition of v1: read, without its value, and with the words that it implies."""

    def read(text: str) -> None:
        where = read_predicate({"name": {operator: text}}, LOOPBACK, V1)
        parametrize(where, [])
        query_terms(Query(where), V1)

    return read


def request(header: str, text: str) -> Request:
    sent = text.encode("utf-8", "surrogatepass")
    query = sent if header == "query" else b""
    return Request({"type": "http", "headers": [(header.encode(), sent)], "query_string": query})


DOCUMENTS = Documents(core_schema(), introspection=True)
PARSERS: Mapping[str, Callable[[str], object]] = {
    "Accept": lambda text: read_preferences([text]),
    "If-Match": lambda text: expected_versions([text]),
    "Content-Type": read_charset,
    "Authorization": read_authorization,
    "tokens": lambda text: find_tokens(request("query", text).scope),
    "Idempotency-Key": lambda text: RequestKey.of("a", text),
    "path": lambda text: [decode_segment(segment) for segment in split_path(text)],
    "brackets": lambda text: read_parameters(text, 20),
    "filter in brackets": lambda text: read_parameters(f"filter[where][{text}]=1", 20, frozenset({"filter"})),
    "percents": decode_text,
    "JSON": lambda text: parse_json(text.encode()),
    "JSON in a text": lambda text: read_body(V1, {"name": "x", "unitIds": text}, V1_RULES, "create"),
    "moment": parse_moment,
    "date": lambda text: lax_date(text, "a"),
    "number": lambda text: read_page({"limit": text}),
    "v1 order": read_v1_orders,
    "v1 fields": lambda text: read_filter({"fields": [text], "include": text}),
    "order": lambda text: read_orders([text]),
    "limit": read_limit,
    "list": lambda text: read_request(text.encode()),
    "query": lambda text: read_predicate({"name": {"contains": text}}, MONGO, CUSTOMER),
    "dotted key": lambda text: read_predicate({f"metadata.{text}": 1}, MONGO, CUSTOMER),
    "like": read_where("like"),
    "ilike": read_where("ilike"),
    "regexp": read_where("regexp"),
    "equality": read_where("eq"),
    "pattern": foldable_pattern,
    "LIKE": lambda text: check_like(text, "a"),
    "regular expression": lambda text: check_regex(text, "a"),
    "search": lambda text: query_terms(Query(words=(text,)), V1),
    "cursor": lambda text: read_cursor("a", text, "after", 1),
    "text": lambda text: check_text(text, "a"),
    "document": lambda text: check_storable({text: [text]}, "a"),
    "trim": lambda text: (trim(text), has_visible_character(text)),
    "address": check_address,
    "tax number": lambda text: check_offline(text, None, None),
    "tax number of a state": lambda text: check_offline(text, "SI", text),
    "country": country_code,
    "language": find_language,
    "line": one_line,
    "value in an error": show_value,
    "log": hide_tokens,
    "GraphQL": DOCUMENTS.find,
    "GraphQL text": lambda text: DOCUMENTS.find(f"{{ client(id: {text}) }}"),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_long_text_takes_a_moment(name: str) -> None:
    parse = PARSERS[name]
    slow = {}
    for unit, (start, end) in product(UNITS, ENDS):
        text = start + unit * (LENGTH // len(unit)) + end
        began = time.process_time()
        with suppress(DomainError, HttpError, ValueError, UnicodeError):
            parse(text)
        spent = time.process_time() - began
        if spent > BOUND:
            slow[f"{start}{unit}…{end}"] = spent
    assert not slow
