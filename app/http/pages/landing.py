"""The landing page at `/`: the service, its version, its APIs and where to go next."""

import html

from starlette.requests import Request
from starlette.responses import Response

from app.config import Config
from app.http.hosts import is_forwarded
from app.http.pages.files import NO_FILES, SOURCE
from app.http.pages.page import show_page
from app.http.root_path import find_root_path
from app.version import VERSION

GRAPHIQL = '<a class="button" href="{root}/graphql">Open GraphiQL</a>'
DEMO = "<p>This is the demo. {places} its access token filled in, and the service printed it at its start.</p>"
OWN = (
    "<p>The operator of the service creates one with <code>clientele token create --account EMAIL</code>. With an account, "
    "<code>POST /v1/accounts/login</code> returns one, too.</p>"
)


def landing_page(request: Request, config: Config) -> Response:
    """The page for a person. It never holds a token."""
    root = html.escape(find_root_path(request.scope))
    explores = config.graphiql and not config.documents_only
    texts = {
        "css": (SOURCE / "landing.css").read_text(encoding="utf-8"),
        "version": html.escape(VERSION),
        "root": root,
        "address": html.escape(find_address(request) + find_root_path(request.scope)),
        "graphiql": GRAPHIQL.format(root=root) if explores else "",
        "access": tell_access(request, config, explores=explores),
    }
    return show_page(SOURCE / "landing.html", NO_FILES, texts)


def tell_access(request: Request, config: Config, *, explores: bool) -> str:
    """The sentences about access tokens: those of the demo if its pages show the token to this visitor."""
    if config.demo_token is None or is_forwarded(request):
        return OWN
    return DEMO.format(places="GraphiQL and the reference have" if explores else "The reference has")


def find_address(request: Request) -> str:
    """The scheme and the host of the service as the visitor wrote them. A proxy tells which scheme that was."""
    told = request.headers.get("x-forwarded-proto", "").lower()
    scheme = told if told in ("http", "https") else request.url.scheme
    return f"{scheme}://{request.headers.get('host', 'localhost')}"
