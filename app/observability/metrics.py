"""Metrics: every metric of the service, for Prometheus. The processes of a service share files, so one port shows all.

Names of operations come from callers, and each would be a time series for ever. So only routes and the operations of
trusted documents are named; all others count as `other`.
"""

from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.observability.figures import Figures

OTHER = "other"
LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
Mode: TypeAlias = Literal["livesum", "livemax"]
SUM: Mode = "livesum"
ANY: Mode = "livemax"
"""How the values of the living processes become one: their sum, or the largest, for values that all of them see."""
REQUEST = ("api", "operation")


class RequestMetrics:
    """The metrics of requests, which every request updates."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "clientele_requests", "Requests that have ended.", (*REQUEST, "status"), registry=registry
        )
        self.duration = Histogram(
            "clientele_request_duration_seconds",
            "Time from the head of a request to the end of its response, without streams.",
            REQUEST,
            buckets=LATENCIES,
            registry=registry,
        )
        self.sql = Counter("clientele_sql_seconds", "Time of SQL statements.", REQUEST, registry=registry)
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram, Counter]] = {}

    def note(self, figures: Figures, seconds: float) -> None:
        """Counts a request that took so many seconds."""
        operation = figures.operation if figures.known and figures.operation is not None else OTHER
        key = (figures.api, operation, figures.status)
        requests, duration, sql = self._series.get(key) or self._find(key)
        requests.inc()
        sql.inc(figures.sql_seconds)
        if not figures.streams:
            duration.observe(seconds)

    def _find(self, key: tuple[str, str, int]) -> tuple[Counter, Histogram, Counter]:
        """The time series of a request. Looking for them by their labels takes longer than all their updates."""
        api, operation, status = key
        series = (
            self.requests.labels(api, operation, str(status)),
            self.duration.labels(api, operation),
            self.sql.labels(api, operation),
        )
        self._series[key] = series
        return series


class ProcessMetrics:
    """The metrics of a process, which a sampler updates about every second."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, mode: Mode, *labels: str) -> Gauge:
            return Gauge(f"clientele_{name}", text, labels, multiprocess_mode=mode, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"clientele_{name}", text, labels, registry=registry)

        self.workers = gauge("workers", "Processes that answer requests.", SUM)
        self.pool_size = gauge("pool_size", "The most database connections.", SUM)
        self.pool = gauge("pool_connections", "Database connections: in_use or idle.", SUM, "state")
        self.pool_waiting = gauge("pool_waiting", "Callers that wait for a database connection.", SUM)
        self.open = gauge("open", "Open streams, subscriptions, and WebSockets that wait for their token.", SUM, "kind")
        self.followers = gauge("followers", "Subscriptions that follow changes.", SUM)
        self.changes_delay = gauge(
            "changes_delay_seconds", "Time for which open transactions hold changes back from subscriptions.", ANY
        )
        self.outbox = gauge("outbox_messages", "Messages that are not delivered yet.", ANY)
        self.outbox_age = gauge("outbox_oldest_seconds", "Age of the oldest message that is not delivered yet.", ANY)
        self.deliveries = counter("deliveries", "Attempts to deliver a message: sent, retried or failed.", "outcome")
        self.webhook_attempts = counter(
            "webhook_attempts", "Attempts to deliver an event: sent, retried, failed, disabled or lost.", "outcome"
        )
        self.webhook_deliveries = gauge("webhook_deliveries", "Events that are not delivered yet.", ANY)
        self.webhook_lateness = gauge(
            "webhook_lateness_seconds", "Time for which an event to a webhook without failures has been due.", ANY
        )
        self.webhooks_failing = gauge("webhooks_failing", "Enabled webhooks whose last attempt has failed.", ANY)
        self.caches = counter("cache_uses", "Looks into a cache: hit or miss.", "cache", "result")
        self.selections = counter(
            "graphql_selections", "GraphQL selections: rendered by the database, or why resolvers made them.", "path"
        )
        self.rejections = counter("rejections", "Requests and connections that a limit rejected.", "limit")
        self.background_sql = counter("background_sql_seconds", "Time of SQL statements of no request.")
        self.lag = Histogram(
            "clientele_event_loop_lag_seconds",
            "How late the event loop runs a task that is due, measured every second.",
            buckets=LAGS,
            registry=registry,
        )
        self.cpu = counter("process_cpu_seconds", "CPU time of all processes that answer requests.")
        self.memory = gauge("process_resident_bytes", "Memory of all processes that answer requests.", SUM)
        self.files = gauge("process_open_files", "Open files and sockets of the process with most of them.", ANY)


class Metrics:
    """All metrics of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.request, self.process = RequestMetrics(registry), ProcessMetrics(registry)
