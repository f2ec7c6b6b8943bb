"""Hostile bytes in place of HTTP: heads, framing, pipelines and upgrades."""

from collections.abc import Callable
from random import Random

from tests.faults.hostile import graphql, rest
from tests.faults.hostile.scene import Attack, Scene, write_request
from tests.faults.hostile.words import damage, text

LENGTHS = (
    "-1",
    "+5",
    "5, 5",
    "5, 6",
    "0x5",
    "1e3",
    "9" * 30,
    "18446744073709551616",
    " 5",
    "5 ",
    "",
    "٥",
    "5;",
    "1000001",
    "00000000005",
)
ENCODINGS = (
    "chunked",
    "Chunked",
    "chunked, chunked",
    "gzip, chunked",
    "chunked, gzip",
    "identity",
    "x",
    "chunked;q=1",
    "\tchunked",
    "chunked\x0b",
    "",
)
CHUNKS = (
    b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"5;" + b"a" * 20_000 + b"\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello\r\n", b"fffffffffffffffff\r\n",
    b"5\nhello\n0\n\n", b"5\r\nhello!!\r\n0\r\n\r\n", b"0\r\nAuthorization: Bearer x\r\nContent-Length: 5\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"05\r\nhello\r\n0\r\n\r\n",
    b"1\r\n{\r\n1\r\n}\r\n0\r\n" + b"T: v\r\n" * 200 + b"\r\n", b"0\r\n" + b"X" * 40_000 + b": v\r\n\r\n", b"\r\n", b"g\r\n",
    b"1\r\n{\r\n" * 500 + b"0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
)  # fmt: skip
LINES = (
    b"GET", b"GET /", b"GET / HTTP/9.9", b"GET / HTTP/1.0", b"GET / HTTP/0.9", b"GET  /  HTTP/1.1", b"GET\t/healthz\tHTTP/1.1",
    b"GET /\x00 HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1", b"GET http://evil.example/healthz HTTP/1.1", b"GET http://a:b@[::1]:99999/ HTTP/1.1",
    b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1",
    b"CONNECT a:443 HTTP/1.1", b"CONNECT / HTTP/1.1", b"TRACE /healthz HTTP/1.1", b"PRI * HTTP/2.0", b"get / HTTP/1.1",
    b"G\xc9T / HTTP/1.1", b"GET /#a HTTP/1.1",
    b"GET /" + b"a" * 15_000 + b" HTTP/1.1", b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"X" * 300 + b" / HTTP/1.1",
    b"GET /%00%0d%0a HTTP/1.1", b"GET //healthz HTTP/1.1",
    b"GET /..%2f..%2fetc/passwd HTTP/1.1", b"GET /graphiql/../../app/config.py HTTP/1.1", b"GET ?a HTTP/1.1",
    b"GET /healthz?\xf0\x28\x8c\x28 HTTP/1.1", b"SOURCE / ICE/1.0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 50, b"\r\n\r\n\r\nGET /healthz HTTP/1.1",
    b"GET /healthz HTTP/1.1 HTTP/1.1", b"HEAD /graphql HTTP/1.1",
)  # fmt: skip
HEADERS = (
    b"Host: a\r\nHost: b", b"Host:", b"Host: a b", b"Host: \xff", b"Host: [::1", b"Host: 127.0.0.1:0x50", b"Host: evil.example",
    b"X", b": x", b"X : y", b" folded", b"A: b\r\n c: d",
    b"A: b\n", b"A:\x00", b"A\x00: b", b"A: \x7f\x01", b"\xffA: b", b"A" * 9000 + b": b", b"A: " + b"b" * 9000,
    b"\r\n".join(b"A%d: b" % n for n in range(101)), b"A: b\r\n" * 90 + b"C: d",
    b"Expect: 100-continue", b"Expect: x", b"Connection: close, keep-alive, \xff", b"Connection: Host",
    b"Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA", b"Upgrade: websocket",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x",
    b"X-Forwarded-For: " + b"1," * 3000, b"X-Forwarded-For: ::ffff:%eth0, \xff",
    b"X-Request-Id: \x1b[31m", b"X-Request-Id: " + b"a" * 256, b"Content-Type: application/json; charset=\xff", b"Origin: null",
    b"Origin: http://\xff", b"Cookie: " + b"a=b;" * 1500,
    b"Access-Control-Request-Method: X\r\nOrigin: http://a", b"Accept: " + b"a/b;q=0.1," * 700,
    b"Accept-Encoding: " + b"gzip;q=0," * 700, b"If-None-Match: " + b'"a",' * 1500,
    b"Range: bytes=0-0,-1," * 300, b"Authorization: Bearer x\r\nAuthorization: Bearer y", b"Authorization: \xff\xfe",
    b"Transfer-Encoding : chunked", b"Content-Length : 5",
)  # fmt: skip


def raw(random: Random, scene: Scene) -> Attack:
    """Bytes whose framing is hostile."""
    return Attack("raw bytes", random.choice(MAKERS)(random, scene), whole=False)


def odd_head(random: Random, scene: Scene) -> bytes:
    first = random.choice(
        [random.choice(LINES), b"GET /healthz HTTP/1.1", f"GET /v1/clients/{scene.loud.clients[0]} HTTP/1.1".encode()]
    )
    headers = [random.choice(HEADERS) for _ in range(random.choice([0, 1, 1, 2, 4]))]
    host = [] if random.random() < 0.1 else [b"Host: 127.0.0.1"]
    return random.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]).join([first, *host, *headers, b"", b""])


def odd_length(random: Random, scene: Scene) -> bytes:
    """A length or an encoding that is not true, or two of them."""
    lines = [
        f"POST /v1/organizations/{scene.loud.organization}/clients HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Authorization: Bearer {scene.loud.token}",
    ]
    if random.random() < 0.6:
        lines.append(f"Content-Length: {random.choice(LENGTHS)}")
    if random.random() < 0.6:
        lines.append(f"Transfer-Encoding: {random.choice(ENCODINGS)}")
    if random.random() < 0.2:
        lines.append(
            random.choice(
                [
                    "Expect: 100-continue",
                    "Content-Length: 5",
                    "Connection: close",
                    "Upgrade: websocket\r\nConnection: upgrade",
                ]
            )
        )
    return "\r\n".join([*lines, "", ""]).encode() + random.choice([*CHUNKS, b"hello", b'{"name":"a"}', b""])


def pipeline(random: Random, scene: Scene) -> bytes:
    """Several requests at once. The last one may be incomplete."""
    makers = random.choices([rest.v1, rest.customers, graphql.graphql], k=random.choice([2, 3, 8]))
    data = b"".join(maker(random, scene).data for maker in makers)
    choice = random.random()
    if choice < 0.2:
        return write_request("GET", "/healthz") * random.choice([49, 52, 120])
    if choice < 0.4:
        return data[: random.randrange(len(data))]
    return damage(random, data) if choice < 0.6 else data


def noise(random: Random, scene: Scene) -> bytes:
    """Bytes at random, and requests with bytes that were changed."""
    if random.random() < 0.2:
        return random.randbytes(random.choice([1, 40, 4000]))
    return damage(random, random.choice([rest.v1, rest.customers, graphql.graphql])(random, scene).data)


def odd_path(random: Random, scene: Scene) -> bytes:
    word = text(random).encode("utf-8", "surrogatepass")[:9000]
    token = scene.loud.token.encode()
    paths = [b"/" + word, b"/v1/" + word, b"/graphql" + word, b"/customers/" + word, b"/graphql?query=" + word,
    b"/v1/clients/" + token, b"/nothing/" + token,
             b"/v1/accounts/is-unique?access_token=" + token, b"/healthz?Access%5Ftoken=" + token, b"/graphiql/" + word,
             b"/metrics?" + word, b"/docs/" + word]  # fmt: skip
    return (
        b"GET " + random.choice(paths) + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + b"\r\n\r\n"
    )


MAKERS: tuple[Callable[[Random, Scene], bytes], ...] = (
    odd_head,
    odd_head,
    odd_length,
    odd_length,
    pipeline,
    noise,
    odd_path,
)
