"""Health checks: /healthz for the process, /readyz for all that it needs to serve."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.http.responses import make_private
from app.observability.figures import current_figures
from app.storage.migrations import MISSING, NEWER
from app.storage.readiness import Readiness

LONG_DELAY = 1.0
"""Seconds from which `/readyz` shows the delay of changes."""
OK, UNKNOWN = "ok", "unknown"
DRAINING = "the service is going to stop"

Check: TypeAlias = Callable[[], Awaitable[str | None]]
"""Finds the problem with a part of the service, within a second. None means that the part works."""


@dataclass(frozen=True)
class Health:
    """The health of one process. `checks` are the parts beside the database and its migrations.

    `delay_of_changes` tells for how many seconds an open transaction has held changes back from subscriptions.
    """

    readiness: Readiness
    delay_of_changes: Callable[[], float]
    checks: Mapping[str, Check] = field(default_factory=dict)

    async def readyz(self, request: Request) -> Response:
        """Answers within a second: 200 when the service can work, else 503 with the reason, and each part with its state."""
        _note_route("GET /readyz")
        problem, *others = await asyncio.gather(
            self.readiness.find_problem(), *(check() for check in self.checks.values())
        )
        parts = _database_parts(problem) | {name: other or OK for name, other in zip(self.checks, others, strict=True)}
        problems = (problem, *others)
        if request.scope.get("state", {}).get("draining"):
            problems = (DRAINING, *problems)
        reason = next(filter(None, problems), None)
        if reason is not None:
            return _respond(503, status="unavailable", reason=reason, checks=parts)
        delay = self.delay_of_changes()
        delayed = {"changes_delay": round(delay, 1)} if delay >= LONG_DELAY else {}
        return _respond(200, status=OK, checks=parts, **delayed)

    def routes(self) -> list[BaseRoute]:
        """`/healthz` and `/readyz`, which need no token."""
        return [Route("/healthz", healthz), Route("/readyz", self.readyz)]


async def healthz(_: Request) -> Response:
    """Answers 200 while the process runs."""
    _note_route("GET /healthz")
    return _respond(200, status=OK)


def _database_parts(problem: str | None) -> dict[str, str]:
    """The states of the database and of its migrations. Without a database, nothing is known about the migrations."""
    if problem in (MISSING, NEWER):
        return {"database": OK, "migrations": str(problem)}
    return {"database": problem or OK, "migrations": UNKNOWN if problem else OK}


def _note_route(route: str) -> None:
    figures = current_figures.get()
    figures.api, figures.operation, figures.known = "health", route, True


def _respond(status_code: int, **body: object) -> Response:
    return make_private(JSONResponse(body, status_code))
