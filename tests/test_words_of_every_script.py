"""Words of every script are found in another case, accent, normal form or width, in search and in filters, on every API.

The words and their spellings come from Python's `unicodedata`, not from the service's own tables.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Service
from tests.seeding import insert_rows

BASIC_PLANE = [chr(n) for n in range(0x10000) if not 0xD800 <= n < 0xE000]
LETTERS = ("Lu", "Ll", "Lt", "Lo", "Lm")
MARKS = [c for c in BASIC_PLANE if unicodedata.category(c) == "Mn" and c != "\u0345"]
FIELDS = ("name", "city")


def letters_by_script() -> Mapping[str, list[str]]:
    """The letters of the Basic Multilingual Plane, by the first word of their names."""
    scripts: dict[str, list[str]] = defaultdict(list)
    for letter in BASIC_PLANE:
        if unicodedata.category(letter) in LETTERS:
            scripts[unicodedata.name(letter).split()[0]].append(letter)
    return scripts


SCRIPTS = letters_by_script()


def with_marks(word: str, random: Random) -> str:
    return "".join(letter + random.choice(["", random.choice(MARKS)]) for letter in word)


def without_marks(word: str, _: Random) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if letter not in MARKS)


def widened(word: str, _: Random) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in word)


SPELLINGS: list[Callable[[str, Random], str]] = [
    *(lambda word, _, case=case: case(word) for case in (str.upper, str.lower, str.title, str.casefold, str.swapcase)),
    *(lambda word, _, form=form: unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    with_marks,
    without_marks,
    widened,
]


def spell(word: str, random: Random) -> str:
    """The word in another spelling, or a part of that from one character on."""
    for change in random.sample(SPELLINGS, 2):
        word = change(word, random) or word
    start = random.randrange(len(word))
    return random.choice([word, word[start : random.randint(start + 1, len(word))]])


async def _get(service: Service, path: str, **parameters: Any) -> Any:
    answer = await service.http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _filter_v1(service: Service, field: str, condition: Any) -> list[str]:
    question = json.dumps({"where": {field: condition}, "limit": 100})
    rows = await _get(service, f"/v1/organizations/{service.organization}/clients", filter=question)
    return [row["id"] for row in rows]


async def search_v1(service: Service, _: str, text: str) -> list[str]:
    rows = await _get(service, f"/v1/organizations/{service.organization}/clients/search", term=text)
    return [row["id"] for row in rows]


async def ilike_v1(service: Service, field: str, text: str) -> list[str]:
    return await _filter_v1(service, field, {"ilike": f"%{text}%"})


async def like_with_options_v1(service: Service, field: str, text: str) -> list[str]:
    return await _filter_v1(service, field, {"like": f"%{text}%", "options": "i"})


async def _list_customers(service: Service, **parameters: Any) -> list[str]:
    page = await _get(service, "/customers", limit=100, **parameters)
    return [row["id"].removeprefix("cust_") for row in page["data"]]


async def search_customers(service: Service, _: str, text: str) -> list[str]:
    return await _list_customers(service, search=text)


async def filter_customers(service: Service, field: str, text: str) -> list[str]:
    return await _list_customers(service, query=json.dumps({field: {"contains": text}}))


async def _list_graphql(service: Service, argument: str, type_: str, value: Any) -> list[str]:
    query = f"query($value: {type_}) {{ clients({argument}: $value, first: 100) {{ nodes {{ clientId }} }} }}"
    answer = await service.http.post("/graphql", json={"query": query, "variables": {"value": value}})
    assert "errors" not in answer.json(), answer.text
    return [node["clientId"] for node in answer.json()["data"]["clients"]["nodes"]]


async def search_graphql(service: Service, _: str, text: str) -> list[str]:
    return await _list_graphql(service, "search", "String", text)


async def filter_graphql(service: Service, field: str, text: str) -> list[str]:
    return await _list_graphql(service, "filter", "ClientFilter", {field: {"contains": text}})


SEARCHES = (search_v1, search_customers, search_graphql)
FILTERS = (ilike_v1, like_with_options_v1, filter_customers, filter_graphql)
Find = Callable[[Service, str, str], Awaitable[list[str]]]


async def fill(service: Service, texts: Mapping[str, Mapping[str, str]]) -> None:
    """Leaves the organization with these rows alone."""
    async with service.database.write() as connection:
        await connection.driver.execute("DELETE FROM clients")
    await insert_rows(service.database, service.organization, [{"id": id_, **row} for id_, row in texts.items()])


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=True))
async def test_words_of_every_script_are_found_in_other_spellings(shared_service: Service, random: Random) -> None:
    scripts = sorted(SCRIPTS)
    random.shuffle(scripts)
    for some in (scripts[:90], scripts[90:]):
        words = {f"{n:024x}": "".join(random.choices(SCRIPTS[script], k=5)) for n, script in enumerate(some)}
        fields = {id_: random.choice(FIELDS) for id_ in words}
        await fill(
            shared_service, {id_: dict.fromkeys(FIELDS, "-") | {fields[id_]: f"x{words[id_]} 1"} for id_ in words}
        )
        for id_, word in words.items():
            text, find = spell(word, random), random.choice((*SEARCHES, *FILTERS))
            assert id_ in await find(shared_service, fields[id_], text), (find.__name__, word, text, ascii(text))


def test_every_script_has_words() -> None:
    assert len(SCRIPTS) > 90
    assert {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "THAI", "CJK", "HANGUL", "KATAKANA"} <= SCRIPTS.keys()


PAIRS = [
    ("ΓΙΩΡΓΟΣ ΕΠΕ", "γιωργος", True),
    ("أحمد إبراهيم", "احمد", True),
    ("上海北京路商店", "北京", True),
    ("東京電力", "力", True),
    ("Ljubljana", "ub", True),
    ("O’Neill & Sons", "o'neill", True),
    ("O'Neill & Sons", "O’NEILL", True),
    ("Café", "cafe\u0301", True),
    ("CAFE\u0301", "café", True),
    ("Straße 1", "STRASSE", True),
    ("İstanbul", "istanbul", True),
    ("ガーデン", "ｶﾞｰﾃﾞﾝ", True),
    ("Ａｎｎ", "ann", True),
    ("Rene", "renee", False),
    ("Юлия", "юля", False),
    ("北京", "京北", False),
]


@pytest.mark.parametrize(("name", "text", "found"), PAIRS)
async def test_every_api_finds_the_same_words(shared_service: Service, name: str, text: str, found: bool) -> None:
    await fill(shared_service, {"0" * 24: {"name": name}})
    answers = {find.__name__: await find(shared_service, "name", text) for find in (*SEARCHES, *FILTERS)}
    assert answers == dict.fromkeys(answers, ["0" * 24] if found else [])


async def test_exact_operators_stay_exact(shared_service: Service) -> None:
    await fill(shared_service, {"0" * 24: {"name": "Café"}})
    for condition in ("CAFÉ", "Cafe", {"like": "caf%"}, {"like": "Cafe"}, {"inq": ["café"]}, {"regexp": "cafe"}):
        assert await _filter_v1(shared_service, "name", condition) == []
    for condition in ("Café", {"like": "Caf_"}, {"regexp": "/CAFÉ/i"}):
        assert await _filter_v1(shared_service, "name", condition) == ["0" * 24]
    exact = {"name": {"contains": "CAF", "caseSensitive": True}}
    assert await _list_graphql(shared_service, "filter", "ClientFilter", exact) == []


LIKES = [
    ("Straße", "str_sse", True),
    ("Straße", "stra_e", False),
    ("Café", "caf_", True),
    ("cafe\u0301", "CAF_", True),
    ("50％ off", "50\\% OFF", True),
    ("50% off", "50％ off", True),
    ("50 per cent off", "50％ off", False),
    ("snake＿case", "SNAKE\\_case", True),
    ("snakeXcase", "snake＿case", False),
    ("back＼slash", "BACK\\\\slash", True),
    ("Ann", "\\A\\n\\n", True),
    ("ना", "\\न\\ा", True),
    ("हि", "\\ह\\ि", True),
    ("नी", "\\न\\ी", True),
    ("ที่", "\\ท\\ี\\่", True),
    ("ß", "\\ß", True),
]


@pytest.mark.parametrize(("name", "pattern", "found"), LIKES)
async def test_patterns_are_folded_without_gaining_wildcards(
    shared_service: Service, name: str, pattern: str, found: bool
) -> None:
    """One underscore stands for one folded character."""
    await fill(shared_service, {"0" * 24: {"name": name}})
    assert await _filter_v1(shared_service, "name", {"ilike": pattern}) == (["0" * 24] if found else [])
