"""Sends one recorded request again, and compares the answer with the recording."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

from tests.golden.records import TOKEN, Case

NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{24}")


def content(case: Case) -> bytes | None:
    """The body of the request; a very long body is recorded as its head and its length."""
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
    """Status and body of the answer, and (status, body) of the read after it, or None."""
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
    """The path at which an answer, or the read after it, differs from the recording; None when nothing differs."""
    ignored = frozenset(case.get("ignore", ()))
    path = find_difference(case.get("response_body"), body, "", ignored)
    if path is not None or after is None:
        return path
    recorded, (status, body_after) = case["after"], after
    if status != recorded["status"]:
        return "status after"
    ignored |= {"updatedAt"} if case["method"] == "PATCH" else set()
    path = find_difference(recorded["response_body"], body_after, "", ignored)
    return None if path is None else f"after: {path}"


def find_difference(recorded: Any, answered: Any, path: str = "", ignored: frozenset[str] = frozenset()) -> str | None:
    """The first path at which two values differ, or None. <id> stands for any id, and <now> for any moment.

    A key that the recording has, null or not, must be answered; a key that it lacks may be answered as null. `$list` is a
    long list with its ids in order, and `$set` holds the ids of a list whose order depends on the server's locale.
    """
    if path in ignored:
        return None
    if isinstance(recorded, dict) and "$list" in recorded:
        return _compare_long_list(recorded["$list"], answered, path, ignored)
    if isinstance(recorded, dict) and "$set" in recorded:
        return None if sorted(row["id"] for row in answered) == recorded["$set"] else f"{path} ids"
    if isinstance(recorded, dict) and isinstance(answered, dict):
        return _compare_objects(recorded, answered, path, ignored)
    if isinstance(recorded, list) and isinstance(answered, list):
        return _compare_lists(recorded, answered, path, ignored)
    if recorded in ("<id>", "<now>"):
        pattern = ID if recorded == "<id>" else NOW
        return None if isinstance(answered, str) and pattern.fullmatch(answered) else path
    same_type = isinstance(recorded, bool) is isinstance(answered, bool)
    return None if recorded == answered and same_type else path or "body"


def _compare_objects(
    recorded: Mapping[str, Any], answered: Mapping[str, Any], path: str, ignored: frozenset[str]
) -> str | None:
    for key in sorted({*recorded, *answered}):
        inner = f"{path}.{key}".strip(".")
        if key not in answered and inner not in ignored:
            return f"{inner} is missing"
        difference = find_difference(recorded.get(key), answered.get(key), inner, ignored)
        if difference is not None:
            return difference
    return None


def _compare_lists(recorded: list[Any], answered: list[Any], path: str, ignored: frozenset[str]) -> str | None:
    if len(recorded) != len(answered):
        return f"{path} length"
    for index, pair in enumerate(zip(recorded, answered, strict=True)):
        difference = find_difference(*pair, f"{path}[{index}]", ignored)
        if difference is not None:
            return difference
    return None


def _compare_long_list(recorded: Mapping[str, Any], answered: Any, path: str, ignored: frozenset[str]) -> str | None:
    if not isinstance(answered, list) or len(answered) != recorded["count"]:
        return f"{path} count"
    if [row.get("id") for row in answered] != recorded["ids"]:
        return f"{path} ids"
    return find_difference(recorded["first"], answered[0], f"{path}[0]", ignored) if answered else None
