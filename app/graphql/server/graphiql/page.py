"""The GraphiQL page. It loads GraphiQL's built bundle, or pinned files of a CDN if there was no build."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from app.http.preferences import accepts_gzip

SERVICE = "Clientele"
SOURCE = Path(__file__).parent
DIST = SOURCE / "dist"
CDN = "https://cdn.jsdelivr.net/npm"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".ttf": "font/ttf",
}


@dataclass(frozen=True)
class Example:
    """The operation in one tab of the page. Its name is the title of the tab."""

    name: str
    query: str
    variables: dict[str, Any]


@dataclass(frozen=True)
class Files:
    """The markup of the files that the page loads, the sources that its policy allows, and a note for the reader (or '')."""

    styles: str
    scripts: str
    script_sources: str
    style_sources: str
    note: str


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
    *, endpoint: str = "/graphql", subscriptions: str | None = None, token: str | None = None, dist: Path = DIST
) -> HTMLResponse:
    """The page, with headers that protect it.

    `endpoint` is the path of GraphQL over HTTP as the browser sees it, and `subscriptions` the path of its WebSocket if
    that differs. `token` is put into the token field, where every visitor of the page can read it.
    """
    files = built_files(dist, endpoint) or cdn_files()
    page = Template((SOURCE / "page.html").read_text(encoding="utf-8")).substitute(
        service=html.escape(SERVICE),
        styles=files.styles,
        scripts=files.scripts,
        note=f'<p class="note" role="note">{files.note}</p>' if files.note else "",
        settings=page_settings(endpoint, subscriptions or endpoint, token),
    )
    return HTMLResponse(page, headers=page_headers(files))


def page_settings(endpoint: str, subscriptions: str, token: str | None) -> str:
    """The settings as JSON that is safe inside a script element. `token` fills the token field."""
    settings = {
        "service": SERVICE,
        "endpoint": endpoint,
        "subscriptions": subscriptions,
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


def page_headers(files: Files) -> dict[str, str]:
    """The policy allows nothing inline, except the style elements and the data: images and fonts of the editor."""
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        f"script-src {files.script_sources}; style-src {files.style_sources} 'unsafe-inline'; "
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


def built_files(dist: Path, endpoint: str) -> Files | None:
    """The files of the build in `dist`, or None if there was no build."""
    try:
        manifest = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    entry = manifest["src/main.jsx"]
    base = html.escape(endpoint.rstrip("/"))
    return Files(
        styles="\n".join(f'<link rel="stylesheet" href="{base}/{name}">' for name in entry["css"]),
        scripts=f'<script type="module" src="{base}/{entry["file"]}"></script>',
        script_sources="'self'",
        style_sources="'self'",
        note="",
    )


def cdn_files() -> Files:
    """The newest GraphiQL that a CDN serves as complete files of its package. Each file is pinned by its hash."""
    session, fallback = ((SOURCE / name).read_text(encoding="utf-8") for name in ("session.js", "fallback.js"))
    start = session.replace("export ", "") + fallback
    pinned = json.loads((SOURCE / "cdn.json").read_text(encoding="utf-8"))
    styles = [file for file in pinned if file["file"].endswith(".css")]
    scripts = [file for file in pinned if file["file"].endswith(".js")]
    digest = base64.b64encode(hashlib.sha256(start.encode()).digest()).decode()
    return Files(
        styles="\n".join(f'<link rel="stylesheet" {pin_file(file, "href")}>' for file in styles),
        scripts="\n".join(f"<script {pin_file(file, 'src')}></script>" for file in scripts)
        + f"\n<script>{start}</script>",
        script_sources=" ".join([*map(file_address, scripts), f"'sha256-{digest}'"]),
        style_sources=" ".join(map(file_address, styles)),
        note=f"This page loads GraphiQL {styles[0]['version']} from a CDN (pinned and integrity-checked), because the "
        "current GraphiQL was not built. Run <code>scripts/build-graphiql</code> to build it.",
    )


def file_address(file: dict[str, str]) -> str:
    return f"{CDN}/{file['package']}@{file['version']}/{file['file']}"


def pin_file(file: dict[str, str], attribute: str) -> str:
    return f'{attribute}="{file_address(file)}" integrity="{file["integrity"]}" crossorigin="anonymous"'


def graphiql_routes(path: str = "/graphql", *, dist: Path = DIST) -> list[BaseRoute]:
    """The built files under `path`/assets/. A name contains a hash of the content, so browsers may cache a file forever."""

    async def serve_asset(request: Request) -> Response:
        return asset_response(dist / "assets", request.path_params["name"], request.headers.getlist("accept-encoding"))

    return [Route(f"{path}/assets/{{name}}", serve_asset, methods=["GET"], name="graphiql-asset")]


def asset_response(folder: Path, name: str, encodings: Sequence[str]) -> FileResponse:
    """A file of `folder`, compressed if the browser accepts that. Raises HTTPException (404) for any other name."""
    media_type = MEDIA_TYPES.get(Path(name).suffix)
    if media_type is None or not re.fullmatch(r"[\w-][\w.-]*", name) or not (folder / name).is_file():
        raise HTTPException(404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    compressed = folder / f"{name}.gz"
    if accepts_gzip(encodings) and compressed.is_file():
        return FileResponse(compressed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return FileResponse(folder / name, media_type=media_type, headers=headers)
