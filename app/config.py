"""Config: every setting of the service. It is read from the environment once, at the start."""

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
    """The settings. Times are in seconds, sizes in bytes.

    docs/settings.md gives the type, the default, an example and the risk of each.
    """

    database_url: str | None = None
    """DATABASE_URL: the libpq URL of the database. None starts the embedded PostgreSQL in `data_dir`."""
    smtp_url: str | None = None
    """SMTP_URL: smtp://user:password@host:port or smtps://…. None writes .eml files into `data_dir`/mail."""
    vies_url: str | None = None
    """VIES_URL: the URL of the VIES REST API. None checks tax numbers offline only."""
    vies_timeout: float = 5.0
    """CLIENTELE_VIES_TIMEOUT: the longest time for one request to VIES."""
    data_dir: Path = Path(".clientele")
    """CLIENTELE_DATA_DIR: the directory of the embedded database and the mail files."""
    host: str = "127.0.0.1"
    """CLIENTELE_HOST: the address to listen on. Other addresses than the loopback expose the service to the network."""
    port: int = 8000
    """CLIENTELE_PORT: the port to listen on; 0 selects a free port."""
    workers: int = 1
    """CLIENTELE_WORKERS: the number of processes that answer requests."""
    pool_size: int = 8
    """CLIENTELE_POOL_SIZE: the most database connections of one worker."""
    page_cap: int = 100
    """CLIENTELE_PAGE_CAP: the most records in one list of the v1 API."""
    body_cap: int = 1_000_000
    """CLIENTELE_BODY_CAP: the largest request body."""
    statement_timeout: float = 10.0
    """CLIENTELE_STATEMENT_TIMEOUT: the longest time for one SQL statement."""
    operation_timeout: float = 20.0
    """CLIENTELE_OPERATION_TIMEOUT: the longest time for all SQL statements of one GraphQL operation."""
    cost_limit: int = 50_000
    """CLIENTELE_COST_LIMIT: the highest cost of one GraphQL operation."""
    sign_up: bool = True
    """CLIENTELE_SIGN_UP: lets anyone create an account through v1."""
    password_memory: int = 64
    """CLIENTELE_PASSWORD_MEMORY: the memory for one password hash, in MiB."""
    mail_from: str = "reminders@localhost"
    """CLIENTELE_MAIL_FROM: the sender of reminders, on the envelope and in From."""
    listen_url: str | None = None
    """CLIENTELE_LISTEN_URL: the libpq URL for notifications of changes. None means `database_url`."""
    streams: int = 1000
    """CLIENTELE_STREAMS: the most WebSockets and event streams of one worker."""
    init_timeout: float = 10.0
    """CLIENTELE_INIT_TIMEOUT: the longest time between the opening of a WebSocket and its connection_init."""
    token_check: float = 10.0
    """CLIENTELE_TOKEN_CHECK: the interval at which a stream checks its token."""
    introspection: bool = True
    """CLIENTELE_INTROSPECTION: allows introspection of the GraphQL schema."""
    documents: Path | None = None
    """CLIENTELE_DOCUMENTS: a file of trusted documents, which callers select by id."""
    documents_only: bool = False
    """CLIENTELE_DOCUMENTS_ONLY: rejects every GraphQL operation but the trusted documents; GraphiQL is off then."""
    graphiql: bool = True
    """CLIENTELE_GRAPHIQL: shows GraphiQL to browsers."""
    compression: bool = True
    """CLIENTELE_COMPRESSION: compresses responses over 1,000 bytes for callers that accept gzip."""
    cors_origins: tuple[str, ...] = ()
    """CLIENTELE_CORS_ORIGINS: the web origins whose pages may call the APIs, separated by commas, or `*`."""
    access_log: bool = False
    """CLIENTELE_ACCESS_LOG: logs every request, without its token."""
    demo_token: str | None = None
    """CLIENTELE_DEMO_TOKEN: a token that GraphiQL shows to every visitor. `clientele serve` sets it for the demo."""

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Reads the variables. An empty one counts as unset. Raises Misconfigured for an invalid value."""
        read = _Reader(environment)
        default = cls()
        documents = read.text("CLIENTELE_DOCUMENTS")
        documents_only = read.truth("CLIENTELE_DOCUMENTS_ONLY", default.documents_only)
        if documents_only and documents is None:
            raise Misconfigured(
                "CLIENTELE_DOCUMENTS_ONLY needs a file of trusted documents; set CLIENTELE_DOCUMENTS too"
            )
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
            compression=read.truth("CLIENTELE_COMPRESSION", default.compression),
            access_log=read.truth("CLIENTELE_ACCESS_LOG", default.access_log),
            demo_token=read.text("CLIENTELE_DEMO_TOKEN"),
        )


@dataclass(frozen=True)
class _Reader:
    """Reads and checks single variables. Every method but text() raises Misconfigured for an invalid value."""

    environment: Mapping[str, str]

    def text(self, name: str) -> str | None:
        return self.environment.get(name, "").strip() or None

    def address(self, name: str) -> str | None:
        url = self.text(name)
        if url is not None and not ADDRESS.fullmatch(url):
            raise Misconfigured(f"{name} must be a URL such as https://host.example/path; got {url!r}", name)
        return url

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        digits = self.text(name)
        if digits is None:
            return default
        if not digits.isascii() or not digits.isdigit() or not least <= int(digits) <= most:
            raise Misconfigured(f"{name} must be an integer from {least} to {most}; got {digits!r}", name)
        return int(digits)

    def seconds(self, name: str, default: float) -> float:
        number = self.text(name)
        try:
            value = default if number is None else float(number)
        except ValueError:
            value = 0.0
        if not 0.001 <= value <= 3600:
            raise Misconfigured(f"{name} must be a number of seconds from 0.001 to 3600; got {number!r}", name)
        return value

    def origins(self, name: str) -> tuple[str, ...]:
        origins = tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())
        for origin in origins:
            if not ORIGIN.fullmatch(origin) and origins != ("*",):
                raise Misconfigured(f"{name} must be origins such as https://app.example, or *; got {origin!r}", name)
        return origins

    def truth(self, name: str, default: bool) -> bool:
        word = self.text(name)
        if word is None:
            return default
        if word.lower() not in TRUE | FALSE:
            raise Misconfigured(f"{name} must be true or false; got {word!r}", name)
        return word.lower() in TRUE
