"""The files that the GraphiQL page loads: the built bundle, or pinned files of a CDN if there was no build."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.http.pages.files import SOURCE as SHARED
from app.http.pages.files import Fallback, Files, asset_response, built_files, cdn_files, read_scripts

SOURCE = Path(__file__).parent
DIST = SOURCE / "dist"


def find_files(dist: Path, endpoint: str) -> Files:
    """The files of the build in `dist`, with addresses below `endpoint`, or those of the CDN.

    The CDN has the newest GraphiQL that is published as complete files.
    """
    return built_files(dist, endpoint.rstrip("/"), "src/main.jsx") or cdn_files(describe_fallback())


def describe_fallback() -> Fallback:
    start = read_scripts(SHARED / "policy.js", SOURCE / "session.js", SOURCE / "fallback.js")
    return Fallback("GraphiQL", "graphiql", SOURCE, before="", after=start)


def graphiql_routes(path: str = "/graphql", *, dist: Path = DIST) -> list[BaseRoute]:
    """The built files under `path`/assets/."""

    async def serve_asset(request: Request) -> Response:
        return asset_response(dist / "assets", request.path_params["name"], request.headers.getlist("accept-encoding"))

    return [Route(f"{path}/assets/{{name}}", serve_asset, methods=["GET"], name="graphiql-asset")]
