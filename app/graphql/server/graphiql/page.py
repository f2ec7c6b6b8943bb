"""The page that a browser gets: GraphiQL, or a text that says why there is none."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from app.graphql.server.graphiql.files import DIST, SOURCE, find_files
from app.http.pages.files import NO_FILES
from app.http.pages.page import SERVICE, show_page, write_notes, write_settings

NO_INTROSPECTION = (
    "Introspection is off on this service. Queries run as usual, but GraphiQL can show no documentation, no completion "
    "and no explorer."
)


@dataclass(frozen=True)
class Example:
    """The operation in one tab of the page. Its name is the title of the tab."""

    name: str
    query: str
    variables: dict[str, Any]


def load_examples() -> list[Example]:
    """The operations in the tabs of the page, in their order."""
    entries = json.loads((SOURCE / "examples.json").read_text(encoding="utf-8"))
    return [read_example("\n".join(entry["lines"]) + "\n", entry["variables"]) for entry in entries]


def read_example(query: str, variables: dict[str, Any]) -> Example:
    """An example. Raises ValueError if its operation has no name, because its tab would have no title."""
    operation = re.search(r"^(?:query|mutation|subscription)\s+(\w+)", query, re.MULTILINE)
    if operation is None:
        raise ValueError(f"An example needs a named operation: {query!r}")
    return Example(operation[1], query, variables)


def graphiql_page(
    *, endpoint: str = "/graphql", token: str | None = None, introspection: bool = True, dist: Path = DIST
) -> HTMLResponse:
    """The page, with headers that protect it.

    `endpoint` is the path of the API as the browser sees it. `token` is put into the token field, where every visitor of
    the page can read it. Without `introspection` the page says that it has no documentation.
    """
    files = find_files(dist, endpoint)
    texts = {
        "css": read_styles(),
        "notes": write_notes([files.note, "" if introspection else NO_INTROSPECTION]),
        "help": "" if token else " open",
        "settings": write_settings(page_settings(endpoint, token, introspection)),
    }
    return show_page(SOURCE / "page.html", files, texts)


def trusted_documents_page() -> HTMLResponse:
    """The page of a service that executes trusted documents only. It says why there is no GraphiQL."""
    return show_page(SOURCE / "trusted.html", NO_FILES, {"css": read_styles()})


def read_styles() -> str:
    return (SOURCE / "page.css").read_text(encoding="utf-8")


def page_settings(endpoint: str, token: str | None, introspection: bool) -> dict[str, object]:
    """The settings that the scripts of the page read. `token` fills the token field."""
    return {
        "service": SERVICE,
        "endpoint": endpoint,
        "introspection": introspection,
        "token": token or "",
        "tabs": [
            {
                "query": example.query,
                "variables": json.dumps(example.variables, indent=2) if example.variables else "",
            }
            for example in load_examples()
        ],
    }
