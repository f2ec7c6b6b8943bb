"""CustomersDoor: finds the handler of a request, asks who calls, and renders whatever is refused."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import DomainError, NotFound, Unavailable
from app.rest.customers import errors as answers
from app.rest.customers.call import Call
from app.rest.paths import path_segments
from app.storage.database import Database
from app.vat.vies import Vies

Handler = Callable[[Call], Awaitable[Response]]
ID = "{id}"


@dataclass(frozen=True, slots=True)
class Path:
    """A path by its segments, ID standing for any, and what each method does there."""

    segments: tuple[str, ...]
    handlers: Mapping[str, Handler]

    def fits(self, segments: tuple[str, ...]) -> bool:
        return len(segments) == len(self.segments) and all(
            mine in (ID, given) for mine, given in zip(self.segments, segments, strict=True)
        )

    def handler(self, method: str) -> Handler:
        """What a method does here. HEAD is GET without the body, which the server leaves out."""
        if method == "HEAD":
            method = "GET"
        if method not in self.handlers:
            head = ["HEAD"] if "GET" in self.handlers else []
            raise answers.WrongMethod([*self.handlers, *head])
        return self.handlers[method]


@dataclass(frozen=True, slots=True)
class CustomersDoor:
    """An ASGI application. No error leaves it; a caller without a valid key learns nothing but that."""

    database: Database
    vies: Vies
    paths: Sequence[Path]
    body_cap: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self.answer(request)
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        request_id: str = request.state.request_id
        try:
            return await self.serve(request)
        except Unavailable as error:
            return answers.unavailable(error, request_id)
        except DomainError as refusal:
            return answers.refuse(refusal, request_id)
        except Exception as error:
            return answers.mask(error, request_id)

    async def serve(self, request: Request) -> Response:
        principal = await request.user.principal()
        segments = split_path(request)
        path = next((path for path in self.paths if path.fits(segments)), None)
        if path is None:
            raise NotFound("There is nothing at this path")
        handler = path.handler(request.method)
        if request.method not in ("GET", "HEAD"):
            principal.require_write()
        record = segments[1] if len(segments) > 1 else ""
        return await handler(Call(request, self.database, self.vies, principal, self.body_cap, record))


def split_path(request: Request) -> tuple[str, ...]:
    """The segments of the path; those that are no text lead nowhere."""
    try:
        return path_segments(request.scope)
    except ValueError as error:
        raise NotFound("There is nothing at this path") from error
