"""JsonResponse: a response whose JSON is already rendered and whose headers are bytes already."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from starlette.types import Send

Header: TypeAlias = tuple[bytes, bytes]
"""The name in lower case, and the value."""
Headers: TypeAlias = tuple[Header, ...]

WITHOUT_BODY = (204, 304)


@dataclass(slots=True)
class JsonResponse:
    """`headers` are those of this response alone. Each API has a subclass with its own `content_type`.

    `api_headers` are on every response of the API. Responses are plain ASGI messages, because Starlette's Response
    encodes all headers anew for each response.
    """

    body: bytes
    status: int = 200
    headers: Headers = ()

    content_type: ClassVar[Header]
    api_headers: ClassVar[Headers] = ()

    async def send(self, send: Send, *, head: bool) -> None:
        """Sends the response; `head` leaves the body out, but not its length."""
        headers = [*self.api_headers, *self.headers]
        if self.status not in WITHOUT_BODY:
            headers += self.content_type, (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})
