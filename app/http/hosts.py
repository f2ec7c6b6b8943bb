"""Hosts: the names in the Host header for which the service answers."""

import re
from collections.abc import Sequence
from ipaddress import ip_address

from starlette.requests import Request

HOST = re.compile(r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?P<port>:[0-9]{0,5})?", re.IGNORECASE)
LOCAL = "localhost"
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""The headers by which proxies tell that they pass a request on."""
MOST_KNOWN = 1000


class InvalidHost(Exception):
    """The value of a Host header is not a host with an optional port."""


class AllowedHosts:
    """Decides about Host headers.

    A page of a stranger can lead its own name to this machine (DNS rebinding) and then reads the answers as its own. The
    name that the browser sends gives this away. It cannot do so with an address, because the browser connects to that.

    `names` are the allowed names; `*.example.com` stands for all names below example.com. Names of the loopback are
    always allowed. Without `names`, `local_only` allows only them and addresses, and otherwise every name is allowed.
    """

    def __init__(self, names: Sequence[str] = (), *, local_only: bool = False) -> None:
        self.names = frozenset(names)
        self.local_only = local_only
        self.known: set[bytes] = set()

    def allows(self, value: bytes) -> bool:
        """True if the service answers for the value of a Host header. Raises InvalidHost."""
        if value in self.known:
            return True
        allowed = self._allows(read_host(value.decode("latin-1")))
        if allowed and len(self.known) < MOST_KNOWN:
            self.known.add(value)
        return allowed

    def _allows(self, name: str) -> bool:
        if not self.names and not self.local_only:
            return True
        if name in self.names or is_local(name) or (not self.names and is_address(name)):
            return True
        parents = name.split(".")[1:]
        return any("*." + ".".join(parents[index:]) in self.names for index in range(len(parents)))

    def describe(self) -> str:
        """The allowed hosts, for the log."""
        if self.names:
            return ", ".join((*sorted(self.names), LOCAL))
        return f"{LOCAL} and IP addresses"


def read_host(value: str) -> str:
    """The name in the value of a Host header, in lower case, without its port. Raises InvalidHost."""
    parts = HOST.fullmatch(value)
    if parts is None:
        raise InvalidHost
    return parts["name"].lower().strip("[]").removesuffix(".")


def is_local(name: str) -> bool:
    """True for the names and addresses that always lead to the caller's own machine."""
    return name == LOCAL or name.endswith("." + LOCAL) or (is_address(name) and ip_address(name).is_loopback)


def is_address(name: str) -> bool:
    """True for an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_forwarded(request: Request) -> bool:
    """True if a proxy passes the request on. Then the caller may be on another machine."""
    return any(name in request.headers for name in FORWARDED)
