"""Health checks: /healthz for the process, /readyz for its database."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.http.responses import make_private
from app.storage.readiness import Readiness


def health_routes(readiness: Readiness) -> list[BaseRoute]:
    """`/healthz` and `/readyz`, which need no token."""

    async def readyz(request: Request) -> Response:
        """Answers within a second: 200 when the service can work with its database, else 503 with the reason."""
        if request.scope.get("state", {}).get("draining"):
            return _unavailable("the service is going to stop")
        problem = await readiness.find_problem()
        return _ok() if problem is None else _unavailable(problem)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def healthz(_: Request) -> Response:
    """Answers 200 while the process runs."""
    return _ok()


def _ok() -> Response:
    return make_private(JSONResponse({"status": "ok"}))


def _unavailable(reason: str) -> Response:
    return make_private(JSONResponse({"status": "unavailable", "reason": reason}, 503))
