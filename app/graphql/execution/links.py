"""Links: the fields of a record that show the record that belongs to it. The database renders both together."""

from collections.abc import Mapping

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.organizations.faces import GRAPHQL_ORGANIZATION
from app.query.face import Codec, Face, Field, Link


def _make_link(name: str, column: str, link: Link, face: Face) -> Field:
    codec = Codec(document=face, link=link)
    return Field(name, column, codec=codec, writable=False, filterable=False, sortable=False, nullable=False)


ORGANIZATION = _make_link("organization", "organization_id", Link.ORGANIZATION, GRAPHQL_ORGANIZATION)
LINKS: Mapping[tuple[str, str], Field] = {
    ("Client", "organization"): ORGANIZATION,
    ("Client", "customer"): _make_link("customer", "id", Link.SAME_ROW, GRAPHQL_CUSTOMER),
    ("Customer", "organization"): ORGANIZATION,
    ("Customer", "client"): _make_link("client", "id", Link.SAME_ROW, GRAPHQL_CLIENT),
}
"""The links by their type and name."""
