"""The parts of every page: its template, its notes, its settings and the headers that protect it."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

from app.http.pages.files import Files

SERVICE = "Clientele"


def show_page(template: Path, files: Files, texts: Mapping[str, str]) -> HTMLResponse:
    """The page of a template. `texts` are HTML for its places, beside the nonce and the files."""
    nonce = secrets.token_urlsafe(16)
    page = Template(template.read_text(encoding="utf-8")).substitute(
        texts, service=SERVICE, nonce=nonce, styles=files.styles, scripts=files.scripts
    )
    return HTMLResponse(page, headers=page_headers(files, nonce))


def write_notes(notes: Sequence[str]) -> str:
    return "\n".join(f'<p class="note" role="note">{note}</p>' for note in notes if note)


def write_settings(settings: Mapping[str, object]) -> str:
    """The settings as JSON that is safe inside a script element."""
    return json.dumps(settings).replace("<", "\\u003c")


def page_headers(files: Files, nonce: str) -> dict[str, str]:
    """The policy allows no inline script, no style attribute, and only style elements with the nonce (see policy.js)."""
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        f"script-src {files.script_sources}; style-src {files.style_sources} 'nonce-{nonce}'; "
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
