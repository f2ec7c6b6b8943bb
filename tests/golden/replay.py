"""Replaying one recorded case, and comparing what came back with what was recorded."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from tests.golden.records import TOKEN, Case

NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{24}")


def content(case: Case) -> bytes | None:
    """The body that was sent; a very long one is recorded as its head and its length."""
    if "body" in case:
        return json.dumps(case["body"], ensure_ascii=False).encode()
    raw: object = case.get("raw_body")
    if isinstance(raw, Mapping):
        head, length = str(raw["head"]), int(raw["$length"])
        return (head + "x" * (length - len(head) - 2) + '"}').encode()
    return None if raw is None else str(raw).encode()


async def send(http: httpx.AsyncClient, method: str, url: str, case: Case) -> httpx.Response:
    headers = dict(case.get("headers") or {})
    if case.get("variant") != "auth" and "authorization" not in headers:
        headers["authorization"] = TOKEN
    request = http.build_request(method, "http://service/", headers=headers, content=content(case))
    request.url = request.url.copy_with(raw_path=url.encode("latin-1", "replace"))
    if "content-type" not in headers:
        request.headers.pop("content-type", None)
    return await http.send(request)


async def ask(http: httpx.AsyncClient, case: Case) -> tuple[int, Any, Any]:
    """Status and body of the case's answer, and of the read after it: (status, body), or None."""
    url = case["path"] + (f"?{case['query']}" if case["query"] else "")
    answer = await send(http, case["method"], url, case)
    body = answer.json() if answer.content else None
    after = case.get("after")
    if after is None:
        return answer.status_code, body, None
    path = after["path"].replace("<id>", str(body.get("id"))) if isinstance(body, dict) else after["path"]
    read = await http.get(path, headers={"authorization": TOKEN})
    return answer.status_code, body, (read.status_code, read.json())


def compare(case: Case, body: Any, after: Any) -> str | None:
    """In which place an answer, or the read after it, is another one than the recorded; None in none."""
    ignored = frozenset(case.get("ignore", ()))
    place = differs(case.get("response_body"), body, "", ignored)
    if place is not None or after is None:
        return place
    recorded, (status, found) = case["after"], after
    if status != recorded["status"]:
        return "status after"
    ignored |= {"updatedAt"} if case["method"] == "PATCH" else set()
    place = differs(recorded["response_body"], found, "", ignored)
    return None if place is None else f"after: {place}"


def differs(recorded: Any, given: Any, place: str, ignored: frozenset[str]) -> str | None:
    """Where two values differ: a missing key and a null are the same; <id> and <now> stand for any.

    `$list` is a long list, its ids in order, and `$set` the ids of a list whose order depends on the server's locale.
    """
    if place in ignored:
        return None
    if isinstance(recorded, dict) and "$list" in recorded:
        return _list_differs(recorded["$list"], given, place, ignored)
    if isinstance(recorded, dict) and "$set" in recorded:
        return None if sorted(one["id"] for one in given) == recorded["$set"] else f"{place} ids"
    if isinstance(recorded, dict) and isinstance(given, dict):
        keys = sorted({*recorded, *given})
        found = (differs(recorded.get(key), given.get(key), f"{place}.{key}".strip("."), ignored) for key in keys)
        return next((one for one in found if one is not None), None)
    if isinstance(recorded, list) and isinstance(given, list):
        return _members_differ(recorded, given, place, ignored)
    if recorded in ("<id>", "<now>"):
        pattern = ID if recorded == "<id>" else NOW
        return None if isinstance(given, str) and pattern.fullmatch(given) else place
    return None if recorded == given and isinstance(recorded, bool) is isinstance(given, bool) else place or "body"


def _members_differ(recorded: list[Any], given: list[Any], place: str, ignored: frozenset[str]) -> str | None:
    if len(recorded) != len(given):
        return f"{place} length"
    found = (
        differs(*pair, f"{place}[{index}]", ignored) for index, pair in enumerate(zip(recorded, given, strict=True))
    )
    return next((one for one in found if one is not None), None)


def _list_differs(recorded: Mapping[str, Any], given: Any, place: str, ignored: frozenset[str]) -> str | None:
    if not isinstance(given, list) or len(given) != recorded["count"]:
        return f"{place} count"
    if [one.get("id") for one in given] != recorded["ids"]:
        return f"{place} ids"
    return differs(recorded["first"], given[0], f"{place}[0]", ignored) if given else None
