"""The page of the reference, in which a person reads about the REST APIs and tries them."""

import html
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.config import Config
from app.http.hosts import is_forwarded
from app.http.pages.files import SOURCE as SHARED
from app.http.pages.files import Fallback, Files, built_files, cdn_files, read_scripts
from app.http.pages.page import SERVICE, show_page, write_notes, write_settings
from app.http.root_path import find_root_path

REFERENCE = "/docs"
"""The path of the page."""
SOURCE = Path(__file__).parent
DIST = SOURCE / "dist"
DOCUMENTS = {"v1": "v1 Clients API", "customers": "Customers API"}
"""The documents at /openapi/NAME.json, with the names under which the page offers them."""
GRAPHIQL = '<a href="{root}/graphql">GraphiQL</a>'
HELP = '<a href="{root}/#token">Where does a token come from?</a>'


def reference_page(request: Request, config: Config, dist: Path = DIST) -> Response:
    """The page for a person. A token is only shown to a person who comes through no proxy."""
    root = find_root_path(request.scope)
    files = find_files(dist, root + REFERENCE)
    token = None if is_forwarded(request) else config.demo_token
    explores = config.graphiql and not config.documents_only
    texts = {
        "css": (SOURCE / "page.css").read_text(encoding="utf-8"),
        "root": html.escape(root),
        "graphiql": GRAPHIQL.format(root=html.escape(root)) if explores else "",
        "help": "" if token else HELP.format(root=html.escape(root)),
        "notes": write_notes([files.note]),
        "settings": write_settings(page_settings(root, token)),
    }
    return show_page(SOURCE / "page.html", files, texts)


def find_files(dist: Path, base: str) -> Files:
    """The files of the build in `dist`, with addresses below `base`, or those of the CDN."""
    return built_files(dist, base, "src/main.js") or cdn_files(describe_fallback())


def describe_fallback() -> Fallback:
    """The complete file of the package adds its styles when it is loaded, so the policy must be there before."""
    start = read_scripts(SOURCE / "examples.js", SOURCE / "configuration.js", SOURCE / "fallback.js")
    return Fallback("Scalar", "@scalar/api-reference", SOURCE, before=read_scripts(SHARED / "policy.js"), after=start)


def page_settings(root: str, token: str | None) -> dict[str, object]:
    """The settings that the scripts of the page read. `token` is filled in where the APIs take one."""
    documents = [
        {"slug": slug, "title": title, "url": f"{root}/openapi/{slug}.json"} for slug, title in DOCUMENTS.items()
    ]
    return {"service": SERVICE, "root": root, "token": token or "", "documents": documents}
