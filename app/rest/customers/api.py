"""The Customers API: its routes, how a request finds its handler, and which callers may use it."""

from urllib.parse import unquote

from starlette.requests import Request

from app.auth import Access
from app.http.paths import raw_path
from app.rest.boundary import Boundary
from app.rest.call import Services
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.errors import CUSTOMERS_ERRORS
from app.rest.customers.operations import ROUTES
from app.rest.operations import find_handlers
from app.rest.router import Router

ROUTER = Router(find_handlers(ROUTES), spell=unquote)


async def serve(request: Request, services: Services) -> CustomersResponse:
    """Answers a request. Without a valid token every path is unauthorized, also one that does not exist."""
    access: Access = await request.user.access()
    route = ROUTER.match(request.method, raw_path(request.scope))
    if request.method not in ("GET", "HEAD"):
        access.require_write()
    return await route.handler(CustomersCall(request, services, route.path_parameters, access))


def customers_api(services: Services) -> dict[str, Boundary]:
    """The ASGI application of the API by the first path segments that it answers."""
    boundary = Boundary("customers", serve, services, CUSTOMERS_ERRORS)
    return {path.split("/")[1]: boundary for _, path in ROUTES}
