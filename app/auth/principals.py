"""Principal: the account or organization that a token belongs to, and what the token may do."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import NotFound, ReadOnlyToken
from app.http.rates import UNLIMITED, Meter
from app.observability.figures import current_figures

UNMETERED = Meter(UNLIMITED, (), "")
"""The meter of callers inside the process."""


class Scope(StrEnum):
    """`write` includes `read`."""

    READ = "read"
    WRITE = "write"


class Environment(StrEnum):
    """Live and sandbox organizations are separate. A token gives access to organizations of its own environment only."""

    LIVE = "live"
    SANDBOX = "sandbox"


SCOPES = {scope.value: scope for scope in Scope}
ENVIRONMENTS = {environment.value: environment for environment in Environment}


@dataclass(frozen=True, slots=True)
class Principal:
    """The account or organization that the token belongs to.

    `organizations` are those that the token can access, in the order of their creation. `meter` counts the caller's writes.
    """

    token_id: str
    account_id: str | None
    organizations: tuple[str, ...]
    scope: Scope
    environment: Environment = Environment.LIVE
    meter: Meter = field(default=UNMETERED, compare=False, repr=False)

    @property
    def owner(self) -> str:
        """The owner of idempotency keys: the account in its environment, or the organization of its own token."""
        if self.account_id is None:
            return self.organizations[0]
        return self.account_id if self.environment is Environment.LIVE else f"{self.account_id}:{self.environment}"

    @property
    def tenant(self) -> str:
        """The owner of a share of the connections: the account with all its environments, or the organization."""
        return self.account_id or self.organizations[0]

    @property
    def actor(self) -> str:
        """The caller's name in the record of changes."""
        return f"account:{self.account_id}" if self.account_id else f"token:{self.token_id}"

    def narrow(self, organization_id: str) -> "Principal":
        """The same principal, limited to one organization. `dataclasses.replace` takes five times as long."""
        return Principal(self.token_id, self.account_id, (organization_id,), self.scope, self.environment, self.meter)

    def require(self, organization_id: str) -> str:
        """Returns the id. Raises NotFound, as for a missing one, if the token cannot access the organization."""
        if organization_id not in self.organizations:
            raise NotFound("There is no such organization")
        current_figures.get().organization_id = organization_id
        return organization_id

    def require_write(self) -> None:
        if self.scope is not Scope.WRITE:
            raise ReadOnlyToken("The token may only read")
