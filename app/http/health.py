"""Health checks: /healthz for the process, /readyz for its database."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from app.errors import TooSlow, Unavailable
from app.storage.database import Database
from app.storage.migrations import at_head


def health_routes(database: Database) -> list[BaseRoute]:
    """`/healthz` and `/readyz`, which need no token."""

    async def readyz(_: Request) -> JSONResponse:
        """Answers 200 when the database answers and has every migration, else 503 with the reason."""
        try:
            async with database.read() as connection:
                ready = await at_head(connection)
        except (Unavailable, TooSlow):
            return _unavailable("the database cannot be reached")
        return _ok() if ready else _unavailable("migrations are missing: clientele migrate")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


async def healthz(_: Request) -> JSONResponse:
    """Answers 200 while the process runs."""
    return _ok()


def _ok() -> JSONResponse:
    return JSONResponse({"status": "ok"})


def _unavailable(reason: str) -> JSONResponse:
    return JSONResponse({"status": "unavailable", "reason": reason}, 503)
