"""Arguments: the page of a list inside a record, from the arguments of its field."""

from collections.abc import Mapping
from typing import Any

from app.clients.sources import ChosenRecords
from app.graphql.execution.context import read_coerced_page
from app.graphql.execution.links import NestedList
from app.graphql.execution.selections import NotRendered, Reason, SelectionReader
from app.query.model import NO_CONDITIONS
from app.query.request import PageArguments, Wanted, complete_request
from app.query.sql.connections import KeyedPage, PageShape, PageSource

EDGES = Wanted(edges=True)
"""A list inside a record may show the cursor of each row."""
LABELS_OF_CHOICE, LABELS_OF_SEARCH = 100, 300
"""A list with conditions or an order, or with search terms, counts as so many labels more, and again for each cursor. Its SQL is
longer than that of other lists."""


def read_nested_page(reader: SelectionReader, arguments: Mapping[str, Any], nested: NestedList) -> PageSource:
    """The page of a connection. The values in its arguments become parameters. Raises NotRendered for a slow pattern."""
    page = read_coerced_page(arguments)
    query = nested.read_query(arguments) if nested.read_query else NO_CONDITIONS
    if query == NO_CONDITIONS:
        source = nested.read_source(arguments) if nested.read_source else nested.source
        return KeyedPage(source, _read_keys(reader, page, nested))
    request = complete_request(nested.face, (), query, page, EDGES)
    if not reader.bound:
        raise NotRendered(Reason.ARGUMENT)
    if request.has_slow_pattern:
        raise NotRendered(Reason.PATTERN)
    bounds = (page.after, page.before)
    labels = LABELS_OF_SEARCH if request.terms else LABELS_OF_CHOICE
    reader.notes.add_labels(labels * (3 - bounds.count(None)))
    chosen, parameters = ChosenRecords.of(request, f"{reader.next_name()}_")
    reader.notes.parameters.update(parameters)
    return chosen


def _read_keys(reader: SelectionReader, page: PageArguments, nested: NestedList) -> PageShape:
    """The page of rows by key. The keys in its cursors become parameters. Raises NotRendered if one may belong elsewhere."""
    sides = {}
    for side, cursor in (("after", page.after), ("before", page.before)):
        if cursor is not None:
            owner, key = nested.read_cursor(cursor)
            if not reader.bound or (owner is not None and not reader.accept_owner(owner)):
                raise NotRendered(Reason.ARGUMENT)
            sides[side] = reader.add_parameter(key)
    return PageShape(page.limit, page.backward, **sides)
