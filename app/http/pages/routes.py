"""The routes of the pages. They come before those of the REST APIs, which keep every other request to the same paths."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config import Config
from app.http.pages.files import asset_response
from app.http.pages.landing import landing_page
from app.http.pages.reference.page import DIST, REFERENCE, reference_page
from app.http.paths import raw_path
from app.http.preferences import prefers_html
from app.http.responses import make_private
from app.http.root_path import find_root_path
from app.observability.figures import current_figures

READS = ("GET", "HEAD")
LANDING, ASSETS = "/", f"{REFERENCE}/assets/"


@dataclass(frozen=True)
class PageRoute(BaseRoute):
    """The landing page, which only browsers get, and the reference with its files."""

    config: Config

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in READS:
            return Match.NONE, {}
        path = find_path(scope)
        known = path == REFERENCE or path.startswith(ASSETS) or (path == LANDING and is_browser(scope))
        return (Match.FULL if known else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = find_path(scope)
        note_page(f"{ASSETS}{{name}}" if path.startswith(ASSETS) else path)
        await self.respond(Request(scope), path)(scope, receive, send)

    def respond(self, request: Request, path: str) -> Response:
        """The page or the file at a path. Raises HTTPException (404) for a file that does not exist."""
        if path.startswith(ASSETS):
            name, encodings = path.removeprefix(ASSETS), request.headers.getlist("accept-encoding")
            return asset_response(DIST / "assets", name, encodings)
        return reference_page(request, self.config) if path == REFERENCE else landing_page(request, self.config)


def page_routes(config: Config) -> list[BaseRoute]:
    return [PageRoute(config)] if config.pages else []


@dataclass(frozen=True, slots=True)
class BrowserPath:
    """The path of a REST API by itself. It leads a browser to a part of the reference. All other callers get the API."""

    api: ASGIApp
    part: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.lead(scope) if scope["method"] in READS and is_browser(scope) else self.api
        await app(scope, receive, send)

    def lead(self, scope: Scope) -> Response:
        note_page(f"/{self.part}")
        address = f"{find_root_path(scope)}{REFERENCE}#{self.part}"
        return make_private(RedirectResponse(address, 303, {"Vary": "Accept"}))


def browser_paths(config: Config, apis: Mapping[str, ASGIApp]) -> dict[str, ASGIApp]:
    """The paths of the APIs, with and without a slash at the end. The reference has a part with the name of each API."""
    if not config.pages:
        return {}
    return {path: BrowserPath(api, name) for name, api in apis.items() for path in (f"/{name}", f"/{name}/")}


def find_path(scope: Scope) -> str:
    """The path without the root path, and without a slash at its end unless it is all of it."""
    return raw_path(scope).removesuffix("/") or LANDING


def is_browser(scope: Scope) -> bool:
    """True for a person who opens the path in a browser: the request prefers HTML and has no access token."""
    return not scope["user"].tokens and prefers_html(Request(scope).headers.getlist("accept"))


def note_page(path: str) -> None:
    figures = current_figures.get()
    figures.api, figures.operation, figures.known = "pages", f"GET {path}", True
