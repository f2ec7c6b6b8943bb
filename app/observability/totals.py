"""Totals of this process, which its code counts and the metrics show. A key is a label of the metric, or two of them."""

from collections import Counter

REJECTED: Counter[str] = Counter()
"""Requests and connections that a limit rejected, by the limit."""

CACHE_USES: Counter[tuple[str, str]] = Counter()
"""Looks into a cache, by the cache and by `hit` or `miss`."""

DELIVERIES: Counter[str] = Counter()
"""Attempts to deliver a message, by their outcome."""

WEBHOOK_ATTEMPTS: Counter[str] = Counter()
"""Attempts to deliver an event to a webhook, by their outcome."""

OPEN: Counter[str] = Counter()
"""WebSockets, event streams and subscriptions that are open now, by their kind."""
