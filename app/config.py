"""Config: every setting of the service, read from the environment once and never changed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import Misconfigured

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
ADDRESS = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[!-~]*)?", re.IGNORECASE)
TRUE, FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings. Times are seconds; sizes are bytes."""

    database_url: str | None = None
    """DATABASE_URL: a libpq address. None means the embedded PostgreSQL in `data_dir`."""
    smtp_url: str | None = None
    """SMTP_URL: smtp://user:password@host:port, or smtps://. None means .eml files under `data_dir`/mail."""
    vies_url: str | None = None
    """VIES_URL: the address of the VIES REST API. None means that tax numbers are checked offline alone."""
    vies_timeout: float = 5.0
    """CLIENTELE_VIES_TIMEOUT: the longest that VIES is waited for."""
    data_dir: Path = Path(".clientele")
    """CLIENTELE_DATA_DIR: the embedded database and the mail files."""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    pool_size: int = 8
    """CLIENTELE_POOL_SIZE: database connections of one worker process."""
    page_cap: int = 100
    """CLIENTELE_PAGE_CAP: the most records of one v1 list."""
    body_cap: int = 1_000_000
    """CLIENTELE_BODY_CAP: the largest request body."""
    statement_timeout: float = 10.0
    """CLIENTELE_STATEMENT_TIMEOUT: the longest that one statement may run."""
    operation_timeout: float = 20.0
    """CLIENTELE_OPERATION_TIMEOUT: how long one GraphQL operation may use the database in all."""
    cost_limit: int = 50_000
    """CLIENTELE_COST_LIMIT: the most that one GraphQL operation may cost."""
    sign_up: bool = True
    """CLIENTELE_SIGN_UP: whether strangers may make accounts through v1."""
    password_memory: int = 64
    """CLIENTELE_PASSWORD_MEMORY: MiB that the hash of a password takes."""
    mail_from: str = "reminders@localhost"
    """CLIENTELE_MAIL_FROM: the envelope and From address of reminders."""
    listen_url: str | None = None
    """CLIENTELE_LISTEN_URL: where notices of changes are heard; None means `database_url`."""
    streams: int = 1000
    """CLIENTELE_STREAMS: the most WebSockets and event streams at once in one process."""
    init_timeout: float = 10.0
    """CLIENTELE_INIT_TIMEOUT: how long a new WebSocket may wait with its connection_init."""
    token_check: float = 10.0
    """CLIENTELE_TOKEN_CHECK: how often a stream looks whether its token is still good."""
    introspection: bool = True
    """CLIENTELE_INTROSPECTION: whether GraphQL tells its schema."""
    documents: Path | None = None
    """CLIENTELE_DOCUMENTS: a file of trusted documents, which callers may name by their ids."""
    documents_only: bool = False
    """CLIENTELE_DOCUMENTS_ONLY: whether GraphQL answers nothing but the trusted documents; GraphiQL is off then."""
    graphiql: bool = True
    """CLIENTELE_GRAPHIQL: whether a browser gets the GraphiQL page."""

    cors_origins: tuple[str, ...] = ()
    """CLIENTELE_CORS_ORIGINS: the origins whose pages may call every door, with commas between, or `*`; none by default."""
    access_log: bool = False
    """CLIENTELE_ACCESS_LOG: whether each request is logged; never with its token."""
    demo_token: str | None = None
    """CLIENTELE_DEMO_TOKEN: set by `clientele serve` on the embedded demo; everybody who opens GraphiQL gets it."""

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Reads DATABASE_URL, SMTP_URL and CLIENTELE_…; an empty variable counts as unset. Raises Misconfigured."""
        read = _Reader(environment)
        default = cls()
        documents = read.text("CLIENTELE_DOCUMENTS")
        documents_only = read.truth("CLIENTELE_DOCUMENTS_ONLY", default.documents_only)
        if documents_only and documents is None:
            raise Misconfigured("CLIENTELE_DOCUMENTS_ONLY needs a file of documents in CLIENTELE_DOCUMENTS")
        return cls(
            documents=Path(documents).absolute() if documents else None,
            documents_only=documents_only,
            database_url=read.text("DATABASE_URL"),
            smtp_url=read.text("SMTP_URL"),
            vies_url=read.address("VIES_URL"),
            vies_timeout=read.seconds("CLIENTELE_VIES_TIMEOUT", default.vies_timeout),
            data_dir=Path(read.text("CLIENTELE_DATA_DIR") or default.data_dir).absolute(),
            host=read.text("CLIENTELE_HOST") or default.host,
            port=read.whole("CLIENTELE_PORT", default.port, least=0, most=65535),
            workers=read.whole("CLIENTELE_WORKERS", default.workers, least=1, most=64),
            pool_size=read.whole("CLIENTELE_POOL_SIZE", default.pool_size, least=1, most=1000),
            page_cap=read.whole("CLIENTELE_PAGE_CAP", default.page_cap, least=1, most=10_000),
            body_cap=read.whole("CLIENTELE_BODY_CAP", default.body_cap, least=1024, most=1 << 30),
            statement_timeout=read.seconds("CLIENTELE_STATEMENT_TIMEOUT", default.statement_timeout),
            operation_timeout=read.seconds("CLIENTELE_OPERATION_TIMEOUT", default.operation_timeout),
            cost_limit=read.whole("CLIENTELE_COST_LIMIT", default.cost_limit, least=1000, most=1 << 30),
            sign_up=read.truth("CLIENTELE_SIGN_UP", default.sign_up),
            password_memory=read.whole("CLIENTELE_PASSWORD_MEMORY", default.password_memory, least=16, most=4096),
            mail_from=read.text("CLIENTELE_MAIL_FROM") or default.mail_from,
            listen_url=read.text("CLIENTELE_LISTEN_URL"),
            streams=read.whole("CLIENTELE_STREAMS", default.streams, least=0, most=1_000_000),
            init_timeout=read.seconds("CLIENTELE_INIT_TIMEOUT", default.init_timeout),
            token_check=read.seconds("CLIENTELE_TOKEN_CHECK", default.token_check),
            introspection=read.truth("CLIENTELE_INTROSPECTION", default.introspection),
            graphiql=read.truth("CLIENTELE_GRAPHIQL", default.graphiql) and not documents_only,
            cors_origins=read.origins("CLIENTELE_CORS_ORIGINS"),
            access_log=read.truth("CLIENTELE_ACCESS_LOG", default.access_log),
            demo_token=read.text("CLIENTELE_DEMO_TOKEN"),
        )


@dataclass(frozen=True)
class _Reader:
    environment: Mapping[str, str]

    def text(self, name: str) -> str | None:
        return self.environment.get(name, "").strip() or None

    def address(self, name: str) -> str | None:
        given = self.text(name)
        if given is not None and not ADDRESS.fullmatch(given):
            raise Misconfigured(f"{name} must be an address such as https://host.example/path, not {given!r}", name)
        return given

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        given = self.text(name)
        if given is None:
            return default
        if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
            raise Misconfigured(f"{name} must be a whole number from {least} to {most}, not {given!r}", name)
        return int(given)

    def seconds(self, name: str, default: float) -> float:
        given = self.text(name)
        try:
            value = default if given is None else float(given)
        except ValueError:
            value = 0.0
        if not 0.001 <= value <= 3600:
            raise Misconfigured(f"{name} must be a number of seconds from 0.001 to 3600, not {given!r}", name)
        return value

    def origins(self, name: str) -> tuple[str, ...]:
        given = tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())
        for origin in given:
            if not ORIGIN.fullmatch(origin) and given != ("*",):
                raise Misconfigured(f"{name} must be origins such as https://app.example, or *, not {origin!r}", name)
        return given

    def truth(self, name: str, default: bool) -> bool:
        given = self.text(name)
        if given is None:
            return default
        if given.lower() not in TRUE | FALSE:
            raise Misconfigured(f"{name} must be true or false, not {given!r}", name)
        return given.lower() in TRUE
