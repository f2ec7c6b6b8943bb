"""JsonResponse: a response whose JSON is already rendered and whose headers are bytes already."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Header: TypeAlias = tuple[bytes, bytes]
"""The name in lower case, and the value."""
Headers: TypeAlias = tuple[Header, ...]

PRIVATE: Headers = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""The headers of every response with data: no cache stores it, and a browser does not guess its type."""

WITHOUT_BODY = (204, 304)


@dataclass(slots=True)
class JsonResponse:
    """`headers` are those of this response alone. Each API has a subclass with its own `content_type`.

    `api_headers` are on every response of the API. A response is an ASGI application as Starlette's Response, which
    encodes all headers anew for each response.
    """

    body: bytes
    status: int = 200
    headers: Headers = ()

    content_type: ClassVar[Header]
    api_headers: ClassVar[Headers] = PRIVATE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response. A response to HEAD has the length of the body, but no body."""
        headers = [*self.api_headers, *self.headers]
        if self.status not in WITHOUT_BODY:
            headers += self.content_type, (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


def make_private(response: Response) -> Response:
    """Adds the headers of responses with data to a response of Starlette."""
    response.raw_headers.extend(PRIVATE)
    return response
