"""The page that a browser gets: GraphiQL, or a text that says why there is none."""

import html
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from starlette.responses import HTMLResponse

from app.graphql.server.graphiql.files import DIST, SOURCE, find_files

SERVICE = "Clientele"
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
    files, nonce = find_files(dist, endpoint), secrets.token_urlsafe(16)
    notes = [files.note, "" if introspection else NO_INTROSPECTION]
    page = read_template("page.html").substitute(
        service=html.escape(SERVICE),
        nonce=nonce,
        css=read_styles(),
        styles=files.styles,
        scripts=files.scripts,
        notes=write_notes(notes),
        help="" if token else " open",
        settings=page_settings(endpoint, token, introspection),
    )
    return HTMLResponse(page, headers=page_headers(files.script_sources, files.style_sources, nonce))


def trusted_documents_page() -> HTMLResponse:
    """The page of a service that executes trusted documents only. It says why there is no GraphiQL."""
    nonce = secrets.token_urlsafe(16)
    page = read_template("trusted.html").substitute(service=html.escape(SERVICE), nonce=nonce, css=read_styles())
    return HTMLResponse(page, headers=page_headers("'none'", "", nonce))


def read_template(name: str) -> Template:
    return Template((SOURCE / name).read_text(encoding="utf-8"))


def read_styles() -> str:
    return (SOURCE / "page.css").read_text(encoding="utf-8")


def write_notes(notes: Sequence[str]) -> str:
    return "\n".join(f'<p class="note" role="note">{note}</p>' for note in notes if note)


def page_settings(endpoint: str, token: str | None, introspection: bool) -> str:
    """The settings as JSON that is safe inside a script element. `token` fills the token field."""
    settings = {
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
    return json.dumps(settings).replace("<", "\\u003c")


def page_headers(script_sources: str, style_sources: str, nonce: str) -> dict[str, str]:
    """The policy allows no inline script, no style attribute, and only style elements with the nonce (see policy.js)."""
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        f"script-src {script_sources}; style-src {style_sources} 'nonce-{nonce}'; "
        "font-src 'self' data:; img-src 'self' data:; worker-src 'self'; connect-src 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
