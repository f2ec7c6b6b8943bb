"""The files that the GraphiQL page loads: the built bundle, or pinned files of a CDN if there was no build."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

import app.http
from app.http.preferences import accepts_gzip

SOURCE = Path(__file__).parent
DIST = SOURCE / "dist"
SHARED = Path(app.http.__file__).parent / "pages"
CDN = "https://cdn.jsdelivr.net/npm"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".ttf": "font/ttf",
}


@dataclass(frozen=True)
class Files:
    """The markup of the files that the page loads, the sources that its policy allows, and a note for the reader (or '')."""

    styles: str
    scripts: str
    script_sources: str
    style_sources: str
    note: str


def find_files(dist: Path, endpoint: str) -> Files:
    """The files of the build in `dist`, with addresses below `endpoint`, or those of the CDN."""
    return built_files(dist, endpoint) or cdn_files()


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
    files = (SHARED / "policy.js", SOURCE / "session.js", SOURCE / "fallback.js")
    start = "".join(file.read_text(encoding="utf-8") for file in files).replace("export ", "")
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
        "current GraphiQL was not built. Run <code>scripts/build-pages</code> to build it.",
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
