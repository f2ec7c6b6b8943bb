"""The floors of the house: imports go down only, in no circle, and foreign words stay in the rooms that they belong to."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = (
    ("app.main", "app.__main__", "app.cli", "app.serving", "app.demonstration"),
    ("app.graphql", "app.rest"),
    ("app.clients", "app.organizations", "app.accounts", "app.changes"),
    ("app.query", "app.auth", "app.tokens", "app.idempotency", "app.mail", "app.vat", "app.demo"),
    ("app.storage", "app.config", "app.bodies"),
    ("app.errors", "app.ids"),
)
"""From the top down; a module belongs to the floor of the prefix that it starts with."""

DOORS = ("app.graphql", "app.rest")
STATEMENTS = ("repository", "statements", "writes", "erasure", "duplicates", "outbox")
"""Modules of any room that may hold SQL."""

FOREIGN = {
    "sqlalchemy": ("app.storage", "app.query.sql", "app.auth", "app.tokens", "app.idempotency", *STATEMENTS),
    "asyncpg": ("app.storage",),
    "alembic": ("app.storage",),
    "starlette": (*DOORS, "app.main", "app.auth", "app.bodies"),
    "graphql": ("app.graphql",),
    "strawberry": ("app.graphql",),
    "uvicorn": ("app.serving",),
    "typer": ("app.cli",),
    "aiosmtplib": ("app.mail",),
    "jinja2": ("app.mail",),
    "argon2": ("app.accounts.passwords",),
    "httpx": ("app.vat",),
    "stdnum": ("app.vat",),
}
"""Who may import a foreign package: a room, or a module of that name in any room."""

ENVIRONMENT = {
    "from_environment": ("app.main", "app.cli", "app.config"),
    "environ": ("app.config", "app.serving", "app.storage"),
    "getenv": (),
}
"""Who may read settings: `app.serving` hands them to its workers, `app.storage` hands them to PostgreSQL's programs."""


@dataclass(frozen=True)
class Import:
    """One imported module and where it is imported."""

    importer: str
    imported: str
    place: str


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted((ROOT / "app").rglob("*.py")) if "node_modules" not in path.parts}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def place(module: str, node: ast.AST) -> str:
    return f"{MODULES[module].relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def find_imports(module: str) -> Iterator[Import]:
    """Every import of a module, inside functions too; `from package import module` counts as the module."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, place(module, node)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(module, node)}: imports are absolute"
            assert node.module
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(module, full if full in MODULES else node.module, place(module, node))


IMPORTS = [one for module in MODULES for one in find_imports(module)]
INSIDE = [one for one in IMPORTS if one.imported.split(".")[0] == "app"]


def lies_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.") or module.rpartition(".")[2] == room


def floor_of(module: str) -> int:
    floors = [index for index, rooms in enumerate(FLOORS) if any(lies_in(module, room) for room in rooms)]
    assert len(floors) == 1, f"{module} needs a floor in FLOORS"
    return floors[0]


def test_every_module_has_a_floor() -> None:
    assert len(MODULES) > 50
    for module in MODULES:
        if module != "app":
            floor_of(module)


def test_imports_go_down_only() -> None:
    climbing = [
        f"{one.place}: {one.importer} imports {one.imported} from a floor above"
        for one in INSIDE
        if floor_of(one.imported) < floor_of(one.importer)
    ]
    assert climbing == []


def test_a_door_never_imports_another_door() -> None:
    doors = [
        f"{one.place}: a door imports another door, {one.imported}"
        for one in INSIDE
        for here, there in (DOORS, DOORS[::-1])
        if lies_in(one.importer, here) and lies_in(one.imported, there)
    ]
    assert doors == []


def find_circle(edges: dict[str, list[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> list[str] | None:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return None
        found = next(filter(None, (visit(one, [*trail, module]) for one in edges.get(module, []))), None)
        done.add(module)
        return found

    return next(filter(None, (visit(module, []) for module in edges)), None)


def test_no_imports_go_in_a_circle() -> None:
    edges: dict[str, list[str]] = {}
    for one in INSIDE:
        edges.setdefault(one.importer, []).append(one.imported)
    assert find_circle(edges) is None


def test_a_circle_is_found() -> None:
    assert find_circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


def test_nouns_use_each_other_in_one_direction() -> None:
    nouns = FLOORS[2]
    pairs = {
        (here, there)
        for one in INSIDE
        for here in nouns
        for there in nouns
        if here != there and lies_in(one.importer, here) and lies_in(one.imported, there)
    }
    assert [pair for pair in sorted(pairs) if pair[::-1] in pairs] == []


@pytest.mark.parametrize("package", FOREIGN)
def test_foreign_words_stay_in_their_rooms(package: str) -> None:
    strays = [
        f"{one.place}: {one.importer} imports {one.imported}, which is for {', '.join(FOREIGN[package])}"
        for one in IMPORTS
        if one.imported.split(".")[0] == package and not any(lies_in(one.importer, room) for room in FOREIGN[package])
    ]
    assert strays == []


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_settings_are_read_at_the_top_only(name: str) -> None:
    strays = [
        f"{place(module, node)}: {module} uses {name}, which is for {', '.join(ENVIRONMENT[name]) or 'nobody'}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "name", None))
        and not any(lies_in(module, room) for room in ENVIRONMENT[name])
    ]
    assert strays == []
