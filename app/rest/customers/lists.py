"""The list of customers: one page, its total and its cursors."""

from app.clients.service import list_clients
from app.query.cursor import step_before, step_past, write_cursor, write_values
from app.query.request import ListRequest
from app.records.repository import Listing
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.parameters import read_request


async def list_customers(call: CustomersCall) -> CustomersResponse:
    entity = call.entity()
    request = read_request(call.query)
    listing = await list_clients(call.access, entity, request)
    following, preceding = cursors(request, listing)
    return envelope(listing.json, listing.total, following, preceding, more=listing.has_next)


def cursors(request: ListRequest, listing: Listing) -> tuple[str | None, str | None]:
    """next_cursor and prev_cursor: of the last and of the first row, if more rows lie beyond.

    An empty page has the cursor that leads back to the rows on its other side.
    """
    if listing.first is None or listing.last is None:
        return _empty_page_cursors(request, listing)
    following = write_cursor(request.fingerprint, listing.last) if listing.has_next else None
    preceding = write_cursor(request.fingerprint, listing.first) if listing.has_previous else None
    return following, preceding


def _empty_page_cursors(request: ListRequest, listing: Listing) -> tuple[str | None, str | None]:
    orders, page = request.orders, request.page
    if page.after is not None:
        return None, write_cursor(request.fingerprint, write_values(step_past(orders, page.after)))
    if page.before is not None and listing.has_next:
        return write_cursor(request.fingerprint, write_values(step_before(orders, page.before))), None
    return None, None


def envelope(
    records: bytes, total: int | None, next_: str | None, previous: str | None, *, more: bool
) -> CustomersResponse:
    """A list of rendered records with commas between them. A total that was not counted is -1.

    Cursors are URL-safe, so they need no escapes.
    """
    cursors = (f'"{cursor}"' if cursor is not None else "null" for cursor in (next_, previous))
    pagination = '{{"total":{},"next_cursor":{},"prev_cursor":{},"has_more":{}}}'.format(
        -1 if total is None else total, *cursors, "true" if more else "false"
    )
    return CustomersResponse(b'{"data":[%b],"pagination":%b}' % (records, pagination.encode()))
