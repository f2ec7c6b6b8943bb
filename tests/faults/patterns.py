"""Judges every regular expression of `app/` with the npm package recheck. It needs node.

Each pattern must take time that is linear in the text that it reads.
"""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.faults.demo_service import ROOT, install_packages

RECHECK = ROOT / "tests" / "faults" / "recheck"
APP = ROOT / "app"
FORMS = {"fullmatch": "^(?:{})$", "match": "^(?:{})"}
"""The way in which a method applies a pattern, as a pattern for a search."""
SEARCHES = frozenset({"compile", "search", "split", "sub", "subn", "findall", "finditer"})
SHORT_TEXTS = {"app/query/js_dates.py": "parse_js_date gives up on a text of over 100 characters"}
"""The modules whose patterns only read short texts, or the service's own, each with the reason. They are not judged."""
FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}


@dataclass(frozen=True, order=True, slots=True)
class Pattern:
    """A pattern in JavaScript's syntax, and the place in `app/` that compiles it."""

    place: str
    source: str
    flags: str


def main() -> int:
    patterns = sorted(set(find_patterns()))
    install_packages(RECHECK)
    texts = json.dumps([asdict(pattern) for pattern in patterns])
    return subprocess.run(["node", "judge.mjs"], cwd=RECHECK, input=texts, text=True, check=False).returncode


def find_patterns() -> Iterator[Pattern]:
    """The patterns in every form in which a method may apply them."""
    compiled = compile_patterns()
    for path in sorted(APP.rglob("*.py")):
        for call in find_calls(path):
            if str(path.relative_to(ROOT)) in SHORT_TEXTS:
                continue
            place = f"{path.relative_to(ROOT)}:{call.lineno}"
            patterns = compiled.get((str(path), call.lineno)) or read_literal(place, call)
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            for pattern in patterns:
                for form in {FORMS[method]} if method in FORMS else {"{}", *FORMS.values()}:
                    yield translate(place, pattern, form)


def compile_patterns() -> Mapping[tuple[str, int], list["re.Pattern[Any]"]]:
    """Imports every module of `app/`. Returns the patterns that it compiles, by file and line."""
    compiled: dict[tuple[str, int], list[re.Pattern[Any]]] = {}
    compile_ = re.compile

    def record(*arguments: Any, **options: Any) -> "re.Pattern[Any]":
        caller = sys._getframe(1)
        pattern: re.Pattern[Any] = compile_(*arguments, **options)
        compiled.setdefault((caller.f_code.co_filename, caller.f_lineno), []).append(pattern)
        return pattern

    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        del sys.modules[name]
    with patch("re.compile", record):
        for module in pkgutil.walk_packages([str(APP)], "app."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return compiled


def find_calls(path: Path) -> Iterator[ast.Call]:
    """The calls of functions of `re` that take a pattern."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise SystemExit(f"{path}: import re as a module, so that its calls can be found.")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and takes_pattern(node.func):
            yield node


def takes_pattern(function: ast.Attribute) -> bool:
    is_re = isinstance(function.value, ast.Name) and function.value.id == "re"
    return is_re and function.attr in SEARCHES | FORMS.keys()


def read_literal(place: str, call: ast.Call) -> list["re.Pattern[Any]"]:
    """The pattern of a call inside a function."""
    argument = call.args[0]
    if not isinstance(argument, ast.Constant):
        raise SystemExit(f"{place}: the pattern must be a literal, or be compiled when the module is imported.")
    return [re.compile(argument.value)]


def translate(place: str, pattern: "re.Pattern[Any]", form: str) -> Pattern:
    """The pattern in JavaScript's syntax, which differs in the names of groups and in the flags."""
    source = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    flags = "".join(letter for flag, letter in FLAGS.items() if pattern.flags & flag)
    return Pattern(place, form.format(source.replace("(?P<", "(?<")), flags)


if __name__ == "__main__":
    sys.exit(main())
