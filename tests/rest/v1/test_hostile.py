"""Hostile requests get an answer of the API: never a 5xx, and nothing is lost in silence."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import Service
from tests.rest.v1.requests import as_filter, clients_path, make

LISTS = "[" * 900 + "]" * 900

TEXTS: dict[int, list[str]] = {
    200: ["", "null", "{}", ' {"limit":1} ', '{"limit":1,"limit":2}', '{"x":"\\ud800"}'],
    400: ["[]", "5", '"x"', "true", "{'limit':1}", '{"limit":1,}', '{"limit":01}', '{"a":1}x'],
}
MEMBERS: list[tuple[str, int, list[Any]]] = [
    ("limit", 200, [0, None, "", False, True, "5", " 5 ", "1e1", "0x10", "0b1", "+5", "5.", 1e9]),
    ("limit", 400, [-1, 1.5, "x", "0", "-0", "  ", {}, [], [5], "1_0", "٣", 2**63, 1e300, "Infinity"]),
    ("skip", 200, [0, "0", None, "", "  ", True, 2**31, 2**62]),
    ("skip", 400, [-1, 1.5, "x", {}, [], 2**63, 10**21, "1 OR 1=1"]),
    ("order", 200, ["name desc x", "name\tASC", "zip,id", 0, None, [",name"], "custom.a", "_data.0.id"]),
    (
        "order",
        400,
        ["name ", " name", "NAME", "name;", "name.a", "custom.a up", "metadata.a", [], [""], ",", 5, True, [["name"]]],
    ),
    ("fields", 200, ["", [], {}, True, 5, [5], [None], ["nope"], "a,b", {"nope": False}]),
    ("fields", 400, [None, [[]], ["__proto__"], "constructor", {"toString": True}]),
    ("include", 200, [None, "", [], {}, 5, True, [[]], [None], {"organization": True}]),
    ("include", 400, ["x", ["x"], {"relation": None}, {"organization": "clients"}, "__proto__"]),
    ("where", 200, [None, "", {}, {"and": []}, {"or": [{}]}, {"custom.a.__proto__": "x"}]),
    ("where", 400, [0, 5, True, [], [{}], "x", '{"name":"x"}', {"or": []}, {"and": {}}, {"nor": []}]),
    ("where", 400, [{name: "x"} for name in ("nope", "Name", "name ", "", "$or", "name.x", "metadata.x")]),
    ("where", 400, [{name: "x"} for name in ("__proto__", "constructor", "toString", "hasOwnProperty")]),
    (
        "where",
        400,
        [
            {"zip": {"inq": ["x"] * 1001}},
            {"or": [{"zip": "x"}] * 201},
            {"name": {"neq": "x"}, "and": [{"zip": "x"}] * 200},
        ],
    ),
    ("where", 200, [{"or": [{"zip": "x"}] * 200}, {"unitIds": None}, {"unitIds": {"nin": []}}, {"unitIds": 5}]),
    ("where", 400, [{"unitIds": {"like": "a"}}, {"unitIds": {"gt": "a"}}, {"unitIds": {"a": 1}}, {"unitIds": ["a"]}]),
    ("order", 400, [[f"custom.k{n}" for n in range(101)], "custom." + "x" * 10_001]),
]
CLAUSES: list[tuple[str, int, list[Any]]] = [
    ("name", 400, [[], ["x"], {}, {"x": 1}, {"near": 1}, {"$gt": 1}, "\0", "\ud800", "x" * 10_001]),
    (
        "name",
        400,
        [{"regexp": one} for one in ("[", "(", "*", "\\", "(a)\\1", "x" * 257, "/x/y", "\0", "a{1000}", "***:(")],
    ),
    ("name", 400, [{"regexp": 5}, {"regexp": None}, {"regexp": {}}, {"like": 5}, {"like": None}, {"like": ["a"]}]),
    ("name", 400, [{"like": "\\"}, {"like": "a\\\\\\"}, {"like": "\0"}]),
    ("name", 200, [{"regexp": one} for one in ("", "/", "//i", "/a/igm", "a/b", "https://x", "(a+)+$")]),
    ("taxSubject", 400, ["FALSE", "yes", 2, [], {}, {"like": "true"}, {"inq": ["x"]}]),
    ("createdAt", 400, ["", "soon", True, [], 1e20, "2022-02-31", {"gt": {}}, {"like": "2022%"}]),
    ("custom", 400, ["x", 5, {}, {"a": 1}, {"gt": 1}, {"inq": []}]),
    ("custom.a", 400, [[], {}, {"b": 1}, 10**30, {"between": [1, "2"]}, {"between": [1]}]),
]
FILTERS: list[tuple[Any, int]] = [
    *((text, status) for status, texts in TEXTS.items() for text in texts),
    *((f'{{"{name}":{LISTS}}}', 400) for name in ("where", "fields", "include", "order", "limit", "skip", "nope")),
    *(({name: value}, status) for name, status, values in MEMBERS for value in values),
    *(({"where": {name: value}}, status) for name, status, values in CLAUSES for value in values),
]


@pytest.mark.parametrize("form", ["list", "count"])
async def test_no_filter_is_a_mistake_of_the_service(shared_service: Service, form: str) -> None:
    await make(shared_service)
    wrong = []
    for filter_, status in FILTERS:
        text = filter_ if isinstance(filter_, str) else json.dumps(filter_)
        if form == "list":
            path = f"{clients_path(shared_service)}?filter={quote(text)}"
        elif isinstance(filter_, dict) and isinstance(filter_.get("where"), dict):
            path = f"{clients_path(shared_service)}/count?where={quote(json.dumps(filter_['where']))}"
        else:
            continue
        answer = await shared_service.http.get(path)
        if answer.status_code != status or (status == 400 and not answer.json()["error"]["message"]):
            wrong.append((text[:100], answer.status_code, answer.text[:100]))
    assert wrong == []


WITH_A_NAME: dict[int, list[bytes]] = {
    200: [b'"id":""', b'"id":null', b'"createdAt":[]', b'"organizationId":5', b'"custom":"x"', b'"_data":"[]"'],
    400: [
        b'"unitIds":{}', b'"unitIds":""', b'"_data":5', b'"_data":"{}"', b'"city":"\\ud800"', b'"custom":{"\\u0000":1}',
        b'"city":NaN', b'"city":"\xff"',
    ],
    422: [
        b'"type":""', b'"type":5', b'"taxSubject":"no"', b'"taxSubject":2', b'"email":[]', b'"x":null', b'"unitIds":[null]',
        b'"_data":[5]', b'"_data":[{"x":1}]', b'"__proto__":{}', b'"id":0', b'"name":""',
        b'"custom":1e400', b'"city":1' + b"0" * 500,
    ],
}  # fmt: skip
BODIES: list[tuple[bytes, int]] = [
    *((text, 422) for text in (b"", b"null", b"{}", b'{"name":""}', b'{"name":null}')),
    *((text, 400) for text in (b" ", b"{", b"5", b'"x"', b"true", b'{"name":"x"}x', b"[5]", b"[null]", b"[[]]")),
    *((b'{"name":"x",' + more + b"}", status) for status, several in WITH_A_NAME.items() for more in several),
    *(
        (b'{"name":"x","custom":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}", status)
        for depth, status in ((31, 200), (32, 400), (5000, 400))
    ),
]


async def test_no_body_is_a_mistake_of_the_service(shared_service: Service) -> None:
    path = f"/v1/Clients/{(await make(shared_service))['id']}"
    headers = {"Content-Type": "application/json"}
    wrong = []
    for body, status in BODIES:
        made = await shared_service.http.post(clients_path(shared_service), content=body, headers=headers)
        others = [
            await shared_service.http.request(method, path, content=body, headers=headers)
            for method in ("PUT", "PATCH")
        ]
        if made.status_code != status or any(answer.status_code not in (200, 400, 422) for answer in others):
            wrong.append((body[:100], made.text[:100], [answer.status_code for answer in others]))
    assert wrong == []
    assert (await shared_service.http.get(clients_path(shared_service) + as_filter({"limit": 1}))).status_code == 200
