"""Observer: logs and counts each request at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, TypeAlias

from app.observability.figures import Figures
from app.observability.request_log import RequestLog

Observe: TypeAlias = Callable[[Figures], None]
"""Takes the figures of a request at its end."""


class RequestCounter(Protocol):
    """The metrics of requests."""

    def note(self, figures: Figures, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Observer:
    """Logs and counts requests."""

    log: RequestLog
    metrics: RequestCounter | None = None

    def observe(self, figures: Figures) -> None:
        """Logs and counts a request that ends now."""
        seconds = perf_counter() - figures.began
        self.log.note(figures, seconds)
        if self.metrics is not None:
            self.metrics.note(figures, seconds)
