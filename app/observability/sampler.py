"""Sampler: writes the figures of a process into its metrics about every second."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

from app.observability.figures import BACKGROUND
from app.observability.metrics import ProcessMetrics
from app.observability.totals import CACHE_USES, DELIVERIES, OPEN, REJECTED, WEBHOOK_ATTEMPTS

log = logging.getLogger("clientele")

INTERVAL = 1.0
OUTBOX_INTERVAL = 15.0
"""Seconds between two samples, and between two reads of the outbox."""
STATM, FILES = Path("/proc/self/statm"), "/proc/self/fd"
KeyT = TypeVar("KeyT", bound=Hashable)

KINDS = ("streams", "waiting", "subscriptions")

MeasureOutbox: TypeAlias = Callable[[], Awaitable[tuple[int, float]]]
"""Reads the number of open messages, and the age of the oldest one in seconds."""

MeasureWebhooks: TypeAlias = Callable[[], Awaitable[tuple[int, float, int]]]
"""Reads the number of open deliveries, the seconds for which one is due, and the number of failing webhooks."""


@dataclass(frozen=True)
class PoolFigures:
    """The connections of a pool, and the callers that wait for one."""

    size: int
    in_use: int
    idle: int
    waiting: int


@dataclass(frozen=True)
class Sources:
    """Where the figures of a process come from."""

    pool: Callable[[], PoolFigures]
    followers: Callable[[], int]
    changes_delay: Callable[[], float]
    measure_outbox: MeasureOutbox
    measure_webhooks: MeasureWebhooks
    selections: Mapping[str, int] = field(default_factory=dict)
    """How many selections of GraphQL the database rendered, and how many it did not, by the reason."""


@dataclass
class Sampler:
    """Samples until it is cancelled. `counted` are the totals that the metrics have already."""

    metrics: ProcessMetrics
    sources: Sources
    counted: dict[Hashable, float] = field(default_factory=dict)
    outbox_read_at: float = -OUTBOX_INTERVAL

    async def run(self) -> None:
        self.metrics.workers.set(1)
        while True:
            self.sample()
            await self._sample_queues()
            due = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.metrics.lag.observe(max(time.monotonic() - due, 0.0))

    def sample(self) -> None:
        """Writes the figures that cost no statement."""
        metrics, pool = self.metrics, self.sources.pool()
        metrics.pool_size.set(pool.size)
        metrics.pool.labels("in_use").set(pool.in_use)
        metrics.pool.labels("idle").set(pool.idle)
        metrics.pool_waiting.set(pool.waiting)
        metrics.followers.set(self.sources.followers())
        metrics.changes_delay.set(self.sources.changes_delay())
        for kind in KINDS:
            metrics.open.labels(kind).set(OPEN[kind])
        for key, count in self._grown(CACHE_USES).items():
            metrics.caches.labels(*key).inc(count)
        for outcome, count in self._grown(DELIVERIES).items():
            metrics.deliveries.labels(outcome).inc(count)
        for outcome, count in self._grown(WEBHOOK_ATTEMPTS).items():
            metrics.webhook_attempts.labels(outcome).inc(count)
        for limit, count in self._grown(REJECTED).items():
            metrics.rejections.labels(limit).inc(count)
        for path, count in self._grown(self.sources.selections).items():
            metrics.selections.labels(path).inc(count)
        metrics.background_sql.inc(self._growth("sql", BACKGROUND.sql_seconds))
        metrics.cpu.inc(self._growth("cpu", time.process_time()))
        metrics.memory.set(read_memory())
        metrics.files.set(count_files())

    def _grown(self, totals: Mapping[KeyT, int]) -> dict[KeyT, float]:
        return {key: self._growth((id(totals), key), total) for key, total in totals.items()}

    def _growth(self, key: Hashable, total: float) -> float:
        """How much a total has grown since the last sample."""
        before = self.counted.get(key, 0.0)
        self.counted[key] = total
        return total - before

    async def _sample_queues(self) -> None:
        """Reads the outbox and the deliveries, unless it did so a short while ago. Without a database the figures stay."""
        if time.monotonic() - self.outbox_read_at < OUTBOX_INTERVAL:
            return
        self.outbox_read_at = time.monotonic()
        try:
            depth, age = await self.sources.measure_outbox()
            open_, late, failing = await self.sources.measure_webhooks()
        except Exception as error:
            log.debug("The outbox and the deliveries were not measured: %s", error)
            return
        self.metrics.outbox.set(depth)
        self.metrics.outbox_age.set(age)
        self.metrics.webhook_deliveries.set(open_)
        self.metrics.webhook_lateness.set(late)
        self.metrics.webhooks_failing.set(failing)


def read_memory() -> int:
    """The resident memory of this process in bytes; 0 where there is no /proc."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def count_files() -> int:
    """The open files of this process; 0 where there is no /proc."""
    try:
        return len(os.listdir(FILES))
    except OSError:
        return 0
