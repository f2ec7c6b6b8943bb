"""The v1 API: the table of its routes."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from app.rest.boundary import Boundary
from app.rest.call import Services
from app.rest.router import Router, Routes, raw_path
from app.rest.v1 import accounts, deletion, organizations, reads, writes
from app.rest.v1.answers import V1Response
from app.rest.v1.call import V1Call
from app.rest.v1.errors import V1_ERRORS

Handler = Callable[[V1Call], Awaitable[V1Response]]

ROUTES: Routes[Handler] = {
    ("POST", "/v1/organizations/{id}/clients"): writes.create,
    ("GET", "/v1/organizations/{id}/clients"): reads.find,
    ("GET", "/v1/organizations/{id}/clients/count"): reads.count,
    ("GET", "/v1/organizations/{id}/clients/search"): reads.search,
    ("GET", "/v1/organizations/{id}/search-clients"): reads.search,
    ("GET", "/v1/clients/{id}"): reads.get,
    ("GET", "/v1/clients/{id}/exists"): reads.exists,
    ("PUT", "/v1/clients/{id}"): writes.replace,
    ("POST", "/v1/clients/{id}/replace"): writes.replace,
    ("PATCH", "/v1/clients/{id}"): writes.patch,
    ("DELETE", "/v1/clients/{id}"): writes.delete,
    ("POST", "/v1/clients/{id}/send-reminder"): writes.remind,
    ("POST", "/v1/accounts"): accounts.sign_up,
    ("POST", "/v1/accounts/login"): accounts.log_in,
    ("POST", "/v1/accounts/logout"): accounts.log_out,
    ("POST", "/v1/accounts/change-password"): accounts.change_password,
    ("GET", "/v1/accounts/authorized"): accounts.get_authorized,
    ("GET", "/v1/accounts/is-unique"): accounts.ask_unique,
    ("GET", "/v1/accounts/{id}"): accounts.get,
    ("DELETE", "/v1/accounts/{id}"): deletion.delete_account,
    ("POST", "/v1/accounts/{id}/accesstokens"): accounts.create_token,
    ("GET", "/v1/accounts/{id}/accesstokens"): accounts.find_tokens,
    ("DELETE", "/v1/accounts/{id}/accesstokens/{fk}"): accounts.delete_token,
    ("POST", "/v1/accounts/{id}/organizations"): organizations.create,
    ("GET", "/v1/accounts/{id}/organizations"): organizations.find,
    ("GET", "/v1/accounts/{id}/organizations/count"): organizations.count,
    ("PUT", "/v1/accounts/{id}/organizations/{fk}"): organizations.patch_of_account,
    ("GET", "/v1/organizations/{id}"): organizations.get,
    ("PUT", "/v1/organizations/{id}"): organizations.patch,
    ("PATCH", "/v1/organizations/{id}"): organizations.patch,
    ("DELETE", "/v1/organizations/{id}"): deletion.delete_organization,
}
ROUTER = Router(ROUTES, spell=str.lower)


async def serve(request: Request, services: Services) -> V1Response:
    """Answers a request. A path is found before its caller is authenticated, as LoopBack does it."""
    route = ROUTER.match(request.method, raw_path(request.scope))
    return await route.handler(V1Call(request, services, route.path_parameters))


def v1_api(services: Services) -> Boundary:
    """The ASGI application of the API, which also answers 404 to the paths of no API."""
    return Boundary("v1", serve, services, V1_ERRORS)
