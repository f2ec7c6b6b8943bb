"""The Customers API: the table of its routes, and who may use them."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from starlette.requests import Request

from app.auth import Access
from app.rest.boundary import Boundary
from app.rest.call import Services
from app.rest.customers.call import CustomersCall, CustomersResponse
from app.rest.customers.entities import get_entity, list_entities
from app.rest.customers.errors import CUSTOMERS_ERRORS
from app.rest.customers.lists import list_customers
from app.rest.customers.records import (
    check_customer,
    create_customer,
    delete_customer,
    erase_customer,
    get_customer,
    restore_customer,
    update_customer,
)
from app.rest.router import Router, Routes, raw_path

Handler = Callable[[CustomersCall], Awaitable[CustomersResponse]]

ROUTES: Routes[Handler] = {
    ("GET", "/customers"): list_customers,
    ("POST", "/customers"): create_customer,
    ("GET", "/customers/{id}"): get_customer,
    ("PATCH", "/customers/{id}"): update_customer,
    ("DELETE", "/customers/{id}"): delete_customer,
    ("POST", "/customers/{id}/restore"): restore_customer,
    ("DELETE", "/customers/{id}/permanent"): erase_customer,
    ("POST", "/customers/{id}/vies-check"): check_customer,
    ("GET", "/entities"): list_entities,
    ("GET", "/entities/{id}"): get_entity,
}
ROUTER = Router(ROUTES, spell=unquote)


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
