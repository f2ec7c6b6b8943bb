"""Addresses of callers: the proxies that may name them, and the network that a limit counts them by."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LONGEST = 64
"""Characters of the longest text that can be an address with a port."""
SUBSCRIBER = 64
"""Bits of an IPv6 network that a provider gives to one subscriber, who can use every address in it."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The key by which limits count an address: an IPv4 address itself, or the /64 network of an IPv6 address.

    Other texts, such as the path of a Unix socket, are returned unchanged.
    """
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(parsed) if parsed.version == 4 else str(IPv6Network((int(parsed), SUBSCRIBER), strict=False))


@lru_cache(maxsize=4096)
def normalize_address(address: str) -> str:
    """The usual spelling of an address. An IPv4 address inside an IPv6 address becomes plain; other texts are unchanged."""
    parsed = parse_address(address)
    return address if parsed is None else str(parsed)


def parse_address(text: str) -> Address | None:
    """The address in a text, without its IPv6 zone. None for other texts."""
    try:
        parsed = ip_address(text.partition("%")[0]) if len(text) <= LONGEST else None
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    def __init__(self, networks: tuple[Network, ...] = ()) -> None:
        self.networks = networks
        self.trusts = lru_cache(maxsize=4096)(self._trusts)

    def __contains__(self, address: str) -> bool:
        return bool(self.networks) and len(address) <= LONGEST and self.trusts(address)

    def _trusts(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def find_client(self, peer: str, forwarded: str) -> str:
        """The address of the client behind a trusted `peer`, from the value of `X-Forwarded-For`.

        Each proxy adds the address of its own peer at the end. So the client is the last address that is not a trusted
        proxy. A hop that is not an address hides everything before it; then the client is the hop after it.
        """
        client = peer
        for hop in reversed(forwarded.split(",")):
            address = parse_address(strip_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if client not in self:
                break
        return client


def strip_port(hop: str) -> str:
    """The address of a hop, which may be `1.2.3.4:5`, `[::1]` or `[::1]:5`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
