"""Hostile requests to both REST APIs, with methods, paths, parameters, headers and bodies that fit together or do not."""

import zlib
from collections.abc import Mapping
from random import Random

from app.rest.customers.operations import ROUTES as CUSTOMER_ROUTES
from app.rest.v1.operations import ROUTES as V1_ROUTES
from tests.faults.hostile import filters
from tests.faults.hostile.scene import Attack, Scene, Tenant, pick_client, write_request
from tests.faults.hostile.words import cursor, damage, quote, text, value, write_json

ACCOUNT_PATHS = ("login", "change-password", "logout", "is-unique")
HARMFUL = frozenset({"/v1/accounts/{id}", "/v1/organizations/{id}"})
"""Routes whose DELETE takes the tenant away, and whose PUT changes its name."""
V1_BODY = tuple(name for name in filters.V1_FIELDS if "." not in name)
CUSTOMER_BODY = tuple(name for name in filters.CUSTOMER_FIELDS if "." not in name)
BOMB = zlib.compress(b"[" + b"0," * 2_000_000 + b"0]")
ACCOUNT_BODY = (
    "email",
    "username",
    "password",
    "oldPassword",
    "newPassword",
    "ttl",
    "scopes",
    "label",
    "name",
    "country",
    "locale",
)


def v1(random: Random, scene: Scene) -> Attack:
    """A request to a route of the v1 API."""
    method, path = random.choice(list(V1_ROUTES))
    tenant = scene.loud if path not in HARMFUL or method == "GET" else random.choice(scene.spare)
    makes_token = method == "POST" and path.endswith(("accesstokens", "login"))
    if path.endswith("logout"):
        tenant = random.choice(scene.spare)
    url = fill(random, scene, path, tenant) + v1_parameters(random, path)
    body = b"" if method in ("GET", "DELETE") else v1_body(random, path)
    return Attack("v1", build(random, method, url, body, tenant), makes_token=makes_token)


def customers(random: Random, scene: Scene) -> Attack:
    """A request to a route of the Customers API."""
    method, path = random.choice([*CUSTOMER_ROUTES, *[("GET", "/customers")] * 5])
    url = fill(random, scene, path, scene.loud)
    if path == "/customers" and method == "GET":
        url += customer_parameters(random, scene)
    body = b"" if method in ("GET", "DELETE") else record(random, CUSTOMER_BODY)
    return Attack("Customers", build(random, method, url, body, scene.loud))


def fill(random: Random, scene: Scene, path: str, tenant: Tenant) -> str:
    """The path with its ids; seldom with other texts, another case, or more slashes."""
    client = pick_client(random, scene)
    prefix = "cust_" if path.startswith("/customers") else ""
    own = (
        tenant.account if "/accounts" in path else tenant.organization if "/organizations" in path else prefix + client
    )
    own = f"ent_{tenant.organization}" if path.startswith("/entities") else own
    id_ = own if random.random() < 0.8 else quote(random, text(random)[:500])
    path = path.replace("{id}", id_).replace(
        "{fk}", random.choice([tenant.organization, quote(random, text(random)[:200])])
    )
    choice = random.random()
    if choice < 0.03:
        return path.replace("/", random.choice(["//", "/./", "/%2f", "/../", "\\"]))
    return path.upper() if choice < 0.05 else path


def v1_parameters(random: Random, path: str) -> str:
    if path.endswith("is-unique"):
        return "?email=" + quote(random, text(random))
    if "search" in path:
        return (
            "?term="
            + quote(random, text(random))
            + random.choice(["", "&limit=" + quote(random, str(value(random, 1)))])
        )
    if random.random() < 0.4:
        return ""
    tree: Mapping[str, object] = (
        {"where": filters.where(random)} if path.endswith("count") else {"filter": filters.loopback_filter(random)}
    )
    (name, inner), choice = next(iter(tree.items())), random.random()
    if choice < 0.6:
        return f"?{name}=" + quote(random, write_json(random, inner).decode("utf-8", "replace"))[:15_000]
    if choice < 0.95:
        pairs = [(quote(random, name), quote(random, word)) for name, word in filters.brackets(inner, name)]
        return ("?" + "&".join(f"{name}={word}" for name, word in pairs))[:15_000]
    return random.choice(["?filter[", "?filter[]=1&filter[a]=2", "?filter[where", "?" + "a&" * 2000, "?filter" + "[a]" * 500,
    "?" + "[" * 3000,
                          "?where[a][b][c]=1&where=2", "?filter[where][inq][99999999]=1",
                          "?filter[__proto__][a]=1", "?filter[where][]=%"])  # fmt: skip


def customer_parameters(random: Random, scene: Scene) -> str:
    """Parameters of the list of customers: conditions, order, search and cursor."""
    if random.random() < 0.3:
        parameters, word = cursor(random, scene.cursors["customers"])
        return f"?{parameters}&{random.choice(['next_cursor', 'prev_cursor'])}={quote(random, word)}"[:16_000]
    values = {
        "query": write_json(random, filters.query(random)).decode("utf-8", "replace"),
        "search": text(random),
        "order_by": random.choice(
            [random.choice(filters.CUSTOMER_FIELDS), text(random), write_json(random, value(random)).decode("latin-1")]
        ),
        "limit": random.choice(["1", "100", "0", "-1", "9" * 5000, "1.0", "١", text(random)]),
        "include_total_count": random.choice(["true", "false", text(random)]),
        "next_cursor": text(random),
        quote(random, text(random)[:20]): text(random),
    }
    chosen = random.sample(list(values), random.choice([1, 1, 2, 3]))
    return ("?" + "&".join(f"{name}={quote(random, values[name])}" for name in chosen))[:15_000]


def v1_body(random: Random, path: str) -> bytes:
    names = ACCOUNT_BODY if "/accounts" in path else V1_BODY
    if path.endswith("clients") and random.random() < 0.3:
        return write_json(random, [members(random, V1_BODY) for _ in range(random.choice([0, 1, 3, 50, 1001]))])
    return record(random, names)


def record(random: Random, names: tuple[str, ...]) -> bytes:
    """The JSON of a record, mostly with a name, so that the other values are looked at."""
    tree: object = members(random, names) if random.random() < 0.95 else value(random)
    return write_json(random, tree)


def members(random: Random, names: tuple[str, ...]) -> dict[str, object]:
    chosen = random.sample(names, random.choice([1, 1, 2, 5]))
    body: dict[str, object] = {name: value(random) for name in chosen}
    if random.random() < 0.6:
        body.setdefault("name", random.choice(["Ana", text(random)]))
    if random.random() < 0.1:
        body[random.choice(["metadata", "custom", "_data", "unitIds", "bank_accounts", "ujp"])] = structure(random)
    return body


def structure(random: Random) -> object:
    """A document or a list, as of a field with JSON."""
    inner: object = value(random)
    for _ in range(random.choice([1, 5, 28, 33])):
        inner = random.choice([{text(random)[:20]: inner}, [inner]])
    return random.choice(
        [inner, {f"k{n}": n for n in range(random.choice([50, 51, 5000]))}, [text(random)] * random.choice([3, 300])]
    )


def build(random: Random, method: str, url: str, body: bytes, tenant: Tenant) -> bytes:
    """The request with a token, its headers, and sometimes another method or another form of the body."""
    headers = dict(random.choice([{}, {}, {}, conditional(random), media(random), tokens(random, tenant)]))
    if body and random.random() < 0.06:
        headers, body = encoded(random, headers, body)
    token = random.choice([tenant.token] * 12 + [tenant.read_token, "x"])
    if random.random() < 0.03:
        method = random.choice(
            ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "POST", "get", "PROPFIND", "QUERY", "M-SEARCH"]
        )
    return write_request(method, url, body, headers, token)


def conditional(random: Random) -> Mapping[str, str]:
    """Preconditions and idempotency keys."""
    tags = random.choice(
        [
            '"1"',
            'W/"1"',
            "*",
            '"',
            "*, *",
            '"1", W/"2"',
            "1" * 20,
            '"' + "x" * 1100 + '"',
            " ," * 400,
            '"a\xe9"',
            text(random)[:99],
        ]
    )
    return {
        random.choice(["If-Match", "If-None-Match"]): clean(tags),
        random.choice(["Idempotency-Key", "X-Other"]): clean(random.choice(["", "a", "a" * 256, "a", text(random)])),
    }


def clean(words: str) -> str:
    """A header that the server does not reject at once."""
    return "".join(c for c in words if c not in "\r\n\x00" and not "\ud800" <= c <= "\udfff")[:4000]


def media(random: Random) -> Mapping[str, str]:
    """Media types, charsets, languages and forms."""
    kinds = ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
             "application/json; charset=utf-7", "application/json;charset=\"utf-32\"", "a", "/", "application/json; charset=",
             "APPLICATION/JSON;;;=", "*/*"]  # fmt: skip
    accepts = [
        "*/*",
        "",
        "text/html",
        "application/json;q=0",
        "a/b;q=9, */*;q=0.0001",
        "," * 500,
        "text/event-stream;q=nan",
        clean(text(random)),
    ]
    return {
        "Content-Type": random.choice(kinds),
        "Accept": random.choice(accepts),
        "Accept-Encoding": random.choice(["gzip", "br, *;q=0", "x;q=2"]),
    }


def encoded(random: Random, headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """The body with a Content-Encoding: right, broken, a bomb, or of many members."""
    packed = zlib.compress(body)
    zipper = zlib.compressobj(wbits=31)
    gzipped = zipper.compress(body) + zipper.flush()
    bodies = [packed, gzipped, BOMB, damage(random, gzipped), gzipped[:-4], gzipped * 120, body, b"", gzipped + b"tail"]
    encodings = ["gzip", "gzip", "deflate", "x-gzip", "br", "identity", "gzip, gzip", "zstd", ""]
    return {**headers, "Content-Encoding": random.choice(encodings)}, random.choice(bodies)


def tokens(random: Random, tenant: Tenant) -> Mapping[str, str]:
    """Tokens of every wrong shape, and right ones at odd places."""
    right = tenant.token
    values = [f"bearer {right}", f"Bearer  {right} ", right, f"Basic {right}", "Bearer", "Bearer " + "a" * 5000,
    f"Bearer {right}\x00"[:-1] + "x",
              f"Bearer {right[:-1]}", f"Bearer {right.upper()}", "Bearer \xff\xfe", f"Token {right}",
              "Bearer " + ", ".join(["x"] * 200), "Digest a=b"]  # fmt: skip
    name = random.choice(
        [
            "Authorization",
            "authorization",
            "X-Access-Token",
            "access_token",
            "Cookie",
            "X-Request-Id",
            "Proxy-Authorization",
        ]
    )
    return {name: random.choice(values)}
