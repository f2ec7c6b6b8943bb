"""Observer: logs and counts each request at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from app.observability.figures import Figures
from app.observability.request_log import RequestLog

if TYPE_CHECKING:
    from app.observability.metrics import Metrics

Observe: TypeAlias = Callable[[Figures], None]
"""Takes the figures of a request at its end."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Logs and counts requests."""

    log: RequestLog
    metrics: "Metrics | None" = None

    def observe(self, figures: Figures) -> None:
        """Logs and counts a request that ends now."""
        seconds = perf_counter() - figures.began
        self.log.note(figures, seconds)
        if self.metrics is not None:
            self.metrics.request.note(figures, seconds)
