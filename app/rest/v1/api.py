"""The v1 API: its routes, and how a request finds its handler."""

from collections.abc import Awaitable

from starlette.requests import Request

from app.http.paths import raw_path
from app.rest.boundary import Boundary
from app.rest.call import Services
from app.rest.operations import find_handlers
from app.rest.router import Router
from app.rest.v1.answers import V1Response
from app.rest.v1.call import V1Call
from app.rest.v1.errors import V1_ERRORS
from app.rest.v1.operations import ROUTES

ROUTER = Router(find_handlers(ROUTES), spell=str.lower)


def serve(request: Request, services: Services) -> Awaitable[V1Response]:
    """Answers a request. A path is found before its caller is authenticated, as LoopBack does it."""
    route = ROUTER.match(request.method, raw_path(request.scope))
    return route.handler(V1Call(request, services, route.path_parameters))


def v1_api(services: Services) -> Boundary:
    """The ASGI application of the API, which also answers 404 to the paths of no API."""
    return Boundary("v1", serve, services, V1_ERRORS)
