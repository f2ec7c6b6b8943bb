"""The address of a caller: the networks that limits count, and the hops that a trusted proxy names."""

import pytest

from app.http.addresses import TrustedProxies, network_of, normalize_address
from app.settings import WrongValue, networks


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/service.sock", "/run/service.sock"),
        ("", ""),
        ("1" * 100, "1" * 100),
    ],
)
def test_limits_count_ipv6_addresses_by_their_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_one_address_has_one_spelling() -> None:
    assert normalize_address("::FFFF:192.0.2.7") == "192.0.2.7"
    assert normalize_address("2001:DB8:0::1") == "2001:db8::1"
    assert normalize_address("unknown") == "unknown"


PROXIES = TrustedProxies(networks("10.0.0.0/8, 192.0.2.1, 2001:db8::/32"))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "10.0.0.1"),
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7, 10.9.9.9,192.0.2.1", "198.51.100.7"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2a00::1]:4711", "2a00::1"),
        ("[2a00::1]", "2a00::1"),
        ("2a00:0::1", "2a00::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, unknown, 10.2.2.2", "10.2.2.2"),
        ("198.51.100.7, _hidden", "10.0.0.1"),
        ("198.51.100.7,", "10.0.0.1"),
        ("a" * 8000, "10.0.0.1"),
        ("1," * 4000, "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_a_trusted_proxy(forwarded: str, client: str) -> None:
    assert PROXIES.find_client("10.0.0.1", forwarded) == client


def test_only_listed_addresses_and_networks_are_trusted() -> None:
    assert "10.200.3.4" in PROXIES
    assert "::ffff:10.200.3.4" in PROXIES
    assert "2001:db8:ffff::1" in PROXIES
    assert "11.0.0.1" not in PROXIES
    assert "testclient" not in PROXIES
    assert "127.0.0.1" not in TrustedProxies()


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*"])
def test_the_setting_is_a_list_of_addresses_and_networks(text: str) -> None:
    with pytest.raises(WrongValue, match="addresses"):
        networks(text)
