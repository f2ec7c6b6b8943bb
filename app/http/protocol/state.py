"""WorkerState: the connections of one worker, their limits, and whether the worker is going to stop."""

import logging
import resource
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol, cast

from uvicorn.server import ServerState

from app.config import Config
from app.http.addresses import TrustedProxies
from app.http.hosts import AllowedHosts
from app.observability.totals import REJECTED

log = logging.getLogger("clientele")

MOST_LINGERING = 100
"""The most rejected connections that stay open until the client has read the answer."""
OTHER_DESCRIPTORS = 100
"""File descriptors for files, mail servers, VIES and the event loop."""
FEWEST_CONNECTIONS = 16
LONGEST_SHOWN = 100
"""Bytes of a host that are logged."""
WARNING_INTERVAL = 60.0
"""A warning is logged once in this many seconds."""


class Connection(Protocol):
    """A connection that the worker looks at regularly."""

    def check_deadlines(self, now: float) -> None: ...


class WorkerState(ServerState):
    """What the connections of one worker share.

    `addresses` counts the connections of each address, `lingering` those that were rejected. After `draining` is set, every
    response closes its connection.
    """

    def __init__(self, config: Config, hosts: AllowedHosts) -> None:
        super().__init__()
        self.config = config
        self.hosts = hosts
        self.proxies = TrustedProxies(config.trusted_proxies)
        self.limit = fit_connections(config)
        self.addresses: Counter[str] = Counter()
        self.lingering = 0
        self.draining = False
        self.ignores_proxy = False
        self.warned: dict[str, float] = {}
        self.check_interval = choose_interval(config)

    def admit(self, address: str | None) -> bool:
        """Counts a new connection, which is in `connections` already. Returns False if there are too many.

        `address` is None for a trusted proxy, which may have any number.
        """
        if len(self.connections) - self.lingering > self.limit:
            REJECTED["connections"] += 1
            self.warn("connections", f"more than {self.limit} connections; new ones get 503 (CLIENTELE_CONNECTIONS)")
            return False
        if address is None:
            return True
        if self.addresses[address] >= self.config.address_connections:
            REJECTED["address-connections"] += 1
            self.warn(
                "address",
                f"more than {self.config.address_connections} connections of {address}; new ones get 503 "
                "(CLIENTELE_ADDRESS_CONNECTIONS; a proxy belongs into CLIENTELE_TRUSTED_PROXIES)",
            )
            return False
        self.addresses[address] += 1
        return True

    def release(self, address: str) -> None:
        """Counts the end of a connection that was admitted with its address."""
        self.addresses[address] -= 1
        if not self.addresses[address]:
            del self.addresses[address]

    def check_deadlines(self, now: float) -> None:
        """Ends the connections whose client is too slow."""
        for connection in list(self.connections):
            cast("Connection", connection).check_deadlines(now)

    def warn_host(self, hosts: Sequence[bytes]) -> None:
        """Tells the operator which names are allowed. The caller does not learn them."""
        name = b", ".join(hosts)[:LONGEST_SHOWN].decode("latin-1")
        self.warn(
            "host",
            f"a request for the host {name!r} was rejected; the allowed hosts are {self.hosts.describe()} "
            "(CLIENTELE_ALLOWED_HOSTS)",
        )

    def warn_untrusted_proxy(self, peer: tuple[str, int] | None) -> None:
        """Tells the operator, once, about a proxy whose headers are ignored."""
        if not self.ignores_proxy:
            self.ignores_proxy = True
            address = peer[0] if peer else "an unknown address"
            log.warning("X-Forwarded headers from %s are ignored (CLIENTELE_TRUSTED_PROXIES)", address)

    def warn(self, subject: str, text: str) -> None:
        """Logs a warning, at most one a minute about a subject."""
        now = time.monotonic()
        if now - self.warned.get(subject, -WARNING_INTERVAL) >= WARNING_INTERVAL:
            self.warned[subject] = now
            log.warning("%s", text)


def fit_connections(config: Config) -> int:
    """The most connections of a worker: the setting, or less if the process may not open as many files."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return config.connections
    others = OTHER_DESCRIPTORS + MOST_LINGERING + config.pool_size
    return min(config.connections, max(descriptors - others, FEWEST_CONNECTIONS))


def choose_interval(config: Config) -> float:
    """Seconds between two looks at the connections: one, or less if a deadline is very short."""
    shortest = min(config.head_timeout, config.body_timeout, config.write_timeout, config.keep_alive)
    return min(1.0, shortest / 2)
