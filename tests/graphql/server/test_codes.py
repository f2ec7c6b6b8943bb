"""Codes of errors: the guide lists those that the code has, with their statuses, and no error has another one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import app.errors as domain
from app.errors import DomainError, Misconfigured
from app.graphql.schema.user_errors import UserErrorCode
from app.graphql.server.codes import STATUSES, ErrorCode
from app.graphql.server.errors import CODES

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "app").rglob("*.py"))
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+) \|$", re.MULTILINE)


def read_table(heading: str) -> list[tuple[str, str]]:
    """The code and the other columns of each row of the table below a heading of the guide."""
    guide = (ROOT / "docs" / "graphql.md").read_text(encoding="utf-8")
    section = guide.partition(f"### {heading}\n")[2].partition("\n#")[0]
    return ROW.findall(section)


def names_in(enum: str) -> Iterator[str]:
    """The members of an enum that the sources use."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == enum:
                yield node.attr


def test_the_guide_lists_every_code_of_errors_with_its_status() -> None:
    rows = read_table("Codes of `errors`")
    assert [code for code, _ in rows] == sorted(ErrorCode)
    for code, columns in rows:
        status = columns.partition(" | ")[0]
        expected = STATUSES.get(ErrorCode(code), 400)
        assert str(expected) in status or status in ("200", "WebSocket"), code


def test_the_guide_lists_every_code_of_user_errors() -> None:
    assert [code for code, _ in read_table("Codes of `userErrors`")] == sorted(UserErrorCode.__members__)


def test_every_code_is_used() -> None:
    assert set(names_in("ErrorCode")) == set(ErrorCode.__members__)
    assert set(names_in("UserErrorCode")) == set(UserErrorCode.__members__)


def test_no_error_has_a_code_outside_of_the_enum() -> None:
    for path in (ROOT / "app" / "graphql").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                codes = [value for key, value in zip(node.keys, node.values, strict=True) if is_code(key)]
                assert not any(isinstance(value, ast.Constant) for value in codes), f"{path}:{node.lineno}"


def is_code(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "code"


def test_every_expected_error_has_a_code() -> None:
    kinds = {kind for kind in vars(domain).values() if isinstance(kind, type) and issubclass(kind, DomainError)}
    for kind in kinds - {DomainError, Misconfigured}:
        assert not CODES.keys().isdisjoint(kind.__mro__), kind
