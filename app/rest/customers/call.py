"""Call: one request of a known caller, and how the Customers door reads its headers and its body."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from app.auth import Access, Principal
from app.clients.faces import CUSTOMER_ID, ENTITY_ID
from app.errors import Invalid, Malformed, NotFound, Problem
from app.http.bodies import parse_json, read_bytes
from app.idempotency import RequestKey
from app.rest.customers.errors import WrongType
from app.storage.database import Database
from app.vat.vies import Vies


@dataclass(frozen=True, slots=True)
class Call:
    """`record` is the id in the path as it was sent, prefix and all; empty where the path has none."""

    request: Request
    database: Database
    vies: Vies
    principal: Principal
    body_cap: int
    record: str

    @property
    def customer_id(self) -> str:
        """The bare id in the path, or an empty text, the id of nothing, for what has no prefix."""
        return bare_id(self.record, CUSTOMER_ID.prefix)

    def entity(self) -> str:
        """The entity that the request is about: the one of the header, or the first that the key can reach."""
        named = self.named_entity()
        if named is None and not self.principal.organizations:
            raise NotFound("There is no entity that this key can reach")
        return named or self.principal.organizations[0]

    @property
    def access(self) -> Access:
        return Access(self.database, self.principal)

    def scoped(self) -> Access:
        """The access of the caller, limited to the entity of the header when there is one."""
        named = self.named_entity()
        return self.access if named is None else self.access.narrow(named)

    def named_entity(self) -> str | None:
        headers = self.request.headers
        given = {*headers.getlist("x-entity-id"), *headers.getlist("entity_id")} - {""}
        if not given:
            return None
        if len(given) > 1:
            raise Malformed("The headers x-entity-id and entity_id name different entities", "x-entity-id")
        return self.reach(given.pop())

    def reach(self, text: str) -> str:
        """The bare id of an entity. Raises the same NotFound for one out of reach and for what is the id of none."""
        entity = bare_id(text, ENTITY_ID.prefix)
        if entity not in self.principal.organizations:
            raise NotFound("There is no such entity")
        return entity

    async def read_object(self) -> tuple[bytes, dict[str, Any]]:
        """The body as it was sent, and the JSON object in it."""
        check_json_type(self.request)
        data = await read_bytes(self.request, self.body_cap)
        body = parse_json(data)
        if not isinstance(body, dict):
            raise Invalid([Problem("", "type", "Expected object", body)])
        return data, body

    def request_key(self, entity: str, data: bytes) -> RequestKey | None:
        """What makes this request the same as another: Idempotency-Key, or else the X-Request-Id that the caller chose."""
        headers = self.request.headers
        given = set(headers.getlist("idempotency-key"))
        if len(given) > 1:
            raise Malformed("The header Idempotency-Key is given with different values", "Idempotency-Key")
        text = given.pop() if given else headers.get("x-request-id") or None
        if text is None:
            return None
        return RequestKey.of(self.principal.owner, text, self.request.method, self.request.url.path, entity, data)


def bare_id(text: str, prefix: str) -> str:
    return text.removeprefix(prefix) if text.startswith(prefix) else ""


def check_json_type(request: Request) -> None:
    """Raises WrongType for a body that is declared as something else than plain JSON in UTF-8; undeclared is JSON."""
    kind, _, rest = request.headers.get("content-type", "application/json").lower().partition(";")
    kind, charset = kind.strip(), rest.partition("charset=")[2].partition(";")[0].strip(' "')
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise WrongType("The Content-Type of the body must be application/json")
    if charset not in ("", "utf-8", "utf8"):
        raise WrongType("The charset of the body must be UTF-8")
    if request.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise WrongType("The body must not be encoded")
