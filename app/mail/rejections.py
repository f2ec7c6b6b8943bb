"""Rejections: the reminders over a limit in the last seconds, so that the next ones are rejected without a statement."""

from dataclasses import dataclass

from app.errors import TooMany
from app.mail.quotas import RECIPIENT, explain_limit
from app.used_up import Expiring, UsedUp, lifetime


@dataclass(frozen=True, slots=True)
class RejectedClient:
    """A client whose reminder was rejected: its organization, its own address, and the organization's locale."""

    organization_id: str
    email: str | None
    locale: str


class Rejections:
    """The rejections of the last seconds in this process.

    The windows of the limits end now, so a limit that is used up stays so until its oldest reminder leaves the window.
    """

    def __init__(self) -> None:
        self._limits: UsedUp[tuple[str, str]] = UsedUp()
        self._clients: Expiring[str, RejectedClient] = Expiring()

    def note(self, client_id: str, client: RejectedClient, recipient: str, error: TooMany) -> None:
        """Remembers that the database rejected a reminder to an address."""
        is_own = error.quota is not None and error.quota.name == RECIPIENT
        self._limits.note((client.organization_id, recipient if is_own else ""), error)
        self._clients.put(client_id, client, lifetime(error))

    def find_client(self, client_id: str) -> RejectedClient | None:
        """The client, if one of its reminders was rejected in the last seconds."""
        return self._clients.get(client_id)

    def check(self, organization_id: str, recipient: str) -> None:
        """Raises TooMany if a limit of the organization, or of its reminders to the address, is known to be used up."""
        limit = self._limits.find((organization_id, ""), (organization_id, recipient))
        if limit is not None:
            seconds, quota = limit
            raise TooMany(explain_limit(quota, seconds), seconds, quota)
