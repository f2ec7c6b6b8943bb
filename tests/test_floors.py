"""The layers of the code: imports go down only and never in a circle, and each package uses only the libraries it may use."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = (
    ("app.main", "app.__main__", "app.cli", "app.server", "app.demo", "app.download"),
    ("app.graphql", "app.rest"),
    ("app.privacy", "app.nodes"),
    ("app.organizations", "app.changes", "app.webhooks"),
    ("app.accounts", "app.clients"),
    (
        "app.records",
        "app.deliveries",
        "app.mail",
        "app.vat",
        "app.auth",
        "app.tokens",
        "app.caller_sources",
        "app.caller_tokens",
        "app.token_uses",
        "app.idempotency",
        "app.counts",
    ),
    ("app.query", "app.http"),
    ("app.storage", "app.postgres"),
    ("app.observability",),
    ("app.config", "app.countries", "app.errors", "app.ids", "app.settings", "app.used_up", "app.version"),
)
"""From the top down; a module belongs to the layer of the prefix that it starts with."""

GRAPHQL_LAYERS = ("app.graphql.server", "app.graphql.schema", "app.graphql.execution", "app.graphql.internals")
"""The layers inside the GraphQL API, from the top down."""

APIS = ("app.graphql", "app.rest.v1", "app.rest.customers")

OWNERS_OF_TABLES = (
    "app.accounts.repository",
    "app.auth",
    "app.caller_sources",
    "app.caller_tokens",
    "app.changes.authors",
    "app.changes.columns",
    "app.changes.listed",
    "app.changes.page_statements",
    "app.changes.settled",
    "app.changes.sources",
    "app.changes.statements",
    "app.clients.duplicates",
    "app.clients.keys",
    "app.clients.repository",
    "app.clients.sources",
    "app.clients.statements",
    "app.clients.transfer.repository",
    "app.clients.writes",
    "app.counts",
    "app.deliveries.outcomes",
    "app.deliveries.queue",
    "app.idempotency",
    "app.mail.outbox",
    "app.mail.quotas",
    "app.mail.repository",
    "app.mail.sources",
    "app.nodes",
    "app.organizations.repository",
    "app.privacy.ownership",
    "app.privacy.purge",
    "app.privacy.statements",
    "app.privacy.subject_statements",
    "app.records.batches",
    "app.records.creations",
    "app.records.repository",
    "app.records.statements",
    "app.records.writes",
    "app.tokens",
    "app.webhooks.bodies",
    "app.webhooks.columns",
    "app.webhooks.notices",
    "app.webhooks.reading",
    "app.webhooks.sources",
    "app.webhooks.statements",
)
"""The modules that own a table, and so may write SQL."""

FOREIGN = {
    "sqlalchemy": ("app.storage", "app.query.sql", *OWNERS_OF_TABLES),
    "asyncpg": ("app.storage", "app.postgres"),
    "alembic": ("app.storage",),
    "starlette": ("app.graphql.server", "app.rest", "app.http", "app.main", "app.auth"),
    "graphql": ("app.graphql",),
    "strawberry": ("app.graphql",),
    "uvicorn": ("app.server", "app.http.protocol"),
    "httptools": ("app.http.protocol",),
    "typer": ("app.cli",),
    "aiosmtplib": ("app.mail",),
    "jinja2": ("app.mail",),
    "argon2": ("app.accounts.passwords",),
    "httpx": ("app.deliveries", "app.download", "app.vat"),
    "httpcore": ("app.deliveries",),
    "stdnum": ("app.vat",),
    "prometheus_client": ("app.observability", "app.server.metrics"),
    "pythonjsonlogger": ("app.server.logs",),
}
"""The packages and modules, by their full names, that may import a library."""

ENVIRONMENT = {
    "from_environment": ("app.main", "app.cli", "app.config"),
    "environ": ("app.config", "app.server", "app.postgres"),
    "getenv": (),
}
"""Who may read settings: `app.server` hands them to its workers, `app.postgres` to PostgreSQL's programs."""


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


IMPORTS = [found for module in MODULES for found in find_imports(module)]
INSIDE = [found for found in IMPORTS if found.imported.split(".")[0] == "app"]


def lies_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def layer_of(module: str, layers: tuple[tuple[str, ...], ...] = LAYERS) -> int:
    found = [index for index, packages in enumerate(layers) if any(lies_in(module, package) for package in packages)]
    assert len(found) == 1, f"{module} needs a layer in LAYERS"
    return found[0]


def test_every_module_has_a_layer() -> None:
    assert len(MODULES) > 50
    for module in MODULES:
        if module != "app":
            layer_of(module)


def test_every_named_module_exists() -> None:
    named = {package for packages in (*LAYERS, GRAPHQL_LAYERS, APIS, *FOREIGN.values()) for package in packages}
    assert named - set(MODULES) == set()


def test_imports_go_down_only() -> None:
    climbing = [
        f"{found.place}: {found.importer} imports {found.imported} from a layer above"
        for found in INSIDE
        if layer_of(found.imported) < layer_of(found.importer)
    ]
    assert climbing == []


def test_the_layers_inside_graphql_import_down_only() -> None:
    layers = tuple((package,) for package in GRAPHQL_LAYERS)
    inner = [
        found for found in INSIDE if lies_in(found.importer, "app.graphql") and lies_in(found.imported, "app.graphql")
    ]
    climbing = [
        f"{found.place}: {found.importer} imports {found.imported} from a layer above"
        for found in inner
        if layer_of(found.imported, layers) < layer_of(found.importer, layers)
    ]
    assert inner
    assert climbing == []


def test_an_api_never_imports_another_api() -> None:
    crossing = [
        f"{found.place}: {found.importer} imports another API, {found.imported}"
        for found in INSIDE
        for here in APIS
        for there in APIS
        if here != there and lies_in(found.importer, here) and lies_in(found.imported, there)
    ]
    assert crossing == []


def find_circle(edges: dict[str, list[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> list[str] | None:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in done:
            return None
        found = next(filter(None, (visit(inner, [*trail, module]) for inner in edges.get(module, []))), None)
        done.add(module)
        return found

    return next(filter(None, (visit(module, []) for module in edges)), None)


def test_no_imports_go_in_a_circle() -> None:
    edges: dict[str, list[str]] = {}
    for found in INSIDE:
        edges.setdefault(found.importer, []).append(found.imported)
    assert find_circle(edges) is None


def test_a_circle_is_found() -> None:
    assert find_circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]


def test_record_types_use_each_other_in_one_direction() -> None:
    record_types = (*LAYERS[2], *LAYERS[3])
    pairs = {
        (here, there)
        for found in INSIDE
        for here in record_types
        for there in record_types
        if here != there and lies_in(found.importer, here) and lies_in(found.imported, there)
    }
    assert [pair for pair in sorted(pairs) if pair[::-1] in pairs] == []


@pytest.mark.parametrize("package", FOREIGN)
def test_a_library_is_imported_only_where_it_may_be(package: str) -> None:
    strays = [
        f"{found.place}: {found.importer} imports {found.imported}, which is for {', '.join(FOREIGN[package])}"
        for found in IMPORTS
        if found.imported.split(".")[0] == package
        and not any(lies_in(found.importer, allowed) for allowed in FOREIGN[package])
    ]
    assert strays == []


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_settings_are_read_at_the_top_only(name: str) -> None:
    strays = [
        f"{place(module, node)}: {module} uses {name}, which is for {', '.join(ENVIRONMENT[name]) or 'no module'}"
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and name in (getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "name", None))
        and not any(lies_in(module, allowed) for allowed in ENVIRONMENT[name])
    ]
    assert strays == []
