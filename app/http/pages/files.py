"""The files that a page loads: a built bundle, or pinned files of a CDN if there was no build."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from app.http.preferences import accepts_gzip

SOURCE = Path(__file__).parent
CDN = "https://cdn.jsdelivr.net/npm"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".ttf": "font/ttf",
}


@dataclass(frozen=True)
class Files:
    """The markup of the files that a page loads, the sources that its policy allows, and a note for the reader (or '')."""

    styles: str = ""
    scripts: str = ""
    script_sources: str = "'none'"
    style_sources: str = ""
    note: str = ""


NO_FILES = Files()
"""The files of a page without a script."""


def built_files(dist: Path, base: str, entry: str) -> Files | None:
    """The files of the build in `dist`, with addresses below `base`, or None if there was no build.

    `entry` is the script from which the bundle was made, as the manifest names it.
    """
    try:
        manifest = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    files, base = manifest[entry], html.escape(base)
    return Files(
        styles="\n".join(f'<link rel="stylesheet" href="{base}/{name}">' for name in files.get("css", ())),
        scripts=f'<script type="module" src="{base}/{files["file"]}"></script>',
        script_sources="'self'",
        style_sources="'self'",
    )


@dataclass(frozen=True)
class Fallback:
    """A page without its bundle. `name` is what it shows, and `package` what it loads.

    `folder` has `cdn.json`, the list of the pinned files. `before` and `after` are scripts that the page runs before and
    after those of the CDN.
    """

    name: str
    package: str
    folder: Path
    before: str
    after: str


def cdn_files(fallback: Fallback) -> Files:
    """Complete files of packages, which a CDN serves. Each file is pinned by its hash."""
    pinned = json.loads((fallback.folder / "cdn.json").read_text(encoding="utf-8"))
    styles = [file for file in pinned if file["file"].endswith(".css")]
    scripts = [file for file in pinned if file["file"].endswith(".js")]
    version = next(file["version"] for file in pinned if file["package"] == fallback.package)
    inline = [text for text in (fallback.before, fallback.after) if text]
    loaded = "\n".join(f"<script {pin_file(file, 'src')}></script>" for file in scripts)
    return Files(
        styles="\n".join(f'<link rel="stylesheet" {pin_file(file, "href")}>' for file in styles),
        scripts="\n".join(filter(None, (write_script(fallback.before), loaded, write_script(fallback.after)))),
        script_sources=" ".join([*map(file_address, scripts), *map(hash_source, inline)]),
        style_sources=" ".join(map(file_address, styles)),
        note=f"This page loads {fallback.name} {version} from a CDN (pinned and integrity-checked), because the bundle of "
        "the page was not built. Run <code>scripts/build-pages</code> to build it.",
    )


def write_script(text: str) -> str:
    return f"<script>{text}</script>" if text else ""


def hash_source(text: str) -> str:
    """The source by which a policy allows an inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def read_scripts(*files: Path) -> str:
    """The modules as one plain script. None of them imports another one than those before it."""
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r"^import .*\n", "", text, flags=re.MULTILINE).replace("export ", "")


def file_address(file: dict[str, str]) -> str:
    return f"{CDN}/{file['package']}@{file['version']}/{file['file']}"


def pin_file(file: dict[str, str], attribute: str) -> str:
    return f'{attribute}="{file_address(file)}" integrity="{file["integrity"]}" crossorigin="anonymous"'


def asset_response(folder: Path, name: str, encodings: Sequence[str]) -> FileResponse:
    """A file of `folder`, compressed if the browser accepts that. Raises HTTPException (404) for any other name.

    A name contains a hash of the content, so browsers may cache the file forever.
    """
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
