"""The rules for the addresses of webhooks: spellings of local addresses, names that resolve to them, and URLs."""

import asyncio
import socket

import httpcore
import pytest

from app.deliveries.addresses import Destinations, is_public, read_literal
from app.deliveries.sender import CheckedNetwork, Sender, Unsent

INTERNET, ANYWHERE = Destinations(), Destinations(http=True, private=True)

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:c0a8:101::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "fe80::1%lo", "not an address", "",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "223.255.255.1",
    "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_no_host_on_the_internet_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert not INTERNET.allows(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_a_host_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "0", "0.0",
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "[::1]", "[::]", "[::ffff:10.0.0.1]", "[::ffff:a00:1]",
        "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1]", "[fd00::1]", "169.254.169.254", "0xa9fea9fe",
        "2852039166", "10.1", "192.168.257", "１２７.0.0.1", "127。0。0。1", "100.64.0.1", "224.0.0.1",
    ],
)  # fmt: skip
def test_a_url_to_a_local_address_in_any_spelling_is_rejected(host: str) -> None:
    problem = INTERNET.find_problem(f"https://{host}/hook")
    assert problem is not None
    assert "address" in problem or "URL" in problem
    assert ANYWHERE.find_problem(f"https://{host}:8443/hook") is None or "URL" in problem


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://hooks.example.com/", "must begin with https://"),
        ("ftp://hooks.example.com/", "must be a URL"),
        ("file:///etc/passwd", "must be a URL"),
        ("gopher://hooks.example.com:25/", "must be a URL"),
        ("hooks.example.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https:///hook", "must be a URL"),
        ("https://user:password@hooks.example.com/", "must not have a user name"),
        ("https://127.0.0.1@hooks.example.com/", "must not have a user name"),
        ("https://hooks.example.com/#part", "must not have a part behind #"),
        ("https://hooks.example.com:0/", "must have a port from 1 to 65535"),
        ("https://hooks.example.com:99999/", "must have a port from 1 to 65535"),
        ("https://hooks.example.com/a b", "must be a URL"),
        ("https://hooks.example.com/\r\nhost: x", "must be a URL"),
        ("https://hooks.example.com/" + "a" * 2048, "must have at most 2,048 characters"),
        ("https://[::1", "must be a URL"),
    ],
)
def test_a_url_that_breaks_a_rule_is_rejected(url: str, rule: str) -> None:
    assert (INTERNET.find_problem(url) or "").startswith(rule), INTERNET.find_problem(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/a/b?token=%20x&y=1",
        "https://bücher.example/hook",
        "https://8.8.8.8/hook",
        "https://[2606:4700:4700::1111]/",
        "HTTPS://HOOKS.EXAMPLE.COM/",
        "https://1.2.3.example.com/",
    ],
)
def test_a_url_of_the_internet_is_accepted(url: str) -> None:
    assert INTERNET.find_problem(url) is None


def test_a_setting_allows_urls_without_tls() -> None:
    assert Destinations(http=True).find_problem("http://hooks.example.com/") is None
    assert (
        Destinations(http=True).find_problem("http://127.1/") == "must not lead to a private, local or reserved address"
    )
    assert ANYWHERE.find_problem("http://127.1/") is None


def test_a_name_is_not_an_address() -> None:
    assert [read_literal(host) for host in ("hooks.example.com", "x0.example", "1.example")] == [None, None, None]


async def connect(*addresses: str, destinations: Destinations = INTERNET) -> list[str]:
    """The addresses to which a connection to a name with some addresses is made."""
    tried: list[str] = []

    class Network(httpcore.AnyIOBackend):
        async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
            tried.append(host)
            raise httpcore.ConnectError("refused")

    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("hooks.example.com", 443)
        return list(addresses)

    network = CheckedNetwork(destinations, resolve)
    network._network = Network()
    with pytest.raises((Unsent, httpcore.ConnectError)):
        await network.connect_tcp("hooks.example.com", 443)
    return tried


async def test_a_connection_goes_to_the_checked_addresses_and_a_name_with_a_local_one_has_none() -> None:
    assert await connect("8.8.8.8", "2606:4700:4700::1111") == ["8.8.8.8", "2606:4700:4700::1111"]
    assert await connect("8.8.8.8", "10.0.0.1") == []
    assert await connect("10.0.0.1", "8.8.8.8") == []
    assert await connect("8.8.8.8", "::ffff:10.0.0.1") == []
    assert await connect("8.8.8.8", "fe80::1%eth0") == []
    assert await connect() == []
    assert await connect("10.0.0.1", destinations=ANYWHERE) == ["10.0.0.1"]


async def test_a_name_that_changes_its_address_after_a_check_reaches_no_local_server() -> None:
    reached = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answers = iter([["127.0.0.1"], ["8.8.8.8", "127.0.0.1"]])

    async def resolve(host: str, port: int) -> list[str]:
        return next(answers)

    sender = Sender(Destinations(http=True), resolve=resolve)
    for _ in range(2):
        with pytest.raises(Unsent, match="private, local or reserved"):
            await sender.post(f"http://rebinding.example:{port}/", {}, b"{}")
    await sender.close()
    server.close()
    assert not reached.is_set()


async def test_a_name_that_nobody_knows_is_a_failure() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    sender = Sender(INTERNET, resolve=resolve)
    with pytest.raises(Unsent, match="cannot be resolved"):
        await sender.post("https://nobody.example/", {}, b"{}")
    await sender.close()
