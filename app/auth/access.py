"""Access: a share of the database together with its principal. Target: one record that a statement reads or changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from app.auth.principals import Principal
from app.errors import NotFound, StorageFull
from app.ids import is_id
from app.storage.database import ConnectionSource, Database

ExpectedVersion: TypeAlias = int | Sequence[int] | None
"""The version that a record must have to be changed, or several versions; None allows every version."""


@dataclass(slots=True)
class Target:
    """One record that a statement reads or changes: the record `id` of one of the `organizations`.

    `actor` names the caller in the record of changes.
    """

    organizations: tuple[str, ...]
    id: str
    actor: str
    expected_version: ExpectedVersion = None


@dataclass(slots=True)
class Access:
    """The caller's share of a database, and the caller: the first argument of every service function.

    `source` is the network that the request comes from.
    """

    database: ConnectionSource
    principal: Principal
    source: str = ""

    @classmethod
    def of(cls, database: Database, principal: Principal, source: str = "") -> "Access":
        """The access of a principal for one operation."""
        return cls(database.share(principal.tenant), principal, source)

    def renew(self) -> "Access":
        """The same access for another operation."""
        return replace(self, database=self.database.renew())

    def require(self, organization_id: str) -> None:
        """Raises NotFound for an organization that the caller cannot access."""
        self.principal.require(organization_id)

    def require_write(self) -> None:
        """Raises Forbidden for a token that may only read."""
        self.principal.require_write()

    def full_organizations(self) -> frozenset[str]:
        """The caller's organizations without room for more data. Raises StorageFull if it has no other one."""
        full = self.database.full_among(self.principal.organizations)
        if full and len(full) == len(self.principal.organizations):
            raise StorageFull
        return full

    def require_room(self, organization_id: str) -> None:
        """Raises StorageFull if an organization has no room for more data."""
        if self.database.full_among((organization_id,)):
            raise StorageFull

    def organizations_among(self, ids: Iterable[str]) -> list[str]:
        """The organizations among `ids` that the caller can access, in the order of `ids`."""
        return [organization_id for organization_id in ids if organization_id in self.principal.organizations]

    def narrow(self, organization_id: str) -> "Access":
        """The same access, limited to one organization."""
        if self.principal.organizations == (organization_id,):
            return self
        return Access(self.database, self.principal.narrow(organization_id), self.source)

    def target(self, record_id: str, expected_version: ExpectedVersion = None) -> Target:
        """A record of any organization that the caller can access. Raises NotFound for text that is not an id."""
        if not is_id(record_id):
            raise NotFound("There is no such record")
        return Target(self.principal.organizations, record_id, self.principal.actor, expected_version)

    def writable_target(self, record_id: str, expected_version: ExpectedVersion = None) -> Target:
        """As target. Raises Forbidden first for a token that may only read."""
        self.require_write()
        return self.target(record_id, expected_version)
