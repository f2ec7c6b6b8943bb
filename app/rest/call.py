"""Call: one request to a REST API, with what every handler reads of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from app.accounts.limits import AccountLimits
from app.accounts.passwords import Passwords
from app.http.headers import read_lines
from app.http.rates import Meter
from app.mail.worker import OutboxWorker
from app.rest.preconditions import expected_versions, names_version
from app.storage.database import Database
from app.vat.vies import Vies
from app.webhooks.service import WebhookDesk


@dataclass(frozen=True, slots=True)
class Services:
    """The services that handlers use. `page_cap` is the most records of one list; `body_cap` is in bytes.

    `sign_up` says whether anybody may create an account. A deleted account or organization can be restored for
    `deletion_delay`.
    """

    database: Database
    outbox: OutboxWorker
    vies: Vies
    passwords: Passwords
    page_cap: int
    body_cap: int
    sign_up: bool
    account_limits: AccountLimits
    deletion_delay: timedelta
    webhooks: WebhookDesk


@dataclass(frozen=True, slots=True)
class Call:
    """`path_parameters` holds the decoded parameters of the path by the names that the route's pattern gives them."""

    request: Request
    services: Services
    path_parameters: Mapping[str, str]

    @property
    def query(self) -> bytes:
        """The query string as it was sent."""
        query: bytes = self.request.scope["query_string"]
        return query

    @property
    def meter(self) -> Meter:
        """The limits that count the caller's acts."""
        meter: Meter = self.request.scope["meter"]
        return meter

    def expected_versions(self) -> Sequence[int] | None:
        """The versions that If-Match allows; None allows every version."""
        return expected_versions(read_lines(self.request.scope, b"if-match"))

    def has_version(self, version: int) -> bool:
        """True if If-None-Match names this version, so that the caller has the record already."""
        return names_version(read_lines(self.request.scope, b"if-none-match"), version)
