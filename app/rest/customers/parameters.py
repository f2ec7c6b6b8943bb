"""The parameters of a list of customers, read into the neutral question. Whatever is not understood is refused."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from app.clients.faces import CUSTOMER
from app.clients.service import search_words
from app.errors import Malformed
from app.http.bodies import NotJson, TooDeep, parse_json
from app.query.model import EVERYTHING, Order, Predicate, Query
from app.query.reader import read_predicate
from app.query.request import CursorArgument, ListRequest, PageArguments, Wanted, complete_request
from app.query.sql.render import Selection
from app.query.values import check_text
from app.rest.customers.dialect import MONGO

NAMES = ("limit", "next_cursor", "prev_cursor", "include_total_count", "order_by", "query", "search")
PASSING = frozenset({"access_token"})
"""What other parts of the service read from a query string."""

MOST_PARAMETERS = 1000
DEFAULT_LIMIT, HIGHEST_LIMIT = 10, 100
DEEPEST_QUERY = 12


def read_request(scope: Mapping[str, Any], selection: Selection) -> ListRequest:
    """The request in a query string. Raises Malformed, naming the parameter or field that is wrong."""
    given = read_parameters(scope)
    many = given.pop("order_by", []) + given.pop("order_by[]", [])
    one = read_single(given, NAMES)
    orders = read_orders(many)
    query = Query(read_query(one.get("query")), read_search(one.get("search")), orders)
    page = read_page(one)
    total = read_flag(one, "include_total_count", default=True)
    return complete_request(CUSTOMER, selection, query, page, Wanted(total=total, beyond=page.backward))


def read_parameters(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each parameter, in their order. Raises Malformed for text that is not UTF-8 and for over 1,000 values."""
    try:
        text = scope["query_string"].decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        reason = "is not valid UTF-8" if isinstance(error, UnicodeError) else f"has over {MOST_PARAMETERS} parameters"
        raise Malformed(f"The query string {reason}") from error
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    return parameters


def read_single(given: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, str]:
    """The parameters, each given once. Raises Malformed for one that is not in `names`, or given twice."""
    for name, values in given.items():
        if name not in names and name not in PASSING:
            raise Malformed(f"There is no parameter {name!r}; there are {', '.join(names)}", name)
        if len(values) > 1:
            raise Malformed(f"{name} is given {len(values)} times", name)
    return {name: values[0] for name, values in given.items()}


def read_page(one: Mapping[str, str]) -> PageArguments:
    limit = read_limit(one.get("limit"))
    following, preceding = one.get("next_cursor"), one.get("prev_cursor")
    if following and preceding:
        raise Malformed("next_cursor and prev_cursor exclude each other", "prev_cursor")
    if preceding:
        return PageArguments(limit, before=CursorArgument("prev_cursor", preceding), backward=True)
    return PageArguments(limit, after=CursorArgument("next_cursor", following) if following else None)


def read_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= HIGHEST_LIMIT):
        raise Malformed(f"limit must be a whole number from 1 to {HIGHEST_LIMIT}", "limit")
    return int(text)


def read_flag(one: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = one.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise Malformed(f"{name} must be true or false", name)
    return text == "true"


def read_search(text: str | None) -> tuple[str, ...]:
    return search_words(check_text(text, "search")) if text else ()


def read_query(text: str | None) -> Predicate:
    """The predicate of a `query`: a JSON object at most 12 levels deep; an empty text asks for nothing."""
    if not text:
        return EVERYTHING
    return read_predicate(_parse(text, "query"), MONGO, CUSTOMER)


def _parse(text: str, name: str) -> object:
    try:
        return parse_json(text.encode(), deepest=DEEPEST_QUERY)
    except NotJson as error:
        raise Malformed(f"{name} is not valid JSON", name) from error
    except TooDeep as error:
        raise Malformed(f"{name} is nested more than {DEEPEST_QUERY} levels deep", name) from error


def read_orders(texts: Sequence[str]) -> tuple[Order, ...]:
    """The orders of `name`, `-name`, several with commas between, or JSON: such texts in a list, or {"name": "desc"}."""
    orders: list[Order] = []
    for text in texts:
        for item in _order_items(text.strip()):
            order = _read_order(item)
            if any(order.column == earlier.column for earlier in orders):
                raise Malformed(f"order_by names {item.lstrip('-')!r} twice", "order_by")
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
    raise Malformed('order_by must be field names, "-" before one for descending', "order_by")


def _read_order(item: str) -> Order:
    name = item.strip()
    field = CUSTOMER.fields.get(name.removeprefix("-"))
    if field is None or not field.sortable:
        raise Malformed(f"There is no field {name!r} to order by", "order_by")
    return Order(field.column, name.startswith("-"))
