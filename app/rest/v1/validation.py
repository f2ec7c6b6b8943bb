"""Validation errors: every problem of a record in one message, as LoopBack words it."""

from typing import Any

from app.errors import ABSENT, Invalid, Problem
from app.query.messages import stringify

LONGEST_VALUE = 32


def explain(refusal: Invalid, model: str) -> dict[str, Any]:
    """The members of the error."""
    codes: dict[str, list[str]] = {}
    messages: dict[str, list[str]] = {}
    for problem in refusal.problems:
        codes.setdefault(problem.field, []).append(problem.code)
        messages.setdefault(problem.field, []).append(problem.message)
    described = "; ".join(describe_problem(problem) for problem in refusal.problems)
    return {
        "name": "ValidationError",
        "message": f"The `{model}` instance is not valid. Details: {described}.",
        "details": {"context": model, "codes": codes, "messages": messages},
    }


def describe_problem(problem: Problem) -> str:
    return f"`{problem.field}` {problem.message} (value: {show_value(problem.value)})"


def show_value(value: object) -> str:
    """A value, cut to 32 characters; texts as JSON, other values as a JavaScript console shows them."""
    if isinstance(value, str):
        return stringify(cut(value))
    if value is ABSENT:
        return "undefined"
    return cut(inspect(value, depth=1 if isinstance(value, list) else 0))


def cut(text: str) -> str:
    """Up to 32 characters: the beginning, three dots, and up to three closing characters, or else the last three."""
    if len(text) <= LONGEST_VALUE:
        return text
    closing = len(text) - len(text.rstrip(" \t})]"))
    tail = text[-(min(closing, 3) or 3) :]
    return f"{text[: LONGEST_VALUE - len(tail) - 4]}...{tail}"


def inspect(value: object, depth: int) -> str:
    """A value as Node's util.inspect prints it, objects below `depth` by their kind."""
    if isinstance(value, dict):
        if not value or depth < 0:
            return "[Object]" if value else "{}"
        return f"{{ {', '.join(f'{_key(key)}: {inspect(inner, depth - 1)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        if not value or depth < 0:
            return "[Array]" if value else "[]"
        return f"[ {', '.join(inspect(inner, depth - 1) for inner in value)} ]"
    return _quote(value) if isinstance(value, str) else stringify(value)


def _key(key: str) -> str:
    return key if key.isidentifier() else _quote(key)


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
