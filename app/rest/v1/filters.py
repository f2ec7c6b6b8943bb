"""Filters: LoopBack's `filter` and `where` become a query, a page, and the fields and includes of the answer."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.errors import Malformed, TooSlow
from app.query.face import Kind
from app.query.model import EVERYTHING, NO_CONDITIONS, Order, Predicate, Query
from app.query.reader import read_predicate
from app.query.request import LIST_AND_TOTAL, ListRequest, PageArguments, complete_request, has_slow_pattern
from app.query.sql.render import Selection
from app.query.values import check_text
from app.rest.v1.call import DEEPEST_QUERY
from app.rest.v1.dialect import LOOPBACK
from app.rest.v1.errors import too_deep
from app.rest.v1.fields import ALL, Include, read_fields, read_include
from app.rest.v1.messages import show
from app.rest.v1.models import CLIENT, Model

SKIPPING_LIMIT = 100
"""The limit of a filter that has a skip and no limit."""
BEYOND = 2**63 - 512
"""JavaScript rounds whole numbers from here on to 2 ** 63, which is too large for a database."""
FURTHEST = 2**31 - 1 - 10_001
"""The highest skip. No organization has as many clients, so a higher skip is an empty page, too."""
MOST_STEPS = 100
"""More steps than properties: paths lead into documents."""
LATEST_FIRST = Order("id", descending=True)

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)", re.ASCII)
WHITE_SPACE = re.compile(r"\s+")
RADIX_NUMBER = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that has been read. A `limit` of None is the cap of the service."""

    query: Query = NO_CONDITIONS
    selection: Selection = ALL
    limit: int | None = None
    skip: int = 0
    include: Include | None = None

    def list_request(self, model: Model, cap: int) -> ListRequest:
        """The request for a page of at most `cap` records and for the number of all."""
        page = PageArguments(min(self.limit or cap, cap), self.skip)
        return complete_request(model.face, self.selection, self.query, page, LIST_AND_TOTAL)


@cache
def empty_filter(model: Model) -> Filter:
    return Filter(selection=model.everything)


def read_filter(tree: Mapping[str, Any] | None, model: Model = CLIENT) -> Filter:
    """Reads a `filter`. Members that LoopBack does not know are ignored. Raises Malformed."""
    if not tree:
        return empty_filter(model)
    check_depth({name: value for name, value in tree.items() if name != "where"})
    limit, skip = read_page(tree)
    orders = read_orders(tree.get("order"), model)
    check_depth({"where": _scoped(tree.get("where"))})
    query = Query(read_where(tree.get("where"), model), (), orders, deleted_too=read_deleted(tree.get("deleted")))
    selection = read_fields(tree["fields"], model) if "fields" in tree else model.everything
    include = read_include(tree["include"], model) if "include" in tree else None
    return Filter(query, selection, limit, skip, include)


def read_record_filter(tree: Mapping[str, Any] | None, model: Model = CLIENT) -> Filter:
    """Reads the filter on a single record, of which only `fields` and `include` count. Raises Malformed."""
    if not tree:
        return empty_filter(model)
    check_depth({"fields": tree.get("fields"), "include": tree.get("include")})
    selection = model.everything if tree.get("fields") is None else read_fields(tree["fields"], model)
    return Filter(selection=selection, include=read_include(tree.get("include"), model))


def read_count(tree: object, model: Model = CLIENT) -> Query:
    """The query of a count, from its `where`. Raises Malformed."""
    if tree is None:
        return NO_CONDITIONS
    check_depth(_scoped(tree))
    return Query(read_where(tree, model))


def read_where(tree: object, model: Model = CLIENT) -> Predicate:
    """The predicate of a where. Raises Malformed."""
    if tree is None or tree == "" or tree == {}:
        return EVERYTHING
    return read_predicate(tree, LOOPBACK, model.face)


def _scoped(where: object) -> object:
    """LoopBack measures a where inside an `and`, beside the condition on the organization."""
    return {"and": [where]}


def check_depth(tree: object) -> None:
    """Raises Malformed for members more than 12 levels deep."""
    if _deeper_than(tree, DEEPEST_QUERY):
        raise too_deep(DEEPEST_QUERY)


@contextmanager
def blaming_patterns(where: Predicate) -> Iterator[None]:
    """Turns TooSlow into Malformed when the filter has a slow pattern, which may be the reason."""
    try:
        yield
    except TooSlow as error:
        if not has_slow_pattern(where):
            raise
        raise Malformed("The pattern takes too long. Use a simpler pattern or add conditions.", "where") from error


def _deeper_than(value: object, levels: int) -> bool:
    """True if a value has members below this number of levels; its own members are on the first level."""
    if not isinstance(value, Mapping | list):
        return False
    members = value.values() if isinstance(value, Mapping) else value
    return any(levels == 0 or _deeper_than(member, levels - 1) for member in members)


def read_deleted(value: object) -> bool:
    """True if deleted records are listed too: only for true and 1, also as texts."""
    return value is True or value in ("true", "1") or (value == 1 and isinstance(value, int | float))


def read_page(tree: Mapping[str, Any]) -> tuple[int | None, int]:
    """Limit and skip. As in LoopBack, values that are false to JavaScript are absent, and skip wins over offset."""
    limit, skip = tree.get("limit"), tree.get("skip")
    skip = skip if _truthy(skip) else tree.get("offset")
    if not _truthy(limit) and not _truthy(skip):
        return None, 0
    most = _whole(limit, 1) if _truthy(limit) else SKIPPING_LIMIT
    if most is None:
        raise Malformed(f"The limit parameter {show(limit)} is not valid", "limit")
    start = _whole(skip, 0) if _truthy(skip) else 0
    if start is None:
        raise Malformed(f"The offset/skip parameter {show(skip)} is not valid", "skip")
    return most, min(start, FURTHEST)


def _truthy(value: object) -> bool:
    return isinstance(value, Mapping | list) or bool(value)


def _whole(value: object, least: int) -> int | None:
    """The whole number that JavaScript's Number() makes of a value; None for a list or a number out of range."""
    number = value if isinstance(value, int | float) else _number(value.strip()) if isinstance(value, str) else None
    if number is None or not least <= number < BEYOND or number != int(number):
        return None
    return int(number)


def _number(text: str) -> float | None:
    if not text:
        return 0
    if RADIX_NUMBER.fullmatch(text):
        return int(text, 0) if len(text) < 100 else math.inf
    return float(text) if NUMBER.fullmatch(text) else None


def read_orders(value: object, model: Model = CLIENT) -> tuple[Order, ...]:
    """The orders of a text with commas, or of a list of texts. Words after the direction are ignored. Raises Malformed.

    LoopBack leaves the order of equal rows open; here the newest record comes first.
    """
    if not _truthy(value):
        return ()
    orders: list[Order] = []
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str):
            raise Malformed(f"The order {show(text)} is not valid", "order")
        orders += [_read_order(step, model) for step in _split_steps(check_text(text, "order")) if step]
    if not orders:
        raise Malformed(f"The order {show(value)} is not valid", "order")
    distinct = tuple(dict.fromkeys(orders))
    if len(distinct) > MOST_STEPS:
        raise Malformed(f"order may have at most {MOST_STEPS} steps; got {len(distinct)}.", "order")
    return (*distinct, LATEST_FIRST)


def _split_steps(text: str) -> list[str]:
    """The steps of an order. As in LoopBack, white space beside a comma does not count, but at both ends of the text it does."""
    first, *others = text.split(",")
    if not others:
        return [first]
    *inner, last = others
    return [first.rstrip(), *(step.strip() for step in inner), last.lstrip()]


def _read_order(token: str, model: Model) -> Order:
    name, *words = WHITE_SPACE.split(token)
    direction = words[0].upper() if words else "ASC"
    if direction not in ("ASC", "DESC"):
        raise Malformed(f"The order {show(token)} has invalid direction", "order")
    outer, *path = name.split(".")
    field = model.face.fields.get(outer)
    if field is None or not field.sortable or (path and field.kind is not Kind.JSON):
        raise Malformed(f"order must name a sortable property; got {name!r}.", "order")
    return Order(field.column, direction == "DESC", tuple(check_text(key, "order") for key in path))
