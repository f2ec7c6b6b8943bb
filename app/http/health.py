"""Health checks: /healthz for the process, /readyz for its database."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.http.responses import make_private
from app.observability.figures import current_figures
from app.storage.readiness import Readiness

LONG_DELAY = 1.0
"""Seconds from which `/readyz` shows the delay of changes."""


def health_routes(readiness: Readiness, delay_of_changes: Callable[[], float]) -> list[BaseRoute]:
    """`/healthz` and `/readyz`, which need no token.

    `delay_of_changes` tells for how many seconds an open transaction has held changes back from subscriptions.
    """

    async def readyz(request: Request) -> Response:
        """Answers within a second: 200 when the service can work with its database, else 503 with the reason."""
        _note_route("GET /readyz")
        if request.scope.get("state", {}).get("draining"):
            return _unavailable("the service is going to stop")
        problem = await readiness.find_problem()
        if problem is not None:
            return _unavailable(problem)
        delay = delay_of_changes()
        return _ok() if delay < LONG_DELAY else _ok(changes_delay=round(delay, 1))

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def healthz(_: Request) -> Response:
    """Answers 200 while the process runs."""
    _note_route("GET /healthz")
    return _ok()


def _note_route(route: str) -> None:
    figures = current_figures.get()
    figures.api, figures.operation, figures.known = "health", route, True


def _ok(**more: float) -> Response:
    return make_private(JSONResponse({"status": "ok", **more}))


def _unavailable(reason: str) -> Response:
    return make_private(JSONResponse({"status": "unavailable", "reason": reason}, 503))
