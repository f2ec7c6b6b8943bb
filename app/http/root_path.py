"""The root path: the prefix of all paths of the service, such as `/erp` behind a proxy that serves it there."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """Sets ASGI's `root_path`, unless the server or an outer application has set it.

    The routes accept a path with the prefix and a path from which the proxy has removed it.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app, self.path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not scope.get("root_path"):
            scope["root_path"] = self.path
        await self.app(scope, receive, send)


def find_root_path(scope: Mapping[str, Any]) -> str:
    """The root path as it stands in a URL: '', or one slash and a text that ends in no slash."""
    path = str(scope.get("root_path", "")).strip("/")
    return f"/{quote(path)}" if path else ""


def remove_root_path(path: str, scope: Mapping[str, Any]) -> str:
    """A path of a URL without the root path, if it begins with it."""
    root = find_root_path(scope)
    return path.removeprefix(root) if root and f"{path}/".startswith(f"{root}/") else path
