"""KeptDocument: a public document that is made once and kept, plain and compressed, with an entity tag."""

import gzip
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.http.preferences import accepts_gzip

HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """The bytes of a document. The tag is weak, because it stands for both forms."""

    plain: bytes
    packed: bytes
    media_type: str
    tag: str

    @classmethod
    def of(cls, plain: bytes, media_type: str) -> "KeptDocument":
        tag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
        return cls(plain, gzip.compress(plain, mtime=0), media_type, tag)

    def respond(self, request: Request) -> Response:
        """The document, or 304 for a caller that has it."""
        headers = {**HEADERS, "ETag": self.tag}
        if self._is_known(request):
            return Response(status_code=304, headers=headers)
        if accepts_gzip(request.headers.getlist("accept-encoding")):
            return Response(self.packed, media_type=self.media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(self.plain, media_type=self.media_type, headers=headers)

    def _is_known(self, request: Request) -> bool:
        known = [part.strip() for part in ",".join(request.headers.getlist("if-none-match")).split(",")]
        return "*" in known or self.tag.removeprefix("W/") in [part.removeprefix("W/") for part in known]
