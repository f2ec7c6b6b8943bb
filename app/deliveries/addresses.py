"""Destinations: the addresses to which webhooks may be sent.

A name is checked when it is resolved, at each connection, because its owner can change it at any time.
"""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Self, TypeAlias

import httpx

from app.config import Config

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 2048
"""Characters."""
NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32", "2001::/23", "2001:db8::/32", "3fff::/20",
        ),
    )
)  # fmt: skip
"""The special networks in the registries of IANA, and the address of Azure's host. They do not depend on Python's version."""
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""The prefix of IPv4 addresses in networks that have IPv6 only (RFC 6052)."""
SCHEMES = ("https", "http")


def is_public(text: str) -> bool:
    """True for the address of a host on the internet. `text` is an IPv4 or IPv6 address, as a resolver gives it.

    False for loopback, private, link-local, shared (RFC 6598), multicast, reserved and documentation addresses, and for
    IPv6 addresses that lead to such an IPv4 address.
    """
    try:
        address = _unwrap(ipaddress.ip_address(text))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return not any(address in network for network in NOT_PUBLIC)


def _unwrap(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 address, if there is one."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


@dataclass(frozen=True, slots=True)
class Destinations:
    """The settings of allowed destinations. `http` allows URLs without TLS, `private` addresses that are not public."""

    http: bool = False
    private: bool = False

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(config.webhook_http, config.webhook_private)

    def allows(self, address: str) -> bool:
        return self.private or is_public(address)

    def find_problem(self, text: str) -> str | None:
        """The rule that a URL breaks, as a predicate such as "must begin with https://", or None.

        Names are not resolved. A host that is an address in any spelling is checked, and so is `localhost`.
        """
        if len(text) > LONGEST_URL:
            return f"must have at most {LONGEST_URL:,} characters; got {len(text):,}"
        schemes = " or ".join(f"{scheme}://" for scheme in SCHEMES if self.http or scheme == "https")
        url = _parse(text)
        if url is None or not url.host or url.scheme not in SCHEMES:
            return f"must be a URL that begins with {schemes}"
        if url.scheme == "http" and not self.http:
            return f"must begin with {schemes}"
        return self._find_problem_of_parts(url)

    def _find_problem_of_parts(self, url: httpx.URL) -> str | None:
        if url.userinfo:
            return "must not have a user name or a password; verify the signature of an event instead"
        if url.fragment:
            return "must not have a part behind #"
        if url.port is not None and not 0 < url.port < 65_536:
            return "must have a port from 1 to 65535"
        literal = read_literal(url.host)
        if literal is not None and not self.allows(literal):
            return "must not lead to a private, local or reserved address"
        return None


def _parse(text: str) -> httpx.URL | None:
    if not text.isprintable() or " " in text:
        return None
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return None


def read_literal(host: str) -> str | None:
    """The address that a host is without a look into the DNS, in any spelling that the operating system reads."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    if ":" in name:
        return name.partition("%")[0]
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None
