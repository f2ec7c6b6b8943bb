"""The records and tokens that hostile requests are about, and the bytes of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Tenant:
    """An account with an organization. The tokens are its own, and one that may only read."""

    account: str
    email: str
    organization: str
    token: str
    read_token: str
    clients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """`spare` are tenants that a request may delete. `cursors` are real ones of each API, with the parameters of their list."""

    loud: Tenant
    quiet: Tenant
    spare: tuple[Tenant, ...]
    cursors: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Texts that no response and no line of the log may contain."""
        tenants = (self.loud, self.quiet, *self.spare)
        return tuple(token.encode() for tenant in tenants for token in (tenant.token, tenant.read_token))


@dataclass(frozen=True)
class Attack:
    """One hostile request: its bytes. `whole` is True if the service owes a response to them.

    `makes_token` allows a secret in the response. `frames` are the messages of a WebSocket after the handshake in `data`.
    """

    kind: str
    data: bytes
    whole: bool = True
    makes_token: bool = False
    is_stream: bool = False
    frames: tuple[bytes, ...] = ()

    @property
    def count(self) -> int:
        return max(1, len(self.frames))


def write_request(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, token: str | None = None
) -> bytes:
    """The bytes of a request. `path` may have any characters of latin-1, and so may the headers."""
    lines = {"Host": "127.0.0.1"}
    if body or method not in ("GET", "HEAD"):
        lines |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    if token is not None:
        lines["Authorization"] = f"Bearer {token}"
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body


def pick_client(random: Random, scene: Scene) -> str:
    """The id of a client: of the caller, of another tenant, or of nobody."""
    return random.choice([*scene.loud.clients, *scene.loud.clients, scene.quiet.clients[0], "0" * 24])
