"""Application: Starlette with the middleware of the service alone."""

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp


class Application(Starlette):
    """RequestIds answers unexpected errors with the id of the request, in place of Starlette's own middleware."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = ExceptionMiddleware(self.router)
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app
