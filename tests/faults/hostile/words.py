"""Hostile texts, values and JSON: what parsers, encodings and databases choke on."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from random import Random
from urllib.parse import quote_plus

TEXTS = (
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "a\ud83d", "\ufeff", "\ufffe\uffff", "\u202e\u2066abc", "\u200b\u200d",
    "\u0315\u0300" * 20, "e" + "\u0301" * 29, "e" + "\u0301" * 31, "\u0315\u0300" * 400, "\u1160" * 300, "\u0f71\u0f72" * 50,
    "\ufdfa" * 200, "İIıi", "ß" * 100, "ﬀ" * 50, "\U0001f468\u200d\U0001f469" * 40, "\U000e0001" * 40,
    "%", "%" * 300, "_" * 200,
    "\\", "\\" * 9, "'", "''; DROP TABLE clients; --", '"', "$1", ":name", "{}", "%s%n", "${jndi:ldap://x}", "{{7*7}}",
    "<script>", "\r\nX-Injected: 1", "\x7f\x1b[31m", "\u2028\u2029", "null", "NaN", "Infinity", "-0", "1e999", "0x10",
    "9" * 400, "true", "undefined", "[object Object]", "__proto__", "constructor", "a" * 9999, "a" * 10_001, "ab " * 3000,
    "cust_", "cust_" + "0" * 24, "ent_" + "f" * 24, "0" * 24, "Q2xpZW50Og==", "2026-02-30", "2026-01-01T00:00:00Z",
    "-271821-04-20",
    "+275760-09-13T00:00:00.000Z", "0000-00-00", "24:00", "1970", "infinity", "epoch", "now", "a@b.c", "a@" + "b." * 200 + "c",
    "SI12345678", "DE" + "1" * 40, "SI", "zz", "\u0130@x.si", "x" * 64 + "@x.si", "sk_live_" + "a" * 40, "/v1/../x", "İ" * 250,
)  # fmt: skip
SHORT_TEXTS = tuple(text for text in TEXTS if len(text) < 50)
PATTERNS = (
    "(a+)+$", "(a|a)*b", "(a{1,200}){1,200}", "^" * 200, "(" * 120, ")" * 50, "[", "[a", "[[:alpha:]]+", "[[.x.]]", "[[=a=]]",
    "\\1", "(a)\\1", "a{99999}", "a{1,}{2}", "***=a", "***:a", "(?i)a", "(?x) a # b", "(?=a)", "(?!a)b", "(?<=a)", "\\y\\m\\M",
    "\\x{110000}", "\\u", "\\uD800", "a**", "?", "|", "||||", "/a/", "/a/gi", "/a/zz", "/(/i", "[\\w-z]", "[z-a]", "\\Q", "\\Z",
    "(((((((((((a?){9}){9}){9})))))))", ".*.*.*.*=.*", "%" * 40, "%a" * 40, "a\\", "\\\\\\", "_%_%_%", "[^\x00]", "(a?.?){250}y",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 100, 101, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, -(10**400), 0.1, -0.0, 1e308, 5e-324,
)  # fmt: skip
FRAGMENTS = (
    b"NaN", b"-Infinity", b"1" * 5000, b"-" + b"9" * 20_000, b"1e999", b"1E-999999999", b"1e99999999999999999999",
    b"0." + b"1" * 9000,
    b"[" * 31 + b"]" * 31, b"[" * 40 + b"]" * 40, b"[" * 30_000, b'{"a":' * 5000, b"[" + b"0," * 49_000 + b"0]", b'{"a":1,"a":2}',
    b'{"":{"":{}}}', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b"\x00", b"01", b"+1",
    b".5", b"1.",
    b"0x1", b"'a'", b"undefined", b"/*a*/1", b"1_000", b'"open', b"\xef\xbb\xbf1", b"tru", b'"\t"', b"[1,]", b'{"a"}', b"{,}",
    b"", b"\\u0061",
    b'{"__proto__":{"a":1}}', b"[" + b"{}," * 3000 + b"{}]", b'"' + b"\\u0000" * 50 + b'"', b'"' + b"\\" * 2001 + b'"', b"-",
    b"-0.0e-0",
)  # fmt: skip
"""JSON that is not, and JSON at its limits. It takes the place of a value."""
LONGEST_QUOTED = 14_000
RAW = bytes(byte if 32 < byte < 127 and byte != ord("#") else ord("+") for byte in range(256))
"""The bytes that may stand in a URL as they are; a plus in place of the others."""
PLACE = "\u0001fragment\u0001"
WRITTEN_PLACE = re.compile(re.escape(json.dumps(PLACE).encode()))


def text(random: Random) -> str:
    """A text: a hostile one, a piece of several, or random characters of the whole of Unicode."""
    choice = random.random()
    if choice < 0.4:
        return random.choice(SHORT_TEXTS)
    if choice < 0.55:
        return random.choice(TEXTS)
    if choice < 0.75:
        return (random.choice(TEXTS) + random.choice(TEXTS))[: random.choice([5, 50, 500])]
    if choice < 0.9:
        return "".join(
            chr(random.choice([random.randrange(128), random.randrange(0x110000)])) for _ in range(random.randrange(12))
        )
    return random.choice(["Ana", "a", "12", "Novak d.o.o.", "ana@example.com"])


def value(random: Random, depth: int = 3) -> object:
    """Any JSON value. A fragment of JSON, valid or not, may take its place when `write_json` writes it."""
    choice = random.random()
    if depth and choice < 0.12:
        return {text(random)[:40]: value(random, depth - 1) for _ in range(random.randrange(4))}
    if depth and choice < 0.24:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    if choice < 0.35:
        return random.choice(NUMBERS)
    if choice < 0.45:
        return random.choice([None, True, False])
    if choice < 0.5:
        return PLACE
    return text(random)


def write_json(random: Random, tree: object) -> bytes:
    """The JSON of a value: mostly as it is; with fragments, cut, repeated, or with bytes changed."""
    data = json.dumps(tree, ensure_ascii=random.random() < 0.7).encode("utf-8", "surrogatepass")
    data = WRITTEN_PLACE.sub(lambda _: random.choice(FRAGMENTS), data)
    choice = random.random()
    if choice < 0.03:
        return data[: random.randrange(len(data) + 1)]
    if choice < 0.06:
        return damage(random, data)
    if choice < 0.07:
        return data + data
    return random.choice(FRAGMENTS) if choice < 0.09 else data


def damage(random: Random, data: bytes) -> bytes:
    """The bytes with a few of them changed."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def quote(random: Random, words: str) -> str:
    """A text for a URL: percent-encoded, mostly correctly. Other encodings are wrong, doubled or raw."""
    data = words[:LONGEST_QUOTED].encode("utf-8", "surrogatepass")
    choice = random.random()
    if choice < 0.87:
        return quote_plus(data)
    if choice < 0.92:
        return "".join(f"%25{byte:02x}" for byte in data[:300])
    if choice < 0.96:
        return data.translate(RAW).decode("ascii")
    return random.choice(
        ["%", "%z", "%u0041", "%ff", "%00", "%C0%AF", "%ED%A0%80", "%2e%2e%2f", "+", ";", "&", "=", "%26%3D"]
    )


def cursor(random: Random, real: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The parameters of a list, and a cursor: a real one, or one with other values, another form or damaged bytes."""
    parameters, genuine = random.choice(real)
    choice = random.random()
    if choice < 0.1:
        return parameters, genuine
    if choice < 0.2:
        return parameters, damage(random, genuine.encode()).decode("latin-1")
    if choice < 0.3:
        return parameters, text(random)
    decoded = urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    if choice < 0.4:
        return parameters, urlsafe_b64encode(damage(random, decoded)).decode().rstrip("=")
    values = json.loads(decoded)
    for index in range(1, len(values)):
        if random.random() < 0.7:
            values[index] = value(random, 1)
    return parameters, urlsafe_b64encode(write_json(random, values)).decode().rstrip("=")
