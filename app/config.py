"""Config: every setting of the service. It is read from the environment once, at the start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from app.errors import Misconfigured
from app.settings import (
    SettingValue,
    check_names,
    choice,
    describe_setting,
    drop_links,
    hosts,
    http_url,
    networks,
    origins,
    path,
    read_settings,
    seconds,
    setting,
    setting_names,
    truth,
    url_path,
    whole,
    whole_or_off,
)

DATABASE_ACCOUNT = "CLIENTELE_DATABASE_ACCOUNT"
"""The variable that `app.postgres.os_user` reads."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings. Times are in seconds, sizes in bytes. Each is declared by its variable, its kind and its default.

    A secret is read from its variable, or from the file that the variable with `_FILE` behind its name names.

    docs/settings.md gives the type, the default, an example and the risk of each.
    """

    database_url: str | None = setting("DATABASE_URL", str, None, secret=True)
    """The libpq URL of the database. None starts the embedded PostgreSQL in `data_dir`."""
    smtp_url: str | None = setting("SMTP_URL", str, None, secret=True)
    """The mail server: smtp://user:password@host:port or smtps://…. None writes .eml files into `data_dir`/mail."""
    vies_url: str | None = setting("VIES_URL", http_url, None)
    """The URL of the VIES REST API. None checks tax numbers offline only."""
    vies_timeout: float = setting("CLIENTELE_VIES_TIMEOUT", seconds, 5.0)
    """The longest time for one request to VIES."""
    data_dir: Path = setting("CLIENTELE_DATA_DIR", path, Path(".clientele"))
    """The directory of the embedded database and the mail files."""
    host: str = setting("CLIENTELE_HOST", str, "127.0.0.1")
    """The address to listen on. Other addresses than the loopback expose the service to the network."""
    port: int = setting("CLIENTELE_PORT", whole(0, 65535), 8000)
    """The port to listen on; 0 selects a free port."""
    root_path: str = setting("CLIENTELE_ROOT_PATH", url_path, "")
    """The path under which a proxy serves the service. The addresses in pages and texts begin with it."""
    workers: int = setting("CLIENTELE_WORKERS", whole(1, 64), 1)
    """The number of processes that answer requests."""
    connections: int = setting("CLIENTELE_CONNECTIONS", whole(16, 1_000_000), 2000)
    """The most connections of one worker; fewer if the process may not open as many files."""
    address_connections: int = setting("CLIENTELE_ADDRESS_CONNECTIONS", whole(1, 1_000_000), 500)
    """The most connections of one client address, or /64 network of IPv6, with one worker."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting("CLIENTELE_TRUSTED_PROXIES", networks, ())
    """The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    allowed_hosts: tuple[str, ...] = setting("CLIENTELE_ALLOWED_HOSTS", hosts, ())
    """The host names for which the service answers, beside those of the loopback."""
    head_cap: int = setting("CLIENTELE_HEAD_CAP", whole(1024, 1 << 20), 32_768)
    """The largest head of a request: its URL and its headers."""
    header_cap: int = setting("CLIENTELE_HEADER_CAP", whole(512, 1 << 20), 8192)
    """The largest header with its name."""
    header_count: int = setting("CLIENTELE_HEADER_COUNT", whole(10, 10_000), 100)
    """The most headers of a request."""
    url_cap: int = setting("CLIENTELE_URL_CAP", whole(512, 1 << 20), 16_384)
    """The longest URL of a request."""
    head_timeout: float = setting("CLIENTELE_HEAD_TIMEOUT", seconds, 10.0)
    """The longest time from a new connection to the first head, and from the first to the last byte of a head."""
    body_timeout: float = setting("CLIENTELE_BODY_TIMEOUT", seconds, 60.0)
    """The longest time without a byte of a body that is not complete."""
    write_timeout: float = setting("CLIENTELE_WRITE_TIMEOUT", seconds, 60.0)
    """The longest time in which a client reads nothing of the bytes that wait for it."""
    keep_alive: float = setting("CLIENTELE_KEEP_ALIVE", seconds, 75.0)
    """The longest time between a response and the next request of its connection."""
    ping_interval: float = setting("CLIENTELE_PING_INTERVAL", seconds, 20.0)
    """The interval of pings over a WebSocket, and the longest time for their answers."""
    drain: float = setting("CLIENTELE_DRAIN", seconds, 3.0)
    """The time between SIGTERM and the closing of the socket, in which /readyz answers 503."""
    pool_size: int = setting("CLIENTELE_POOL_SIZE", whole(1, 1000), 20)
    """The most database connections of one worker."""
    page_cap: int = setting("CLIENTELE_PAGE_CAP", whole(1, 10_000), 100)
    """The most records in one list of the v1 API."""
    body_cap: int = setting("CLIENTELE_BODY_CAP", whole(1024, 1 << 30), 1_000_000)
    """The largest request body."""
    answer_cap: int = setting("CLIENTELE_ANSWER_CAP", whole(100_000, 1 << 30), 10_000_000)
    """The most bytes that the database sends for one answer. Exports have no limit."""
    pattern_timeout: float = setting("CLIENTELE_PATTERN_TIMEOUT", seconds, 2.0)
    """The longest time for the SQL statements of a list whose filter has a slow pattern."""
    statement_timeout: float = setting("CLIENTELE_STATEMENT_TIMEOUT", seconds, 10.0)
    """The longest time for one SQL statement."""
    operation_timeout: float = setting("CLIENTELE_OPERATION_TIMEOUT", seconds, 20.0)
    """The longest time for all SQL statements of one GraphQL operation."""
    cost_limit: int = setting("CLIENTELE_COST_LIMIT", whole(1000, 1 << 30), 50_000)
    """The highest cost of one GraphQL operation."""
    sign_up: bool | None = setting("CLIENTELE_SIGN_UP", truth, None)
    """Lets anyone create an account through v1. None means only for the demo on a loopback address."""
    password_memory: int = setting("CLIENTELE_PASSWORD_MEMORY", whole(16, 4096), 64)
    """The memory for one password hash, in MiB."""
    token_requests: int = setting("CLIENTELE_TOKEN_REQUESTS", whole_or_off(1_000_000), 500)
    """The requests of a token in a second, in one process. 0 is no limit, as in every limit below."""
    token_writes: int = setting("CLIENTELE_TOKEN_WRITES", whole_or_off(1_000_000), 500)
    """The writes of a token in a second. A request to create several records has as many writes."""
    token_bytes: int = setting("CLIENTELE_TOKEN_BYTES", whole_or_off(1_000_000_000), 5_000_000)
    """The bytes of a token's request bodies in a second."""
    account_requests: int = setting("CLIENTELE_ACCOUNT_REQUESTS", whole_or_off(1_000_000), 1000)
    """The requests of all tokens of an account in a second."""
    account_writes: int = setting("CLIENTELE_ACCOUNT_WRITES", whole_or_off(1_000_000), 1000)
    """The writes of all tokens of an account in a second."""
    account_bytes: int = setting("CLIENTELE_ACCOUNT_BYTES", whole_or_off(1_000_000_000), 10_000_000)
    """The bytes of an account's request bodies in a second."""
    source_requests: int = setting("CLIENTELE_SOURCE_REQUESTS", whole_or_off(1_000_000), 20)
    """The requests without a valid token from one network in a second."""
    rate_burst: float = setting("CLIENTELE_RATE_BURST", seconds, 4.0)
    """The seconds of each of these limits that may be used at once."""
    logins: int = setting("CLIENTELE_LOGINS", whole_or_off(1_000_000), 10)
    """The most failed logins to one address from one network in 15 minutes."""
    email_logins: int = setting("CLIENTELE_EMAIL_LOGINS", whole_or_off(1_000_000), 100)
    """The most failed logins to one address from all networks in 15 minutes."""
    source_logins: int = setting("CLIENTELE_SOURCE_LOGINS", whole_or_off(1_000_000), 100)
    """The most failed logins from one network in 15 minutes."""
    sign_ups: int = setting("CLIENTELE_SIGN_UPS", whole_or_off(1_000_000), 100)
    """The most sign-ups in an hour."""
    source_sign_ups: int = setting("CLIENTELE_SOURCE_SIGN_UPS", whole_or_off(1_000_000), 10)
    """The most sign-ups from one network in an hour."""
    reminders_per_hour: int = setting("CLIENTELE_REMINDERS_PER_HOUR", whole_or_off(1_000_000), 20)
    """The most reminders of an organization in an hour."""
    reminders_per_day: int = setting("CLIENTELE_REMINDERS_PER_DAY", whole_or_off(1_000_000), 100)
    """The most reminders of an organization in a day."""
    reminders_per_recipient: int = setting("CLIENTELE_REMINDERS_PER_RECIPIENT", whole_or_off(1_000_000), 3)
    """The most reminders of an organization to one e-mail address in a day."""
    mail_from: str = setting("CLIENTELE_MAIL_FROM", str, "reminders@localhost")
    """The sender of reminders, on the envelope and in From."""
    message_days: int = setting("CLIENTELE_MESSAGE_DAYS", whole(1, 36_500), 90)
    """The days for which the text of a message is kept after its last attempt."""
    mail_file_days: int = setting("CLIENTELE_MAIL_FILE_DAYS", whole(1, 36_500), 30)
    """The days for which mail files are kept."""
    image_days: int = setting("CLIENTELE_IMAGE_DAYS", whole(1, 36_500), 365)
    """The days for which the history keeps the images of records before and after a change."""
    idempotency_hours: int = setting("CLIENTELE_IDEMPOTENCY_HOURS", whole(24, 8_760), 48)
    """The hours for which idempotency keys and their responses are kept."""
    delivery_days: int = setting("CLIENTELE_DELIVERY_DAYS", whole(1, 36_500), 30)
    """The days for which deliveries of webhooks, and deleted webhooks, are kept."""
    webhook_http: bool = setting("CLIENTELE_WEBHOOK_HTTP", truth, False)
    """Allows webhooks to URLs without TLS."""
    webhook_private: bool = setting("CLIENTELE_WEBHOOK_PRIVATE", truth, False)
    """Allows webhooks to private, local and reserved addresses."""
    record_quota: int = setting("CLIENTELE_RECORD_QUOTA", whole(0, 1_000_000_000), 2_000_000)
    """The most live clients of one organization; 0 is no limit."""
    history_quota: int = setting("CLIENTELE_HISTORY_QUOTA", whole(0, 1_000_000_000), 5_000)
    """The most megabytes of change images of one organization; 0 is no limit."""
    deletion_days: int = setting("CLIENTELE_DELETION_DAYS", whole(0, 3_650), 30)
    """The days for which a deleted account or organization can be restored."""
    listen_url: str | None = setting("CLIENTELE_LISTEN_URL", str, None, secret=True)
    """The libpq URL for notifications of changes. None means `database_url`."""
    streams: int = setting("CLIENTELE_STREAMS", whole(0, 1_000_000), 1000)
    """The most WebSockets after connection_init and event streams of one worker."""
    account_streams: int = setting("CLIENTELE_ACCOUNT_STREAMS", whole(1, 1_000_000), 200)
    """The most WebSockets and event streams of one account, or of the tokens of one organization, in one worker."""
    token_streams: int = setting("CLIENTELE_TOKEN_STREAMS", whole(1, 1_000_000), 50)
    """The most WebSockets and event streams of one token in one worker."""
    account_subscriptions: int = setting("CLIENTELE_ACCOUNT_SUBSCRIPTIONS", whole(1, 1_000_000), 500)
    """The most subscriptions of one account, or of the tokens of one organization, in one worker."""
    token_subscriptions: int = setting("CLIENTELE_TOKEN_SUBSCRIPTIONS", whole(1, 1_000_000), 100)
    """The most subscriptions of one token in one worker."""
    waiting_sockets: int = setting("CLIENTELE_WAITING_SOCKETS", whole(1, 1_000_000), 200)
    """The most WebSockets before connection_init of one worker."""
    address_waiting_sockets: int = setting("CLIENTELE_ADDRESS_WAITING_SOCKETS", whole(1, 1_000_000), 20)
    """The most WebSockets before connection_init of one network of clients in one worker."""
    init_timeout: float = setting("CLIENTELE_INIT_TIMEOUT", seconds, 10.0)
    """The longest time between the opening of a WebSocket and its connection_init."""
    token_check: float = setting("CLIENTELE_TOKEN_CHECK", seconds, 10.0)
    """The interval at which a stream checks its token."""
    introspection: bool = setting("CLIENTELE_INTROSPECTION", truth, True)
    """Allows introspection of the GraphQL schema."""
    documents: Path | None = setting("CLIENTELE_DOCUMENTS", path, None)
    """A file of trusted documents, which callers select by id."""
    documents_only: bool = setting("CLIENTELE_DOCUMENTS_ONLY", truth, False)
    """Rejects every GraphQL operation but the trusted documents; the page for browsers says so then."""
    graphiql: bool = setting("CLIENTELE_GRAPHIQL", truth, True)
    """Shows a page to browsers at /graphql: GraphiQL."""
    pages: bool = setting("CLIENTELE_PAGES", truth, True)
    """Shows pages to browsers: a landing page at /, and the reference of the REST APIs at /docs."""
    compression: bool = setting("CLIENTELE_COMPRESSION", truth, True)
    """Compresses responses over 1,000 bytes for callers that accept gzip."""
    cors_origins: tuple[str, ...] = setting("CLIENTELE_CORS_ORIGINS", origins, ())
    """The web origins whose pages may call the APIs, separated by commas, or `*`."""
    access_log: bool = setting("CLIENTELE_ACCESS_LOG", truth, True)
    """Logs every request, in one line."""
    log_format: str = setting("CLIENTELE_LOG_FORMAT", choice("auto", "json", "text"), "auto")
    """The form of the log: JSON, or lines for people. `auto` writes these to a terminal only."""
    log_level: str = setting("CLIENTELE_LOG_LEVEL", choice("debug", "info", "warning", "error"), "info")
    """The lowest level of the lines in the log."""
    slow_request: float = setting("CLIENTELE_SLOW_REQUEST", seconds, 1.0)
    """The time from which a request is logged as slow, with its slowest SQL statement."""
    metrics_port: int | None = setting("CLIENTELE_METRICS_PORT", whole(1, 65535), None)
    """The port of /metrics. None serves no metrics."""
    metrics_host: str = setting("CLIENTELE_METRICS_HOST", str, "127.0.0.1")
    """The address of /metrics. Everybody who can reach it can read the metrics."""
    demo_token: str | None = setting("CLIENTELE_DEMO_TOKEN", str, None, secret=True)
    """A token that GraphiQL and the reference show to every visitor. `clientele serve` sets it for the demo."""

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Reads the variables. An empty one counts as unset. Raises Misconfigured for an invalid value or an unknown name."""
        environment = drop_links(environment)
        check_names({*setting_names(cls), DATABASE_ACCOUNT}, environment)
        config = cls(**read_settings(cls, environment))
        if config.documents_only and config.documents is None:
            raise Misconfigured(
                "CLIENTELE_DOCUMENTS_ONLY needs a file of trusted documents; set CLIENTELE_DOCUMENTS too"
            )
        return replace(config, data_dir=config.data_dir.absolute())

    @classmethod
    def describe(cls, environment: Mapping[str, str] = os.environ) -> list[SettingValue]:
        """Every setting with its value and source, without secrets. Raises as `from_environment`."""
        config, environment = cls.from_environment(environment), drop_links(environment)
        declared = [(field.metadata, getattr(config, field.name)) for field in fields(cls)]
        account = environment.get(DATABASE_ACCOUNT, "").strip() or None
        return [
            *(describe_setting(data["name"], value, environment, secret=data["secret"]) for data, value in declared),
            describe_setting(DATABASE_ACCOUNT, account, environment, secret=False),
        ]
