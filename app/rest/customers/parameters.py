"""The query parameters of the Customers API, and how they become a ListRequest. An unknown parameter is an error."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from app.clients.faces import CUSTOMER
from app.clients.service import search_words
from app.errors import Malformed
from app.http.bodies import NotJson, TooDeep, TooManyValues, parse_json
from app.query.model import EVERYTHING, Order, Predicate, Query
from app.query.reader import read_predicate
from app.query.request import CursorArgument, ListRequest, PageArguments, Wanted, complete_request
from app.query.values import check_text
from app.rest.customers.dialect import MONGO
from app.rest.customers.records import SELECTION
from app.rest.known_queries import keep_known

NAMES = ("limit", "next_cursor", "prev_cursor", "include_total_count", "order_by", "query", "search")
IGNORED = frozenset({"access_token", "_"})
"""Parameters that lists do not read: the token, and the number by which jQuery and others avoid caches."""
MOST_PARAMETERS = 1000

DEFAULT_LIMIT, HIGHEST_LIMIT = 10, 100
DEEPEST_QUERY = 12
LONGEST_SHOWN = 32


@keep_known
def read_request(query: bytes) -> ListRequest:
    """The list request in a query string. Raises Malformed, naming the parameter or the field that is wrong."""
    values = read_parameters(query)
    orders = read_orders(values.pop("order_by", []) + values.pop("order_by[]", []))
    parameters = read_single_values(values, NAMES)
    question = Query(read_query(parameters.get("query")), read_search(parameters.get("search")), orders)
    page = read_page(parameters)
    total = read_flag(parameters, "include_total_count", default=True)
    return complete_request(CUSTOMER, SELECTION, question, page, Wanted(total=total, beyond=page.backward, joined=True))


def read_parameters(query: bytes) -> dict[str, list[str]]:
    """The values of each parameter in their order. Raises Malformed for invalid UTF-8, or over 1,000 parameters."""
    try:
        text = query.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeError as error:
        raise Malformed("The query string must be percent-encoded UTF-8.") from error
    except ValueError as error:
        raise Malformed(f"The query string must have at most {MOST_PARAMETERS} parameters.") from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def read_single_values(values: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, str]:
    """The value of each parameter. Raises Malformed for a parameter that is not in `names`, or has several values."""
    for name, several in values.items():
        if name not in names and name not in IGNORED:
            raise Malformed(f"Unknown parameter {name!r}. The parameters are {', '.join(names)}.", name)
        if len(several) > 1 and name not in IGNORED:
            raise Malformed(f"{name} must have one value; got {len(several)}.", name)
    return {name: several[0] for name, several in values.items()}


def read_page(parameters: Mapping[str, str]) -> PageArguments:
    """Limit and cursor. Raises Malformed for a limit outside 1 to 100, or two cursors."""
    limit, (following, preceding) = read_limit(parameters.get("limit")), read_cursors(parameters)
    if preceding:
        return PageArguments(limit, before=CursorArgument("prev_cursor", preceding), backward=True)
    return PageArguments(limit, after=CursorArgument("next_cursor", following) if following else None)


def read_cursors(parameters: Mapping[str, str]) -> tuple[str | None, str | None]:
    """next_cursor and prev_cursor as they were sent. Raises Malformed when both are there."""
    following, preceding = parameters.get("next_cursor"), parameters.get("prev_cursor")
    if following and preceding:
        raise Malformed("Pass next_cursor or prev_cursor, not both.", "prev_cursor")
    return following, preceding


def read_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= HIGHEST_LIMIT):
        raise Malformed(f"limit must be a whole number from 1 to {HIGHEST_LIMIT}; got {shorten(text)}.", "limit")
    return int(text)


def read_flag(parameters: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = parameters.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise Malformed(f"{name} must be true or false; got {shorten(text)}.", name)
    return text == "true"


def shorten(text: str) -> str:
    """A caller's text for a message, cut to 32 characters."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}...")


def read_search(text: str | None) -> tuple[str, ...]:
    return search_words(check_text(text, "search")) if text else ()


def read_query(text: str | None) -> Predicate:
    """The predicate of a `query`: a JSON object at most 12 levels deep. An empty text has no conditions."""
    if not text:
        return EVERYTHING
    return read_predicate(_parse(text, "query"), MONGO, CUSTOMER)


def _parse(text: str, name: str) -> object:
    try:
        return parse_json(text.encode(), deepest=DEEPEST_QUERY)
    except (NotJson, TooManyValues) as error:
        raise Malformed(f"{name} must be valid JSON.", name) from error
    except TooDeep as error:
        raise Malformed(f"{name} must be nested at most {DEEPEST_QUERY} levels deep.", name) from error


def read_orders(texts: Sequence[str]) -> tuple[Order, ...]:
    """The orders of `name`, `-name`, a list with commas, a JSON list of such texts, or an object {"name": "desc"}."""
    orders: list[Order] = []
    for text in texts:
        for item in _order_items(text.strip()):
            order = _read_order(item)
            if any(order.column == earlier.column for earlier in orders):
                raise Malformed(f"order_by must name a field once; got {item.lstrip('-')!r} twice.", "order_by")
            orders.append(order)
    return tuple(orders)


def _order_items(text: str) -> list[str]:
    if not text:
        return []
    if text[0] not in '["{':
        return text.split(",")
    value = _parse(text, "order_by")
    members = value if isinstance(value, list) else [value]
    return [item for member in members for item in _order_member(member)]


def _order_member(member: object) -> list[str]:
    if isinstance(member, str):
        return member.split(",")
    if isinstance(member, dict) and member and set(map(json.dumps, member.values())) <= {'"asc"', '"desc"'}:
        return [f"{'-' if direction == 'desc' else ''}{name}" for name, direction in member.items()]
    raise Malformed('order_by must hold names of fields, with "-" before a name for descending order.', "order_by")


def _read_order(item: str) -> Order:
    name = item.strip()
    field = CUSTOMER.fields.get(name.removeprefix("-"))
    if field is None or not field.sortable:
        raise Malformed(f"order_by must name a sortable field; got {shorten(name)}.", "order_by")
    return Order(field.column, name.startswith("-"))
